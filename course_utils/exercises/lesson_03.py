"""Exercises of lesson 03, activations: checkers, hints, solutions."""

from __future__ import annotations

import numpy as np
from scipy import special

from course_utils.activations import ACTIVATIONS, softmax
from course_utils.exercises import (
    Exercise,
    call,
    expect_array,
    expect_choice,
    expect_number,
    require,
)
from course_utils.exercises.lesson_01 import numbers_of

# --------------------------------------------------------------------------------------------------


def _check_collapse(merge):
    random = np.random.default_rng(1)
    for inputs, hidden, outputs in ((4, 6, 3), (5, 5, 5)):
        W1, W2 = random.normal(size=(inputs, hidden)), random.normal(size=(hidden, outputs))
        b1, b2 = random.normal(size=hidden), random.normal(size=outputs)
        W, b = W1 @ W2, b1 @ W2 + b2
        of_matrix = {
            "W and b are in the wrong order: `return W, b`": b,
            "this is the transposed matrix: inputs belong to the rows": W.T,
            "W is only the second layer; the first one is in front of it": W2,
            "W is only the first layer; the second one follows": W1,
        }
        of_bias = {
            "b is only the second bias; b1 goes through the second layer, too": b2,
            "b2 is missing": b1 @ W2,
        }
        if inputs == outputs:  # where a wrong order has a shape
            of_matrix |= {
                "that is `W2 @ W1`; x meets W1 first, so W1 stands on the left": W2 @ W1,
                "that is the product entry by entry; a layer multiplies matrices, `@`": W1 * W2,
                "the two matrices are to be multiplied, not added": W1 + W2,
            }
            of_bias |= {
                "b1 cannot simply be added: it is an input of the second layer": b1 + b2,
                "b1 is multiplied by W1, but it is only added after W1": b1 @ W1 + b2,
                "b1 meets W2 from the wrong side; write `b1 @ W2`": W2 @ b1 + b2,
            }
        result = call(merge, W1, b1, W2, b2)
        two = isinstance(result, tuple | list) and len(result) == 2
        require(two, "two things are to be returned: `return W, b`")
        sizes = f"for {inputs} inputs, {hidden} and {outputs} units"
        expect_array(result[0], W, what=f"W {sizes}", mistakes=of_matrix)
        expect_array(result[1], b, what=f"b {sizes}", mistakes=of_bias)


COLLAPSE = Exercise(
    name="03-collapse",
    title="Merge two layers",
    hints=(
        "Insert `x @ W1 + b1` for x in `x @ W2 + b2`, and multiply out.",
        "What is multiplied by x is W; what is left is b. Both contain W2.",
    ),
    solution="""def merge(W1, b1, W2, b2):
    return W1 @ W2, b1 @ W2 + b2
""",
    why="`(x @ W1 + b1) @ W2 + b2` is `x @ (W1 @ W2) + (b1 @ W2 + b2)`: the first bias passes "
    "through the second layer like any other input.",
    check=_check_collapse,
)

# --------------------------------------------------------------------------------------------------


def _check_tent(weights, biases, outgoing):
    w, b, v = (
        numbers_of(answer, f"tent_{name}", (3,))
        for answer, name in ((weights, "weights"), (biases, "biases"), (outgoing, "outgoing"))
    )
    require(v.any(), "all outgoing weights are zero: the sum is flat")
    require(w.any(), "all weights are zero: no unit looks at x, and the sum is flat")
    marked = {
        -1: "left of 0 every unit has to be silent, or they have to cancel",
        0: "the first kink lies there, and all is still 0",
        1: "one unit rises with slope 1 from 0 on",
        2: "the second unit has to turn a slope of 1 into -1, which takes -2",
        3: "the third unit has to stop the fall at x = 2",
        0.5: "between the kinks the pieces are straight",
        1.5: "between the kinks the pieces are straight",
    }
    places = np.array([*marked, *np.linspace(-3, 5, 81), -100, 100])
    heights = np.maximum(w * places[:, None] + b, 0) @ v

    def tent(top):
        return np.maximum(1 - np.abs(places - top), 0)

    def is_it(shape):
        return np.allclose(heights, shape, atol=1e-6)

    require(not is_it(-tent(1)), "it hangs upside down: turn the signs of the outgoing weights")
    for top in (-1, 0, 2):
        require(not is_it(tent(top)), f"a tent, but its top is at x = {top}; the kink lies at -b/w")
    for x, height, right in zip(marked, heights, tent(1), strict=False):
        differs = f"at x = {x} its height is {height:.3g} instead of {right:g}: {marked[x]}"
        require(abs(height - right) <= 1e-6, differs)
    far = "near the tent all is right, but far away the sum does not stay at 0"
    require(is_it(tent(1)), far)


