"""Attacks against what can be computed exactly, their errors, and the explorer's frames."""

from __future__ import annotations

from collections.abc import Callable
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
from course_utils.adversarial import Victim, distance, fgsm, pgd, project, random_signs, steepest
from course_utils.ask import CourseError
from course_utils.measures import softmax
from course_utils.quiet import keras, tf
from course_utils.widgets import attack_explorer
from tests.shared import shared

ORDERS = {"linf": np.inf, "l2": 2, "l1": 1}
BATCHES = hnp.arrays(np.float32, (3, 2, 2, 1), elements=st.floats(0, 1, width=32))
SIGNED = hnp.arrays(np.float32, (3, 2, 2, 1), elements=st.floats(-4, 4, width=16))
SEEDS = st.integers(0, 99)


def straight(seed: int = 0, classes: int = 3, size: int = 4) -> Victim:
    """A linear victim, of which everything is known."""
    random = np.random.default_rng(seed)
    return adversarial.linear_victim(
        random.normal(size=(classes, size)), random.normal(size=classes)
    )


def two_classes(w: np.ndarray, bias: float = 0.0) -> Victim:
    """Names 1 where w @ x + bias is above 0, else 0."""
    return adversarial.linear_victim([0 * w, w], [0, bias])


def dense(*below: keras.layers.Layer, **options: object) -> keras.Model:
    """One layer of three logits for four numbers, on top of others."""
    entry = maps = keras.Input((4,))
    for layer in below:
        maps = layer(maps)
    return keras.Model(entry, keras.layers.Dense(3, **options)(maps))


def small_cnn() -> keras.Model:
    picture = keras.Input((8, 8, 1))
    maps = keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(picture)
    units = keras.layers.Dense(32, activation="relu")(keras.layers.Flatten()(maps))
    return keras.Model(picture, keras.layers.Dense(10)(units))


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
    for norm, order in ORDERS.items():
        expected = np.linalg.norm(flat, order, axis=1)
        assert np.allclose(distance(before, after, norm), expected, atol=1e-6)
    assert np.array_equal(distance(before, after, "l0"), (np.abs(flat) > 1e-7).sum(axis=1))
    assert np.array_equal(distance(before, after), distance(before, after, "linf"))


@given(BATCHES, BATCHES, st.floats(0, 1))
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
        in_graph = project(*map(tf.constant, (moved, original)), eps, norm)
        assert np.allclose(in_graph, found, atol=1e-6)


@given(SIGNED, hnp.arrays(np.float32, (3, 2, 2, 1), elements=st.floats(-1, 1, width=16)))
def test_no_step_of_size_one_climbs_more(gradient: np.ndarray, other: np.ndarray) -> None:
    for norm, order in ORDERS.items():
        step = steepest(gradient, norm)
        assert (np.linalg.norm(step.reshape(3, -1), order, axis=1) <= 1 + 1e-5).all()
        rise = (gradient * step).reshape(3, -1).sum(axis=1)
        size = np.linalg.norm(other.reshape(3, -1), order, axis=1)
        rival = (gradient * other).reshape(3, -1).sum(axis=1) / np.maximum(size, 1)
        assert (rise >= rival - 1e-4).all()
        if norm != "l1":
            assert np.allclose(steepest(tf.constant(gradient), norm), step, atol=1e-6)


def test_margins_and_distances_of_whole_numbers() -> None:
    logits = np.array([[3, 1, 2], [0, 1, 5]])
    assert adversarial.margin(logits, [0, 1]).tolist() == [1, -4]
    assert logits.tolist() == [[3, 1, 2], [0, 1, 5]]
    light, dark = np.array([[200]], np.uint8), np.array([[100]], np.uint8)
    for norm, size in (("l0", 1), ("l1", 100), ("l2", 100), ("linf", 100)):
        assert distance(light, dark, norm).tolist() == [size]


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


@given(SEEDS, BATCHES)
def test_linear_gradient_is_that_of_the_margin(seed: int, pictures: np.ndarray) -> None:
    victim, labels = straight(seed), np.array([0, 1, 2])
    margins = adversarial.margin(victim.logits(pictures), labels)
    gradient = victim.gradient(pictures, labels)
    change = 1e-3 * np.random.default_rng(seed).normal(size=pictures.shape).astype(np.float32)
    after = adversarial.margin(victim.logits(pictures + change), labels)
    expected = -(gradient * change).reshape(3, -1).sum(axis=1)
    # Another class may become the best other one on the way: then the margin is smaller still.
    assert (after - margins <= expected + 1e-5).all()


