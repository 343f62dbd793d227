"""Lesson 08: the bounds, orders and signs that its sentences rely on."""

from tests.claims import Claim

CLAIMS = (
    Claim(
        after="pull",
        sentence="At the end the variation is the largest, then content, then style.",
        holds="(np.argsort(curves[-1]) == [1, 0, 2]).all()",
    ),
    Claim(
        after="race",
        sentence="Adam catches up in the end",
        holds="ends['Adam, rate 0.08'] < 1.1 * ends['L-BFGS']",
    ),
    Claim(
        after="products",
        sentence="Four times the pixels, four times the products",
        holds="sum(products(256).values()) == 4 * sum(products(128).values())",
    ),
    Claim(
        after="traced",
        sentence="Three values, three compilations; four tensors, one.",
        holds="len(compiled) == 3 + 1",
    ),
    Claim(
        after="gallery",
        sentence="the result has the photo's shape",
        holds="all(made.finished and made.picture.shape == (128, 192, 3)"
        " for made in finished.values())",
    ),
)
