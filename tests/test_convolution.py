"""The operation against SciPy and Keras, and the defining property of every designed kernel."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import signal

from course_utils.ask import CourseError
from course_utils.convolution import (
    COMPASS,
    OPERATORS,
    binomial_kernel,
    convolve2d,
    correlate2d,
    difference_of_gaussians,
    flip,
    gabor_kernel,
    gaussian_kernel,
    gradient,
    identity_kernel,
    kirsch,
    laplace,
    mean_kernel,
    padding_widths,
    prewitt,
    separate,
    sobel,
)

PADDINGS = ("valid", "same", "full")
IMAGE, EYE = np.ones((6, 6)), np.eye(3)


def matrices(max_side: int, min_side: int = 1) -> st.SearchStrategy:
    """Random integers, whose sums are exact, so that no tolerance hides a mistake."""
    side = st.integers(min_side, max_side)
    return hnp.arrays(np.int64, st.tuples(side, side), elements=st.integers(-99, 99))


def kernels(sides: tuple[int, ...] = (1, 2, 3, 4, 5)) -> st.SearchStrategy:
    side = st.sampled_from(sides)
    return hnp.arrays(np.int64, st.tuples(side, side), elements=st.integers(-9, 9))


def fits(image: np.ndarray, kernel: np.ndarray) -> bool:
    return image.shape[0] >= kernel.shape[0] and image.shape[1] >= kernel.shape[1]


# --- the operation ------------------------------------------------------------------------------


@given(matrices(9), kernels(), st.sampled_from(("valid", "full")))
def test_equals_scipy(image: np.ndarray, kernel: np.ndarray, padding: str) -> None:
    # Where the kernel is larger, SciPy exchanges the two and this module refuses.
    assume(padding == "full" or fits(image, kernel))
    assert np.array_equal(
        convolve2d(image, kernel, padding=padding), signal.convolve2d(image, kernel, padding)
    )
    assert np.array_equal(
        correlate2d(image, kernel, padding=padding), signal.correlate2d(image, kernel, padding)
    )


@given(matrices(9, 5), kernels((1, 3, 5)))
def test_same_equals_scipy_for_odd_kernels(image: np.ndarray, kernel: np.ndarray) -> None:
    same = convolve2d(image, kernel, padding="same")
    assert np.array_equal(same, signal.convolve2d(image, kernel, "same"))


@settings(max_examples=30)  # TensorFlow looks at each new shape anew
@given(matrices(9), kernels(), st.sampled_from(("valid", "same")), st.integers(1, 4))
def test_correlation_equals_keras(
    image: np.ndarray, kernel: np.ndarray, padding: str, stride: int
) -> None:
    from course_utils.quiet import keras

    assume(padding == "same" or fits(image, kernel))
    keras_result = keras.ops.conv(
        image[None, ..., None].astype("float32"),
        kernel[..., None, None].astype("float32"),
        strides=stride,
        padding=padding,
    )
    ours = correlate2d(image, kernel, stride, padding)
    assert np.array_equal(ours, np.array(keras_result)[0, ..., 0])


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 7), st.sampled_from(("same", "full")))
def test_padding_widths(size: int, kernel: int, stride: int, padding: str) -> None:
    before, after = padding_widths(size, kernel, stride, padding)
    outputs = (size + before + after - kernel) // stride + 1
    if padding == "full":
        assert before == after == kernel - 1
    else:
        assert outputs == -(-size // stride)
        assert before >= 0 and after - before in (0, 1)
        # No zero more than needed: without the last one there would be fewer outputs.
        assert after == 0 or (size + before + after - 1 - kernel) // stride + 1 < outputs
    assert padding_widths(size, kernel, stride, "valid") == (0, 0)


@given(matrices(8, 5), kernels(), st.integers(1, 4), st.sampled_from(PADDINGS))
def test_stride_takes_every_nth_answer(
    image: np.ndarray, kernel: np.ndarray, stride: int, padding: str
) -> None:
    if padding == "same":  # pads by its stride, so start from the picture padded that way
        widths = [padding_widths(image.shape[a], kernel.shape[a], stride, "same") for a in (0, 1)]
        every = correlate2d(np.pad(image, widths), kernel)
    else:
        every = correlate2d(image, kernel, padding=padding)
    strided = correlate2d(image, kernel, stride, padding)
    assert np.array_equal(strided, every[::stride, ::stride])


@given(
    hnp.arrays(st.sampled_from([np.uint8, np.bool_]), (5, 6)),
    hnp.arrays(st.sampled_from([np.uint8, np.int8, np.bool_]), (3, 2)),
    st.sampled_from(PADDINGS),
)
def test_small_integers_do_not_overflow(
    image: np.ndarray, kernel: np.ndarray, padding: str
) -> None:
    answers = correlate2d(image, kernel, padding=padding)
    assert answers.dtype == np.int64
    wide = correlate2d(image.astype(int), kernel.astype(int), padding=padding)
    assert np.array_equal(answers, wide)


@pytest.mark.parametrize(
    ("image", "kernel", "result"),
    [
        ("float32", "float32", "float32"),
        ("float32", "float64", "float64"),
        ("float16", "float16", "float32"),
        ("uint8", "float16", "float32"),
        ("uint8", "float32", "float32"),
        ("complex64", "float32", "complex64"),
        ("uint8", "int8", "int64"),
    ],
)
def test_type_of_the_result(image: str, kernel: str, result: str) -> None:
    answers = correlate2d(np.ones((4, 4), image), np.ones((2, 2), kernel))
    assert answers.dtype == result and np.all(answers == 4)


@given(
    hnp.arrays(np.int64, (6, 5, 3), elements=st.integers(-9, 9)),
    kernels(),
    st.integers(1, 2),
    st.sampled_from(PADDINGS),
)
def test_channels_stay_apart(
    image: np.ndarray, kernel: np.ndarray, stride: int, padding: str
) -> None:
    for operation in (correlate2d, convolve2d):
        together = operation(image, kernel, stride, padding)
        apart = [operation(image[..., c], kernel, stride, padding) for c in range(3)]
        assert np.array_equal(together, np.stack(apart, axis=-1))


@given(kernels(), kernels())
def test_convolution_commutes(f: np.ndarray, g: np.ndarray) -> None:
    assert np.array_equal(convolve2d(f, g, padding="full"), convolve2d(g, f, padding="full"))


@given(matrices(11, 9), kernels(), kernels(), st.sampled_from(("valid", "full")))
def test_convolution_is_associative(
    image: np.ndarray, f: np.ndarray, g: np.ndarray, padding: str
) -> None:
    both = convolve2d(f, g, padding="full")
    one_by_one = convolve2d(convolve2d(image, f, padding=padding), g, padding=padding)
    assert np.array_equal(one_by_one, convolve2d(image, both, padding=padding))


@given(matrices(5), st.sampled_from(PADDINGS))
def test_identity_changes_nothing(image: np.ndarray, padding: str) -> None:
    answers = correlate2d(np.pad(image, 1), identity_kernel(), padding=padding)
    assert np.array_equal(answers, np.pad(image, {"valid": 0, "same": 1, "full": 2}[padding]))


@given(kernels())
def test_flip(kernel: np.ndarray) -> None:
    assert np.array_equal(flip(kernel), np.rot90(kernel, 2))
    assert np.array_equal(flip(flip(kernel)), kernel)
    # Convolution prints the kernel as it is around a single white pixel.
    assert np.array_equal(convolve2d([[1]], kernel, padding="full"), kernel)


def test_arguments_stay_as_they_are() -> None:
    image, kernel = np.arange(20.0).reshape(4, 5), np.arange(6.0).reshape(2, 3)
    copies = image.copy(), kernel.copy()
    for padding in PADDINGS:
        convolve2d(image, kernel, padding=padding)[:] = -1  # the result is no view either
    assert np.array_equal(image, copies[0]) and np.array_equal(kernel, copies[1])


# --- blurring -----------------------------------------------------------------------------------

ODD = st.integers(0, 7).map(lambda n: 2 * n + 1)


def assert_smooths(kernel: np.ndarray, size: int) -> None:
    """A weighted mean that prefers no direction."""
    assert kernel.shape == (size, size)
    assert np.isclose(kernel.sum(), 1) and (kernel >= 0).all()
    assert np.allclose(kernel, kernel.T) and np.allclose(kernel, kernel[::-1])


@given(ODD, st.floats(0.05, 50))
def test_smoothing_kernels(size: int, sigma: float) -> None:
    for kernel in (
        mean_kernel(size),
        gaussian_kernel(size, sigma),
        binomial_kernel(size) / 4 ** (size - 1),
    ):
        assert_smooths(kernel, size)
    assert np.all(mean_kernel(size) == 1 / size**2)


@pytest.mark.parametrize("sigma", [1e-3, 1e-160, 1e-200, 5e-324])
def test_the_narrowest_gaussian_changes_nothing(sigma: float) -> None:
    assert np.array_equal(gaussian_kernel(3, sigma), identity_kernel())


def test_gaussian_has_its_standard_deviation_and_shape() -> None:
    for sigma in (0.8, 1.0, 2.5):
        kernel = gaussian_kernel(31, sigma)
        offset = np.arange(31) - 15
        assert np.isclose((kernel.sum(axis=0) * offset**2).sum(), sigma**2, rtol=1e-3)
        # One standard deviation from the center the bell has fallen to exp(-1/2).
        step = int(2 * sigma)
        assert np.isclose(
            kernel[15, 15 + step] / kernel[15, 15], np.exp(-((step / sigma) ** 2) / 2)
        )


@given(st.integers(0, 15).map(lambda n: 2 * n + 1))
def test_binomial(size: int) -> None:
    kernel = binomial_kernel(size)
    offset = np.arange(size) - size // 2
    assert kernel.dtype.kind == "i" and (kernel > 0).all()
    assert int(kernel.sum()) == 4 ** (size - 1)  # a power of two
    variance = (kernel.sum(axis=0) / 4 ** (size - 1) * offset**2).sum()
    assert np.isclose(variance, (size - 1) / 4)
    if size > 1:
        # By Stirling, the peak is 2 / (pi n), and off by about one part in 2 n; n = size - 1.
        bell = gaussian_kernel(size, np.sqrt(size - 1) / 2)
        assert np.abs(kernel / 4 ** (size - 1) - bell).max() < 0.36 / (size - 1) ** 2


def test_twice_the_smallest_binomial_is_the_next() -> None:
    once = binomial_kernel()
    assert once.tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert np.array_equal(convolve2d(once, once, padding="full"), binomial_kernel(5))


# --- edges --------------------------------------------------------------------------------------


def ramp(right: float, up: float) -> np.ndarray:
    rows, columns = np.mgrid[:6, :7]
    return 3.0 + right * columns - up * rows


@pytest.mark.parametrize(("derivative", "weight"), [(sobel, 8), (prewitt, 6)])
@given(right=st.integers(-9, 9), up=st.integers(-9, 9))
def test_derivatives_measure_the_slope(
    derivative: Callable[[str], np.ndarray], weight: int, right: int, up: int
) -> None:
    image = ramp(right, up)
    assert np.all(correlate2d(image, derivative("x")) == weight * right)
    assert np.all(correlate2d(image, derivative("y")) == -weight * up)  # y runs downwards


def test_sobel_and_prewitt_as_published() -> None:
    assert sobel("x").tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert prewitt("x").tolist() == [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]


def test_kirsch_are_eight_turns_of_one_ring() -> None:
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]  # clockwise
    walks = [[kirsch(direction)[cell] for cell in ring] for direction in COMPASS]
    assert walks[COMPASS.index("N")] == [5, 5, 5, -3, -3, -3, -3, -3]
    for walk, next_walk in zip(walks, walks[1:] + walks[:1], strict=True):
        assert next_walk == walk[1:] + walk[:1]  # COMPASS goes counter-clockwise
    assert all(kirsch(direction)[1, 1] == 0 for direction in COMPASS)


@given(st.floats(0.01, 9), st.floats(-np.pi, np.pi))
def test_gradient_of_a_ramp(slope: float, angle: float) -> None:
    found, direction = gradient(ramp(slope * np.cos(angle), slope * np.sin(angle)))
    assert found.shape == (4, 5)
    assert np.allclose(found, 8 * slope)
    assert np.allclose(np.exp(1j * direction), np.exp(1j * angle))
    assert np.abs(direction).max() <= np.pi


@pytest.mark.parametrize(("neighbors", "per_axis"), [(4, 1), (8, 3)])
@given(curve=st.integers(-9, 9), right=st.integers(-9, 9), up=st.integers(-9, 9))
def test_laplace_is_the_second_derivative(
    neighbors: int, per_axis: int, curve: int, right: int, up: int
) -> None:
    kernel = laplace(neighbors)
    assert np.array_equal(kernel, kernel.T) and np.array_equal(kernel, np.rot90(kernel))
    assert (kernel == 1).sum() == neighbors and kernel[1, 1] == -neighbors
    assert not correlate2d(ramp(right, up), kernel).any()
    rows, columns = np.mgrid[:6, :7]
    for along in (rows, columns):  # the second derivative of c x^2 is 2 c
        answers = correlate2d(ramp(right, up) + curve * along**2, kernel)
        assert np.all(answers == per_axis * 2 * curve)


@given(st.integers(1, 10).map(lambda n: 2 * n + 1), st.floats(0.4, 4), st.floats(1.05, 4))
def test_difference_of_gaussians(size: int, inner: float, ratio: float) -> None:
    kernel = difference_of_gaussians(size, inner, ratio * inner)
    assert abs(kernel.sum()) < 1e-12
    center = size // 2
    assert kernel[center, center] == kernel.max() > 0
    assert kernel[0, 0] < 0  # the corners are furthest from the center
    assert np.allclose(kernel, np.rot90(kernel))


def test_difference_of_gaussians_has_a_positive_center_and_a_negative_surround() -> None:
    y, x = np.mgrid[-15:16, -15:16]
    kernel = difference_of_gaussians(31, 1.0, 1.6)
    # The two bells cross where r^2 = 2 ln(s^4) / (1 - 1 / s^2) / 2 with s = 1.6, r = 1.76.
    crossing = np.sqrt(2 * np.log(1.6**2) / (1 - 1.6**-2))
    assert np.all(kernel[np.hypot(x, y) < crossing] > 0)
    assert np.all(kernel[np.hypot(x, y) > crossing] <= 0)


# --- Gabor --------------------------------------------------------------------------------------

ANGLES = [np.pi / 8 * n for n in range(8)]


def grating(angle: float, wavelength: float, size: int = 31) -> np.ndarray:
    x = np.arange(size) - size // 2
    along = x * np.cos(angle) - x[:, None] * np.sin(angle)
    return np.cos(2 * np.pi * along / wavelength)


@settings(max_examples=50)
@given(
    st.integers(2, 10).map(lambda n: 2 * n + 1),
    st.floats(-7, 7),
    st.floats(2.5, 20),
    st.floats(0.8, 6),
    st.floats(-4, 4),
)
def test_gabor_sums(size: int, angle: float, wave: float, sigma: float, phase: float) -> None:
    kernel = gabor_kernel(size, angle, wave, sigma, phase)
    assert kernel.shape == (size, size)
    assert abs(kernel.sum()) < 1e-9
    assert np.isclose(np.abs(kernel).sum(), 1)


def test_gabor_bar_is_even_and_edge_is_odd() -> None:
    bar, edge = gabor_kernel(angle=0.3), gabor_kernel(angle=0.3, phase=np.pi / 2)
    assert bar.shape == (15, 15)
    assert np.allclose(flip(bar), bar) and np.allclose(flip(edge), -edge)


def test_gabor_angles_grow_counter_clockwise() -> None:
    upright = gabor_kernel(angle=0)  # a wave along x: all rows have the signs of the middle one
    assert np.allclose(upright, upright[::-1])
    assert np.allclose(gabor_kernel(angle=np.pi / 2), upright.T)
    assert np.allclose(np.rot90(upright), upright.T)
    # The edge detector is bright on the side that the angle points to.
    rows, columns = np.mgrid[-7:8, -7:8]
    for angle in (0.5, 2.0, -0.8):
        edge = gabor_kernel(angle=angle, phase=-np.pi / 2)
        assert np.isclose(
            np.arctan2(-(edge * rows).sum(), (edge * columns).sum()), angle, atol=0.05
        )


@pytest.mark.parametrize("angle", ANGLES)
def test_gabor_answers_strongest_to_its_own_angle(angle: float) -> None:
    kernel = gabor_kernel(15, angle)
    strength = [np.abs(correlate2d(grating(other, 6.0), kernel)).max() for other in ANGLES]
    assert ANGLES[int(np.argmax(strength))] == angle
    assert sorted(strength)[-2] < 0.9 * max(strength)


@pytest.mark.parametrize("wavelength", [4.0, 6.0, 9.0, 13.0])
def test_gabor_answers_strongest_to_its_own_wavelength(wavelength: float) -> None:
    kernel = gabor_kernel(31, 0.3, wavelength, sigma=wavelength / 2)
    waves = [4.0, 6.0, 9.0, 13.0]
    strength = [np.abs(correlate2d(grating(0.3, wave, 61), kernel)).max() for wave in waves]
    assert waves[int(np.argmax(strength))] == wavelength


# --- OPERATORS ----------------------------------------------------------------------------------


def test_operators_are_what_their_names_say() -> None:
    for name, function in {"Sobel": sobel, "Prewitt": prewitt, "Kirsch": kirsch}.items():
        for which in ("x", "y") if name != "Kirsch" else COMPASS:
            assert np.array_equal(OPERATORS[f"{name} {which}"], function(which))
    for neighbors in (4, 8):
        assert np.array_equal(OPERATORS[f"Laplace {neighbors}"], laplace(neighbors))
    assert np.array_equal(OPERATORS["identity"], identity_kernel())
    for name in ("mean", "Gaussian (binomial)"):
        assert_smooths(OPERATORS[name], 3)
    assert np.allclose(OPERATORS["Gaussian (binomial)"], binomial_kernel(3) / 16)


def test_sharpening_subtracts_the_second_derivative() -> None:
    sharpen = OPERATORS["sharpen"]
    assert sharpen.sum() == 1 and sharpen[1, 1] == 5
    edge = np.tile([0.2] * 4 + [0.8] * 4, (3, 1))
    answers = correlate2d(edge, sharpen)[0]
    assert np.isclose(answers.max(), 1.4) and np.isclose(answers.min(), -0.4)  # overshoots
    assert np.allclose(correlate2d(ramp(1, 2), sharpen), ramp(1, 2)[1:-1, 1:-1])


def test_emboss_keeps_brightness_and_lights_one_side() -> None:
    emboss = OPERATORS["emboss"]
    rows, columns = np.mgrid[:3, :3]
    below, above = (np.heaviside(side * (rows + columns - 2), 0.5) for side in (1, -1))
    assert emboss.sum() == 1 and (emboss * below).sum() > 1 and np.array_equal(emboss, emboss.T)
    assert ((emboss * (below + above)).sum()) == 1


def test_operators_differ() -> None:
    for one, other in combinations(OPERATORS, 2):
        assert not np.allclose(OPERATORS[one], OPERATORS[other]), (one, other)


def test_operators_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        OPERATORS["mean"] = np.zeros((3, 3))
    for kernel in OPERATORS.values():
        assert kernel.shape == (3, 3) and kernel.dtype == float
        with pytest.raises(ValueError, match="read-only"):
            kernel[0, 0] = 9
        copy = kernel.copy()
        copy[0, 0] = 9  # a copy can be edited
    sobel("x")[:] = 9  # and functions make a new one each time
    assert sobel("x")[0, 0] == -1


# --- separable kernels --------------------------------------------------------------------------


@given(
    hnp.arrays(float, st.integers(1, 6), elements=st.floats(-9, 9).map(lambda x: round(x, 2))),
    hnp.arrays(float, st.integers(1, 6), elements=st.floats(-9, 9).map(lambda x: round(x, 2))),
)
def test_separate_round_trip(column: np.ndarray, row: np.ndarray) -> None:
    assume(column.any() and row.any())
    kernel = np.outer(column, row)
    found = separate(kernel)
    assert [part.shape for part in found] == [column.shape, row.shape]
    assert np.allclose(np.outer(*found), kernel)
    assert found[0][np.argmax(np.abs(found[0]))] > 0


def test_two_thin_passes_do_the_work_of_a_square_kernel() -> None:
    image, square = np.random.default_rng(2).random((20, 15)), gaussian_kernel(7, 1.3)
    column, row = separate(square)
    thin = correlate2d(correlate2d(image, column[:, None]), row[None])
    assert np.allclose(thin, correlate2d(image, square))


NEARLY = np.outer([1, 2], [3, 4]) + 1e-6 * np.eye(2)
OTHER_RANKS = (
    (NEARLY, 2),
    (laplace(4), 2),
    (laplace(8), 2),
    (kirsch("N"), 2),
    (EYE, 3),
    (0 * EYE, 0),
)


# --- errors -------------------------------------------------------------------------------------


def bad(name: str, function: Callable, *values: object, **others: object) -> list[tuple]:
    """Calls that are to be refused with the name of the argument and its value."""
    return [(function, {**others, name: value}, f"{name} is {value!r}") for value in values]


@pytest.mark.parametrize(
    ("function", "arguments", "offending"),
    [
        *(
            row
            for kernel in (mean_kernel, binomial_kernel, gaussian_kernel, gabor_kernel)
            for row in bad("size", kernel, 4, 0, -3, 3.0, "3")
        ),
        *bad("size", binomial_kernel, 33),
        *bad("sigma", gaussian_kernel, 0, -1.5, np.nan, np.inf, "1", [1, 2]),
        *bad("sigma", gabor_kernel, 0),
        *bad("inner", difference_of_gaussians, 2, np.nan, outer=1),
        *bad("inner", difference_of_gaussians, 1, outer=1),
        *bad("outer", difference_of_gaussians, "2", np.nan),
        (difference_of_gaussians, {"inner": 0}, "sigma is 0"),
        *bad("wavelength", gabor_kernel, 0, 1.9, np.nan, "6"),
        *bad("phase", gabor_kernel, np.nan),
        *bad("angle", gabor_kernel, np.nan, "0"),
        (gabor_kernel, {"size": 1}, "size 1"),
        (gabor_kernel, {"sigma": 1e-200}, "sigma 1e-200"),
        (gabor_kernel, {"wavelength": 2, "phase": np.pi / 2}, "wavelength 2"),
        *bad("stride", correlate2d, 0, -1, 1.5, 2.0, np.nan, True, None, image=IMAGE, kernel=EYE),
        *bad("padding", correlate2d, "zero", image=IMAGE, kernel=EYE),
        *bad("padding", convolve2d, 1, image=IMAGE, kernel=EYE),
        *bad("padding", padding_widths, "SAME", size=5, kernel=3, stride=1),
        *bad("stride", padding_widths, 0, size=5, kernel=3, padding="valid"),
        *bad("axis", sobel, "z"),
        *bad("axis", prewitt, 0),
        *bad("direction", kirsch, "north"),
        *bad("neighbors", laplace, 5, "4"),
    ],
)
def test_arguments_are_refused(function: Callable, arguments: dict, offending: str) -> None:
    with pytest.raises(CourseError, match=re.escape(offending)):
        function(**arguments)


@pytest.mark.parametrize(
    ("call", "offending"),
    [
        (lambda: correlate2d(np.ones(6), IMAGE), "image has shape (6,)"),
        (lambda: correlate2d(np.ones((1, 6, 6, 3)), IMAGE), "image has shape (1, 6, 6, 3)"),
        (lambda: correlate2d(np.ones((0, 6)), IMAGE, padding="same"), "image has shape (0, 6)"),
        (lambda: correlate2d("photo.png", IMAGE), "image has entries of type <U9"),
        (lambda: correlate2d(None, IMAGE), "image has entries of type object"),
        (lambda: correlate2d(IMAGE, [["1", "0"]]), "kernel has entries of type <U1"),
        (lambda: correlate2d(IMAGE, np.ones((0, 3))), "kernel has shape (0, 3)"),
        (lambda: convolve2d(IMAGE, np.ones((3, 3, 1))), "kernel has shape (3, 3, 1)"),
        (lambda: flip([1, 2]), "kernel has shape (2,)"),
        (lambda: separate([1, 2, 1]), "kernel has shape (3,)"),
        (lambda: separate([[1, np.nan]]), "NaN"),
        (lambda: correlate2d(IMAGE, np.ones((3, 7))), "3 x 7"),
        (lambda: correlate2d(IMAGE, np.ones((7, 3))), "7 x 3"),
        (lambda: gradient(np.ones((2, 5))), "2 x 5"),
        (lambda: gradient(np.ones((6, 6, 3))), "image has shape (6, 6, 3)"),
        *((partial(separate, kernel), f"rank {rank}") for kernel, rank in OTHER_RANKS),
    ],
)
def test_arrays_are_refused(call: Callable[[], object], offending: str) -> None:
    with pytest.raises(CourseError, match=re.escape(offending)):
        call()


def test_usual_sizes() -> None:
    assert np.array_equal(gaussian_kernel(), gaussian_kernel(5, 1))
    assert np.array_equal(difference_of_gaussians(), difference_of_gaussians(9, 1, 1.6))
    assert np.array_equal(gabor_kernel(), gabor_kernel(15, 0, 6, 2.5, 0))
    assert np.array_equal(laplace(), laplace(4)) and np.array_equal(kirsch(), kirsch("N"))


def test_numbers_of_numpy_are_numbers() -> None:
    three, half = np.int64(3), np.float32(0.5)
    assert np.array_equal(mean_kernel(three), mean_kernel(3))
    assert np.array_equal(gaussian_kernel(three, half), gaussian_kernel(3, 0.5))
    assert np.array_equal(laplace(np.int64(8)), laplace(8))
    assert np.array_equal(correlate2d(IMAGE, EYE, three), correlate2d(IMAGE, EYE, 3))
