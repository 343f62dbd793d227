"""Exercises of lesson 04, optimizers: checkers, hints, solutions."""

from __future__ import annotations

import numpy as np

from course_utils import optimizers
from course_utils.exercises import (
    Exercise,
    NotDone,
    Wrong,
    call,
    expect_array,
    expect_number,
    require,
)


def _check_rate(divergent_rate):
    expect_number(
        divergent_rate,
        0.5,
        what="your rate",
        tol=1e-3,
        mistakes={
            "that is 2 divided by the smallest eigenvalue; the largest one sets the limit": 1.0,
            "that is 2 divided by an entry of the diagonal; the curvature along x is not the "
            "largest one, since the matrix is not diagonal": 2 / 3,
            "that is one over the largest eigenvalue: the rate that arrives at once in its "
            "direction; the limit is twice as large": 0.25,
            "that is the best rate, 2 over the sum of both eigenvalues; asked is the limit": 1 / 3,
            "that is the largest eigenvalue itself; the limit is 2 divided by it": 4.0,
            "that is the smallest eigenvalue; the limit is 2 divided by the largest": 2.0,
            "that divides by the determinant, the product of the curvatures": 1 / 8,
        },
    )


RATE = Exercise(
    name="04-rate",
    title="Where does it explode?",
    hints=(
        "Which number of the Hessian sets the limit?",
        "Multiply the matrix by (1, 1): by what factor does it get longer? And (1, -1)?",
        "The factors are 4 and 2. The limit is 2 divided by the larger one.",
    ),
    solution="divergent_rate = 2 / 4\n",
    why="The directions (1, 1) and (1, -1) are only stretched, by 4 and by 2: these are the "
    "eigenvalues. Along (1, 1) each step multiplies the distance by `1 - 4 * rate`, which is -1 "
    "at a rate of 0.5.",
    check=_check_rate,
)


def _check_momentum(heavy_ball):
    for start, rate, beta, steps in (((1.0, 2.0), 0.03, 0.8, 6), ((-1.0, 0.5), 0.05, 0.5, 4)):
        slope, start = optimizers.LANDSCAPES["turned ravine"].gradient, np.array(start)
        right, mistakes = _balls(slope, start, rate, beta, steps)
        answer = call(heavy_ball, slope, start, rate, beta, steps)
        expect_array(answer, right, what="the path", mistakes=mistakes)


def _balls(slope, start, rate, beta, steps):
    """The right path, and those of known mistakes."""

    def walk(change, steps=steps):
        before = now = start
        path = [now]
        for _ in range(steps):
            before, now = now, now + change(now, before, beta * (now - before))
            path.append(now)
        return np.array(path)

    def change(now, before, roll):
        return -rate * slope(now) + roll

    right, plain = walk(change), walk(lambda now, before, roll: -rate * slope(now))
    uphill = walk(lambda now, before, roll: rate * slope(now) + roll)
    back = walk(lambda now, before, roll: -rate * slope(now) - roll)
    late = walk(lambda now, before, roll: -rate * slope(before) + roll)
    damped = walk(lambda now, before, roll: -rate * (1 - beta) * slope(now) + roll)
    nesterov = walk(lambda now, before, roll: -rate * slope(now + roll) + roll)
    return right, {
        "this is plain gradient descent: the last term, with beta, is missing": plain,
        "this walks uphill: the gradient is to be subtracted": uphill,
        "the last term pulls back: it is the place now minus the one before": back,
        "the gradient is measured at the place before; it belongs to the place now": late,
        "the gradient is multiplied by `1 - beta` as well; here only by the rate": damped,
        "this measures the gradient after rolling on: that is Nesterov's variant": nesterov,
        "the start is missing: the path begins with it": right[1:],
        "this is the last place only; return all of them": right[-1],
        "these are the changes; return the places": np.diff(right, axis=0),
        "one step too few: the path has the start and one place a step": right[:-1],
        "one step too many": walk(change, steps + 1),
    }


