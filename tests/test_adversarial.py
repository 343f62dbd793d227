"""Attacks against what can be computed exactly, their errors, and the explorer's frames."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from course_utils import adversarial, data, images, networks
from course_utils.activations import softmax
from course_utils.adversarial import Victim, distance, fgsm, pgd, project, steepest
from course_utils.quiet import keras, tf
from course_utils.widgets import attack_explorer

NORMS = ("linf", "l2", "l1")
UNIT = st.floats(0, 1, width=32)
BATCHES = hnp.arrays(np.float32, (3, 2, 2, 1), elements=UNIT)
SIGNED = hnp.arrays(np.float32, (3, 2, 2, 1), elements=st.floats(-4, 4, width=16))
SIZES = st.floats(0, 1)
SHARED = Path(__file__).parents[2] / "shared"
WEIGHTS = SHARED / "keras" / "models" / networks.APPLICATIONS["MobileNetV2"].file


def straight(seed: int = 0, classes: int = 3, size: int = 4) -> Victim:
    """A linear victim, of which everything is known."""
    random = np.random.default_rng(seed)
    return adversarial.linear_victim(
        random.normal(size=(classes, size)), random.normal(size=classes)
    )


def small_cnn(outputs: int = 10) -> keras.Model:
    picture = keras.Input((8, 8, 1))
    maps = keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(picture)
    units = keras.layers.Dense(32, activation="relu")(keras.layers.Flatten()(maps))
    return keras.Model(picture, keras.layers.Dense(outputs)(units))


@cache
def digits() -> data.Digits:
    return data.handwritten_digits()


@cache
def reader() -> Victim:
    """A small network that reads digits."""
    keras.utils.set_random_seed(3)
    train, labels, *_ = digits()
    return adversarial.keras_victim(adversarial.train(small_cnn(), train, labels, epochs=12))


@pytest.fixture
def test_set() -> tuple[np.ndarray, np.ndarray]:
    return digits().test_images[:150], digits().test_labels[:150]


# --- sizes of changes -----------------------------------------------------------------------------


@given(BATCHES, BATCHES)
def test_distances_are_numpys_norms(before: np.ndarray, after: np.ndarray) -> None:
    flat = (after - before).reshape(3, -1)
    for norm, order in (("l1", 1), ("l2", 2), ("linf", np.inf)):
        expected = np.linalg.norm(flat, order, axis=1)
        assert np.allclose(distance(before, after, norm), expected, atol=1e-6)
    assert np.array_equal(distance(before, after, "l0"), (np.abs(flat) > 1e-7).sum(axis=1))


@given(BATCHES, BATCHES, SIZES)
def test_projection_is_near_and_in_range(
    moved: np.ndarray, original: np.ndarray, eps: float
) -> None:
    for norm in ("linf", "l2"):
        found = project(moved, original, eps, norm)
        assert (distance(original, found, norm) <= eps + 1e-5).all()
        assert found.min() >= 0 and found.max() <= 1
        assert np.allclose(project(found, original, eps, norm), found, atol=1e-6)
        near = distance(original, moved, norm) <= eps - 1e-6
        assert np.allclose(found[near], moved[near], atol=1e-6)


@given(SIGNED, hnp.arrays(np.float32, (3, 2, 2, 1), elements=st.floats(-1, 1, width=16)))
def test_no_step_of_size_one_climbs_more(gradient: np.ndarray, other: np.ndarray) -> None:
    orders = {"linf": np.inf, "l2": 2, "l1": 1}
    for norm in NORMS:
        step = steepest(gradient, norm)
        sizes = np.linalg.norm(step.reshape(3, -1), orders[norm], axis=1)
        assert (sizes <= 1 + 1e-5).all()
        rise = (gradient * step).reshape(3, -1).sum(axis=1)
        size = np.linalg.norm(other.reshape(3, -1), orders[norm], axis=1)
        rival = (gradient * other).reshape(3, -1).sum(axis=1) / np.maximum(size, 1)
        assert (rise >= rival - 1e-4).all()


# --- victims and results --------------------------------------------------------------------------


def test_a_gradient_is_that_of_each_pictures_own_loss(test_set: tuple) -> None:
    pictures, labels = (part[:4] for part in test_set)
    victim = reader()
    together = victim.gradient(pictures, labels)
    alone = [victim.gradient(pictures[[i]], labels[[i]])[0] for i in range(4)]
    assert np.allclose(together, alone, atol=1e-6)

    def loss(batch: np.ndarray) -> np.ndarray:
        logits = victim.logits(batch).astype(float)
        return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(4), labels]

    step = np.zeros_like(pictures)
    step[:, 3, 4] = 1e-2
    slope = (loss(pictures + step) - loss(pictures - step)) / 2e-2
    assert np.allclose(together[:, 3, 4, 0], slope, atol=0.05 * np.abs(slope).max() + 1e-3)


@given(st.integers(0, 99), BATCHES)
def test_linear_gradient_is_that_of_the_margin(seed: int, pictures: np.ndarray) -> None:
    victim, labels = straight(seed), np.array([0, 1, 2])
    margins = adversarial.margin(victim.logits(pictures), labels)
    gradient = victim.gradient(pictures, labels)
    change = 1e-3 * np.random.default_rng(seed).normal(size=pictures.shape).astype(np.float32)
    after = adversarial.margin(victim.logits(pictures + change), labels)
    expected = -(gradient * change).reshape(3, -1).sum(axis=1)
    # Another class may become the best other one on the way: then the margin is smaller still.
    assert (after - margins <= expected + 1e-5).all()


def test_margin_is_negative_where_the_answer_is_wrong() -> None:
    logits = np.array([[3.0, 1, 2], [0, 1, 5]])
    assert np.allclose(adversarial.margin(logits, [0, 1]), [1, -4])
    assert np.array_equal(logits, [[3, 1, 2], [0, 1, 5]])


def test_the_definition_asks_for_all_its_parts() -> None:
    victim = Victim(lambda x: np.stack([0.5 - x[:, 0], x[:, 0] - 0.5, 0 * x[:, 0] - 9], axis=1))
    before, label = np.array([[0.45, 0.5]]), np.array([0])

    def verdict(after: list[float], eps: float = 0.1, **options: object) -> bool:
        found = adversarial.is_adversarial(victim, before, np.array([after]), label, eps, **options)
        return bool(found[0])

    assert verdict([0.55, 0.5])
    assert not verdict([0.46, 0.5]), "the same answer"
    assert not verdict([0.58, 0.5]), "too far"
    assert verdict([0.58, 0.5], eps=0.2) and not verdict([0.55, 1.2], eps=1), "out of range"
    assert not verdict([0.55, 0.6], eps=0.1, norm="l2"), "too long"
    assert verdict([0.55, 0.5], targets=np.array([1]))
    assert not verdict([0.55, 0.5], targets=np.array([2])), "not the target"
    wrong = adversarial.is_adversarial(victim, before, before + 0.1, np.array([1]), 0.2)
    assert not wrong[0], "was wrong before"


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("attack", [fgsm, pgd])
def test_results_count_only_what_can_be_fooled(attack, targeted: bool, test_set: tuple) -> None:
    pictures, truth = test_set
    labels = (truth + 1) % 10 if targeted else truth
    result = attack(reader(), pictures, labels, 0.2, targeted=targeted)
    before = reader().predict(pictures)
    now = reader().predict(result.pictures)
    assert np.array_equal(result.predictions, now)
    assert np.array_equal(result.eligible, (before != labels) if targeted else before == labels)
    hit = now == labels if targeted else now != labels
    assert np.array_equal(result.success, hit & result.eligible)
    assert result.rate == pytest.approx(result.success.sum() / result.eligible.sum())
    assert result.queries == (1 if attack is fgsm else 10)
    assert 0.1 <= result.confidence.min() and result.confidence.max() <= 1
    if not targeted:
        proofs = adversarial.is_adversarial(reader(), pictures, result.pictures, truth, 0.2)
        assert np.array_equal(proofs, result.success)


def test_interval_contains_the_share() -> None:
    for hits, trials in ((0, 10), (3, 10), (10, 10), (400, 450)):
        low, high = adversarial.interval(hits, trials)
        assert 0 <= low <= hits / trials <= high <= 1 and low < high
    assert np.allclose(adversarial.interval(50, 100), (0.404, 0.596), atol=1e-3)  # Wilson's


# --- attacks --------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(0, 99), SIZES, st.booleans())
def test_attacks_stay_within_eps_and_range(seed: int, eps: float, targeted: bool) -> None:
    random = np.random.default_rng(seed)
    pictures, labels = random.random((5, 2, 2, 1)), random.integers(0, 3, 5)
    victim = straight(seed)
    for norm in ("linf", "l2"):
        results = [
            fgsm(victim, pictures, labels, eps, norm=norm, targeted=targeted),
            pgd(victim, pictures, labels, eps, norm=norm, targeted=targeted, restarts=2, seed=seed),
        ]
        for result in results:
            assert (result.distances(norm) <= eps + 1e-5).all()
            assert result.pictures.min() >= 0 and result.pictures.max() <= 1


def test_pgd_of_one_full_step_is_fgsm(test_set: tuple) -> None:
    for norm in ("linf", "l2"):
        one = fgsm(reader(), *test_set, 0.1, norm=norm)
        same = pgd(reader(), *test_set, 0.1, norm=norm, steps=1, step=0.1)
        assert np.allclose(one.pictures, same.pictures, atol=1e-6)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("targeted", [False, True])
def test_the_compiled_loop_is_that_of_single_steps(
    norm: str, targeted: bool, test_set: tuple
) -> None:
    stepwise, options = replace(reader(), graph=None), {"norm": norm, "targeted": targeted}
    for more in ({"steps": 7}, {"steps": 3, "step": 0.2, "restarts": 1}):
        one, same = (pgd(v, *test_set, 0.15, **options, **more) for v in (reader(), stepwise))
        # Where a gradient is as good as zero its sign is rounding.
        assert (np.abs(one.pictures - same.pictures) > 1e-4).mean() < 1e-3
        assert one.distances(norm).max() > 0.14


def counted(model: keras.Model) -> tuple[Victim, list]:
    """A victim, and a list that gets longer each time that its loss is traced."""
    traces = []

    def loss(labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        traces.append(1)
        return keras.losses.sparse_categorical_crossentropy(labels, outputs, from_logits=True)

    return adversarial.keras_victim(model, loss=loss), traces


def test_another_size_or_number_of_steps_traces_nothing_again(test_set: tuple) -> None:
    pictures, labels = test_set
    victim, traces = counted(small_cnn())
    pgd(victim, pictures, labels, 0.1)
    first = len(traces)
    assert first
    for count, eps, options in ((150, 0.2, {}), (3, 0.1, {"steps": 4, "step": 0.01})):
        pgd(victim, pictures[:count], labels[:count], eps, targeted=True, restarts=1, **options)
    assert len(traces) == first
    pgd(victim, pictures, labels, 0.1, norm="l2")
    assert len(traces) > first


def test_minus_reaches_a_target_and_plus_flees(test_set: tuple) -> None:
    pictures, truth = test_set
    target = (truth + 1) % 10
    toward = fgsm(reader(), pictures, target, 0.2, targeted=True)
    away = fgsm(reader(), pictures, target, 0.2)
    assert toward.rate > 0.2
    assert pgd(reader(), pictures, target, 0.2, targeted=True).rate >= toward.rate
    assert (away.predictions == target).mean() < 0.02


def test_many_steps_beat_one_and_both_beat_chance(test_set: tuple) -> None:
    chance = adversarial.random_signs(reader(), *test_set, 0.1)
    one, many = (attack(reader(), *test_set, 0.1) for attack in (fgsm, pgd))
    more = pgd(reader(), *test_set, 0.1, restarts=3)
    assert chance.rate + 0.2 < one.rate <= many.rate <= more.rate
    assert chance.queries == 0 and more.queries == 44
    assert np.isclose(chance.distances().max(), 0.1, atol=1e-6)


def test_same_seed_same_result(test_set: tuple) -> None:
    first, again, other = (
        pgd(reader(), *test_set, 0.1, restarts=1, seed=seed).pictures for seed in (4, 4, 5)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@given(st.integers(0, 99))
def test_smallest_eps_of_two_linear_classes_is_the_formula(seed: int) -> None:
    random = np.random.default_rng(seed)
    w, b = random.normal(size=6), random.normal() / 4
    victim = adversarial.linear_victim([0 * w, w], [0, b])
    pictures = random.uniform(0.4, 0.6, (8, 6)).astype(np.float32)
    labels = (pictures @ w + b > 0).astype(int)
    exact = np.abs(pictures @ w + b) / np.abs(w).sum()
    direction = steepest(victim.gradient(pictures, labels))
    found = adversarial.smallest_eps(victim, pictures, labels, direction, largest=0.4)
    inside = exact < 0.39  # beyond, values are cut at 0 and 1
    assert np.allclose(found[inside], exact[inside], atol=0.4 / 32 / 2**8 + 1e-5)
    assert np.isnan(found[exact > 0.401]).all()
    wrong = adversarial.smallest_eps(victim, pictures, 1 - labels, direction)
    assert not wrong.any()


def test_every_picture_one_pixel_away_is_looked_at() -> None:
    asked = []

    def logits(pictures: np.ndarray) -> np.ndarray:
        asked.append(pictures)
        return np.stack([pictures[:, 1, 0, 0], 0.6 + 0 * pictures[:, 0, 0, 0]], axis=1)

    picture = np.full((2, 2, 1), 0.9, np.float32)
    best, margins = adversarial.one_pixel(Victim(logits), picture, 0, [0, 0.5, 1])
    assert len(asked[0]) == 12 and margins.shape == (2, 2, 3)
    assert np.allclose(margins[1, 0], [-0.6, -0.1, 0.4]) and np.allclose(margins[0], 0.3)
    assert best[1, 0, 0] == 0 and distance(picture[None], best[None], "l0")[0] == 1
    assert (picture == np.float32(0.9)).all()


def test_search_finds_what_the_complete_search_finds(test_set: tuple) -> None:
    pictures, labels = test_set
    right = np.flatnonzero(reader().predict(pictures) == labels)[:60]
    levels = np.linspace(0, 1, 17)
    falls = [
        i
        for i in right
        if adversarial.one_pixel(reader(), pictures[i], labels[i], levels)[1].min() < 0
    ]
    assert len(falls) >= 5
    found = [
        adversarial.one_pixel_search(reader(), pictures[i], labels[i], generations=40)
        for i in falls
    ]
    assert np.mean([search.margin < 0 for search in found]) >= 0.8
    for i, search in zip(falls, found, strict=True):
        assert distance(pictures[[i]], search.picture[None], "l0")[0] <= 1
        own = adversarial.margin(reader().logits(search.picture[None]), labels[[i]])[0]
        assert np.isclose(own, search.margin, atol=1e-4)
        assert search.queries <= 41 * 60


def test_search_in_color_stays_in_range() -> None:
    victim = Victim(lambda p: np.stack([1.5 - p[:, 2, 1].sum(axis=1), 0 * p[:, 0, 0, 0]], axis=1))
    picture = np.zeros((3, 2, 3), np.float32)
    search = adversarial.one_pixel_search(victim, picture, 0, generations=30, seed=1)
    assert search.margin < 0 and search.picture.max() <= 1
    assert np.argwhere(search.picture.any(axis=2)).tolist() == [[2, 1]]


# --- trees and neighbors --------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999))
def test_nearest_leaf_is_another_class_and_nearest(seed: int) -> None:
    random = np.random.default_rng(seed)
    known, classes = random.random((60, 3)).astype(np.float32), random.integers(0, 3, 60)
    tree = DecisionTreeClassifier(max_leaf_nodes=12, random_state=0).fit(known, classes)
    pictures = random.random((10, 3)).astype(np.float32)
    labels = tree.predict(pictures)
    changed = adversarial.nearest_leaf(tree, pictures, labels)
    assert (tree.predict(changed) != labels).all()
    assert changed.min() >= 0 and changed.max() <= 1
    sizes = distance(pictures, changed, "l1")
    rivals = random.random((4000, 3)).astype(np.float32)
    answers = tree.predict(rivals)
    for picture, label, size in zip(pictures, labels, sizes, strict=True):
        away = np.abs(rivals[answers != label] - picture).sum(axis=1)
        assert size <= away.min() + 1e-6


def test_walk_to_the_neighbors() -> None:
    known = np.array([[0.1, 0.1], [0.2, 0.1], [0.9, 0.9], [0.8, 0.9]], np.float32)
    classes, start, label = np.array([4, 4, 7, 7]), np.float32([[0.2, 0.2]]), np.array([4])

    def walk(eps: float, count: int) -> np.ndarray:
        return adversarial.toward_neighbor(known, classes, start, label, eps, count=count)

    assert np.allclose(walk(0.5, 1), [[0.7, 0.7]])
    assert np.allclose(walk(1, 1), [[0.8, 0.9]]), "no further than the neighbor itself"
    assert np.allclose(walk(1, 2), [[0.85, 0.9]]), "the mean of two"
    before = KNeighborsClassifier(1).fit(known, classes)
    assert before.predict(start)[0] == 4 and before.predict(walk(0.5, 1))[0] == 7


# --- learning -------------------------------------------------------------------------------------


def test_adversarial_training_gains_against_pgd() -> None:
    train, labels, test, truth = digits()
    keras.utils.set_random_seed(3)
    model = adversarial.train(small_cnn(), train, labels, epochs=12, eps=0.1, steps=3)
    hard = adversarial.keras_victim(model)
    assert (hard.predict(test) == truth).mean() > 0.85
    gain = pgd(reader(), test, truth, 0.1).rate - pgd(hard, test, truth, 0.1).rate
    assert gain > 0.15


def test_a_learner_trains_as_keras_does() -> None:
    pictures, labels = (part[:90] for part in digits()[:2])
    learner = adversarial.Learner(small_cnn)
    own, other = (small_cnn() for _ in range(2))
    other.set_weights(own.get_weights())
    learner.build = lambda: own  # whose weights it starts with
    learner.fit(pictures, labels, epochs=2, batch_size=40, seed=5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    other.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, 6)), loss)
    random = np.random.default_rng(5)
    for _ in range(2):
        order = random.permutation(90)
        other.fit(pictures[order], labels[order], 40, shuffle=False, verbose=0)
    for one, two in zip(learner.model.get_weights(), other.get_weights(), strict=True):
        assert np.allclose(one, two, atol=1e-5)


@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_a_learner_forgets_all_when_it_starts_anew(eps: float) -> None:
    pictures, labels = (part[:90] for part in digits()[:2])
    keras.utils.set_random_seed(1)
    learner, found = adversarial.Learner(small_cnn), []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        learner.fit(pictures, labels, epochs=2, eps=eps)
        found.append(learner.model.get_weights()[0])
    assert np.allclose(found[0], found[1], atol=1e-2 if eps else 1e-5)
    assert not np.allclose(found[0], found[2], atol=1e-2)


def test_substitutes_ask_twice_as_often_each_round() -> None:
    asked, queries = [], []

    def oracle(pictures: np.ndarray) -> np.ndarray:
        asked.append(pictures.copy())
        return reader().predict(pictures)

    start = digits().test_images[:20]
    answers, gains = reader().predict(start), []
    for spy, count in adversarial.substitutes(oracle, start, small_cnn, rounds=3):
        queries.append(count)
        new = np.clip(start - 0.1 * np.sign(spy.gradient(start, answers)), 0, 1)
        before, after = (adversarial.margin(spy.logits(x), answers) for x in (start, new))
        gains.append((after - before).mean())
        if count == 20:
            first_step = new
    assert queries == [20, 40, 80]
    assert [len(pictures) for pictures in asked] == [20, 20, 40]
    # The new pictures lie where the substitute is surer of the oracle's answer.
    assert np.allclose(asked[1], first_step, atol=1e-6) and min(gains) > 0.1
    assert all(p.min() >= 0 and p.max() <= 1 for p in asked)
    assert (spy.predict(start) == answers).mean() > 0.8


# --- the physical world, and sounds ---------------------------------------------------------------


def test_photographs() -> None:
    pictures = np.repeat(images.sample("coffee", size=48)[None], 3, axis=0)
    assert np.array_equal(adversarial.photograph(pictures, strength=0), pictures)
    change = []
    for strength in (0.2, 0.6, 1):
        taken = adversarial.photograph(pictures, strength=strength, seed=1)
        assert taken.shape == pictures.shape and taken.dtype == np.float32
        assert taken.min() >= 0 and taken.max() <= 1
        assert not np.array_equal(taken[0], taken[1]), "each photo is another one"
        again = adversarial.photograph(pictures, strength=strength, seed=1)
        assert np.array_equal(taken, again)
        change.append(distance(pictures, taken, "l2").mean())
    assert change[0] < change[1] < change[2] < 15


def test_expectation_is_the_mean_over_views() -> None:
    entry = keras.Input((4,))
    model = keras.Model(entry, keras.layers.Dense(3)(entry))
    sure = adversarial.keras_victim(model)
    silent = adversarial.expectation(model, keras.layers.GaussianNoise(1e-6, seed=1), samples=4)
    pictures, labels = np.random.default_rng(0).random((5, 4), np.float32), np.arange(5) % 3
    assert np.allclose(
        silent.gradient(pictures, labels), sure.gradient(pictures, labels), atol=1e-4
    )
    assert np.allclose(silent.logits(pictures), sure.logits(pictures))
    noisy = adversarial.expectation(model, keras.layers.GaussianNoise(1.0, seed=1), samples=50)
    first, second = (noisy.gradient(pictures, labels) for _ in range(2))
    assert not np.allclose(first, second), "new views each time"
    assert np.abs(first - second).max() < np.abs(first).max()


@given(st.floats(-30, 60), st.integers(0, 99))
def test_signal_to_noise(decibels: float, seed: int) -> None:
    sound, noise = np.random.default_rng(seed).normal(size=(2, 1, 500))
    noise *= np.sqrt((sound**2).sum() / (noise**2).sum()) * 10 ** (-decibels / 20)
    assert np.isclose(adversarial.signal_to_noise(sound, sound + noise)[0], decibels, atol=1e-6)
    assert adversarial.signal_to_noise(sound, sound)[0] == np.inf


# --- large photos ---------------------------------------------------------------------------------


@pytest.mark.skipif(not WEIGHTS.is_file(), reason="no MobileNetV2 weights beside the project")
def test_the_panda_figure_with_a_network_of_imagenet(monkeypatch: pytest.MonkeyPatch) -> None:
    # Keras reads KERAS_HOME when it is imported; a test has to reach behind that.
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(SHARED / "keras"))
    network = networks.load("MobileNetV2")
    victim = adversarial.keras_victim(network.model)
    photos = [images.load(SHARED / "photos" / f"{n}.jpg") for n in ("parrot", "dragonfly")]
    squares = [images.center_crop(photo, min(photo.shape[:2])) for photo in photos]
    pictures = np.stack([images.resize(square, 224) for square in squares])
    labels = np.array([network.index(name) for name in ("macaw", "dragonfly")])
    before = softmax(victim.logits(pictures))[[0, 1], labels]
    assert (before > 0.9).all()
    needed = adversarial.smallest_eps(
        victim, pictures, labels, steepest(victim.gradient(pictures, labels)), largest=8 / 255
    )
    assert (needed < 3 / 255).all()
    chance = adversarial.random_signs(victim, pictures, labels, 8 / 255)
    assert not chance.success.any()
    gibbon = np.repeat(network.index("gibbon"), 2)
    result = pgd(victim, pictures, gibbon, 2 / 255, steps=20, targeted=True)
    assert result.success.all() and (result.confidence > 0.9).all()


# --- sentences ------------------------------------------------------------------------------------


GOOD = (np.full((2, 4), 0.5, np.float32), np.array([0, 1]))
BAD = [
    (lambda: fgsm(straight(), np.full((2, 4), 128), GOOD[1], 0.1), "divide bytes by 255"),
    (lambda: fgsm(straight(), GOOD[0] * 3, GOOD[1], 0.1), "from 1.5 to 1.5; .* between 0 and 1"),
    (lambda: fgsm(straight(), GOOD[0] * np.nan, GOOD[1], 0.1), "from nan"),
    (lambda: fgsm(straight(), GOOD[0], GOOD[1][:1], 0.1), r"shape \(1,\).* 2 pictures"),
    (lambda: fgsm(straight(), GOOD[0], GOOD[1] * 1.0, 0.1), "labels are float64"),
    (lambda: fgsm(straight(), *GOOD, -0.1), r"eps is -0\.1.*8/255, not 8"),
    (lambda: fgsm(straight(), *GOOD, np.nan), "eps is nan"),
    (lambda: fgsm(straight(), *GOOD, 0.1, norm="max"), "norm is 'max'.* linf, l2 or l1"),
    (lambda: fgsm(Victim(straight().logits), *GOOD, 0.1), "no gradient; attack a substitute"),
    (lambda: pgd(Victim(straight().logits), *GOOD, 0.1), "no gradient; attack a substitute"),
    (lambda: pgd(straight(), *GOOD, 0.1, norm="l1"), "projected in linf or l2"),
    (lambda: pgd(straight(), *GOOD, 0.1, steps=0), "steps=0 and restarts=0"),
    (lambda: pgd(straight(), *GOOD, 0.1, restarts=-1), "restarts=-1"),
    (lambda: distance(GOOD[0], GOOD[0][:1]), r"shapes \(2, 4\) and \(1, 4\)"),
    (lambda: distance(GOOD[1], GOOD[1]), r"shapes \(2,\) and \(2,\)"),
    (lambda: distance(GOOD[0], GOOD[0], "max"), "norm is 'max'; choose one of l0, l1, l2, linf"),
    (
        lambda: adversarial.photograph(np.zeros((4, 4, 3))),
        r"shape \(4, 4, 3\); give \(n, h, w, 3\)",
    ),
    (lambda: adversarial.photograph(np.zeros((1, 4, 4, 3)), strength=2), "strength is 2"),
    (lambda: attack_explorer.show("dog"), "picture is 'dog'; choose one of coffee"),
    (lambda: attack_explorer.show("coffee", "dog"), "target is 'dog'; choose one of goldfish"),
    (lambda: attack_explorer.frame("coffee", "teddy", "magic", 1), "attack is 'magic'"),
    (lambda: attack_explorer.frame("coffee", "teddy", "random signs", 99), "eps is 99; give 0 to"),
]


@pytest.mark.parametrize(("call", "words"), BAD, ids=[words for _, words in BAD])
def test_a_mistake_gets_a_sentence(call, words: str) -> None:
    with pytest.raises(ValueError, match=words) as error:
        call()
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


# --- the explorer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", attack_explorer.ATTACKS)
def test_explorer_changes_by_eps_at_most(attack: str) -> None:
    original = images.sample("coffee", size=networks.load().input_size)
    shown = attack_explorer.frame("coffee", "goldfish", attack, 6)
    magnified, changed, bars = shown.pictures.values()
    assert 4 < 255 * np.abs(changed - original).max() <= 6.01
    assert np.allclose(magnified, np.clip(0.5 + 8 * (changed - original), 0, 1), atol=1e-6)
    assert bars.shape == (290, 420, 3)
    assert "largest change 6.0 levels" in shown.text


def test_explorer_reaches_its_target_by_many_steps_only() -> None:
    shown = attack_explorer.frame("coffee", "goldfish", "iterated, toward the target", 8)
    assert any(title.startswith("changed: goldfish, 9") for title in shown.pictures)
    shown = attack_explorer.frame("coffee", "goldfish", "random signs", 8)
    assert any(title.startswith("changed: espresso, 9") for title in shown.pictures)


def test_explorer_without_a_change() -> None:
    for attack in attack_explorer.ATTACKS:
        shown = attack_explorer.frame("coffee", "goldfish", attack, 0)
        before, after, size = shown.text.splitlines()
        assert before.split()[1:] == after.split()[1:] and "change 0.0 levels" in size


def test_sounds_range_from_minus_one_to_one() -> None:
    random = np.random.default_rng(0)
    w = random.normal(size=6)
    victim = replace(adversarial.linear_victim([0 * w, w], [0, 0]), low=-1.0, high=1.0)
    sounds = random.uniform(-1, 1, (40, 6)).astype(np.float32)
    labels = victim.predict(sounds)
    results = [
        fgsm(victim, sounds, labels, 0.1),
        pgd(victim, sounds, labels, 0.1),
        pgd(victim, sounds, labels, 0.1, norm="l2", restarts=1),
        adversarial.random_signs(victim, sounds, labels, 0.1),
    ]
    for result in results:
        assert result.distances().max() <= 0.1 + 1e-6 and np.abs(result.pictures).max() <= 1
        proofs = adversarial.is_adversarial(victim, sounds, result.pictures, labels, 0.1)
        assert np.array_equal(proofs, result.success)
    assert results[0].success.any()
    assert (np.abs(results[0].pictures).max() > 0.99) and (results[0].pictures < 0).any()
    direction = steepest(victim.gradient(sounds, labels))
    found = adversarial.smallest_eps(victim, sounds, labels, direction, largest=0.1)
    assert np.array_equal(np.isfinite(found), results[0].success)


def test_a_keras_victim_has_the_range_and_the_loss_asked_for() -> None:
    entry = keras.Input((4,))
    model = keras.Model(entry, keras.layers.Dense(3)(entry))
    victim = adversarial.keras_victim(model, -1, 1, loss=lambda labels, outputs: outputs[:, 2])
    assert (victim.low, victim.high) == (-1, 1)
    gradient = victim.gradient(np.zeros((2, 4), np.float32), np.array([0, 1]))
    assert np.allclose(gradient, model.get_weights()[0][:, 2])


@pytest.mark.parametrize("targeted", [False, True])
def test_more_starts_never_do_worse(targeted: bool, test_set: tuple) -> None:
    pictures, truth = test_set
    labels, sign = ((truth + 1) % 10, 1) if targeted else (truth, -1)
    scores = []
    for restarts in (0, 1, 2, 4):
        result = pgd(reader(), pictures, labels, 0.1, steps=3, restarts=restarts, targeted=targeted)
        scores.append(sign * adversarial.margin(result.logits, labels))
    for fewer, more in pairwise(scores):
        assert (more >= fewer - 1e-5).all()
    assert (scores[-1] > scores[0] + 1e-3).any()


def test_the_usual_step_can_reach_the_border_and_leave_it(test_set: tuple) -> None:
    usual, same = (pgd(reader(), *test_set, 0.1, steps=5, step=step) for step in (None, 0.05))
    assert np.allclose(usual.pictures, same.pictures, atol=1e-6)


def test_search_ends_once_the_answer_is_wrong_or_the_generations_are_over() -> None:
    def search(bias: float, low: float = 0.0, **options: int) -> adversarial.Search:
        victim = Victim(
            lambda p: np.stack(
                [bias + p.reshape(len(p), -1).sum(axis=1), 0 * p[:, 0, 0, 0]], axis=1
            ),
            low=low,
        )
        picture = np.full((3, 3, 1), 0.1, np.float32)
        return adversarial.one_pixel_search(victim, picture, 0, **options)

    assert search(-9).queries <= 2 * 60
    hopeless = search(1, population=30, generations=4, seed=3)
    assert hopeless.queries == 5 * 30 and hopeless.margin > 0
    again = search(1, population=30, generations=4, seed=3)
    assert again.margin == hopeless.margin and np.array_equal(again.picture, hopeless.picture)
    assert search(1, population=30, generations=4, seed=4).margin != hopeless.margin
    assert search(0, low=-1.0).margin < 0  # with a value below 0 only


def test_random_signs_and_photographs_follow_their_seed() -> None:
    one, again, other = (
        adversarial.random_signs(straight(), *GOOD, 0.1, seed=seed).pictures for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    pictures = images.sample("coffee", size=48)[None]
    one, other = (adversarial.photograph(pictures, seed=seed) for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_confidence_is_the_softmax_of_the_answer(test_set: tuple) -> None:
    result = fgsm(reader(), *test_set, 0.1)
    chances = softmax(reader().logits(result.pictures))
    assert np.allclose(result.confidence, chances[np.arange(150), result.predictions])


def test_where_none_can_be_fooled_the_rate_is_zero() -> None:
    victim, pictures = straight(), np.random.default_rng(0).random((5, 4), np.float32)
    wrong = (victim.predict(pictures) + 1) % 3
    assert fgsm(victim, pictures, wrong, 0.1).rate == 0


def test_a_target_that_is_the_label_is_no_success() -> None:
    victim, before = straight(), np.random.default_rng(0).random((5, 4), np.float32)
    labels = victim.predict(before)
    found = adversarial.is_adversarial(victim, before, before, labels, 0.1, targets=labels)
    assert not found.any()


class Witness(keras.layers.Layer):
    """Remembers the smallest and the largest number that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high = tf.Variable(9.0), tf.Variable(-9.0)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        self.low.assign(tf.minimum(self.low, tf.reduce_min(x)))
        self.high.assign(tf.maximum(self.high, tf.reduce_max(x)))
        return x


