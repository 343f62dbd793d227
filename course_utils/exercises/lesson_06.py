"""Exercises of lesson 06, feature extraction: checkers, hints, solutions."""

from __future__ import annotations

import numpy as np

from course_utils.exercises import (
    Exercise,
    NotDone,
    Wrong,
    call,
    expect_array,
    expect_number,
    require,
)


def _check_descriptor(unit_descriptors):
    maps = np.random.default_rng(1).random((3, 4, 5, 2)) * (np.arange(1, 4)[:, None, None, None])
    average = maps.mean(axis=(1, 2))

    def unit(vectors):
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    mistakes = {
        "these are the averages; each row is still to be divided by its length": average,
        "that is the largest value of each map instead of its mean": unit(maps.max(axis=(1, 2))),
        "all pictures were divided by one length; each row has its own": (
            average / np.linalg.norm(average)
        ),
        "each feature was divided by its length over all pictures; go along the other axis": (
            average / np.linalg.norm(average, axis=0)
        ),
        "each row sums to 1; the *length* is the root of the sum of squares": (
            average / average.sum(axis=1, keepdims=True)
        ),
        "a root is missing: divided by the sum of squares": (
            average / (average**2).sum(axis=1, keepdims=True)
        ),
        "that averages over channels; they are the last axis and have to stay": unit(
            maps.mean(axis=(2, 3))
        ),
        "these are flattened maps; average over rows and columns first": unit(maps.reshape(3, -1)),
    }
    answer = call(unit_descriptors, maps)
    what = "unit_descriptors(maps) for maps of shape (3, 4, 5, 2)"
    expect_array(answer, unit(average), what=what, mistakes=mistakes)
    empty = call(unit_descriptors, np.concatenate([maps, np.zeros_like(maps[:1])]))
    row = np.asarray(empty, float)[-1]
    hint = "a picture without any feature gives 0 / 0; keep it at zero"
    require(bool(np.isfinite(row).all()), hint)
    require(not row.any(), "a picture without any feature must stay zeros")


DESCRIPTOR = Exercise(
    name="06-descriptor",
    title="Descriptors of length 1",
    hints=(
        "Average over the axes of rows and columns, 1 and 2.",
        "`np.linalg.norm(d, axis=1, keepdims=True)` has one length a row.",
        "`np.maximum(lengths, 1e-12)` keeps the division from failing.",
    ),
    solution="""def unit_descriptors(maps):
    averages = maps.mean(axis=(1, 2))
    lengths = np.linalg.norm(averages, axis=1, keepdims=True)
    return averages / np.maximum(lengths, 1e-12)
""",
    why="The mean over places keeps how much of each feature there is. With length 1, only the mix "
    "of features counts, and Euclidean and cosine distance agree.",
    check=_check_descriptor,
)


# Chosen so that each mistake below leads to another number.
_NEIGHBORS = (3, 6, 5, 11, 8, 9, 7, 2, 12, 10, 0, 1, 4)
_LABELS = (7, 7, 7, 7, 7, 7, 9, 9, 9, 9, 7, 9, 9)


def _check_precision(precision_at_k):
    neighbors, labels = np.array(_NEIGHBORS), np.array(_LABELS)
    for label, k in ((7, 5), (9, 4)):
        right = labels[neighbors] == label  # nearest first
        count = right[:k].sum()
        recall, size = count / right.sum(), count / len(right)
        mistakes = {
            "this takes the first k of the collection, not the k nearest": np.mean(
                labels[:k] == label
            ),
            "this is the number of right neighbors; divide it by k": count,
            "divided by the number of right ones in the collection: that is recall": recall,
            "divided by the size of the collection; only k neighbors were looked at": size,
            "all neighbors were counted; only the first k count": right.mean(),
            "these are the k farthest": right[-k:].mean(),
            "this is the share of wrong ones": 1 - count / k,
            "one neighbor more than k was counted": right[: k + 1].mean(),
            "the nearest was left out; here the query is no member of the collection": (
                right[1 : k + 1].mean()
            ),
            "this compares places with the label; look the labels up first": np.mean(
                neighbors[:k] == label
            ),
        }
        answer = call(precision_at_k, neighbors, labels, label, k)
        what = f"precision_at_k for k = {k}, label {label},"
        expect_number(answer, count / k, what=what, mistakes=mistakes)