MOMENTUM = Exercise(
    name="04-momentum",
    title="Momentum without a velocity",
    hints=(
        "Keep two places, the one now and the one before; at first both are the start.",
        "Compute the new place from both, then move on: the new one becomes now, now becomes "
        "before. Append each new place to a list.",
        "new = now - rate * gradient(now) + beta * (now - before)",
    ),
    solution="""def heavy_ball(gradient, start, rate, beta, steps):
    before = now = np.array(start, float)
    path = [now]
    for _ in range(steps):
        before, now = now, now - rate * gradient(now) + beta * (now - before)
        path.append(now)
    return np.array(path)
""",
    why="The last change, now minus before, is the velocity: `v = beta * v - rate * gradient` is "
    "the same line in other letters.",
    check=_check_momentum,
)


_CURVATURES = np.array([0.5, 50.0])


def _steps_needed(rate: float, beta: float, most: int = 20_000) -> int | None:
    """Steps until the ravine's minimum is 1e-6 near; None if the walk leaves it for good."""
    rule = optimizers.momentum(rate, beta)
    path = optimizers.descend(lambda w: _CURVATURES * w, np.ones(2), rule, most)
    distances = np.linalg.norm(path, axis=1)
    if not distances[-1] < 1e9:
        return None
    return int(np.argmax(distances < 1e-6)) or most


def _check_valley(my_rate, my_beta):
    rate = _one_number(my_rate, "the rate")
    beta = _one_number(my_beta, "the momentum")
    require(rate != 0, "with a rate of 0 nothing moves")
    require(rate > 0, "with a negative rate the walk goes uphill")
    require(
        0 <= beta < 1,
        f"a momentum of {beta:g} is not possible: it is a share of the velocity, from 0 to below 1",
    )
    needed = _steps_needed(rate, beta)
    limit = 2 * (1 + beta) / _CURVATURES[1]
    require(
        needed is not None,
        f"the walk diverges: with momentum {beta:g} the rate must be below {limit:.3g}, "
        "2 times (1 + beta) over the largest curvature",
    )
    if needed >= 120:
        again = f"{needed} steps are needed" if needed < 20_000 else "20,000 steps do not suffice"
        raise Wrong(f"{again}: {_what_slows(rate, beta)}")


def _what_slows(rate: float, beta: float) -> str:
    if beta == 0:
        return "without momentum no rate will do"
    # A direction overshoots and swings when beta is above (1 - sqrt(rate * curvature)) ** 2.
    swings = beta > (1 - np.sqrt(np.minimum(rate * _CURVATURES, 1))) ** 2
    if swings.all():
        return "the walk swings to and fro in both directions, so the momentum is too large"
    if rate < 0.05:
        return "it creeps along the floor, and the rate could be larger"
    return "it creeps along the floor, and the momentum could be larger"


def _one_number(value, what: str) -> float:
    if value is None or value is Ellipsis:
        raise NotDone
    require(
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool | np.bool_),
        f"{what} has to be one number",
    )
    require(bool(np.isfinite(value)), f"{what} is NaN or infinite; give a number")
    return float(value)


VALLEY = Exercise(
    name="04-valley",
    title="A ravine of your own",
    hints=(
        "What is the condition number here? Section 3.3 has formulas for the best settings.",
        "The condition number is 100 again, so the momentum is that of the text. The rate is not.",
        "rate = (2 / (0.5 ** 0.5 + 50 ** 0.5)) ** 2",
    ),
    solution="""my_rate = (2 / (0.5**0.5 + 50**0.5)) ** 2
my_beta = ((10 - 1) / (10 + 1)) ** 2
""",
    why="The momentum depends on the condition number, 100, alone; its root is 10. The rate "
    "depends on the curvatures themselves: halve them, and it doubles.",
    check=_check_valley,
)