def test_training_starts_its_attacks_at_random_and_stays_in_range() -> None:
    for value, low, high in ((0.5, 0.4, 0.6), (0.0, 0, 0.1), (1.0, 0.9, 1)):
        entry, witness = keras.Input((4,)), Witness()
        still = keras.layers.Dense(2, kernel_initializer="zeros")  # no gradient: starts stay
        model = keras.Model(entry, still(witness(entry)))
        pictures, labels = np.full((64, 4), value, np.float32), np.arange(64) % 2
        adversarial.train(model, pictures, labels, epochs=1, eps=0.1)
        assert low - 1e-6 <= witness.low.numpy() < low + 0.02
        assert high - 0.02 < witness.high.numpy() <= high + 1e-6
        moved = Witness()
        model = keras.Model(entry, keras.layers.Dense(2)(moved(entry)))
        adversarial.train(model, pictures, labels, epochs=1, eps=0.1)
        assert low - 1e-6 <= moved.low.numpy() and moved.high.numpy() <= high + 1e-6


def test_training_follows_its_seed_and_trains_batch_normalization() -> None:
    pictures, labels = np.random.default_rng(0).random((60, 4), np.float32), np.arange(60) % 2
    found = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(0)
        entry, norm = keras.Input((4,)), keras.layers.BatchNormalization(momentum=0.5)
        model = keras.Model(entry, keras.layers.Dense(2)(norm(entry)))
        adversarial.train(model, pictures, labels, epochs=1, batch_size=20, seed=seed)
        assert np.abs(norm.moving_mean.numpy() - 0.5).max() < 0.2
        found.append(model.get_weights()[-2])
    assert np.allclose(found[0], found[1], atol=1e-6)
    assert not np.allclose(found[0], found[2], atol=1e-6)


