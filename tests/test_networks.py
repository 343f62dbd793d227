"""Tests of course_utils.networks: the embedded network, and those of keras.applications."""

from __future__ import annotations

import inspect
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays
from PIL import Image

from course_utils import data, networks
from course_utils.ask import CourseError
from course_utils.quiet import keras, tf

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared"
KERAS_CACHE = SHARED / "keras"
SHIPPED = data.ROOT / networks.EMBEDDED_FILE
CLASSES = 20
needs_keras_cache = pytest.mark.skipif(
    not (KERAS_CACHE / "models" / networks.APPLICATIONS["MobileNetV2"].file).is_file(),
    reason="no MobileNetV2 weights beside the project",
)


def made_up_weights() -> dict[str, np.ndarray]:
    """A valid file of a slim network with random weights, half as wide as the shipped one."""
    rng = np.random.default_rng(0)
    widths, channels, arrays = (8, 16, 32, 64, 64), 3, {}
    for block, (width, depth) in enumerate(zip(widths, networks.DEPTHS, strict=True), start=1):
        for conv in range(1, depth + 1):
            scale = np.sqrt(2 / (9 * channels))
            kernel = scale * rng.standard_normal((3, 3, channels, width))
            arrays[f"block{block}_conv{conv}/kernel"] = kernel.astype(np.float16)
            arrays[f"block{block}_conv{conv}/bias"] = rng.random(width).astype(np.float16) / 10
            channels = width
    arrays["predictions/kernel"] = rng.standard_normal((channels, CLASSES)).astype(np.float16)
    arrays["predictions/bias"] = np.zeros(CLASSES, np.float16)
    arrays["wnids"] = np.array([f"n{number:08d}" for number in range(CLASSES)])
    arrays["labels"] = np.array(
        ["sports car", "Egyptian cat", "tabby cat"]
        + [f"thing {number}" for number in range(3, CLASSES)]
    )
    arrays["format"] = np.array(networks.EMBEDDED_FORMAT)
    return arrays


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "slim.npz"
    np.savez(file, **made_up_weights())
    return file


@pytest.fixture(scope="module")
def network(weights):
    return networks.load(path=weights)


@pytest.fixture(scope="module")
def vgg16():
    return networks.load("vgg16", pretrained=False)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """No test gets the network of another one."""
    monkeypatch.setattr(networks, "_kept", {})


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((5, 48, 40, 3)).astype(np.float32)


@pytest.fixture
def keras_home(monkeypatch):
    """Keras reads KERAS_HOME when it is imported; a test has to reach behind that."""
    return lambda folder: monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(folder))


# --------------------------------------------------------------------------- the embedded network