def _check_adam(adamw):
    random = np.random.default_rng(4)
    weights, mean, signs = random.normal(size=(3, 5))
    square = random.random(5)
    gradient = signs + np.sign(signs)  # none so small that it mattered where epsilon stands
    zeros = np.zeros(5)
    # Not the first step first: there Adam's own step is the same for all gradients.
    for given in (
        (weights, gradient, mean, square, 7, 0.02, 0.3),
        (weights, gradient, zeros, zeros, 1, 0.1, 0.05),
    ):
        answer = call(adamw, *given)
        require(
            isinstance(answer, tuple | list) and len(answer) == 3,
            "three things are to be returned: the new weights, mean and square",
        )
        right, mistakes = _adam_step(*given)
        for part, name, tol in ((1, "mean", 1e-6), (2, "square", 1e-6), (0, "weights", 1e-5)):
            # Of the weights less exactly: either place of epsilon will do.
            what = f"the new {name}"
            expect_array(answer[part], right[part], what=what, tol=tol, mistakes=mistakes[part])


def _adam_step(weights, gradient, mean, square, step, rate, decay):
    """What is right, and known mistakes: for the new weights, mean and square."""

    def moments(gradient):
        return 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2

    def stepped(mean, square, step=step, decay=decay, root=np.sqrt):
        m, s = mean / (1 - 0.9**step), square / (1 - 0.999**step)
        return weights - rate * (m / (root(s) + 1e-7) + decay * weights)

    new_mean, new_square = new = moments(gradient)
    right, plain = stepped(*new), stepped(*new, decay=0)
    with_decay, linear = moments(gradient + decay * weights), 0.999 * square + 0.001 * gradient
    kept = new_mean / (1 - 0.9**step), new_square / (1 - 0.999**step)
    of_mean = {
        "the new mean has the decay in it; it is for the gradient alone": with_decay[0],
        "the two betas are exchanged: 0.9 is for the mean": 0.999 * mean + 0.001 * gradient,
        "the new mean is returned with its correction; remember it without": kept[0],
        "the new weights come first, then mean and square": right,
    }
    of_square = {
        "the new square is the mean of the gradients; square them first": linear,
        "the new square is returned with its correction; remember it without": kept[1],
    }
    inside, uncorrected = stepped(*with_decay, decay=0), stepped(*new, step=np.inf)
    of_weights = {
        "this is Adam without decay: the last term is missing": plain,
        "the decay belongs outside the fraction, not into the gradient": inside,
        "the bias correction is missing": uncorrected,
        "this climbs: the bracket is to be subtracted": 2 * weights - right,
        "the decay, too, is multiplied by the rate": plain - decay * weights,
        "the correction is that of the next step: `step` is 1 at the first": stepped(
            *new, step + 1
        ),
        "the mean of squares stands under a root": stepped(*new, root=lambda s: s),
        "the old mean is used; update it first": stepped(mean, new_square),
        "this is the change of the weights; return the new weights": right - weights,
    }
    return (right, *new), (of_weights, of_mean, of_square)


ADAM = Exercise(
    name="04-adam",
    title="AdamW",
    hints=(
        "Update mean and square first, exactly as in Adam; the decay does not enter them.",
        "Divide copies of both by their corrections, `1 - 0.9**step` and `1 - 0.999**step`; return "
        "them without.",
        "weights - rate * (m / (np.sqrt(s) + 1e-7) + decay * weights), m and s being corrected",
    ),
    solution="""def adamw(weights, gradient, mean, square, step, rate, decay):
    mean = 0.9 * mean + 0.1 * gradient
    square = 0.999 * square + 0.001 * gradient**2
    m, s = mean / (1 - 0.9**step), square / (1 - 0.999**step)
    weights = weights - rate * (m / (np.sqrt(s) + 1e-7) + decay * weights)
    return weights, mean, square
""",
    why="Inside the gradient the decay would be divided by the root of the mean square like all "
    "the rest, and weights with large gradients would hardly shrink.",
    check=_check_adam,
)


