"""Lesson 09: the bounds, orders and signs that its sentences rely on."""

from tests.claims import Claim

CLAIMS = (
    Claim(
        after="recipe",
        sentence="The same numbers.",
        holds="np.allclose(by_score, by_recipe, rtol=1e-4, atol=1e-5 * np.abs(by_score).max())",
    ),
    Claim(
        after="cures",
        sentence="Leaving out octaves or jitter *raises* the gain, by half or more",
        holds="min(gain['no octaves'], gain['no jitter']) > 1.5 * gain['all cures']",
    ),
    Claim(
        after="cures",
        sentence="Small steps lower the total variation most",
        holds="max(rough, key=rough.get) == 'steps x 10'",
    ),
    Claim(
        after="guides",
        sentence="each guide is best served by its own",
        holds="(likeness.argmax(axis=0) == 1 + np.arange(4)).all()",
    ),
    Claim(
        after="classes",
        sentence="The network is *just as sure*.",
        holds="min(sure.values()) > 0.6",
    ),
)
