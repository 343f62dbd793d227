"""The attacks of lesson 10 against those of cleverhans, foolbox and ART: the same numbers.

The three are no part of the course's environment (``tests/peers.txt`` pins them); where one is not
installed, its test is skipped. How long each takes: ``python -m tools.benchmarks.peers attacks``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from course_utils import adversarial, images, networks
from course_utils.quiet import keras, tf

EPS, STEP, STEPS = 8 / 255, 2 / 255, 10
PEERS = ("cleverhans", "foolbox", "art")

Attacks = tuple[Callable[[], np.ndarray], Callable[[], np.ndarray]]


def make_case() -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """The embedded network, 32 pieces of photos, and what it calls them."""
    network = networks.load("embedded")
    photos = [images.sample(name, size=160) for name in ("coffee", "flower", "cat", "rocket")]
    corners = [(row, column) for row in (0, 96) for column in (0, 32, 64, 96)]
    pieces = [photo[r : r + 64, c : c + 64] for photo in photos for r, c in corners]
    pictures = np.array(pieces, np.float32)
    return network.model, pictures, network.predict(pictures).argmax(axis=1)


@pytest.fixture(scope="module")
def case() -> tuple[keras.Model, np.ndarray, np.ndarray]:
    return make_case()


def ours(model: keras.Model, pictures: np.ndarray, labels: np.ndarray) -> Attacks:
    victim = adversarial.keras_victim(model)
    return (
        lambda: adversarial.fgsm(victim, pictures, labels, EPS).pictures,
        lambda: adversarial.pgd(victim, pictures, labels, EPS, steps=STEPS, step=STEP).pictures,
    )


def cleverhans(model: keras.Model, pictures: np.ndarray, labels: np.ndarray) -> Attacks:
    pytest.importorskip("cleverhans", reason="cleverhans is not installed")
    from cleverhans.tf2.attacks.fast_gradient_method import fast_gradient_method
    from cleverhans.tf2.attacks.projected_gradient_descent import projected_gradient_descent

    x, y = tf.constant(pictures), tf.constant(labels)
    options = {"clip_min": 0.0, "clip_max": 1.0, "y": y, "sanity_checks": False}
    return (
        lambda: fast_gradient_method(model, x, EPS, np.inf, **options).numpy(),
        lambda: projected_gradient_descent(
            model, x, EPS, STEP, STEPS, np.inf, rand_init=False, **options
        ).numpy(),
    )


def foolbox(model: keras.Model, pictures: np.ndarray, labels: np.ndarray) -> Attacks:
    peer = pytest.importorskip("foolbox", reason="foolbox is not installed")
    wrapped = peer.TensorFlowModel(model, bounds=(0, 1), device="/cpu:0")
    x, y = tf.constant(pictures), tf.constant(labels)
    one = peer.attacks.LinfFastGradientAttack(random_start=False)
    many = peer.attacks.LinfPGD(abs_stepsize=STEP, steps=STEPS, random_start=False)
    return (
        lambda: one(wrapped, x, y, epsilons=EPS)[1].numpy(),
        lambda: many(wrapped, x, y, epsilons=EPS)[1].numpy(),
    )


def art(model: keras.Model, pictures: np.ndarray, labels: np.ndarray) -> Attacks:
    pytest.importorskip("art", reason="the Adversarial Robustness Toolbox is not installed")
    from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescentTensorFlowV2
    from art.estimators.classification import TensorFlowV2Classifier

    wrapped = TensorFlowV2Classifier(
        model,
        nb_classes=model.output_shape[-1],
        input_shape=pictures.shape[1:],
        loss_object=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="sum_over_batch_size"
        ),
        clip_values=(0, 1),
    )
    one = FastGradientMethod(wrapped, eps=EPS, batch_size=32)
    many = ProjectedGradientDescentTensorFlowV2(
        wrapped, eps=EPS, eps_step=STEP, max_iter=STEPS, batch_size=32, verbose=False
    )
    hot = np.eye(model.output_shape[-1], dtype=np.float32)[labels]
    return lambda: one.generate(pictures, y=hot), lambda: many.generate(pictures, y=hot)


@pytest.mark.parametrize("peer", [cleverhans, foolbox, art], ids=PEERS)
def test_the_same_pictures(peer: Callable[..., Attacks], case: tuple) -> None:
    _, pictures, _ = case
    for mine, theirs in zip(ours(*case), peer(*case), strict=True):
        found, expected = mine(), theirs()
        # Where a gradient is as good as zero its sign is rounding: at most one value in a million.
        off = np.abs(found - expected) > 1e-6
        assert off.sum() <= 1e-6 * pictures.size
        assert np.abs(found - pictures).max() > 0.9 * EPS