TENT = Exercise(
    name="03-tent",
    title="A tent of three ReLUs",
    hints=(
        "Kinks are needed at 0, 1 and 2. With w = 1, a unit has its kink at x = -b.",
        "The slopes are 0, 1, -1, 0 from left to right. Each outgoing weight is the *change* at "
        "its kink.",
    ),
    solution="""tent_weights = [1, 1, 1]
tent_biases = [0, -1, -2]
tent_outgoing = [1, -2, 1]
""",
    why="The slope changes by +1 at 0, by -2 at 1 and by +1 at 2, and these changes sum to zero, "
    "so it is flat again from 2 on. A network draws any chain of straight pieces in this way.",
    check=_check_tent,
)

# --------------------------------------------------------------------------------------------------


def _check_slope(silu_slope):
    z = np.array([-6.0, -2.0, -0.5, 0.0, 0.7, 1.5, 3.0, 9.0])
    y = special.expit(z)
    mistakes = {
        "that is SiLU itself; its derivative is asked for": z * y,
        "that is the derivative of the sigmoid; the factor z has one, too": y * (1 - y),
        "only one half of the product rule: where z stays and sigma is derived, sigma is missing": z
        * y
        * (1 - y),
        "only the other half of the product rule: z was derived, sigma was not": y,
        "the two parts of the product rule are added, not multiplied": y * y * (1 - y),
        "the sign between the two parts is plus": y - z * y * (1 - y),
        "the slope of sigma is y (1 - y), not 1 - y": y + z * (1 - y),
        "the slope of sigma is sigma(z) (1 - sigma(z)); here z stands for sigma": (
            y + z * z * (1 - z)
        ),
        "that is the slope of a ReLU": (z > 0).astype(float),
    }
    answer, right = call(silu_slope, z), ACTIVATIONS["SiLU"].slope(z)
    # A fine difference quotient is an answer, too.
    expect_array(answer, right, what="silu_slope(z)", tol=1e-5, mistakes=mistakes)


SLOPE = Exercise(
    name="03-slope",
    title="The slope of SiLU",
    hints=(
        "The product rule: derivative of z times sigma, plus z times the derivative of sigma.",
        "The derivative of z is 1; that of sigma is y * (1 - y) with y = sigmoid(z).",
    ),
    solution="""def silu_slope(z):
    y = sigmoid(z)
    return y + z * y * (1 - y)
""",
    why="For large z the first part is 1 and the second dies out: SiLU is as steep as ReLU. Left "
    "of about -1.28 the second part wins and the slope is negative: the dip.",
    check=_check_slope,
)

# --------------------------------------------------------------------------------------------------


def _check_softmax(stable_softmax):
    small = np.array([[2.0, 1.0, -1.0], [0.0, 0.5, 0.25], [3.0, -4.0, 5.0], [1.0, 1.0, 1.0]])
    largest, powers, right = small.max(axis=1, keepdims=True), np.exp(small), softmax(small)
    sums = small.sum(axis=1, keepdims=True)
    mistakes = {
        "all numbers together sum to one; each row has to: sum along `axis=1`": (
            powers / powers.sum()
        ),
        "each column sums to one; the rows have to: `axis=1`": powers / powers.sum(axis=0),
        "these are the powers; divide each row by its sum": powers,
        "these are powers with the maximum subtracted; divide each row by its sum": (
            np.exp(small - largest)
        ),
        "the logits themselves were divided by their sum; take the exponential first": (
            small / np.where(sums == 0, 1, sums)
        ),
        "that is a hard decision, arg max; softmax shares": (small == largest).astype(float),
        "that is the logarithm of the probabilities": special.log_softmax(small, axis=1),
        "the smallest gets the most: a sign is turned": softmax(-small),
        "these are sigmoids: each logit by itself; softmax divides by the sum of the row": (
            special.expit(small)
        ),
    }
    answer = call(stable_softmax, small)
    expect_array(
        answer, right, what="stable_softmax of four rows with three logits", mistakes=mistakes
    )
    # One maximum for the whole batch leaves a row of much smaller logits with 0 / 0.
    for logits, what, hint in (
        (small + 1000, "logits around 1000", "overflow: subtract the largest of each row first"),
        (small - 1000, "logits around -1000", "give 0 / 0: subtract the largest of each row first"),
        (
            np.array([[2000.0, 1999.0], [0.0, 1.0]]),
            "rows of very different size",
            "fail: each row needs its own maximum, `max(axis=1)`",
        ),
    ):
        answer = np.asarray(call(stable_softmax, logits), float)
        require(np.isfinite(answer).all(), f"{what} {hint}")
        expect_array(answer, softmax(logits), what=f"stable_softmax of {what}", tol=1e-5)


