"""Tests of course_utils.networks: the embedded network, and those of keras.applications."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from course_utils import data, images, networks
from course_utils.ask import CourseError
from course_utils.quiet import keras, tf
from tests.shared import shared

CLASSES = 20


def made_up_weights() -> dict[str, np.ndarray]:
    """A valid file of a slim network with random weights, half as wide as the shipped one."""
    model = networks.slim_vgg16((8, 16, 32, 64, 64), CLASSES)
    rng = np.random.default_rng(0)
    arrays = {}
    for layer in model.layers:
        for part, weight in zip(("kernel", "bias"), layer.get_weights(), strict=False):
            scale = np.sqrt(2 / weight[..., 0].size) if part == "kernel" else 0.1
            weight = scale * rng.standard_normal(weight.shape)
            arrays[f"{layer.name}/{part}"] = weight.astype(np.float16)
    labels = ["sports car", "Egyptian cat", "tabby cat", *map("thing {}".format, range(3, CLASSES))]
    return arrays | {
        "wnids": np.array([f"n{number:08d}" for number in range(CLASSES)]),
        "labels": np.array(labels),
        "format": np.array(networks.EMBEDDED_FORMAT),
    }


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "slim.npz"
    np.savez(file, **made_up_weights())
    return file


@pytest.fixture(scope="module")
def network(weights):
    return networks.load(path=weights)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """No test gets the network of another one."""
    monkeypatch.setattr(networks, "_kept", {})


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(1).random((5, 48, 40, 3)).astype(np.float32)


# --------------------------------------------------------------------------- the embedded network


def test_the_network_is_the_one_that_its_weights_describe(network, weights, pictures):
    """The same forward pass by hand, from the file's arrays."""
    arrays = np.load(weights)
    maps = tf.constant(pictures) * 255 / 64 - 2
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
    kernel, bias = (arrays[f"predictions/{part}"] for part in ("kernel", "bias"))
    logits = vector @ kernel.astype(np.float32) + bias
    np.testing.assert_allclose(network.predict(pictures), logits, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(network.descriptor(pictures), vector, rtol=1e-3, atol=1e-4)
    assert all(weight.dtype == "float32" for weight in network.model.weights)


def test_layer_names_and_order_are_those_of_vgg16(network):
    vgg16 = keras.applications.VGG16(include_top=False, weights=None)
    own = ("preprocess", "global_average", "predictions")
    names = [name for name in network.layers if name not in own]
    assert names == [layer.name for layer in vgg16.layers[1:-1]]
    assert network.conv_layers == tuple(name for name in names if "conv" in name)


def test_what_a_classifier_knows_of_itself(network):
    assert (network.name, network.input_size, network.min_size) == ("embedded", 64, 32)
    assert len(network.labels) == len(network.wnids) == CLASSES
    assert not network.model.trainable_variables
    assert "20 classes" in repr(network)


@pytest.mark.parametrize("size", [(32, 32), (33, 57), (64, 64), (130, 95)])
def test_any_size_from_32_pixels_on(network, size):
    assert network.predict(np.zeros((*size, 3), np.float32)).shape == (CLASSES,)


def test_one_picture_or_many_and_any_batch_size(network, pictures):
    before = pictures.copy()
    together = network.predict(pictures)
    np.testing.assert_array_equal(pictures, before)
    assert together.shape == (5, CLASSES) and together.dtype == np.float32
    for batch_size in (1, 2, 5, 99):
        np.testing.assert_allclose(network.predict(pictures, batch_size), together, atol=1e-4)
    np.testing.assert_allclose(network.predict(pictures[3]), together[3], atol=1e-4)
    np.testing.assert_allclose(network.predict(list(pictures)), together, atol=1e-4)
    assert network.descriptor(pictures[0]).shape == (64,)


@pytest.fixture
def graphs(monkeypatch):
    """Every graph that a network uses, and the number of pictures of each call."""
    log, compiled = [], networks.Classifier.compiled

    def watched(*args, **options):
        graph = compiled(*args, **options)
        return lambda batch: log.append((graph, len(batch))) or graph(batch)

    monkeypatch.setattr(networks.Classifier, "compiled", watched)
    return log


def test_an_empty_batch_has_an_answer_and_never_reaches_the_network(network, pictures, graphs):
    assert network.predict(pictures[:0]).shape == (0, CLASSES)
    assert [count for _, count in graphs] == [1], (
        "TensorFlow's oneDNN kernels fail on empty batches"
    )


def test_sizes_and_batches_share_one_trace(network, pictures, graphs):
    network.predict(pictures)
    network.predict(np.zeros((2, 35, 36, 3), np.float32), batch_size=1)
    ((graph, *_),) = {(graph,) for graph, _ in graphs}
    assert [count for _, count in graphs] == [5, 1, 1]
    assert graph.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda x: (x * 255).astype(np.uint8), "uint8"),
        (lambda x: x * 255, "divide by 255"),
        (lambda x: x - 0.5, r"\[0, 1\]"),
        (lambda x: x * np.nan, "NaN"),
        (lambda x: x[..., 0], r"\(5, 48, 40\)"),
        (lambda x: x[..., :2], r"\(5, 48, 40, 2\)"),
        (lambda x: x[None], r"\(1, 5, 48, 40, 3\)"),
        (lambda x: x[:, :31], "31x40"),
        (lambda x: x[:, :, :31], "48x31"),
        (lambda x: [x[0], x[1, :40]], "list"),
        (lambda x: "picture.jpg", "str"),
        (lambda x: x.astype(complex), "complex"),
    ],
)
def test_what_is_no_picture_is_refused(network, pictures, spoil, told):
    for method in (network.predict, network.descriptor):
        with pytest.raises(CourseError, match=told):
            method(spoil(pictures))


