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

# --------------------------------------------------------------------------------------------------


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

# --------------------------------------------------------------------------------------------------


def _ball(
    gradient,
    start,
    rate,
    beta,
    steps,
    *,
    sign=-1.0,
    turn=1.0,
    at_previous=False,
    damped=False,
    ahead=False,
):
    """Heavy ball, with a known mistake if asked for."""
    before = now = np.array(start, float)
    path = [now]
    for _ in range(steps):
        roll = turn * beta * (now - before)
        place = before if at_previous else now + roll if ahead else now
        size = rate * (1 - beta) if damped else rate
        before, now = now, now + sign * size * np.asarray(gradient(place)) + roll
        path.append(now)
    return np.array(path)


def _check_momentum(heavy_ball):
    valley = optimizers.LANDSCAPES["turned ravine"]
    for start, rate, beta, steps in (((1.0, 2.0), 0.03, 0.8, 6), ((-1.0, 0.5), 0.05, 0.5, 4)):
        given = (valley.gradient, np.array(start), rate, beta, steps)
        right = _ball(*given)
        velocity_only = right[1:] - right[:-1]
        expect_array(
            call(heavy_ball, *given),
            right,
            what="the path",
            mistakes={
                "this is plain gradient descent: the last term, with beta, is missing": _ball(
                    *given[:3], 0.0, steps
                ),
                "this walks uphill: the gradient is to be subtracted": _ball(*given, sign=1.0),
                "the last term pulls back: it is the place now minus the one before": _ball(
                    *given, turn=-1.0
                ),
                "the gradient is measured at the place before; it belongs to the place now": _ball(
                    *given, at_previous=True
                ),
                "the gradient is multiplied by `1 - beta` as well; here only by the rate": _ball(
                    *given, damped=True
                ),
                "this measures the gradient after rolling on: that is Nesterov's variant": _ball(
                    *given, ahead=True
                ),
                "the start is missing: the path begins with it": right[1:],
                "this is the last place only; return all of them": right[-1],
                "these are the changes; return the places": velocity_only,
                "one step too few: the path has the start and one place a step": right[:-1],
                "one step too many": _ball(*given[:4], steps + 1),
            },
        )


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

# --------------------------------------------------------------------------------------------------

_CURVATURES = np.array([0.5, 50.0])


def _steps_needed(rate: float, beta: float, most: int = 20_000) -> int | None:
    """Steps until the ravine's minimum is 1e-6 near; None if it is never reached."""
    w, velocity = np.ones(2), np.zeros(2)
    for step in range(1, most + 1):
        velocity = beta * velocity - rate * _CURVATURES * w
        w = w + velocity
        distance = np.linalg.norm(w)
        if distance < 1e-6:
            return step
        if not distance < 1e9:
            return None
    return most


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

# --------------------------------------------------------------------------------------------------


def _adamw(
    weights,
    gradient,
    mean,
    square,
    step,
    rate,
    decay,
    *,
    sign=1.0,
    corrected=True,
    inside=False,
    with_rate=True,
    shift=0,
    root=True,
    old_mean=False,
    swap=False,
):
    """One step of AdamW, with a known mistake if asked for."""
    if inside:
        gradient, decay = gradient + decay * weights, 0.0
    beta_1, beta_2 = (0.999, 0.9) if swap else (0.9, 0.999)
    new_mean = beta_1 * mean + (1 - beta_1) * gradient
    new_square = beta_2 * square + (1 - beta_2) * gradient**2
    step = step + shift
    m = mean if old_mean else new_mean
    m_hat = m / (1 - beta_1**step) if corrected else m
    s_hat = new_square / (1 - beta_2**step) if corrected else new_square
    ratio = m_hat / ((np.sqrt(s_hat) if root else s_hat) + 1e-7)
    pull = decay * weights if with_rate else decay * weights / rate
    return weights - sign * rate * (ratio + pull), new_mean, new_square