SOFTMAX = Exercise(
    name="03-softmax",
    title="A stable softmax",
    hints=(
        "First subtract from each row its largest logit: `logits.max(axis=1, keepdims=True)`.",
        "Then `np.exp`, and divide each row by its sum, again with `axis=1, keepdims=True`.",
    ),
    solution="""def stable_softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
""",
    why="The common factor e^(-m) cancels, so the probabilities are the same; but now no exponent "
    "is above zero, and each sum is at least 1: neither infinity nor 0 / 0 can occur.",
    check=_check_softmax,
)

# --------------------------------------------------------------------------------------------------


def _check_delta(step_back):
    random = np.random.default_rng(4)
    for units, following in ((4, 3), (5, 5)):
        y = random.uniform(0.1, 0.9, size=(6, units))
        w, d = random.normal(size=(units, following)), random.normal(size=(6, following))
        slope, back = y * (1 - y), d @ w.T
        mistakes = {
            "the slope y (1 - y) is missing": back,
            "multiply by y (1 - y), not by y alone": y * back,
            "multiply by y (1 - y), not by 1 - y alone": (1 - y) * back,
            "the slope is y (1 - y), with a minus": y * (1 + y) * back,
            "that is the gradient of the weights, y^T delta; the deltas are asked for": y.T @ d,
            "the mean over the batch was taken; each picture has its own deltas": (
                (slope * back).mean(axis=0)
            ),
            "`answers` are y already: the sigmoid was applied once more": (
                ACTIVATIONS["sigmoid"].slope(y) * back
            ),
        }
        if units == following:
            mistakes |= {
                "the weights are not transposed: delta_i collects over k, `deltas @ weights.T`": (
                    slope * (d @ w)
                ),
                "the deltas are multiplied by the slope before they go back; the slope belongs to "
                "this layer": (slope * d) @ w.T,
                "the weights are missing": slope * d,
            }
        what = f"step_back for {units} units and {following} next ones"
        expect_array(call(step_back, y, w, d), slope * back, what=what, mistakes=mistakes)


DELTA = Exercise(
    name="03-delta",
    title="One step back: the delta rule",
    hints=(
        "Two factors: what comes back from the next layer, and the slope of this one.",
        "The sum over k for a whole batch is a matrix product: `deltas @ weights.T`.",
    ),
    solution="""def step_back(answers, weights, deltas):
    return answers * (1 - answers) * (deltas @ weights.T)
""",
    why="Forwards, layer i goes through `weights` to layer k; backwards, through the transpose. "
    "Then every unit multiplies by its own slope.",
    check=_check_delta,
)

# --------------------------------------------------------------------------------------------------


def _check_dead(count_dead):
    sums = np.array(
        [
            # dead, dead at exactly 0, alive once, alive, negative mean, positive mean
            [-1.0, 0.0, -5.0, 1.0, -9.0, 3.0, -2.0],
            [-2.0, -1.0, -4.0, 2.0, 1.0, -0.5, -2.0],
            [-0.5, 0.0, 0.5, 3.0, -9.0, 3.0, -2.0],
            [-3.0, -4.0, -9.0, 1.0, 1.0, -0.5, -1.0],
        ]
    )
    mistakes = {
        "these are the units that are alive": 4,
        "these are units that are silent for *some* picture; dead means for all": 6,
        "a sum of exactly 0 counts as silent, too: ReLU's slope there is 0": 2,
        "these are units with a negative mean; a single positive sum keeps a unit alive": 5,
        "these are all silent answers of the table; count units": int((sums <= 0).sum()),
        "that looks along the wrong axis: pictures are the rows, and no picture silences all "
        "units": 0,
        "that is a share; a number of units is asked for": 3 / 7,
        "these are all units of the layer": 7,
    }
    what = "count_dead for 4 pictures and 7 units"
    expect_number(call(count_dead, sums), 3, what=what, tol=1e-9, mistakes=mistakes)
    few = np.array([[-1.0, 2.0], [-3.0, -1.0]])
    expect_number(call(count_dead, few), 1, what="count_dead for 2 pictures and 2 units")