def test_a_rounding_error_beyond_the_range_is_clipped(network, pictures):
    batch, single = network.as_batch(pictures[0].round() * 1.0005)
    assert single and batch.shape == (1, 48, 40, 3) and batch.max() == 1


def test_gradients_reach_the_pixels(network, pictures):
    pixels = tf.constant(pictures[:1])
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        logit = network.model(pixels)[0, 3]
    gradient = tape.gradient(logit, pixels).numpy()
    assert gradient.shape == pixels.shape and np.isfinite(gradient).all() and gradient.any()


# --------------------------------------------------------------------------- features


def test_features_by_name(network, pictures):
    both = network.features(["block2_conv1", "predictions"])(pictures)
    assert list(both) == ["block2_conv1", "predictions"]
    assert both["block2_conv1"].shape == (5, 24, 20, 16)
    np.testing.assert_allclose(both["predictions"], network.predict(pictures), atol=1e-4)
    one = network.features("block1_conv1")
    assert list(one(pictures)) == ["block1_conv1"], "one layer comes as a dictionary, too"
    assert one.get_layer("block1_conv1") is network.model.get_layer("block1_conv1")


def test_average_pooling_instead_of_max(weights, network, pictures):
    gentle = networks.load(path=weights, pooling="average")
    features = ["block1_conv2", "block1_pool"]
    maps = {name: value.numpy() for name, value in gentle.features(features)(pictures).items()}
    before = network.features("block1_conv2")(pictures)["block1_conv2"]
    np.testing.assert_allclose(maps["block1_conv2"], before, atol=1e-4)
    tiles = maps["block1_conv2"].reshape(5, 24, 2, 20, 2, 8)
    np.testing.assert_allclose(maps["block1_pool"], tiles.mean((2, 4)), atol=1e-4)
    assert gentle.layers == network.layers


# --------------------------------------------------------------------------- kept, not made anew


def test_a_trained_network_is_loaded_once_for_each_setting():
    network, gentle = networks.load(), networks.load(pooling="average")
    network.model.set_weights(network.model.get_weights())
    assert networks.load("Embedded") is network, "the same weights again are no change"
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


def _scaled(model, log, factor, shift, pictures):
    log.traces += 1
    (maps,) = model(pictures, training=False).values()
    return maps * factor + shift


class Log:
    """Counts tracings; as every object, hashable by its identity."""

    traces = 0


def test_a_graph_is_traced_once_and_serves_all_sizes_and_numbers(network, pictures):
    log = Log()
    signature = [
        tf.TensorSpec((), tf.float32),
        tf.TensorSpec((None, None, None, 3), tf.float32),
    ]
    maps = network.features("block1_conv2")(pictures)["block1_conv2"].numpy()
    for shift in (0.0, 1.5):
        for batch, height in ((pictures, 48), (pictures[:2, :40], 40)):
            run = network.compiled(_scaled, "block1_conv2", log, 2.0, signature=signature)
            found = run(shift, batch).numpy()
            expected = 2 * maps[: len(batch)] + shift
            # Away from the lower edge, where a picture that was cut sees other pixels.
            np.testing.assert_allclose(
                found[:, : height - 4], expected[:, : height - 4], rtol=1e-4, atol=1e-4
            )
    assert log.traces == 1