_DIAGNOSES = {
    "A": "rate too small",
    "B": "overfitting",
    "C": "underfitting",
    "D": "healthy",
    "E": "regularized",
    "F": "rate too large",
}
_SIGNS = {
    "A": "after 15 epochs it is still falling, along a nearly straight line",
    "B": "training goes to zero while validation turns up: what does it learn there?",
    "C": "both are level, together, and neither guessing nor good",
    "D": "both fall quickly and end near zero, close together",
    "E": "validation lies below training all the time; which noise is there in training only?",
    "F": "it starts above guessing and then stays at it, 2.30: it was thrown off",
}
_CONFUSED = {
    ("A", "underfitting"): "A is still falling: a network too small would have become level",
    ("C", "rate too small"): "C has stopped falling: more epochs would not help, so it is not the "
    "rate",
    ("F", "underfitting"): "F began far above guessing; a small network would not do that",
    ("C", "rate too large"): "C is far better than guessing and quiet; nothing was thrown off",
    ("E", "overfitting"): "in E validation is *better* than training; overfitting is the opposite",
    ("B", "healthy"): "B's training is perfect, but look at its dashed line",
    (
        "E",
        "healthy",
    ): "E is well, but one letter has no gap between its curves; what makes E's gap?",
}


def _check_curves(diagnoses):
    require(isinstance(diagnoses, dict), "give a dictionary from letters to diagnoses")
    require(
        all(isinstance(text, str) for pair in diagnoses.items() for text in pair),
        "letters and diagnoses have to be text, in quotes",
    )
    given = {letter.strip().upper(): text.strip().lower() for letter, text in diagnoses.items()}
    missing = sorted(set(_DIAGNOSES) - set(given))
    require(not missing, f"no diagnosis yet for {', '.join(missing)}")
    known = set(_DIAGNOSES.values())
    for letter, text in given.items():
        require(letter in _DIAGNOSES, f"there are panels A to F, and none called {letter[:20]!r}")
        require(text in known, f"{text[:40]!r} for {letter} is not one of the six diagnoses")
    require(len(set(given.values())) == 6, "each diagnosis is used once, and one is used twice")
    for letter, text in given.items():
        if (letter, text) in _CONFUSED:
            raise Wrong(_CONFUSED[letter, text])
    wrong = [letter for letter in _DIAGNOSES if given[letter] != _DIAGNOSES[letter]]
    if wrong:
        others = f" ({len(wrong)} are not right yet)"
        raise Wrong(f"look at {wrong[0]} again: {_SIGNS[wrong[0]]}{others}")


CURVES = Exercise(
    name="04-curves",
    title="Name the disease",
    hints=(
        "Ask of each panel: is it still falling? Are the two curves together? At which height?",
        "2.30 is guessing. Level in between: too small a network. Dashed above solid: overfitting.",
        "Two panels are slow or stuck because of the rate: one still falls, one was thrown off.",
    ),
    solution="\n".join(
        ["diagnoses = {", *(f'    "{k}": "{v}",' for k, v in _DIAGNOSES.items()), "}\n"]
    ),
    why="A is still falling when it ends. B learns by heart: training leaves validation behind. C "
    "is level too early. E's training is made harder by dropout, which is off in validation. F was "
    "thrown off in the first epoch.",
    check=_check_curves,
)


