"""Lesson 01: the bounds, orders and signs that its sentences rely on."""

from tests.claims import Claim

CLAIMS = (
    Claim(
        after="dense",
        sentence="Nearly ten million weights against 1,792",
        holds="dense.count_params() == 224 * 224 * 3 * 64 + 64 < 10_000_000"
        " and small_patches.count_params() == 3 * 3 * 3 * 64 + 64 == 1792",
    ),
    Claim(
        after="noise",
        sentence="the standard deviation, is multiplied by $\\sqrt{\\sum k^2}$",
        holds="all(abs(convolution.correlate2d(noise, k).std() / noise.std()"
        " - np.sqrt((k**2).sum())) < 0.02 for k in smoothers.values())",
    ),
    Claim(
        after="gradient",
        sentence="give an arrow at each pixel, the **gradient**",
        holds="np.allclose((magnitude, angle), convolution.gradient(coins))",
    ),
    Claim(
        after="bands",
        sentence="Add the most blurred picture to the three bands, and you have the least blurred",
        holds="np.allclose(blurred[0], blurred[-1] + sum(bands), atol=1e-5)",
    ),
    Claim(
        after="descent",
        sentence="after 500 steps Sobel's kernel, to two decimals",
        holds="len(history) == 501 and (history[-1].round(2) == convolution.sobel('x')).all()",
    ),
    Claim(
        after="learned",
        sentence="A `Conv2D` layer with one 3 x 3 filter learns it with `fit`",
        holds="error < 0.01",
    ),
    Claim(
        after="camera",
        sentence="a kernel with the right signs but weights that are off by tenths",
        holds="0.1 < np.abs(from_camera[-1] - convolution.sobel('x')).max() < 1"
        " and (np.sign(from_camera[-1])[:, [0, 2]] == [-1, 1]).all()",
    ),
    Claim(
        after="camera",
        sentence="least squares, which solves for the best kernel directly, finds Sobel's from it",
        holds="np.allclose(exact, convolution.sobel('x'))",
    ),
    Claim(
        after="strength",
        sentence="All of the one, next to nothing of the other",
        holds="explained(learner, inputs, targets) > 0.999"
        " and explained(loser, inputs, strengths) < 0.05",
    ),
    Claim(
        after="bias",
        sentence="10 = 9 weights + 1 bias, for any picture",
        holds="one_filter.count_params() == 3 * 3 + 1",
    ),
)