def test_another_layer_or_setting_is_another_graph(network, pictures):
    log, signature = Log(), [tf.TensorSpec((None, None, None, 3), tf.float32)]
    results = [
        network.compiled(_scaled, layers, log, factor, 0.0, signature=signature)(pictures).numpy()
        for layers in ("block1_conv1", ["block1_conv2"])
        for factor in (1.0, 3.0)
    ]
    assert log.traces == 4
    np.testing.assert_allclose(results[1], 3 * results[0], rtol=1e-5)
    np.testing.assert_allclose(results[3], 3 * results[2], rtol=1e-5)
    assert not np.allclose(results[0], results[2])
    again = network.compiled(_scaled, "block1_conv2", log, 3.0, 0.0, signature=signature)
    np.testing.assert_array_equal(again(pictures), results[3])
    assert log.traces == 4, "a name and a list of one name are the same layers"


# --------------------------------------------------------------------------- decoding


@given(numpy_arrays(np.float32, CLASSES, elements=st.floats(-1e4, 1e4, width=32)))
@settings(max_examples=50, deadline=None)
def test_probabilities_are_stable_and_sum_to_one(network, logits):
    ranked = network.decode(logits, top=CLASSES)
    probabilities = [probability for *_, probability in ranked]
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities == sorted(probabilities, reverse=True)
    assert ranked[0][0] == network.wnids[int(np.argmax(logits))]


def test_decode_one_or_many_and_back(network):
    logits = np.zeros((2, CLASSES))
    logits[0, 1] = logits[1, 0] = np.log(19)
    first, second = network.decode(logits, top=2)
    assert first[0] == ("n00000001", "Egyptian cat", pytest.approx(0.5))
    assert second[0][1] == "sports car" and len(second) == 2
    assert network.index("egyptian_cat") == network.index("n00000001") == 1


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda network: network.index("car"), "'car'.*sports car"),
        (lambda network: network.index("tabby kat"), "'tabby kat'.*tabby cat"),
        (lambda network: network.index("zzz"), "'zzz'"),
        (lambda network: network.decode(np.zeros(7)), r"\(7,\).*20"),
        (lambda network: network.decode(np.zeros((1, 1, CLASSES))), r"\(1, 1, 20\)"),
        (lambda network: network.decode(np.zeros(CLASSES), top=0), "top is 0"),
        (lambda network: network.predict(np.zeros((32, 32, 3)), batch_size=0), "batch_size is 0"),
        (lambda network: network.features("block3_conv"), "'block3_conv'.*predictions"),
        (lambda network: network.features([]), "layers"),
        (lambda network: network.compiled(_scaled, ["block9"], signature=[]), "'block9'"),
        (lambda network: networks.load(pooling="mean"), "'mean'"),
        (lambda network: networks.load("mobilenet"), "'mobilenet'.*did you mean 'MobileNetV2'"),
        (lambda network: networks.load(5), "5"),
        (lambda network: networks.load("VGG16", path="weights.npz"), r"weights\.npz.*VGG16"),
    ],
)
def test_what_the_network_cannot_do_is_told(network, call, told):
    with pytest.raises(CourseError, match=told):
        call(network)