PRECISION = Exercise(
    name="06-precision",
    title="Precision at k",
    hints=(
        "Which places come first? And which labels have they?",
        "`labels[neighbors[:k]]` are the labels of the k nearest.",
    ),
    solution="""def precision_at_k(neighbors, labels, query_label, k):
    return np.mean(labels[neighbors[:k]] == query_label)
""",
    why="An array indexed by an array looks all labels up at once, and the mean of truth values is "
    "the share of True.",
    check=_check_precision,
)


def _check_leak(share_pixels):
    def answer(first, second, side=8):
        value = call(share_pixels, first, second, side)
        hint = f"True or False is asked for, and yours is of type {type(value).__name__}"
        require(isinstance(value, bool | np.bool_), hint)
        return bool(value)

    require(answer((10, 10), (10, 10)), "two equal crops share all their pixels")
    rows, columns = answer((0, 0), (3, 20)), answer((20, 0), (0, 3))  # close along one axis
    far = answer((0, 0), (20, 20))
    require(not far, "(0, 0) and (20, 20) are far apart for crops of 8 pixels")
    hint = "close along one axis is not enough: (0, 0) and (3, 20) share nothing"
    require(not (rows and columns), hint)
    require(not rows, "this looks at rows only: (0, 0) and (3, 20) share nothing")
    require(not columns, "this looks at columns only: (20, 0) and (0, 3) share nothing")
    for first, second, right, hint in (
        ((0, 0), (5, 5), True, "crops that overlap at a corner share pixels, too"),
        ((5, 5), (0, 0), True, "the order of the two must not matter"),
        ((0, 5), (5, 0), True, "here one lies lower, the other further right: they overlap"),
        ((0, 0), (0, 8), False, "the one begins where the other ends: no pixel in common"),
        ((8, 3), (0, 3), False, "one lies right below the other: no pixel in common"),
        ((0, 0), (7, 7), True, "they have exactly one pixel in common, the corner"),
    ):
        hint = f"share_pixels({first}, {second}, 8) should be {right}: {hint}"
        require(answer(first, second) == right, hint)
    hint = "share_pixels((0, 0), (0, 9), 10) should be True: the side is not always 8"
    require(answer((0, 0), (0, 9), 10), hint)


LEAK = Exercise(
    name="06-leak",
    title="Do two crops share pixels?",
    hints=(
        "Think of one axis first: two intervals of the same length.",
        "They overlap if their starts are less than `side` apart. And the other axis?",
    ),
    solution="""def share_pixels(first, second, side):
    rows, columns = abs(first[0] - second[0]), abs(first[1] - second[1])
    return rows < side and columns < side
""",
    why="Two squares of the same side overlap exactly where both their rows and their columns do. "
    "Such a check of a split takes minutes to write and has saved many a paper.",
    check=_check_leak,
)


def _check_metric(euclid_wins, cosine_wins):
    vectors = []
    for name, value in (("a", euclid_wins), ("b", cosine_wins)):
        if value is None or value is ...:
            raise NotDone
        try:
            vector = np.asarray(value, float)
        except (TypeError, ValueError):
            raise Wrong(f"{name} has to be a pair of numbers, such as (3, 4)") from None
        hint = f"{name} has the shape {vector.shape}; a pair of numbers is asked"
        require(vector.shape == (2,), hint)
        require(bool(np.isfinite(vector).all()), f"{name} has to be finite numbers, not NaN")
        require(bool(vector.any()), f"{name} is zero, and a zero vector has no direction")
        vectors.append(vector)
    query = np.ones(2)
    far_a, far_b = (np.linalg.norm(v - query) for v in vectors)
    cos_a, cos_b = (v @ query / np.linalg.norm(v) / np.sqrt(2) for v in vectors)
    if far_b < far_a - 1e-12 and cos_a > cos_b + 1e-12:
        raise Wrong("it is the other way round: exchange a and b")
    hint = f"both are at the Euclidean distance {far_a:.3g}; a has to be nearer"
    require(abs(far_a - far_b) > 1e-12, hint)
    hint = f"a lies {far_a:.3g} from the query, b only {far_b:.3g}; by Euclid a has to be nearer"
    require(far_a < far_b, hint)
    hint = f"both have the cosine {cos_a:.3g} with the query; b needs the larger one"
    require(abs(cos_a - cos_b) > 1e-12, hint)
    hint = f"a has the cosine {cos_a:.3g}, b {cos_b:.3g}; a is nearer by both"
    require(cos_b > cos_a, f"{hint}, so let b point more exactly along (1, 1)")