def _check_adam(adamw):
    random = np.random.default_rng(4)
    weights, mean, signs = random.normal(size=(3, 5))
    square = random.random(5)
    gradient = signs + np.sign(signs)  # none so small that it mattered where epsilon stands
    # Not the first step first: there Adam's own step is the same for all gradients.
    for step in (7, 1):
        if step == 1:
            given = (weights, gradient, np.zeros(5), np.zeros(5), 1, 0.1, 0.05)
        else:
            given = (weights, gradient, mean, square, 7, 0.02, 0.3)
        answer = call(adamw, *given)
        require(
            isinstance(answer, tuple | list) and len(answer) == 3,
            "three things are to be returned: the new weights, mean and square",
        )
        right = _adamw(*given)
        plain = (given[:6], 0.0)
        expect_array(
            answer[1],
            right[1],
            what="the new mean",
            mistakes={
                "the new mean has the decay in it; it is for the gradient alone": _adamw(
                    *given, inside=True
                )[1],
                "the two betas are exchanged: 0.9 is for the mean": _adamw(*given, swap=True)[1],
                "the new mean is returned with its correction; remember it without": right[1]
                / (1 - 0.9**step),
                "the new weights come first, then mean and square": right[0],
            },
        )
        expect_array(
            answer[2],
            right[2],
            what="the new square",
            mistakes={
                "the new square is the mean of the gradients; square them first": 0.999 * given[3]
                + 0.001 * gradient,
                "the new square is returned with its correction; remember it without": right[2]
                / (1 - 0.999**step),
            },
        )
        expect_array(
            answer[0],
            right[0],
            what="the new weights",
            tol=1e-5,  # either place of epsilon will do
            mistakes={
                "this is Adam without decay: the last term is missing": _adamw(*plain[0], plain[1])[
                    0
                ],
                "the decay belongs outside the fraction, not into the gradient": _adamw(
                    *given, inside=True
                )[0],
                "the bias correction is missing": _adamw(*given, corrected=False)[0],
                "this climbs: the bracket is to be subtracted": _adamw(*given, sign=-1.0)[0],
                "the decay, too, is multiplied by the rate": _adamw(*given, with_rate=False)[0],
                "the correction is that of the next step: `step` is 1 at the first": _adamw(
                    *given, shift=1
                )[0],
                "the mean of squares stands under a root": _adamw(*given, root=False)[0],
                "the old mean is used; update it first": _adamw(*given, old_mean=True)[0],
                "this is the change of the weights; return the new weights": right[0] - weights,
            },
        )


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

# --------------------------------------------------------------------------------------------------

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

# --------------------------------------------------------------------------------------------------


def _check_penalty(elastic_net):
    random = np.random.default_rng(1)
    for weights, l1, l2 in (
        (np.array([1.0, -2.0]), 0.01, 0.02),
        (random.normal(size=(3, 4)), 0.3, 0.05),
    ):
        answer = call(elastic_net, weights, l1, l2)
        require(
            isinstance(answer, tuple | list) and len(answer) == 2,
            "two things are to be returned: the penalty and its gradient",
        )
        size, square = np.abs(weights).sum(), (weights**2).sum()
        expect_number(
            answer[0],
            l1 * size + l2 * square,
            what="the penalty",
            mistakes={
                "the penalty of L1 sums sizes: without `abs`, signs cancel": l1 * weights.sum()
                + l2 * square,
                "the penalty of L2 is the sum of squares, not its root": l1 * size
                + l2 * np.sqrt(square),
                "the penalty of L2 is halved; in Keras' definition there is no 1/2": l1 * size
                + l2 * square / 2,
                "the penalty is a sum over all weights, not a mean": (l1 * size + l2 * square)
                / weights.size,
                "the two prices are exchanged": l2 * size + l1 * square,
                "the penalty has only its L1 part": l1 * size,
                "the penalty has only its L2 part": l2 * square,
                "the price stands before the sum; it is not squared with the weights": l1 * size
                + l2**2 * square,
            },
        )
        right = l1 * np.sign(weights) + 2 * l2 * weights
        expect_array(
            answer[1],
            right,
            what="the gradient",
            mistakes={
                "the derivative of a square has a factor 2": l1 * np.sign(weights) + l2 * weights,
                "the slope of `abs` is -1 for negative weights: use the sign": l1
                + 2 * l2 * weights,
                "the slope of `abs` does not grow with the weight": l1 * weights + 2 * l2 * weights,
                "the pull of L2 keeps the sign of the weight": l1 * np.sign(weights)
                + 2 * l2 * np.abs(weights),
                "the gradient has one number for each weight; do not sum it": right.sum(),
                "the gradient points uphill; the minus comes with the step": -right,
                "the gradient lacks the part of L1": 2 * l2 * weights,
                "the gradient lacks the part of L2": l1 * np.sign(weights),
            },
        )
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