def test_substitutes_step_and_train_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, epochs = [], []
    monkeypatch.setattr(
        adversarial.Learner, "fit", lambda self, *args, **kw: epochs.append(kw["epochs"])
    )

    def oracle(pictures: np.ndarray) -> np.ndarray:
        asked.append(pictures.copy())
        return np.zeros(len(pictures), int)

    start = np.full((5, 8, 8, 1), 0.5, np.float32)
    list(adversarial.substitutes(oracle, start, small_cnn, rounds=2, step=0.3, epochs=7))
    assert epochs == [7, 7] and np.isclose(distance(start, asked[1]).max(), 0.3)


def test_a_photograph_is_turned_lit_blurred_noisy_and_packed() -> None:
    line = np.ones((8, 65, 65, 3), np.float32)
    line[:, 31:34] = 0
    taken = adversarial.photograph(line)
    rows = taken[..., 1].argmin(axis=1)
    tilts = np.abs(rows[:, 8] - rows[:, -9])
    assert 3 <= tilts.max() <= 10, "48 pixels apart, up to 10 degrees"
    gray = adversarial.photograph(np.full((20, 40, 40, 3), 0.5, np.float32))
    means = gray.mean(axis=(1, 2, 3))
    assert 0.44 < means.min() < 0.48 and 0.52 < means.max() < 0.56, "light"
    assert 0.01 < gray.std(axis=(1, 2, 3)).min(), "noise"
    assert np.allclose(gray * 255, np.round(gray * 255), atol=1e-3), "JPEG holds bytes"
    grain = np.random.default_rng(0).random((4, 64, 64, 3), np.float32)
    inner = adversarial.photograph(grain)[:, 12:-12, 12:-12]
    assert inner.std() < 0.27 * grain.std(), "resampled and out of focus"
    red = np.zeros((1, 40, 40, 3), np.float32) + np.float32([0.8, 0, 0])
    assert adversarial.photograph(red)[..., 1:].mean() < 0.05, "colors do not mix"