def test_a_keras_victim_has_the_range_and_the_loss_asked_for() -> None:
    model = dense()
    victim = adversarial.keras_victim(model, -1, 1, loss=lambda labels, outputs: outputs[:, 2])
    assert (victim.low, victim.high) == (-1, 1)
    gradient = victim.gradient(np.zeros((2, 4), np.float32), np.array([0, 1]))
    assert np.allclose(gradient, model.get_weights()[0][:, 2])


def test_the_victim_of_a_classifier_is_compiled_once() -> None:
    network = networks.load()
    victim = adversarial.victim_of(network)
    assert victim is adversarial.victim_of(network) and (victim.low, victim.high) == (0, 1)
    photo = images.sample("coffee", size=network.input_size)[None]
    assert np.allclose(victim.logits(photo), network.predict(photo), atol=1e-4)


def test_expectation_is_the_mean_over_views() -> None:
    model, noise = dense(), keras.layers.GaussianNoise
    sure = adversarial.keras_victim(model)
    silent = adversarial.expectation(model, noise(1e-6, seed=1), samples=4)
    pictures, labels = np.random.default_rng(0).random((5, 4), np.float32), np.arange(5) % 3
    assert np.allclose(
        silent.gradient(pictures, labels), sure.gradient(pictures, labels), atol=1e-4
    )
    assert np.allclose(silent.logits(pictures), sure.logits(pictures))
    noisy = adversarial.expectation(model, noise(1.0, seed=1), samples=50)
    first, second = (noisy.gradient(pictures, labels) for _ in range(2))
    assert not np.allclose(first, second), "new views each time"
    assert np.abs(first - second).max() < np.abs(first).max()


def test_the_definition_asks_for_all_its_parts() -> None:
    victim = Victim(lambda x: np.stack([0.5 - x[:, 0], x[:, 0] - 0.5, 0 * x[:, 0] - 9], axis=1))
    before = np.array([[0.45, 0.5]])

    def verdict(after: list[float], eps: float = 0.1, label: int = 0, norm: str = "linf") -> bool:
        after, labels = np.array([after]), np.array([label])
        return bool(adversarial.is_adversarial(victim, before, after, labels, eps, norm)[0])

    assert verdict([0.55, 0.5])
    assert not verdict([0.46, 0.5]), "the same answer"
    assert not verdict([0.58, 0.5]), "too far"
    assert verdict([0.58, 0.5], eps=0.2)
    assert not verdict([0.55, 1.2], eps=1) and not verdict([0.55, -0.2], eps=1), "out of range"
    assert not verdict([0.55, 0.6], norm="l2"), "too long"
    assert not verdict([0.55, 0.6], eps=0.2, label=1), "was wrong before"


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("attack", [fgsm, pgd])
def test_results_count_only_what_can_be_fooled(attack, targeted: bool, test_set: tuple) -> None:
    pictures, truth = test_set
    labels = (truth + 1) % 10 if targeted else truth
    result = attack(reader(), pictures, labels, 0.2, targeted=targeted)
    before, now = (reader().predict(p) for p in (pictures, result.pictures))
    assert np.array_equal(result.predictions, now)
    assert np.array_equal(result.eligible, (before != labels) if targeted else before == labels)
    hit = now == labels if targeted else now != labels
    assert np.array_equal(result.success, hit & result.eligible)
    assert result.rate == pytest.approx(result.success.sum() / result.eligible.sum())
    assert result.queries == (1 if attack is fgsm else 10)
    chances = softmax(reader().logits(result.pictures))
    assert np.allclose(result.confidence, chances[np.arange(150), result.predictions])
    if not targeted:
        proofs = adversarial.is_adversarial(reader(), pictures, result.pictures, truth, 0.2)
        assert np.array_equal(proofs, result.success)