# --------------------------------------------------------------------------------------------------


def _check_dropout(dropout):
    source = np.random.default_rng(2)
    values, random = source.normal(size=(4, 6)), source.random((4, 6))
    for rate in (0.2, 0.6):
        kept = random >= rate
        right = np.where(kept, values / (1 - rate), 0)
        expect_array(
            call(dropout, values, rate, random, True),
            right,
            what=f"dropout(values, {rate}, random, training=True)",
            mistakes={
                "what is kept has to be divided by `1 - rate`": np.where(kept, values, 0),
                "what is kept is multiplied by `1 - rate`; divide": np.where(
                    kept, values * (1 - rate), 0
                ),
                "what is kept is divided by `rate`; divide by the share that is *kept*": np.where(
                    kept, values / rate, 0
                ),
                "the wrong ones are dropped: below `rate` means out": np.where(
                    kept, 0, values / (1 - rate)
                ),
                "the wrong ones are dropped, and the rest is not scaled": np.where(kept, 0, values),
                "in training something has to be dropped": values,
                "only the scale is there; nothing is dropped": values / (1 - rate),
                "what is dropped becomes 0, not 1": np.where(kept, values / (1 - rate), 1),
                "that is the mask; multiply the values by it": kept / (1 - rate),
            },
        )
        expect_array(
            call(dropout, values, rate, random, False),
            values,
            what=f"dropout(values, {rate}, random, training=False)",
            mistakes={
                "dropout is not active at inference: return the values as they are": right,
                "at inference there is nothing to scale: training has seen to it": values
                * (1 - rate),
                "at inference nothing was dropped, so nothing has to be made up for": values
                / (1 - rate),
                "at inference, too, values are set to zero": np.where(kept, values, 0),
            },
        )


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

# --------------------------------------------------------------------------------------------------


def _check_batchnorm(normalize):
    random = np.random.default_rng(3)
    gamma, beta, mean = random.normal(size=(3, 2)) + 1
    variance, epsilon = random.random(2) + 0.2, 0.05
    for count in (6, 1):
        x = random.normal(2.0, 3.0, size=(count, 4, 5, 2))
        given = (x, gamma, beta, mean, variance, epsilon)
        root = np.sqrt(variance + epsilon)
        over, each = (0, 1, 2), (1, 2)
        of_batch = (x - x.mean(over)) / np.sqrt(x.var(over) + epsilon)
        of_picture = (x - x.mean(each, keepdims=True)) / np.sqrt(
            x.var(each, keepdims=True) + epsilon
        )
        expect_array(
            call(normalize, *given),
            gamma * (x - mean) / root + beta,
            what=f"normalize(x, ...) for {count} picture{'s' if count > 1 else ''}",
            mistakes={
                "at inference the batch's own mean and variance are not used": gamma * of_batch
                + beta,
                "each picture is normalized by itself; use the moving averages": gamma * of_picture
                + beta,
                "gamma and beta are missing": (x - mean) / root,
                "beta is missing": gamma * (x - mean) / root,
                "gamma is missing": (x - mean) / root + beta,
                "the root is missing: divide by the spread, not by the variance": gamma
                * (x - mean)
                / (variance + epsilon)
                + beta,
                "epsilon belongs under the root": gamma * (x - mean) / (np.sqrt(variance) + epsilon)
                + beta,
                "epsilon is missing": gamma * (x - mean) / np.sqrt(variance) + beta,
                "gamma multiplies beta as well: add beta last": gamma * ((x - mean) / root + beta),
                "gamma and beta are exchanged": beta * (x - mean) / root + gamma,
                "the mean is to be subtracted": gamma * (x + mean) / root + beta,
            },
        )


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

# --------------------------------------------------------------------------------------------------

EXERCISES = (RATE, MOMENTUM, VALLEY, ADAM, CURVES, PENALTY, DROPOUT, BATCHNORM)