DEAD = Exercise(
    name="03-dead",
    title="Count the dead",
    hints=(
        "A unit is a column. When is its slope zero for every picture?",
        "`np.all(..., axis=0)` asks a question of each column; `np.sum` counts the True.",
    ),
    solution="""def count_dead(sums):
    return np.sum(np.all(sums <= 0, axis=0))
""",
    why="One positive sum is enough to keep a unit alive: then a gradient arrives, and its weights "
    "can change for all pictures. At exactly 0 Keras' slope is 0 as well.",
    check=_check_dead,
)

# --------------------------------------------------------------------------------------------------


def _check_diagnose(network_a, network_b, network_c):
    of_a = {
        "fine": "network A: He's size keeps the length in each layer. What do 20 halves make?",
        "explode": "network A: its weights are smaller than He's, so the factor per layer is "
        "below 1",
    }
    of_b = {
        "fine": "network B: a residual connection adds a way around, 1 + f'; it does not take "
        "away what f' has too much",
        "vanish": "network B: neither Leaky ReLU nor the residual connection makes anything "
        "smaller, and the weights are too large",
    }
    of_c = {
        "explode": "network C: what does batch normalization do to sums that are twice too large?",
        "vanish": "network C: batch normalization keeps the sums where the sigmoid is steep, "
        "and rescales what the slope takes",
    }
    expect_choice(network_a, "vanish", of_a)
    expect_choice(network_b, "explode", of_b)
    expect_choice(network_c, "fine", of_c)


DIAGNOSE = Exercise(
    name="03-diagnose",
    title="A diagnosis in advance",
    hints=(
        "He's size keeps the length of a signal, forwards and backwards: a factor of 1 per layer.",
        "Then the factors are: A 1/2; B at least 1, and about 2 for the part that is not the way "
        "around; C does not depend on the size of the weights.",
    ),
    solution="""network_a = "vanish"
network_b = "explode"
network_c = "fine"
""",
    why="A: half per layer, a millionth after 20. B: nothing in it makes a gradient shorter. C: "
    "batch normalization divides by the spread of the sums, whatever it is.",
    check=_check_diagnose,
)

# --------------------------------------------------------------------------------------------------


def _check_shapes(flat_length, trained_numbers):
    second = (9 * 8 + 1) * 16
    layers, slopes = (9 + 1) * 8 + second + (400 + 1) * 32 + 33 * 10, 8 + 16 + 32
    right = layers + slopes
    of_length = {
        "that would be with padding SAME; here 28 becomes 26": 7 * 7 * 16,
        "the channels are missing: 16 maps of 5 x 5": 25,
        "that is before the second pooling": 11 * 11 * 16,
        "11 pixels make 5 windows of 2: VALID drops the rest": 6 * 6 * 16,
        "the last layer of maps has 16 channels, not 8": 25 * 8,
        "the second pooling is right, but the first is missing": 12 * 12 * 16,
    }
    of_numbers = {
        "each PReLU learns a slope for each channel or unit: 8 + 16 + 32": layers,
        "the slopes of the PReLU behind the dense layer are missing": right - 32,
        "each PReLU has one slope for each channel, not one for all": layers + 3,
        "with that, each *place* of a map has a slope of its own; here a channel has one": (
            layers + 26 * 26 * 8 + 11 * 11 * 16 + 32
        ),
        "the kernels of the second convolution have 8 channels: 3 x 3 x 8 weights each": (
            right - second + 10 * 16
        ),
        "the biases are missing": right - (8 + 16 + 32 + 10),
        "the logits are missing: Dense(10)": right - 330,
        "Dense(10) learns no slopes; it has no PReLU behind it": right + 10,
    }
    expect_number(flat_length, 400, what="the length of the flattened vector", mistakes=of_length)
    what = "the number of trained numbers"  # of which, of fourteen thousand, one counts
    expect_number(trained_numbers, right, what=what, tol=1e-9, mistakes=of_numbers)


SHAPES = Exercise(
    name="03-shapes",
    title="Count before you build",
    hints=(
        "28 becomes 26 by the convolution and 13 by the pooling; go on like that.",
        "Convolution: (3 * 3 * channels + 1) * filters. Dense: (inputs + 1) * units. PReLU: one "
        "number a channel or unit.",
    ),
    solution="""flat_length = 5 * 5 * 16
trained_numbers = 10 * 8 + (9 * 8 + 1) * 16 + (400 + 1) * 32 + (32 + 1) * 10 + (8 + 16 + 32)
""",
    why="28, 26, 13, 11, 5 pixels a side. The first dense layer has nearly nine tenths of all "
    "numbers, and the slopes of PReLU add only 56: learning the bend is cheap.",
    check=_check_shapes,
)

EXERCISES = (COLLAPSE, TENT, SLOPE, SOFTMAX, DELTA, DEAD, DIAGNOSE, SHAPES)
