"""Wrong answers to lesson 06, and the words their hint must contain; right ones written otherwise.

An entry of ``WRONG`` is a label, the answers as a tuple, and a fragment of the hint; one of
``RIGHT`` is a label and the answers.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

# --- 06-descriptor ------------------------------------------------------------------------------


def _lengths(vectors):
    return np.linalg.norm(vectors, axis=1, keepdims=True)


def _unit(pool=lambda maps: maps.mean(axis=(1, 2)), length=_lengths, least=1e-12):
    def unit_descriptors(maps):
        vectors = pool(maps)
        return vectors / np.maximum(length(vectors), least)

    return (unit_descriptors,)


def _uniform(maps):
    vectors = maps.mean(axis=(1, 2))
    return np.where(_lengths(vectors) > 0, _unit()[0](maps), 1 / np.sqrt(vectors.shape[1]))


def _by_loop(maps):
    rows = []
    for one in maps:
        vector = np.array([one[..., c].mean() for c in range(one.shape[-1])])
        length = np.sqrt((vector**2).sum())
        rows.append(vector / length if length else vector)
    return rows


# --- 06-leak ------------------------------------------------------------------------------------


def _near(compare, size=abs):
    def share_pixels(first, second, side):
        rows, columns = size(second[0] - first[0]), size(second[1] - first[1])
        return compare(rows, columns, side)

    return (share_pixels,)


def _by_sets(first, second, side):
    first, second = (
        {(row + r, column + c) for r in range(side) for c in range(side)}
        for row, column in (first, second)
    )
    return bool(first & second)


# --- 06-layer -----------------------------------------------------------------------------------


def _model():
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))


def _crossed(features, labels):
    return {n: cross_val_score(_model(), x, labels, cv=5).mean() for n, x in features.items()}


def _fitted(features, labels):
    return {n: _model().fit(x, labels).score(x, labels) for n, x in features.items()}


def _best(scores, pick=max):
    def choose_layer(features, labels):
        found = scores(features, labels)
        return pick(found, key=found.get)

    return (choose_layer,)


def _by_predictions(features, labels):
    best, best_score = None, -1.0
    for name, x in features.items():
        score = (cross_val_predict(_model(), x, labels, cv=5) == labels).mean()
        if score > best_score:
            best, best_score = name, score
    return best


# --- 06-cam -------------------------------------------------------------------------------------


def _scaled(make, least=1e-12):
    def against(maps, gradients):
        cam = make(maps, gradients)
        return cam / np.maximum(cam.max(), least)

    return (against,)


def _weights(gradients):
    return -gradients.mean(axis=(0, 1))


def _sum(maps, gradients):
    return maps @ _weights(gradients)


def _cam_by_loop(maps, gradients):
    cam = np.zeros(maps.shape[:2])
    for c in range(maps.shape[2]):
        cam -= gradients[..., c].mean() * maps[..., c]
    cam[cam < 0] = 0
    return (cam / cam.max() if cam.any() else cam).tolist()


# --- the bank -----------------------------------------------------------------------------------

WRONG = {
    "06-descriptor": [
        ("averages", (lambda m: m.mean(axis=(1, 2)),), "still to be divided by its length"),
        ("maximum", _unit(lambda m: m.max(axis=(1, 2))), "largest value of each map"),
        ("one length", _unit(length=np.linalg.norm), "each row has its own"),
        ("columns", _unit(length=lambda v: np.linalg.norm(v, axis=0)), "along the other axis"),
        ("sum", _unit(length=lambda v: v.sum(axis=1, keepdims=True)), "root of the sum of squares"),
        ("squares", _unit(length=lambda v: (v**2).sum(axis=1, keepdims=True)), "a root is missing"),
        ("channels", _unit(lambda m: m.mean(axis=(2, 3))), "have to stay"),
        ("flattened", _unit(lambda m: m.reshape(len(m), -1)), "average over rows and columns"),
        ("no guard", _unit(least=0), "0 / 0"),
        ("uniform", (_uniform,), "must stay zeros"),
        ("no batch", (lambda m: m.mean(axis=(0, 1, 2)),), "has shape (2,)"),
    ],
    "06-precision": [
        ("collection", (lambda n, y, q, k: (y[:k] == q).mean(),), "first k of the collection"),
        ("count", (lambda n, y, q, k: (y[n[:k]] == q).sum(),), "divide it by k"),
        ("recall", (lambda n, y, q, k: (y[n[:k]] == q).sum() / (y == q).sum(),), "recall"),
        ("size", (lambda n, y, q, k: (y[n[:k]] == q).sum() / len(y),), "size of the collection"),
        ("all", (lambda n, y, q, k: (y[n] == q).mean(),), "only the first k count"),
        ("farthest", (lambda n, y, q, k: (y[n[-k:]] == q).mean(),), "k farthest"),
        ("wrong ones", (lambda n, y, q, k: (y[n[:k]] != q).mean(),), "share of wrong ones"),
        ("places", (lambda n, y, q, k: (n[:k] == q).mean(),), "look the labels up"),
        ("array", (lambda n, y, q, k: y[n[:k]] == q,), "True and False"),
        ("percent", (lambda n, y, q, k: 100 * (y[n[:k]] == q).mean(),), "100 times too large"),
    ],
    "06-leak": [
        ("or", _near(lambda r, c, s: r < s or c < s), "along one axis"),
        ("rows", _near(lambda r, c, s: r < s), "rows only"),
        ("columns", _near(lambda r, c, s: c < s), "columns only"),
        ("touching", _near(lambda r, c, s: r <= s and c <= s), "begins where the other ends"),
        ("off by one", _near(lambda r, c, s: r < s - 1 and c < s - 1), "exactly one pixel"),
        ("equal only", (lambda a, b, s: a == b,), "at a corner"),
        ("no abs", _near(lambda r, c, s: 0 <= r < s and 0 <= c < s, int), "order of the two"),
        ("one way", _near(lambda r, c, s: r * c >= 0 and -s < r < s > abs(c), int), "lies lower"),
        ("always", (lambda a, b, s: True,), "are far apart"),
        ("never", (lambda a, b, s: False,), "share all their pixels"),
        ("eight", _near(lambda r, c, s: r < 8 and c < 8), "not always 8"),
        ("number", _near(lambda r, c, s: (s - r) * (s - c)), "type int"),
        ("text", (lambda a, b, s: "yes",), "type str"),
        ("nan", (lambda a, b, s: np.nan,), "type float"),
    ],
    "06-metric": [
        ("exchanged", ((10, 10), (1, 0.5)), "exchange a and b"),
        ("equal", ((1, 2), (1, 2)), "both are at the Euclidean distance"),
        ("b nearer", ((5, 0), (1, 1.5)), "by Euclid a has to be nearer"),
        ("same direction", ((1, 1), (2, 2)), "both have the cosine 1"),
        ("a by both", ((1, 1.1), (5, 0)), "a is nearer by both"),
        ("zero", ((0, 0), (1, 1)), "a is zero"),
        ("three", ((1, 1, 1), (2, 2, 2)), "shape (3,)"),
        ("numbers", (1, 2), "shape ()"),
        ("text", ("a", "b"), "pair of numbers, such as"),
        ("nan", ((np.nan, 1), (2, 2)), "finite numbers"),
    ],
    "06-cache": [
        ("with", (1797,), "*with* a cache"),
        ("training", (3780,), "tests on 450"),
        ("test", (5400,), "the runs also train"),
        ("one draw", (1260 + 1800,), "3 draws of each size"),
        ("not ten", (378 + 5400,), "*each* of 10 classes"),
        ("test once", (3780 + 450,), "by every run, not once"),
        ("all", (12 * 1797,), "not on all 1,347"),
        ("test by size", (3780 + 1800,), "once for each size"),
        ("training of one", (1260 + 5400,), "only one draw"),
        ("one off", (9179,), "too small by one"),
    ],
    "06-layer": [
        ("by heart", _best(_fitted), "learned by heart"),
        ("lowest", _best(_crossed, min), "lowest score"),
        ("scores", (_crossed,), "all scores were returned"),
        ("score", (lambda f, y: max(_crossed(f, y).values()),), "best score"),
        ("index", (lambda f, y: int(np.argmax([*_crossed(f, y).values()])),), "place of a layer"),
        ("another name", (lambda f, y: "middle",), "no key of the dictionary"),
        ("array", (lambda f, y: np.array([*_crossed(f, y).values()]),), "a text"),
        ("test", (lambda f, y: f["test"],), "KeyError"),
        ("nothing", (lambda f, y: None,), "returned nothing"),
    ],
    "06-cam": [
        ("for", _scaled(lambda m, g: np.maximum(m @ -_weights(g), 0)), "evidence *for* the class"),
        ("not scaled", (lambda m, g: np.maximum(m @ _weights(g), 0),), "that is not scaled"),
        ("signed", _scaled(lambda m, g: m @ _weights(g)), "negative sums have to become 0: "),
        ("raw", (lambda m, g: m @ _weights(g),), "divided by its largest value"),
        (
            "places",
            _scaled(lambda m, g: np.maximum(-(m * g).sum(2), 0)),
            "average them over places",
        ),
        ("absolute", _scaled(lambda m, g: np.abs(m @ _weights(g))), "for and against"),
        ("ReLU first", _scaled(lambda m, g: m @ np.maximum(_weights(g), 0)), "after the sum"),
        ("no weights", _scaled(lambda m, g: m.sum(axis=2)), "all maps count the same"),
        ("gradients", _scaled(lambda m, g: np.maximum(-g.mean(2), 0)), "they weight the maps"),
        ("shifted", _scaled(lambda m, g: _sum(m, g) - _sum(m, g).min()), "smallest value is 0"),
        ("weights", (lambda m, g: _weights(g),), "weighted sum of the maps"),
        ("maps apart", (lambda m, g: np.maximum(m * _weights(g), 0),), "sum over the last axis"),
        ("no guard", _scaled(lambda m, g: np.maximum(_sum(m, g), 0), 0), "the division fails"),
    ],
}

RIGHT = {
    "06-descriptor": [
        ("loop, a list", (_by_loop,)),
        ("scikit-learn", (lambda m: normalize(m.mean(axis=(1, 2))),)),
        ("float32", (lambda m: _unit()[0](m).astype("float32"),)),
        ("sums", _unit(lambda m: m.sum(axis=(1, 2)))),
        ("einsum", _unit(lambda m: np.einsum("nrsc->nc", m))),
    ],
    "06-precision": [
        ("loop", (lambda n, y, q, k: sum(int(y[i] == q) for i in n[:k]) / k,)),
        ("count_nonzero", (lambda n, y, q, k: np.count_nonzero(y[n][:k] == q) / k,)),
        ("float32", (lambda n, y, q, k: np.float32(np.mean(y[n[:k]] == q)),)),
    ],
    "06-leak": [
        ("sets of pixels", (_by_sets,)),
        ("NumPy", (lambda a, b, s: np.all(np.abs(np.subtract(a, b)) < s),)),
        ("max", _near(lambda r, c, s: max(r, c) < s)),
    ],
    "06-metric": [
        ("lists", ([0.5, 1.0], [100, 100])),
        ("arrays", (np.array([0, 1]), np.array([-9, 200]) * 1.0 + np.array([209, 0]))),
        ("short b", ((1.0, 0.9), (0.1, 0.1))),
    ],
    "06-cache": [("float", (9180.0,)), ("array", (np.array([9180]),))],
    "06-layer": [
        ("predictions", (_by_predictions,)),
        ("errors", _best(lambda f, y: {n: 1 - s for n, s in _crossed(f, y).items()}, min)),
        ("list", (lambda f, y: sorted(_crossed(f, y).items(), key=lambda pair: pair[1])[-1][0],)),
    ],
    "06-cam": [
        ("loop, a list", (_cam_by_loop,)),
        ("einsum", _scaled(lambda m, g: np.maximum(np.einsum("rsc,c->rs", m, _weights(g)), 0))),
        ("sum", _scaled(lambda m, g: np.clip((m * _weights(g)).sum(axis=-1), 0, None))),
        ("sum of gradients", _scaled(lambda m, g: np.maximum(-m @ g.sum(axis=(0, 1)), 0))),
    ],
}