def _check_penalty(elastic_net):
    signed = np.random.default_rng(1).normal(size=(3, 4))
    for weights, l1, l2 in ((np.array([1.0, -2.0]), 0.01, 0.02), (signed, 0.3, 0.05)):
        answer = call(elastic_net, weights, l1, l2)
        require(
            isinstance(answer, tuple | list) and len(answer) == 2,
            "two things are to be returned: the penalty and its gradient",
        )
        _check_price(answer[0], weights, l1, l2)
        _check_pull(answer[1], weights, l1, l2)
    try:
        at_zero = call(elastic_net, np.array([0.0, 1.0]), 0.5, 0.25)[1]
    except NotDone:
        raise Wrong("for a weight of zero nothing is returned") from None
    expect_array(
        at_zero,
        [0.0, 1.0],
        what="the gradient for the weights 0 and 1",
        mistakes={"at a weight of zero take 0 for the slope of `abs`": [0.5, 1.0]},
    )


def _check_price(penalty, weights, l1, l2):
    first, second = l1 * np.abs(weights).sum(), l2 * (weights**2).sum()
    signed, root = l1 * weights.sum(), l2 * np.linalg.norm(weights)
    mistakes = {
        "the penalty of L1 sums sizes: without `abs`, signs cancel": signed + second,
        "the penalty of L2 is the sum of squares, not its root": first + root,
        "the penalty of L2 is halved; in Keras' definition there is no 1/2": first + second / 2,
        "the penalty is a sum over all weights, not a mean": (first + second) / weights.size,
        "the two prices are exchanged": l2 / l1 * first + l1 / l2 * second,
        "the penalty has only its L1 part": first,
        "the penalty has only its L2 part": second,
        "the price stands before the sum; it is not squared with the weights": first + l2 * second,
    }
    expect_number(penalty, first + second, what="the penalty", mistakes=mistakes)


def _check_pull(gradient, weights, l1, l2):
    first, second = l1 * np.sign(weights), 2 * l2 * weights
    mistakes = {
        "the derivative of a square has a factor 2": first + second / 2,
        "the slope of `abs` is -1 for negative weights: use the sign": l1 + second,
        "the slope of `abs` does not grow with the weight": l1 * weights + second,
        "the pull of L2 keeps the sign of the weight": first + np.abs(second),
        "the gradient has one number for each weight; do not sum it": (first + second).sum(),
        "the gradient points uphill; the minus comes with the step": -first - second,
        "the gradient lacks the part of L1": second,
        "the gradient lacks the part of L2": first,
    }
    expect_array(gradient, first + second, what="the gradient", mistakes=mistakes)


PENALTY = Exercise(
    name="04-penalty",
    title="The price and the pull",
    hints=(
        "For [1, -2] with 0.01 and 0.02 the penalty is 0.13. How steep is |w| left of zero?",
        "The derivative of |w| is the sign of w, that of w squared is 2 w.",
        "`np.abs`, `np.sign`, and a sum for the penalty only.",
    ),
    solution="""def elastic_net(weights, l1, l2):
    penalty = l1 * np.abs(weights).sum() + l2 * (weights**2).sum()
    gradient = l1 * np.sign(weights) + 2 * l2 * weights
    return penalty, gradient
""",
    why="The pull of L1 has the same strength for all weights, that of L2 grows with the weight: "
    "so L1 brings small weights to zero, and L2 tames large ones.",
    check=_check_penalty,
)


def _check_dropout(dropout):
    source = np.random.default_rng(2)
    values, random = source.normal(size=(4, 6)), source.random((4, 6))
    for rate in (0.2, 0.6):
        share, kept = 1 - rate, random >= rate
        scaled, dropped = values / share, values * kept
        in_training = {
            "what is kept has to be divided by `1 - rate`": dropped,
            "what is kept is multiplied by `1 - rate`; divide": dropped * share,
            "what is kept is divided by `rate`; divide by the share that is *kept*": dropped / rate,
            "the wrong ones are dropped: below `rate` means out": scaled * ~kept,
            "the wrong ones are dropped, and the rest is not scaled": values * ~kept,
            "in training something has to be dropped": values,
            "only the scale is there; nothing is dropped": scaled,
            "what is dropped becomes 0, not 1": np.where(kept, scaled, 1),
            "that is the mask; multiply the values by it": kept / share,
        }
        at_inference = {
            "dropout is not active at inference: return the values as they are": dropped / share,
            "at inference there is nothing to scale: training has seen to it": values * share,
            "at inference nothing was dropped, so nothing has to be made up for": scaled,
            "at inference, too, values are set to zero": dropped,
        }
        for training, right, mistakes in (
            (True, dropped / share, in_training),
            (False, values, at_inference),
        ):
            what = f"dropout(values, {rate}, random, training={training})"
            answer = call(dropout, values, rate, random, training)
            expect_array(answer, right, what=what, mistakes=mistakes)