METRIC = Exercise(
    name="06-metric",
    title="Let two distances disagree",
    hints=(
        "Cosine looks at the direction alone, Euclid at where the arrow ends.",
        "Let b point exactly along (1, 1), but be very long.",
    ),
    solution="euclid_wins, cosine_wins = (1, 0.5), (10, 10)\n",
    why="(10, 10) has the query's direction, cosine 1, and is far away. (1, 0.5) ends close to the "
    "query and points a little aside.",
    check=_check_metric,
)


def _check_cache(without_cache):
    runs, training = 4 * 3, 3 * 10 * (1 + 5 + 20 + 100)
    mistakes = {
        "this is the number *with* a cache: each picture once": 1347 + 450,
        "each of the runs tests on 450 pictures, too": training,
        "these are the test pictures; the runs also train": runs * 450,
        "there are 3 draws of each size": training // 3 + 4 * 450,
        "1, 5, 20 and 100 are pictures of *each* of 10 classes": training // 10 + runs * 450,
        "the test pictures are needed by every run, not once": training + 450,
        "each run trains on its own few pictures, not on all 1,347": runs * (1347 + 450),
        "the test pictures were counted once for each size; there are 3 draws": (
            training + 4 * 450
        ),
        "the training pictures of only one draw are in; there are 3": (training // 3 + runs * 450),
    }
    expect_number(
        without_cache,
        training + runs * 450,
        what="your number of pictures",
        tol=1e-9,
        mistakes=mistakes,
    )


CACHE = Exercise(
    name="06-cache",
    title="What the cache saves",
    hints=(
        "How many runs are there? Four sizes, three draws.",
        "A run with 5 a class sends 5 * 10 training and 450 test pictures through the network.",
    ),
    solution="without_cache = 3 * 10 * (1 + 5 + 20 + 100) + 4 * 3 * 450\n",
    why="3,780 training and 5,400 test pictures: five times the 1,797 that the cache needs; and "
    "with one more setting to try, the cache costs nothing more.",
    check=_check_cache,
)


def _layers(train: int = 60) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Features of three layers: one informative, one that can be learned by heart, one of noise."""
    random = np.random.default_rng(3)
    labels = np.repeat(np.arange(3), train // 3)
    means = random.normal(size=(3, 6))
    noise = {name: random.normal(size=(train, n)) for name, n in (("edges", 6), ("late", 200))}
    return {
        "edges": noise["edges"],
        "middle": means[labels] + 0.9 * random.normal(size=(train, 6)),
        "late": noise["late"] + 0.25 * labels[:, None],
    }, labels


def _scores(given: dict[str, np.ndarray], labels: np.ndarray) -> tuple[dict, dict]:
    """Accuracy of each layer in cross-validation, and on its own training pictures."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    crossed = {name: cross_val_score(model, x, labels, cv=5).mean() for name, x in given.items()}
    return crossed, {name: model.fit(x, labels).score(x, labels) for name, x in given.items()}


def _check_layer(choose_layer):
    given, labels = _layers()
    # Names and order say nothing: a second round has them in another order.
    for order in (list(given), list(given)[::-1]):
        features = {f"layer {i}": given[name] for i, name in enumerate(order)}
        crossed, fitted = _scores(features, labels)
        right, by_heart = max(crossed, key=crossed.get), max(fitted, key=fitted.get)
        answer = call(choose_layer, features, labels)
        for kind, hint in (
            (dict, "all scores were returned; return the name of one"),
            (int | np.integer, "that is the place of a layer in the dictionary; return its name"),
            (
                float | np.floating,
                "that is the best score; return the name of the layer that has it",
            ),
        ):
            require(not isinstance(answer, kind), hint)
        require(isinstance(answer, str), "the *name* of a layer is asked for, a text")
        require(answer in features, f'"{answer[:30]}" is no key of the dictionary')
        if answer == right:
            continue
        score, lowest = f"{crossed[answer]:.2f}", min(crossed, key=crossed.get)
        hint = f"`{answer}` is best on the pictures it was fitted to: learned by heart"
        require(answer != by_heart, f"{hint}; cross-validation gives it {score}")
        require(answer != lowest, f"`{answer}` has the lowest score of all; take `max`")
        hint = f"`{answer}` has {score} in cross-validation, and another layer has"
        raise Wrong(f"{hint} {crossed[right]:.2f}")


LAYER = Exercise(
    name="06-layer",
    title="Choose a layer honestly",
    hints=(
        "Go through the dictionary and compute one number for each layer.",
        "`cross_val_score(model, x, train_labels, cv=5).mean()` is that number.",
        "`max(scores, key=scores.get)` is the key with the largest value.",
    ),
    solution="""def choose_layer(train_features, train_labels):
    from sklearn.model_selection import cross_val_score

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    scores = {
        name: cross_val_score(model, x, train_labels, cv=5).mean()
        for name, x in train_features.items()
    }
    return max(scores, key=scores.get)
""",
    why="Each fifth of the training pictures is judged by a model that has not seen it. So the "
    "test set is still unseen when the layer is chosen, and its score can be believed.",
    check=_check_layer,
)


def _check_cam(against):
    random = np.random.default_rng(4)
    maps, gradients = random.random((4, 5, 6)), random.normal(size=(4, 5, 6))
    weights = -gradients.mean(axis=(0, 1))
    signed = maps @ weights
    cut = np.maximum(signed, 0)

    def scaled(heat, least=0.0):
        return np.maximum(heat, least) / heat.max()

    mistakes = {
        "that is the evidence *for* the class; turn the sign of the weights": scaled(-signed),
        "that is not scaled; divide by the largest value": cut,
        "negative sums have to become 0: `np.maximum(..., 0)`": scaled(signed, -np.inf),
        "negative sums have to become 0, and the map is to be divided by its largest value": (
            signed
        ),
        "each gradient was multiplied with its own place; average them over places first": (
            scaled(-(maps * gradients).sum(axis=2))
        ),
        "the absolute values were taken: evidence for and against the class are mixed": (
            scaled(np.abs(signed))
        ),
        "only positive weights were kept; the maximum comes after the sum": (
            scaled(maps @ np.maximum(weights, 0))
        ),
        "all maps count the same here; weight each by its mean gradient": (
            scaled(maps.sum(axis=2))
        ),
        "these are the mean gradients; they weight the maps": scaled(-gradients.mean(axis=2)),
        "that is shifted so that the smallest value is 0; cut at 0 instead": (
            scaled(signed - signed.min())
        ),
        "these are the weights of the maps; now take the weighted sum of the maps": weights,
        "the maps are still apart; sum over the last axis": np.maximum(maps * weights, 0),
    }
    answer, what = call(against, maps, gradients), "against(maps, gradients) for shape (4, 5, 6)"
    expect_array(answer, scaled(signed), what=what, mistakes=mistakes)
    dark = np.asarray(call(against, maps, np.ones_like(maps)), float)
    hint = "where nothing speaks against the class the largest value is 0, and the division fails"
    require(bool(np.isfinite(dark).all()), f"{hint}; keep zeros")
    hint = "where everything speaks for the class nothing speaks against it: all zeros"
    require(not dark.any(), hint)


CAM = Exercise(
    name="06-cam",
    title="What speaks against a class?",
    hints=(
        "A map speaks against the class if more of it lowers the logit: which sign has its weight?",
        "First one weight for each map: minus the mean of its gradients over rows and columns.",
        "`maps @ weights` is the weighted sum over the last axis; cut it at 0, then "
        "divide by `max(cam.max(), 1e-12)`.",
    ),
    solution="""def against(maps, gradients):
    weights = -gradients.mean(axis=(0, 1))
    cam = np.maximum(maps @ weights, 0)
    return cam / max(cam.max(), 1e-12)
""",
    why="The mean gradient says how much the logit rises with a map as a whole; with the sign "
    "turned, how much it falls. Note that cutting comes after the sum, so this is not simply what "
    "Grad-CAM leaves out of each map.",
    check=_check_cam,
)

EXERCISES = (DESCRIPTOR, PRECISION, LEAK, METRIC, CACHE, LAYER, CAM)