def test_a_rate_is_that_of_the_pictures_as_they_were() -> None:
    victim = two_classes(np.ones(4), bias=-2)
    pictures = np.random.default_rng(0).random((5, 4), np.float32)
    labels = victim.predict(pictures)
    assert fgsm(victim, pictures, 1 - labels, 0.1).rate == 0, "none can be fooled"
    result = fgsm(victim, pictures[:1], labels[:1], 1)
    pictures[:] = -9
    assert result.rate == 1


# --- attacks by gradient --------------------------------------------------------------------------


@settings(max_examples=25)
@given(SEEDS, st.floats(0, 1), st.booleans())
def test_attacks_stay_within_eps_and_range(seed: int, eps: float, targeted: bool) -> None:
    random = np.random.default_rng(seed)
    pictures, labels = random.random((5, 2, 2, 1)), random.integers(0, 3, 5)
    for norm in ("linf", "l2"):
        options = {"norm": norm, "targeted": targeted}
        for result in (
            fgsm(straight(seed), pictures, labels, eps, **options),
            pgd(straight(seed), pictures, labels, eps, **options, restarts=2, seed=seed),
        ):
            assert (result.distances(norm) <= eps + 1e-5).all()
            assert result.pictures.min() >= 0 and result.pictures.max() <= 1


def test_pgd_of_one_full_step_is_fgsm_and_its_usual_step_is_half_of_that(test_set: tuple) -> None:
    for norm in ("linf", "l2"):
        one = fgsm(reader(), *test_set, 0.1, norm=norm)
        same = pgd(reader(), *test_set, 0.1, norm=norm, steps=1, step=0.1)
        assert np.allclose(one.pictures, same.pictures, atol=1e-6)
    usual, same = (pgd(reader(), *test_set, 0.1, steps=5, step=step) for step in (None, 0.05))
    assert np.allclose(usual.pictures, same.pictures, atol=1e-6)


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