def test_the_network_is_the_one_that_its_weights_describe(network, weights, images):
    """The same forward pass by hand, from the file's arrays."""
    arrays = np.load(weights)
    maps = tf.constant(images) * 255 / 64 - 2
    for block, depth in enumerate(networks.DEPTHS, start=1):
        for conv in range(1, depth + 1):
            kernel, bias = (
                arrays[f"block{block}_conv{conv}/{part}"].astype(np.float32)
                for part in ("kernel", "bias")
            )
            maps = tf.nn.relu(tf.nn.conv2d(maps, kernel, 1, "SAME") + bias)
        if block < 5:
            maps = tf.nn.max_pool2d(maps, 2, 2, "VALID")
    vector = tf.reduce_mean(maps, (1, 2)).numpy()
    logits = vector @ arrays["predictions/kernel"].astype(np.float32)
    np.testing.assert_allclose(network.predict(images), logits, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(network.descriptor(images), vector, rtol=1e-3, atol=1e-4)
    assert all(weight.dtype == "float32" for weight in network.model.weights)


def test_layer_names_and_order_are_those_of_vgg16(network, vgg16):
    assert network.conv_layers == vgg16.conv_layers
    assert [name for name in vgg16.layers if name in network.layers] == [
        name for name in network.layers if name not in ("preprocess", "global_average")
    ]


def test_the_architecture_has_the_known_number_of_parameters():
    assert networks.slim_vgg16().count_params() == 946_584


def test_what_a_classifier_knows_of_itself(network):
    assert (network.name, network.input_size, network.min_size) == ("embedded", 64, 32)
    assert len(network.labels) == len(network.wnids) == CLASSES
    assert not network.model.trainable_variables
    assert "20 classes" in repr(network)


@pytest.mark.parametrize("size", [(32, 32), (33, 57), (64, 64), (130, 95)])
def test_any_size_from_32_pixels_on(network, size):
    assert network.predict(np.zeros((*size, 3), np.float32)).shape == (CLASSES,)


def test_one_picture_or_many_and_any_batch_size(network, images):
    together = network.predict(images)
    assert together.shape == (5, CLASSES) and together.dtype == np.float32
    for batch_size in (1, 2, 5, 99):
        np.testing.assert_allclose(network.predict(images, batch_size), together, atol=1e-4)
    np.testing.assert_allclose(network.predict(images[3]), together[3], atol=1e-4)
    np.testing.assert_allclose(network.predict(list(images)), together, atol=1e-4)
    assert network.descriptor(images[0]).shape == (64,)


def test_an_empty_batch_has_an_answer_and_never_reaches_the_network(network, images, monkeypatch):
    sizes, logits = [], network._logits
    counted = property(lambda _: lambda batch: sizes.append(len(batch)) or logits(batch))
    monkeypatch.setattr(networks.Classifier, "_logits", counted)
    assert network.predict(images[:0]).shape == (0, CLASSES)
    assert sizes == [1], "TensorFlow's oneDNN kernels fail on empty batches"


def test_sizes_and_batches_share_one_trace(network, images):
    network.predict(images)
    network.predict(np.zeros((2, 35, 36, 3), np.float32), batch_size=1)
    assert network._logits.experimental_get_tracing_count() == 1


def test_predict_leaves_the_pictures_alone(network, images):
    before = images.copy()
    network.predict(images)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: (x * 255).astype(np.uint8), r"uint8 from .*divide bytes by 255"),
        (lambda x: x * 255, r"float32 from .*in \[0, 1\]"),
        (lambda x: x - 0.5, r"in \[0, 1\]"),
        (lambda x: x * np.nan, r"from nan to nan"),
        (lambda x: x[..., 0], r"shape \(5, 48, 40\).*RGB"),
        (lambda x: x[..., :2], r"shape \(5, 48, 40, 2\)"),
        (lambda x: x.transpose(0, 3, 1, 2), r"three channels last"),
        (lambda x: x[:, :31], r"31x40; embedded needs 32 pixels"),
        (lambda x: [x[0], x[1, :40]], r"all of one size"),
        (lambda x: "picture.jpg", r"array of numbers"),
        (lambda x: x.astype(complex), r"array of numbers"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(network, images, spoil, message):
    for method in (network.predict, network.descriptor):
        with pytest.raises(CourseError, match=message):
            method(spoil(images))


def test_a_batch_size_below_one_is_refused(network, images):
    with pytest.raises(CourseError, match="batch_size is 0"):
        network.predict(images, batch_size=0)


def test_a_rounding_error_beyond_the_range_is_let_pass(network, images):
    network.predict(images.clip(0, 1) * 1.0001)


def test_gradients_reach_the_pixels(network, images):
    pixels = tf.constant(images[:1])
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        logit = network.model(pixels)[0, 3]
    gradient = tape.gradient(logit, pixels).numpy()
    assert gradient.shape == pixels.shape and np.isfinite(gradient).all() and gradient.any()


# --------------------------------------------------------------------------- features


def test_features_by_name(network, images):
    both = network.features(["block2_conv1", "predictions"])(images)
    assert list(both) == ["block2_conv1", "predictions"]
    assert both["block2_conv1"].shape == (5, 24, 20, 16)
    np.testing.assert_allclose(both["predictions"], network.predict(images), atol=1e-4)
    one = network.features("block1_pool")(images)
    assert list(one) == ["block1_pool"], "one layer comes as a dictionary, too"


def test_features_share_the_weights(network):
    features = network.features("block1_conv1")
    assert features.get_layer("block1_conv1") is network.model.get_layer("block1_conv1")


def test_a_wrong_layer_name_gets_the_valid_ones(network):
    with pytest.raises(CourseError, match=r"no layer 'block3_conv'.*block3_conv1.*predictions"):
        network.features("block3_conv")
    with pytest.raises(CourseError, match="at least one layer"):
        network.features([])


def test_average_pooling_instead_of_max(weights, network, images):
    gentle = networks.load(path=weights, pooling="average")
    features = ["block1_conv2", "block1_pool"]
    maps = {name: value.numpy() for name, value in gentle.features(features)(images).items()}
    before = network.features("block1_conv2")(images)["block1_conv2"]
    np.testing.assert_allclose(maps["block1_conv2"], before, atol=1e-4)
    tiles = maps["block1_conv2"].reshape(5, 24, 2, 20, 2, 8)
    np.testing.assert_allclose(maps["block1_pool"], tiles.mean((2, 4)), atol=1e-4)
    assert gentle.layers == network.layers
    with pytest.raises(CourseError, match="'max' or 'average'"):
        networks.load(path=weights, pooling="mean")


# --------------------------------------------------------------------------- kept, not made anew


def test_a_trained_network_is_loaded_once_for_each_setting():
    network, gentle = networks.load(), networks.load(pooling="average")
    assert networks.load("Embedded") is network
    assert networks.load(pooling="average") is gentle is not network
    assert not any(one is two for one in network.model.layers for two in gentle.model.layers)


def test_random_weights_and_those_of_a_file_are_never_shared(weights):
    for source in ({"pretrained": False}, {"path": weights}):
        one, two = networks.load(**source), networks.load(**source)
        assert one is not two and one.model.layers[2] is not two.model.layers[2]
        assert networks.load() not in (one, two)
    one, two = (networks.load(pretrained=False).model.get_weights() for _ in range(2))
    assert not np.array_equal(one[0], two[0])


@given(st.integers(0, 27), st.data())
@settings(max_examples=10, deadline=None)
def test_a_network_with_other_weights_is_not_given_again(number, choose):
    network = networks.load()
    weight = network.model.weights[number]
    before = weight.numpy()
    place = tuple(choose.draw(st.integers(0, size - 1)) for size in before.shape)
    changed = before.copy()
    changed[place] += 1
    weight.assign(changed)
    fresh = networks.load()
    assert fresh is not network and networks.load() is fresh
    np.testing.assert_array_equal(fresh.model.weights[number], before)


def test_the_same_weights_again_are_no_change():
    network = networks.load()
    network.model.set_weights(network.model.get_weights())
    assert networks.load() is network


def _scaled(model, log, factor, shift, pictures):
    log.traces += 1
    (maps,) = model(pictures, training=False).values()
    return maps * factor + shift


class Log:
    """Counts tracings; as every object, hashable by its identity."""

    traces = 0


def test_a_graph_is_traced_once_and_serves_all_sizes_and_numbers(network, images):
    log = Log()
    signature = [
        tf.TensorSpec((), tf.float32),
        tf.TensorSpec((None, None, None, 3), tf.float32),
    ]
    maps = network.features("block1_conv2")(images)["block1_conv2"].numpy()
    for shift in (0.0, 1.5):
        for batch, height in ((images, 48), (images[:2, :40], 40)):
            run = network.compiled(_scaled, "block1_conv2", log, 2.0, signature=signature)
            found = run(shift, batch).numpy()
            expected = 2 * maps[: len(batch)] + shift
            # Away from the lower edge, where a picture that was cut sees other pixels.
            np.testing.assert_allclose(
                found[:, : height - 4], expected[:, : height - 4], rtol=1e-4, atol=1e-4
            )
    assert log.traces == 1


def test_another_layer_or_setting_is_another_graph(network, images):
    log, signature = Log(), [tf.TensorSpec((None, None, None, 3), tf.float32)]
    results = [
        network.compiled(_scaled, layers, log, factor, 0.0, signature=signature)(images).numpy()
        for layers in ("block1_conv1", ["block1_conv2"])
        for factor in (1.0, 3.0)
    ]
    assert log.traces == 4
    np.testing.assert_allclose(results[1], 3 * results[0], rtol=1e-5)
    np.testing.assert_allclose(results[3], 3 * results[2], rtol=1e-5)
    assert not np.allclose(results[0], results[2])
    again = network.compiled(_scaled, "block1_conv2", log, 3.0, 0.0, signature=signature)
    np.testing.assert_array_equal(again(images), results[3])
    assert log.traces == 4, "a name and a list of one name are the same layers"


def test_a_graph_of_no_such_layer_is_refused(network):
    with pytest.raises(CourseError, match=r"no layer 'block9'"):
        network.compiled(_scaled, ["block1_conv1", "block9"], signature=[])


# --------------------------------------------------------------------------- decoding


@given(numpy_arrays(np.float32, CLASSES, elements=st.floats(-1e4, 1e4, width=32)))
@settings(max_examples=50, deadline=None)
def test_probabilities_are_stable_and_sum_to_one(network, logits):
    ranked = network.decode(logits, top=CLASSES)
    probabilities = [probability for *_, probability in ranked]
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities == sorted(probabilities, reverse=True)
    assert ranked[0][0] == network.wnids[int(np.argmax(logits))]


def test_decode_one_or_many(network):
    logits = np.zeros((2, CLASSES))
    logits[0, 1] = logits[1, 0] = np.log(19)
    first, second = network.decode(logits, top=2)
    assert first[0] == ("n00000001", "Egyptian cat", pytest.approx(0.5))
    assert second[0][1] == "sports car" and len(second) == 2
    with pytest.raises(CourseError, match=r"shape \(7,\).*20"):
        network.decode(np.zeros(7))


def test_index_of_a_class(network):
    assert network.index("egyptian_cat") == network.index("n00000001") == 1
    with pytest.raises(CourseError, match=r"similar ones: .*sports car"):
        network.index("car")
    with pytest.raises(CourseError, match=r"`\.labels` lists"):
        network.index("zzz")


# --------------------------------------------------------------------------- damaged files


def spoiled(**changes) -> dict[str, np.ndarray]:
    arrays = made_up_weights() | changes
    return {key: value for key, value in arrays.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": None}, "has format none, and this version of the course reads format 1"),
        ({"format": np.array(2)}, "has format 2"),
        ({"block3_conv2/kernel": None}, "lacks the array block3_conv2/kernel"),
        ({"predictions/bias": None}, "lacks the array predictions/bias"),
        ({"block1_conv3/bias": np.zeros(8, np.float16)}, "block1_conv3/bias.*no such layer"),
        (
            {"block2_conv1/kernel": np.zeros((3, 3, 8, 17), np.float16)},
            r"block2_conv1 .*\(3, 3, 8, 16",
        ),
        ({"block5_conv3/bias": np.zeros(9, np.float16)}, r"block5_conv3 .*\(9,\)"),
        ({"block1_conv1/bias": np.full(8, np.nan, np.float16)}, "not finite"),
        ({"block1_conv1/bias": np.zeros(8, np.int8)}, "not finite floats"),
        ({"labels": None}, "lacks labels"),
        ({"labels": np.array(["one"])}, "lacks labels, one text for each of 20 classes"),
        ({"wnids": np.arange(CLASSES)}, "lacks wnids"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, changes, message):
    np.savez(tmp_path / "bad.npz", **spoiled(**changes))
    with pytest.raises(CourseError, match=message) as error:
        networks.load(path=tmp_path / "bad.npz")
    assert "bad.npz" in str(error.value) and "train_embedded" in str(error.value)


def damaged_copies(weights: Path, folder: Path) -> dict[str, Path]:
    raw = weights.read_bytes()
    flipped = bytearray(raw)
    flipped[len(raw) // 3] ^= 0xFF
    contents = {"empty": b"", "cut": raw[: len(raw) // 2], "text": b"hello", "flipped": flipped}
    files = {name: folder / f"{name}.npz" for name in contents}
    for name, file in files.items():
        file.write_bytes(contents[name])
    files["single array"] = folder / "array.npy"
    np.save(files["single array"], np.zeros(3))
    files["no arrays"] = folder / "zip.npz"
    with zipfile.ZipFile(files["no arrays"], "w") as archive:
        archive.writestr("format.npy", "nothing")
    return files


def test_a_damaged_file_gives_one_sentence(tmp_path, weights):
    for name, file in damaged_copies(weights, tmp_path).items():
        with pytest.raises(CourseError, match=file.name) as error:
            networks.load(path=file)
        assert "\n" not in str(error.value), name
    with pytest.raises(CourseError, match="does not exist"):
        networks.load(path=tmp_path / "missing.npz")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_a_pickle_in_the_file_is_not_loaded(tmp_path):
    np.savez(tmp_path / "evil.npz", **spoiled(labels=np.array([Bomb()], object)))
    with pytest.raises(CourseError, match=r"evil\.npz is damaged"):
        networks.load(path=tmp_path / "evil.npz")


def test_the_hash_of_the_manifest_is_held(tmp_path, monkeypatch, weights):
    (tmp_path / "embedded").mkdir()
    file = tmp_path / networks.EMBEDDED_FILE
    file.write_bytes(weights.read_bytes())
    entry = {"file": networks.EMBEDDED_FILE, "sha256": data._digest(file, "sha256")}
    (tmp_path / "manifest.json").write_text(json.dumps({"files": [entry]}))
    monkeypatch.setattr(data, "ROOT", tmp_path)
    assert len(networks.load().labels) == CLASSES
    networks._kept.clear()
    np.savez(file, **spoiled(**{"predictions/bias": np.ones(CLASSES, np.float16)}))
    with pytest.raises(CourseError, match="SHA-256 is not the one of the manifest"):
        networks.load()
    file.unlink()
    with pytest.raises(CourseError, match="missing"):
        networks.load()


# --------------------------------------------------------------------------- names and the switch


def test_the_environment_switches_a_whole_run(monkeypatch):
    for name in ("xception", "Xception"):
        monkeypatch.setenv("COURSE_NETWORK", name)
        assert networks._name(None) == "Xception"
    assert networks._name("embedded") == "embedded", "an argument counts more"
    monkeypatch.setenv("COURSE_NETWORK", "")
    assert networks._name(None) == "embedded"


def test_an_unknown_name_gets_the_names(monkeypatch):
    with pytest.raises(CourseError, match=r"'mobilenet'; did you mean MobileNetV2\?.*Xception"):
        networks.load("mobilenet")
    monkeypatch.setenv("COURSE_NETWORK", "AlexNet")
    with pytest.raises(CourseError, match="from COURSE_NETWORK"):
        networks.load()
    with pytest.raises(CourseError, match="path names weights of the embedded"):
        networks.load("VGG16", path="weights.npz")


# --------------------------------------------------------------------------- keras.applications


@pytest.mark.parametrize("name", networks.APPLICATIONS)
def test_every_application_up_to_its_weights(name, monkeypatch):
    """Built as with ImageNet weights, which are only asked for, not loaded."""
    asked = {}

    def get_file(fname, origin, cache_subdir=None, file_hash=None, **_):
        asked.update(file=fname, url=origin, folder=cache_subdir, hash=file_hash)

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: None)
    monkeypatch.setattr(networks, "_cached", lambda part, _: Path(part.file))
    monkeypatch.setattr(networks, "_class_index", lambda _: (["n"] * 1000, ["name"] * 1000))
    network = networks.load(name)
    spec, part = networks.APPLICATIONS[name], networks.APPLICATIONS[name].weights
    if spec.dense:  # their own Flatten layer is not wanted, so Keras is not asked for the file
        source = inspect.getmodule(getattr(keras.applications, name))
        asked = {
            "file": part.file,
            "url": source.WEIGHTS_PATH,
            "folder": "models",
            "hash": part.digest if part.digest in inspect.getsource(source) else None,
        }
    assert asked == {
        "file": part.file,
        "url": part.urls[0],
        "folder": "models",
        "hash": part.digest,
    }

    # The logits of VGG need pictures of one size, the features of any network do not.
    last = network.conv_layers[-1] if network.fixed_size else "predictions"
    features = network.features(last)
    size = network.min_size + 5
    pixels = tf.constant(np.random.default_rng(0).random((1, size, size, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        answer = tf.reduce_mean(features(pixels)[last] ** 2)
    gradient = tape.gradient(answer, pixels).numpy()
    assert np.isfinite(gradient).all() and gradient.any()

    # What its first layer receives is what Keras makes of bytes; four ways differ.
    received = keras.Model(network.model.inputs[0], network.model.layers[1].input)(pixels)
    expected = getattr(keras.applications, spec.module).preprocess_input(pixels.numpy() * 255)
    np.testing.assert_allclose(received, expected, atol=1e-4)
    assert network.layers[-1] == "predictions" and len(network.labels) == 1000
    assert len(set(network.layers)) == len(network.layers)
    assert network.model.get_layer("predictions").activation is keras.activations.linear
    if name in ("InceptionV3", "Xception"):  # whichever was built first in this process
        assert "conv2d" in network.layers and "conv2d_1" in network.layers


def test_vgg_says_what_size_its_dense_layers_need(vgg16):
    with pytest.raises(CourseError, match="100x120; the dense layers of VGG16 need 224x224"):
        vgg16.predict(np.zeros((100, 120, 3), np.float32))
    assert vgg16.descriptor(np.zeros((100, 120, 3), np.float32)).shape == (512,)
    assert vgg16.predict(np.zeros((224, 224, 3), np.float32)).shape == (1000,)
    assert vgg16.features("fc2")(np.zeros((1, 224, 224, 3), np.float32))["fc2"].shape[1] == 4096
    assert vgg16.model.count_params() == 138_357_544


def test_automatic_names_start_anew_in_every_network():
    def build() -> keras.Model:
        image = keras.Input((8, 8, 3), name="image")
        maps = keras.layers.Conv2D(2, 1)(keras.layers.Conv2D(2, 1)(image))
        maps = keras.layers.MaxPooling2D()(keras.layers.Conv2D(2, 1, name="conv2d_mine")(maps))
        return keras.Model(image, maps)

    for _ in range(2):
        model = build()
        networks._number_names(model)
        names = [layer.name for layer in model.layers]
        assert names == ["image", "conv2d", "conv2d_1", "conv2d_mine", "max_pooling2d"]
        assert model.get_layer("conv2d_1").output.shape == (None, 8, 8, 2)


def test_the_class_index_is_the_one_that_keras_asks_for(monkeypatch):
    def get_file(fname, origin, cache_subdir=None, file_hash=None):
        part = networks.CLASS_INDEX
        assert (fname, origin, cache_subdir) == (part.file, part.urls[0], "models")
        assert file_hash == part.digest
        raise LookupError

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", None)
    with pytest.raises(LookupError):
        keras.applications.imagenet_utils.decode_predictions(np.zeros((1, 1000)))


def test_a_damaged_class_index_is_told(tmp_path):
    (tmp_path / "index.json").write_text('{"0": ["n01440764", "tench"]}')
    with pytest.raises(CourseError, match=r"index\.json is damaged: delete it"):
        networks._class_index(tmp_path / "index.json")


def photo(name: str, size: int = 224) -> np.ndarray:
    """The middle square of a photo, float RGB in [0, 1]."""
    with Image.open(SHARED / "photos" / f"{name}.jpg") as picture:
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        square = picture.convert("RGB").crop((left, top, left + side, top + side))
        return np.asarray(square.resize((size, size), Image.Resampling.BICUBIC), np.float32) / 255


@needs_keras_cache
def test_real_weights_name_real_photos(keras_home):
    keras_home(KERAS_CACHE)
    network = networks.load("MobileNetV2")
    photos = {name: photo(name) for name in ("parrot", "dragonfly", "cat")}
    logits = network.predict(np.stack(list(photos.values())))
    named = [ranked[0][1] for ranked in network.decode(logits)]
    assert named == ["macaw", "dragonfly", "Egyptian cat"]
    assert network.index("macaw") == int(np.argmax(logits[0]))

    peer = keras.applications.MobileNetV2(weights="imagenet")
    bytes_ = np.stack(list(photos.values())) * 255
    expected = peer(keras.applications.mobilenet_v2.preprocess_input(bytes_)).numpy()
    ours = keras.ops.softmax(logits).numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    wnid, name, probability = network.decode(logits[0])[0]
    theirs = keras.applications.mobilenet_v2.decode_predictions(expected, top=1)[0][0]
    assert (wnid, name) == theirs[:2] and probability == pytest.approx(theirs[2], abs=1e-5)


@needs_keras_cache
def test_damaged_weights_are_told(keras_home, tmp_path):
    keras_home(tmp_path)
    (tmp_path / "models").mkdir()
    index, weights = (
        KERAS_CACHE / "models" / part.file
        for part in (networks.CLASS_INDEX, networks.APPLICATIONS["MobileNetV2"].weights)
    )
    (tmp_path / "models" / index.name).write_bytes(index.read_bytes())
    (tmp_path / "models" / weights.name).write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(CourseError, match=r"kernels_1\.0_224\.h5 is damaged.*delete it") as error:
        networks.load("MobileNetV2")
    assert "\n" not in str(error.value)


def test_without_a_network_one_sentence_names_the_embedded_network(
    keras_home, tmp_path, monkeypatch, capsys
):
    def refused(*_args, **_kwargs):
        raise ConnectionRefusedError(111, "Connection refused")

    keras_home(tmp_path)
    monkeypatch.setattr("socket.create_connection", refused)
    with pytest.raises(CourseError, match=r"no server can be reached.*embedded") as error:
        networks.load("InceptionV3")
    assert "\n" not in str(error.value)
    assert "downloading" in capsys.readouterr().out


# --------------------------------------------------------------------------- what is shipped


def test_the_shipped_network():
    network = networks.load("embedded")
    assert network.model.count_params() == 946_584
    assert len(network.labels) == 200 and all(wnid[0] == "n" for wnid in network.wnids)
    assert SHIPPED.stat().st_size < 2_500_000
    flat = network.predict(np.full((64, 64, 3), 0.5, np.float32))
    assert np.isfinite(flat).all() and flat.std() > 0.1