def test_signal_to_noise_is_each_sounds_own() -> None:
    sounds = np.array([[1.0, 1, 1, 1], [0.1, 0.1, 0.1, 0.1]])
    assert np.allclose(adversarial.signal_to_noise(sounds, sounds + 0.01), [40, 20])


def test_training_shows_every_picture_in_each_epoch() -> None:
    entry, seen = keras.Input((1,)), []

    class Note(keras.layers.Layer):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            tf.py_function(lambda batch: seen.extend(batch.numpy()[:, 0]), [x], [])
            return x

    model = keras.Model(entry, keras.layers.Dense(2)(Note()(entry)))
    seen.clear()
    pictures, labels = np.linspace(0, 1, 40, dtype=np.float32)[:, None], np.arange(40) % 2
    adversarial.train(model, pictures, labels, epochs=1, batch_size=25)
    assert np.array_equal(np.sort(seen), pictures[:, 0])


def test_margins_and_distances_of_whole_numbers() -> None:
    assert adversarial.margin([[3, 1, 2]], [0]).tolist() == [1]
    light, dark = np.array([[200]], np.uint8), np.array([[100]], np.uint8)
    for norm, size in (("l0", 1), ("l1", 100), ("l2", 100), ("linf", 100)):
        assert distance(light, dark, norm).tolist() == [size]