def test_another_size_or_number_of_steps_traces_nothing_again(test_set: tuple) -> None:
    traces = []

    def loss(labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        traces.append(1)
        return keras.losses.sparse_categorical_crossentropy(labels, outputs, from_logits=True)

    pictures, labels = test_set
    victim = adversarial.keras_victim(small_cnn(), loss=loss)
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
    chance = random_signs(reader(), *test_set, 0.1)
    one, many = (attack(reader(), *test_set, 0.1) for attack in (fgsm, pgd))
    more = pgd(reader(), *test_set, 0.1, restarts=3)
    assert chance.rate + 0.2 < one.rate <= many.rate <= more.rate
    assert chance.queries == 0 and more.queries == 44
    assert np.isclose(chance.distances().max(), 0.1, atol=1e-6)


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


@pytest.mark.parametrize("norm", ["linf", "l2"])
@given(SEEDS)
def test_sounds_range_from_minus_one_to_one(norm: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    victim = replace(two_classes(random.normal(size=6)), low=-1.0)
    sounds = random.uniform(-1, 1, (40, 6)).astype(np.float32)
    labels = victim.predict(sounds)
    one = fgsm(victim, sounds, labels, 0.1, norm=norm)
    many = pgd(victim, sounds, labels, 0.1, norm=norm, restarts=1)
    for result in (one, many, random_signs(victim, sounds, labels, 0.1)):
        assert result.distances("linf").max() <= 0.1 + 1e-6 and np.abs(result.pictures).max() <= 1
        assert result.pictures.min() < 0
        proofs = adversarial.is_adversarial(victim, sounds, result.pictures, labels, 0.1)
        assert np.array_equal(proofs, result.success)
    direction = steepest(victim.gradient(sounds, labels), norm)
    needed = adversarial.smallest_eps(victim, sounds, labels, direction, largest=0.1)
    assert np.array_equal(np.isfinite(needed), one.success)


@given(SEEDS)
def test_smallest_eps_of_two_linear_classes_is_the_formula(seed: int) -> None:
    random = np.random.default_rng(seed)
    w, b = random.normal(size=6), random.normal() / 4
    victim = two_classes(w, b)
    pictures = random.uniform(0.4, 0.6, (8, 6)).astype(np.float32)
    labels = (pictures @ w + b > 0).astype(int)
    exact = np.abs(pictures @ w + b) / np.abs(w).sum()
    direction = steepest(victim.gradient(pictures, labels))
    found = adversarial.smallest_eps(victim, pictures, labels, direction, largest=0.4)
    inside = exact < 0.39  # beyond, values are cut at 0 and 1
    assert np.allclose(found[inside], exact[inside], atol=0.4 / 32 / 2**8 + 1e-5)
    assert np.isnan(found[exact > 0.401]).all()
    assert not adversarial.smallest_eps(victim, pictures, 1 - labels, direction).any()


def test_smallest_eps_looks_as_far_as_one() -> None:
    low, high = np.full((2, 6), 0, np.float32), np.full((2, 6), 1, np.float32)
    victim = two_classes(np.ones(6), bias=-5.9)
    assert adversarial.smallest_eps(victim, low, [0, 0], high) == pytest.approx(5.9 / 6, abs=1e-3)


# --- attacks without a gradient -------------------------------------------------------------------


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


def search_of_a_sum(bias: float, low: float = 0.0, **options: int) -> adversarial.Search:
    def logits(pictures: np.ndarray) -> np.ndarray:
        return np.stack([bias + pictures.sum(axis=(1, 2, 3)), np.zeros(len(pictures))], axis=1)

    picture = np.full((3, 3, 1), 0.1, np.float32)
    return adversarial.one_pixel_search(Victim(logits, low=low), picture, 0, **options)


def test_search_ends_once_the_answer_is_wrong_or_the_generations_are_over() -> None:
    assert search_of_a_sum(-9).queries <= 2 * 60
    hopeless = search_of_a_sum(1, population=30, generations=4)
    assert hopeless.queries == 5 * 30 and hopeless.margin > 0
    assert search_of_a_sum(1).queries == 21 * 60
    assert search_of_a_sum(0, low=-1.0).margin < 0  # with a value below 0 only


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


def test_the_walk_goes_toward_five_neighbors() -> None:
    known = np.float32([[0], [0.6], [0.7], [0.8], [0.9], [1], [0.95]])
    walk = adversarial.toward_neighbor(known, np.arange(7) > 0, known[:1], [0], 1)
    assert np.allclose(walk, np.mean([0.6, 0.7, 0.8, 0.9, 0.95]))


def test_substitutes_ask_twice_as_often_each_round() -> None:
    asked, queries, gains = [], [], []

    def oracle(pictures: np.ndarray) -> np.ndarray:
        asked.append(pictures.copy())
        return reader().predict(pictures)

    start = digits().test_images[:20]
    answers = reader().predict(start)
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


# --- learning -------------------------------------------------------------------------------------


def test_adversarial_training_gains_against_pgd() -> None:
    train, labels, test, truth = digits()
    keras.utils.set_random_seed(3)
    model = adversarial.train(small_cnn(), train, labels, epochs=12, eps=0.1, steps=3)
    hard = adversarial.keras_victim(model)
    assert (hard.predict(test) == truth).mean() > 0.85
    gain = pgd(reader(), test, truth, 0.1).rate - pgd(hard, test, truth, 0.1).rate
    assert gain > 0.15


def test_the_worst_neighbors_are_those_of_pgd_from_a_random_start() -> None:
    model, labels = dense(), np.arange(30) % 3
    pictures = np.random.default_rng(1).random((30, 4), np.float32)
    for steps, eps in ((1, 0.1), (3, 0.2)):
        hardest = adversarial.worst(steps)(model, pictures, tf.constant(labels), eps).numpy()
        assert distance(pictures, hardest).max() == pytest.approx(eps, abs=1e-5)
        assert hardest.min() >= 0 and hardest.max() <= 1
        # Of a linear model the worst is a corner, which so large steps reach from everywhere.
        found = pgd(adversarial.keras_victim(model), pictures, labels, eps, steps=steps)
        same = np.abs(found.pictures - hardest) < 1e-5
        assert same.mean() > 0.9
    still = dense(kernel_initializer="zeros")  # no gradient: what it starts with stays
    many = np.full((500, 4), 0.95, np.float32)
    start = adversarial.worst()(still, many, tf.zeros(500, tf.int64), 0.1).numpy()
    assert 0.85 <= start.min() < 0.86 and start.max() == 1
    assert (start == 1).mean() == pytest.approx(0.25, abs=0.06)


def test_training_trains_batch_normalization() -> None:
    pictures, labels = np.random.default_rng(0).random((60, 4), np.float32), np.arange(60) % 2
    norm = keras.layers.BatchNormalization(momentum=0.5)
    adversarial.train(dense(norm), pictures, labels, epochs=1, batch_size=20)
    assert np.abs(norm.moving_mean.numpy() - 0.5).max() < 0.2


# --- the physical world, and sounds ---------------------------------------------------------------


def test_photographs() -> None:
    pictures, change = np.repeat(images.sample("coffee", size=48)[None], 3, axis=0), []
    for strength in (0, 0.2, 0.6, 1):
        taken = adversarial.photograph(pictures, strength=strength, seed=1)
        assert taken.shape == pictures.shape and taken.dtype == np.float32
        assert taken.min() >= 0 and taken.max() <= 1
        assert np.array_equal(taken[0], taken[1]) == (strength == 0), "each is another one"
        change.append(distance(pictures, taken, "l2").mean())
    assert 0 == change[0] < change[1] < change[2] < change[3] < 15


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
    grain = gray.std(axis=(1, 2, 3))
    assert 0.01 < grain.min() and grain.mean() < 0.015, "noise, of which JPEG keeps the coarse part"
    assert np.allclose(gray * 255, np.round(gray * 255), atol=1e-3), "JPEG holds bytes"
    grain = np.random.default_rng(0).random((4, 64, 64, 3), np.float32)
    inner = adversarial.photograph(grain)[:, 12:-12, 12:-12]
    assert inner.std() < 0.27 * grain.std(), "resampled and out of focus"
    lines = np.zeros((6, 60, 60, 3), np.float32)
    lines[:, :, ::2] = 1
    assert adversarial.photograph(lines, strength=0.25).std() < 0.25, "too fine for its resolution"
    red = np.zeros((1, 40, 40, 3), np.float32) + np.float32([0.8, 0, 0])
    assert adversarial.photograph(red)[..., 1:].mean() < 0.05, "colors do not mix"


@given(st.floats(-30, 60), SEEDS)
def test_signal_to_noise(decibels: float, seed: int) -> None:
    sound, noise = np.random.default_rng(seed).normal(size=(2, 1, 500))
    noise *= np.sqrt((sound**2).sum() / (noise**2).sum()) * 10 ** (-decibels / 20)
    both = np.concatenate([sound + noise, sound])
    ratios = adversarial.signal_to_noise(np.repeat(sound, 2, axis=0), both)
    assert np.allclose(ratios, [decibels, np.inf], atol=1e-6)
    assert adversarial.signal_to_noise(0 * sound, 0 * sound) == np.inf


def test_what_is_random_follows_its_seed() -> None:
    photo, victim = images.sample("coffee", size=48)[None], straight()
    pictures, labels = np.random.default_rng(0).random((20, 4), np.float32), np.arange(20) % 3
    curved = adversarial.keras_victim(dense(keras.layers.Dense(9, activation="tanh")))
    for draw in (
        lambda **seed: adversarial.photograph(photo, **seed),
        lambda **seed: random_signs(victim, pictures, labels, 0.1, **seed).pictures,
        lambda **seed: pgd(curved, pictures, labels, 0.3, steps=1, restarts=3, **seed).pictures,
        lambda **seed: search_of_a_sum(1, population=30, generations=2, **seed).picture,
    ):
        usual, first, other = draw(), draw(seed=0), draw(seed=1)
        assert np.array_equal(usual, first) and not np.array_equal(usual, other)


# --- large photos ---------------------------------------------------------------------------------


def test_the_panda_figure_with_a_network_of_imagenet(keras_cache: Path) -> None:
    network = networks.load("MobileNetV2")
    victim = adversarial.victim_of(network)
    photos = [images.load(shared(f"photos/{n}.jpg")) for n in ("parrot", "dragonfly")]
    squares = [images.center_crop(photo, min(photo.shape[:2])) for photo in photos]
    pictures = np.stack([images.resize(square, 224) for square in squares])
    labels = np.array([network.index(name) for name in ("macaw", "dragonfly")])
    before = softmax(victim.logits(pictures))[[0, 1], labels]
    assert (before > 0.9).all()
    needed = adversarial.smallest_eps(
        victim, pictures, labels, steepest(victim.gradient(pictures, labels)), largest=8 / 255
    )
    assert (needed < 3 / 255).all()
    assert not random_signs(victim, pictures, labels, 8 / 255).success.any()
    gibbon = np.repeat(network.index("gibbon"), 2)
    result = pgd(victim, pictures, gibbon, 2 / 255, steps=20, targeted=True)
    assert result.success.all() and (result.confidence > 0.9).all()


# --- refused --------------------------------------------------------------------------------------

HALF, LABELS = np.full((2, 4), 0.5, np.float32), np.array([0, 1])
KNOWN = np.float32([[0.1, 0.1], [0.2, 0.2], [0.9, 0.9]])
BLIND = Victim(straight().logits)
EMPTY = np.zeros((0, 4), np.float32), np.zeros(0, int)


@pytest.mark.parametrize(
    ("call", "offending"),
    [
        (lambda: fgsm(straight(), np.full((2, 4), 128), LABELS, 0.1), "int64"),
        (lambda: fgsm(straight(), HALF * 3, LABELS, 0.1), "1.5"),
        (lambda: fgsm(straight(), HALF * np.nan, LABELS, 0.1), "NaN"),
        (lambda: fgsm(straight(), HALF, LABELS[:1], 0.1), r"\(1,\)"),
        (lambda: fgsm(straight(), HALF, LABELS * 1.0, 0.1), "float64"),
        (lambda: fgsm(straight(), HALF, -LABELS, 0.1), "labels"),
        (lambda: fgsm(straight(), HALF, LABELS, -0.1), "eps.*-0.1"),
        (lambda: fgsm(straight(), HALF, LABELS, np.nan), "eps.*nan"),
        (lambda: fgsm(straight(), HALF, LABELS, 0.1, norm="max"), "max"),
        (lambda: fgsm(BLIND, HALF, LABELS, 0.1), "no gradient"),
        (lambda: pgd(BLIND, HALF, LABELS, 0.1), "no gradient"),
        (lambda: pgd(straight(), HALF, LABELS, 0.1, norm="l1"), "l1"),
        (lambda: pgd(adversarial.keras_victim(dense()), HALF, LABELS, 0.1, norm="l1"), "l1"),
        (lambda: pgd(straight(), HALF, LABELS, 0.1, steps=0), "steps is 0"),
        (lambda: pgd(straight(), HALF, LABELS, 0.1, restarts=-1), "restarts is -1"),
        (lambda: pgd(adversarial.keras_victim(dense()), *EMPTY, 0.1), "pictures"),
        (lambda: distance(HALF, HALF[:1]), r"\(2, 4\).*\(1, 4\)"),
        (lambda: distance(LABELS, LABELS), r"\(2,\)"),
        (lambda: distance(HALF, HALF, "max"), "max"),
        (lambda: adversarial.linear_victim([[1.0, 2.0]], [0.0]), "1 row"),
        (lambda: adversarial.one_pixel(straight(), np.zeros((8, 8, 3)), 0, [0]), r"\(8, 8, 3\)"),
        (lambda: adversarial.one_pixel(straight(), np.zeros((8, 8)), 0, [0]), r"\(8, 8\)"),
        (
            lambda: adversarial.toward_neighbor(KNOWN, [0, 0, 1], KNOWN[:1], [0], 1, count=2),
            "count is 2",
        ),
        (lambda: adversarial.photograph(np.zeros((4, 4, 3))), r"\(4, 4, 3\)"),
        (lambda: adversarial.photograph(np.zeros((1, 4, 4, 3)), strength=2), "strength is 2"),
        (lambda: attack_explorer.show("dog"), "picture is 'dog'"),
        (lambda: attack_explorer.show("coffee", "dog"), "target is 'dog'"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Callable, offending: str) -> None:
    with pytest.raises(CourseError, match=offending):
        call()


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
    before, after, size = attack_explorer.frame("coffee", "goldfish", attack, 0).text.splitlines()
    assert before.split()[1:] == after.split()[1:] and "change 0.0 levels" in size


def test_explorer_reaches_its_target_by_many_steps_only() -> None:
    shown = attack_explorer.frame("coffee", "goldfish", "iterated, toward the target", 8)
    assert any(title.startswith("changed: goldfish, 9") for title in shown.pictures)
    shown = attack_explorer.frame("coffee", "goldfish", "random signs", 8)
    assert any(title.startswith("changed: espresso, 9") for title in shown.pictures)