DROPOUT = Exercise(
    name="04-dropout",
    title="Dropout by hand",
    hints=(
        "What happens at inference? That is one line.",
        "`random >= rate` is True where a value is kept; True counts as 1 in a product.",
        "Divide what is kept by the share that is kept, `1 - rate`.",
    ),
    solution="""def dropout(values, rate, random, training):
    if not training:
        return values
    return values * (random >= rate) / (1 - rate)
""",
    why="A share of `1 - rate` is kept and made larger by the inverse: the mean stays what it is, "
    "so nothing has to be done at inference.",
    check=_check_dropout,
)


def _check_batchnorm(normalize):
    random = np.random.default_rng(3)
    gamma, beta, mean = random.normal(size=(3, 2)) + 1
    variance, epsilon = random.random(2) + 0.2, 0.05
    for count in (6, 1):
        x = random.normal(2.0, 3.0, size=(count, 4, 5, 2))
        what = f"normalize(x, ...) for {count} picture{'s' if count > 1 else ''}"
        right, mistakes = _normalized(x, gamma, beta, mean, variance, epsilon)
        answer = call(normalize, x, gamma, beta, mean, variance, epsilon)
        expect_array(answer, right, what=what, mistakes=mistakes)


def _normalized(x, gamma, beta, mean, variance, epsilon):
    """The right answer, and those of known mistakes."""

    def by_own(axes):
        root = np.sqrt(x.var(axes, keepdims=True) + epsilon)
        return gamma * (x - x.mean(axes, keepdims=True)) / root + beta

    root = np.sqrt(variance + epsilon)
    away = x - mean
    plain = away / root
    return gamma * plain + beta, {
        "at inference the batch's own mean and variance are not used": by_own((0, 1, 2)),
        "each picture is normalized by itself; use the moving averages": by_own((1, 2)),
        "gamma and beta are missing": plain,
        "beta is missing": gamma * plain,
        "gamma is missing": plain + beta,
        "the root is missing: divide by the spread, not by the variance": gamma * plain / root
        + beta,
        "epsilon belongs under the root": gamma * away / (np.sqrt(variance) + epsilon) + beta,
        "epsilon is missing": gamma * away / np.sqrt(variance) + beta,
        "gamma multiplies beta as well: add beta last": gamma * (plain + beta),
        "gamma and beta are exchanged": beta * plain + gamma,
        "the mean is to be subtracted": gamma * (x + mean) / root + beta,
    }


BATCHNORM = Exercise(
    name="04-batchnorm",
    title="One picture, no batch",
    hints=(
        "Which mean and variance are there when only one picture comes?",
        "Subtract the moving mean, divide by the root of moving variance plus epsilon.",
        "Then times gamma, plus beta; arrays of shape (channels,) fit the last axis by themselves.",
    ),
    solution="""def normalize(x, gamma, beta, moving_mean, moving_variance, epsilon):
    return gamma * (x - moving_mean) / np.sqrt(moving_variance + epsilon) + beta
""",
    why="All numbers are fixed after training, so the answer for a picture does not depend on its "
    "neighbors in the batch; the layer then is a plain factor and offset for each channel.",
    check=_check_batchnorm,
)


EXERCISES = (RATE, MOMENTUM, VALLEY, ADAM, CURVES, PENALTY, DROPOUT, BATCHNORM)