# --------------------------------------------------------------------------- damaged files


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def spoiled(**changes) -> dict[str, np.ndarray]:
    arrays = made_up_weights() | changes
    return {key: value for key, value in arrays.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": None}, "format"),
        ({"format": np.array(0)}, "format"),
        ({"format": np.array(2)}, "format"),
        ({"block3_conv2/kernel": None}, "block3_conv2/kernel"),
        ({"predictions/bias": None}, "predictions/bias"),
        ({"block1_conv3/bias": np.zeros(8, np.float16)}, "block1_conv3/bias"),
        ({"block2_conv1/kernel": np.zeros((3, 3, 8, 17), np.float16)}, r"\(3, 3, 8, 17\)"),
        ({"block5_conv3/bias": np.zeros(9, np.float16)}, r"\(9,\)"),
        ({"block1_conv1/bias": np.full(8, np.nan, np.float16)}, "block1_conv1.*not finite"),
        ({"block1_conv1/bias": np.zeros(8, np.int8)}, "block1_conv1.*not finite"),
        ({"labels": None}, "labels"),
        ({"labels": np.array(["one"])}, "1 labels"),
        ({"wnids": np.array(["one"])}, "1 wnids"),
        ({"labels": np.array([Bomb()], object)}, "allow_pickle"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, changes, told):
    np.savez(tmp_path / "bad.npz", **spoiled(**changes))
    with pytest.raises(CourseError, match=rf"bad\.npz.*{told}.*train_embedded"):
        networks.load(path=tmp_path / "bad.npz")


def damaged_copies(weights: Path, folder: Path) -> Iterator[Path]:
    raw = weights.read_bytes()
    flipped = bytearray(raw)
    flipped[len(raw) // 3] ^= 0xFF
    with zipfile.ZipFile(folder / "zip.npz", "w") as archive:
        archive.writestr("format.npy", "nothing")
    np.save(folder / "array.npy", np.zeros(3))
    for number, content in enumerate((b"", b"hello", raw[: len(raw) // 2], flipped)):
        (folder / f"{number}.npz").write_bytes(content)
    yield folder / "missing.npz"
    yield from folder.iterdir()


def test_a_damaged_file_gives_one_sentence(tmp_path, weights):
    for file in damaged_copies(weights, tmp_path):
        with pytest.raises(CourseError, match=file.name) as error:
            networks.load(path=file)
        assert "\n" not in str(error.value)


def test_the_hash_of_the_manifest_is_held(tmp_path, monkeypatch, weights):
    """No file but the one that was shipped is loaded without being named."""
    (tmp_path / "embedded").mkdir()
    (tmp_path / "manifest.json").write_bytes((data.ROOT / "manifest.json").read_bytes())
    (tmp_path / networks.EMBEDDED_FILE).write_bytes(weights.read_bytes())
    monkeypatch.setattr(data.shipped, "ROOT", tmp_path)
    with pytest.raises(CourseError, match=r"slim_vgg16\.npz is damaged"):
        networks.load("embedded")


# --------------------------------------------------------------------------- names and the switch


def test_the_environment_switches_a_whole_run(monkeypatch):
    for chosen, name in (("mobilenetv2", "MobileNetV2"), ("", "embedded")):
        monkeypatch.setenv("COURSE_NETWORK", chosen)
        assert networks.load(pretrained=False).name == name
    monkeypatch.setenv("COURSE_NETWORK", "AlexNet")
    assert networks.load("embedded").name == "embedded", "an argument counts more"
    with pytest.raises(CourseError, match="COURSE_NETWORK is 'AlexNet'"):
        networks.load()


# --------------------------------------------------------------------------- keras.applications


@pytest.mark.parametrize("name", [name for name in networks.APPLICATIONS if name != "VGG16"])
def test_every_application(name):
    keras.layers.Conv2D(1, 1)  # takes the name conv2d, which must not change those of the network
    network = networks.load(name, pretrained=False)
    assert network.layers[-1] == "predictions" and len(network.labels) == 1000
    assert len(set(network.layers)) == len(network.layers)
    assert network.model.get_layer("predictions").activation is keras.activations.linear
    if name == "InceptionV3":
        assert network.conv_layers == ("conv2d", *(f"conv2d_{number}" for number in range(1, 94)))
    if name != "EfficientNetB0":  # of which Keras does not say it
        side = network.input_size
        assert f"({side}, {side}, 3)" in getattr(keras.applications, name).__doc__
    small = (network.min_size - 1, network.min_size - 1, 3)
    with pytest.raises(CourseError, match=f"{small[0]}x{small[0]}"):
        network.descriptor(np.zeros(small))
    with pytest.raises(ValueError, match=f"at least {network.min_size}x{network.min_size}"):
        getattr(keras.applications, name)(include_top=False, weights=None, input_shape=small)

    # The logits of VGG need pictures of one size, the features of any network do not.
    last = network.conv_layers[-1] if network.fixed_size else "predictions"
    features = network.features(last)
    size = network.min_size
    pixels = tf.constant(np.random.default_rng(0).random((1, size, size, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        answer = tf.reduce_mean(features(pixels)[last] ** 2)
    gradient = tape.gradient(answer, pixels).numpy()
    assert np.isfinite(gradient).all() and gradient.any()

    # What its first layer receives is what Keras makes of bytes; four ways differ.
    received = keras.Model(network.model.inputs[0], network.model.layers[1].input)(pixels)
    module = getattr(keras.applications, networks.APPLICATIONS[name].module)
    np.testing.assert_allclose(received, module.preprocess_input(pixels.numpy() * 255), atol=1e-4)


def test_vgg_answers_like_keras_own_and_its_features_take_any_size(monkeypatch):
    make, peers = keras.applications.VGG16, []

    def untrained(weights, **options):
        model = make(weights=None, **options)
        if weights == "imagenet":
            peers.append(model)
        return model

    classes = [(f"n{number}", f"a_{number}", -number) for number in range(1000)]
    decode = "keras.applications.imagenet_utils.decode_predictions"
    monkeypatch.setattr(decode, lambda _, top: [classes[:top]])
    monkeypatch.setattr(keras.applications, "VGG16", untrained)
    vgg16, (peer,) = networks.load("vgg16"), peers
    assert (vgg16.wnids[999], vgg16.labels[999]) == ("n999", "a 999")
    assert vgg16.model.count_params() == peer.count_params() == 138_357_544
    picture = np.random.default_rng(0).random((224, 224, 3)).astype(np.float32)
    answers = peer(keras.applications.vgg16.preprocess_input(picture[None] * 255))
    logits = vgg16.predict(picture)
    assert np.ptp(logits) > 1e-2
    np.testing.assert_allclose(keras.ops.softmax(logits), answers[0], rtol=1e-3)
    assert vgg16.layers[-4:] == ("flatten", "fc1", "fc2", "predictions")
    assert vgg16.descriptor(picture[:100, :120]).shape == (512,)
    for call in (vgg16.predict, vgg16.as_batch):
        with pytest.raises(CourseError, match=r"100x120.*224x224"):
            call(picture[:100, :120])


def test_real_weights_name_real_photos(keras_cache):
    network = networks.load("MobileNetV2")
    files = [shared(f"photos/{name}.jpg") for name in ("parrot", "dragonfly", "cat")]
    pictures = [images.load(file) for file in files]
    squares = [images.center_crop(picture, min(picture.shape[:2])) for picture in pictures]
    photos = np.stack([images.resize(square, 224) for square in squares])
    logits = network.predict(photos)
    named = [ranked[0][1] for ranked in network.decode(logits)]
    assert named == ["macaw", "dragonfly", "Egyptian cat"]
    assert network.index("macaw") == int(np.argmax(logits[0]))

    peer = keras.applications.MobileNetV2(weights="imagenet")
    expected = peer(keras.applications.mobilenet_v2.preprocess_input(photos * 255)).numpy()
    np.testing.assert_allclose(keras.ops.softmax(logits), expected, atol=1e-5)
    wnid, name, probability = network.decode(logits[0])[0]
    theirs = keras.applications.mobilenet_v2.decode_predictions(expected, top=1)[0][0]
    assert (wnid, name) == theirs[:2] and probability == pytest.approx(theirs[2], abs=1e-5)


def test_damaged_weights_are_told(keras_cache):
    file = keras_cache / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"
    start = file.read_bytes()[:100_000]
    file.unlink()
    file.write_bytes(start)
    with pytest.raises(CourseError, match=r"MobileNetV2.*delete.*embedded") as error:
        networks.load("MobileNetV2")
    assert "\n" not in str(error.value)


def test_without_the_network_one_sentence_names_the_embedded_network(monkeypatch):
    def refused(*_args, **_kwargs):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("socket.create_connection", refused)
    with pytest.raises(CourseError, match=r"MobileNetV2.*refused.*embedded") as error:
        networks.load("MobileNetV2")
    assert "\n" not in str(error.value)


# --------------------------------------------------------------------------- what is shipped


def test_the_shipped_network():
    network = networks.load("embedded")
    assert network.model.count_params() == 946_584
    assert len(network.labels) == 200 and all(wnid[0] == "n" for wnid in network.wnids)
    assert (data.ROOT / networks.EMBEDDED_FILE).stat().st_size < 2_500_000
    flat = network.predict(np.full((64, 64, 3), 0.5, np.float32))
    assert np.isfinite(flat).all() and flat.std() > 0.1