def test_a_linear_victim_has_a_row_for_each_class() -> None:
    with pytest.raises(ValueError, match=r"one row; give one for each class, such as \[-w, w\]"):
        adversarial.linear_victim([[1.0, 2.0]], [0.0])


def test_labels_are_no_places_from_the_end() -> None:
    with pytest.raises(ValueError, match="the labels are int64"):
        fgsm(straight(), np.full((2, 4), 0.5, np.float32), np.array([0, -1]), 0.1)


def test_a_walk_needs_enough_neighbors() -> None:
    known = np.float32([[0.1, 0.1], [0.2, 0.2], [0.9, 0.9]])
    with pytest.raises(ValueError, match="count is 2; there are 1 known pictures of other classes"):
        adversarial.toward_neighbor(known, [0, 0, 1], known[:1], [0], 1, count=2)


def test_silence_that_did_not_change_has_no_noise() -> None:
    assert adversarial.signal_to_noise(np.zeros((1, 9)), np.zeros((1, 9))).tolist() == [np.inf]


def test_all_one_pixel_pictures_are_of_a_gray_one() -> None:
    with pytest.raises(ValueError, match=r"\(8, 8, 3\); give a gray one, \(h, w, 1\)"):
        adversarial.one_pixel(straight(), np.zeros((8, 8, 3)), 0, [0, 1])
