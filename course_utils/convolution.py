"""Convolution and its classical kernels: derived in lesson 01.

Two conventions, used by every later lesson:

* Kernels are written for *cross-correlation*, the operation of deep-learning layers: the kernel
  slides over the image without being flipped. ``sobel("x")`` therefore answers positively where
  the image gets brighter from left to right.
* ``convolve2d`` is the convolution of mathematics: cross-correlation with the kernel flipped along
  both axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils import ask
from course_utils.ask import CourseError

Padding = Literal["valid", "same", "full"]

# --------------------------------------------------------------------------------------------------
# The operation
# --------------------------------------------------------------------------------------------------


def _numbers(name: str, array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """An image or a kernel: numbers, at least one of them, along so many axes."""
    array = np.asarray(array)
    if array.dtype.kind not in "biufc":
        raise CourseError(f"{name} has entries of type {array.dtype}; give numbers.")
    if array.ndim not in axes or 0 in array.shape:
        shapes = ("(height, width)", "(height, width, channels)")[: len(axes)]
        raise CourseError(f"{name} has shape {array.shape}; give {' or '.join(shapes)}.")
    return array


def padding_widths(size: int, kernel: int, stride: int, padding: Padding) -> tuple[int, int]:
    """Zeros to add before and after one axis.

    ``"same"`` follows TensorFlow: the output has ``ceil(size / stride)`` entries, and where the
    number of zeros is odd the extra one comes *after*.

    Parameters
    ----------
    size, kernel, stride
        Length of the axis, of the kernel along it, and the step, in pixels.
    padding
        ``"valid"`` (none), ``"same"`` or ``"full"`` (every overlap of at least one pixel).
    """
    stride = ask.whole("stride", stride)
    ask.choice("padding", padding, ("valid", "same", "full"))
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return kernel - 1, kernel - 1
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def correlate2d(
    image: np.ndarray, kernel: np.ndarray, stride: int = 1, padding: Padding = "valid"
) -> np.ndarray:
    """Cross-correlate an image with a kernel: what a Conv2D layer computes, without the bias.

    ``out[y, x] = sum over u, v of kernel[u, v] * image[y * stride + u, x * stride + v]``

    Parameters
    ----------
    image : array, shape (height, width) or (height, width, channels)
        With channels, each is filtered by the same kernel and the channels stay apart.
    kernel : array, shape (kernel height, kernel width)
    stride
        Step of the kernel in pixels, the same along both axes.
    padding
        As in `padding_widths`.

    Returns
    -------
    array, shape (rows, columns) or (rows, columns, channels)
        Of the common floating-point type of image and kernel, at least float32; int64 if both
        hold integers.

    Raises
    ------
    CourseError
        No numbers, another shape, or a kernel larger than the image with ``"valid"``.

    References
    ----------
    Lesson 01, section 3. V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep
    learning", 2016, arXiv:1603.07285, chapter 2.
    """
    image, kernel = _numbers("image", image, (2, 3)), _numbers("kernel", kernel, (2,))
    if padding == "valid" and np.any(np.less(image.shape[:2], kernel.shape)):
        raise CourseError(
            f"kernel is {kernel.shape[0]} x {kernel.shape[1]} and does not fit into an image of "
            f"{image.shape[0]} x {image.shape[1]}; take padding 'same' or a smaller kernel."
        )
    dtype = np.result_type(image, kernel)
    # In the sum small integers such as uint8 would overflow, and float16 would lose its digits.
    dtype = np.result_type(dtype, np.float32) if dtype.kind in "fc" else np.int64
    rows, columns = (
        padding_widths(image.shape[axis], kernel.shape[axis], stride, padding) for axis in (0, 1)
    )
    image = np.pad(image.astype(dtype), (rows, columns) + ((0, 0),) * (image.ndim - 2))
    windows = sliding_window_view(image, kernel.shape, axis=(0, 1))[::stride, ::stride]
    return np.einsum("...uv,uv->...", windows, kernel.astype(dtype))


def convolve2d(
    image: np.ndarray, kernel: np.ndarray, stride: int = 1, padding: Padding = "valid"
) -> np.ndarray:
    """Convolve an image with a kernel: :func:`correlate2d` with the kernel flipped on both axes.

    For ``"valid"`` and ``"full"`` with stride 1 it equals ``scipy.signal.convolve2d``, and for
    ``"same"`` too where both sides of the kernel are odd (SciPy and TensorFlow center even kernels
    differently). Parameters, result and errors are those of :func:`correlate2d`.
    """
    return correlate2d(image, flip(kernel), stride, padding)


def flip(kernel: np.ndarray) -> np.ndarray:
    """Turn a kernel by 180 degrees: the difference between convolution and cross-correlation."""
    return _numbers("kernel", kernel, (2,))[::-1, ::-1]


# --------------------------------------------------------------------------------------------------
# Designed kernels, 1960s to 1990s
# --------------------------------------------------------------------------------------------------


def _odd(size: int) -> int:
    if ask.whole("size", size) % 2 == 0:
        raise CourseError(f"size is {size}; a kernel with a center has an odd one: 3, 5, 7, ...")
    return int(size)


def _window(size: int, sigma: float) -> np.ndarray:
    """Gaussian with a largest value of 1, shape (size, size)."""
    sigma, offset = ask.number("sigma", sigma, above=0), np.arange(_odd(size)) - size // 2
    # Divided before it is squared, so that the middle stays 1 however small sigma is: exp(-inf)
    # around it is 0.
    with np.errstate(over="ignore"):
        row = np.exp(-((offset / sigma) ** 2) / 2)
    return np.outer(row, row)


def mean_kernel(size: int = 3) -> np.ndarray:
    """Mean (box) kernel, shape (size, size), every entry ``1 / size**2``."""
    return np.full((_odd(size), size), 1 / size**2)


def gaussian_kernel(size: int = 5, sigma: float = 1.0) -> np.ndarray:
    """Gaussian kernel, shape (size, size), scaled to sum 1.

    Parameters
    ----------
    size
        Odd number of pixels; beyond ``6 * sigma + 1`` the rest is nearly zero.
    sigma
        Standard deviation in pixels, above 0.
    """
    kernel = _window(size, sigma)
    return kernel / kernel.sum()


def binomial_kernel(size: int = 3) -> np.ndarray:
    """Integer stand-in for the Gaussian: outer product of a row of Pascal's triangle.

    Its sum is ``4 ** (size - 1)``, a power of two, so that dividing by the sum is a shift of bits.
    Returns integers, shape (size, size); size 3 gives ``[[1, 2, 1], [2, 4, 2], [1, 2, 1]]``, to be
    divided by 16. Its standard deviation is ``sqrt(size - 1) / 2`` pixels. The largest size is 31,
    beyond which the sum would overflow 64 bits.
    """
    row = np.array([1])
    for _ in range(ask.whole("size", _odd(size), high=31) - 1):
        row = np.convolve(row, [1, 1])
    return np.outer(row, row)


def _derivative(axis: str, smooth: tuple[int, int, int]) -> np.ndarray:
    ask.choice("axis", axis, ("x", "y"))
    kernel = np.outer(smooth, (-1, 0, 1)).astype(float)
    return kernel if axis == "x" else kernel.T


def sobel(axis: str = "x") -> np.ndarray:
    """Sobel's derivative along ``"x"`` or ``"y"`` (Sobel, Feldman, 1968), shape (3, 3), sum 0."""
    return _derivative(axis, (1, 2, 1))


def prewitt(axis: str = "x") -> np.ndarray:
    """Prewitt's derivative along ``"x"`` or ``"y"`` (Prewitt, 1970), shape (3, 3), sum 0."""
    return _derivative(axis, (1, 1, 1))


COMPASS = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")
# Clockwise walk around the eight outer cells of a 3x3 matrix, from the top left.
_RING = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))


def kirsch(direction: str = "N") -> np.ndarray:
    """Kirsch's compass kernel for one of eight directions (Kirsch, 1971), shape (3, 3), sum 0.

    ``direction`` says on which side of the edge the image is bright: one of ``COMPASS``. The other
    seven kernels are this one with its outer ring turned by steps of 45 degrees.
    """
    ask.choice("direction", direction, COMPASS)
    ring = [5, 5, 5, -3, -3, -3, -3, -3]  # north: the three bright cells are the top row
    turn = COMPASS.index(direction) - COMPASS.index("N")  # 45 degrees counter-clockwise each
    kernel = np.zeros((3, 3))
    for place, (row, column) in enumerate(_RING):
        kernel[row, column] = ring[(place + turn) % 8]
    return kernel


def laplace(neighbors: int = 4) -> np.ndarray:
    """Laplace operator, the sum of both second derivatives, with 4 or 8 neighbors; sum 0."""
    neighbors = ask.choice("neighbors", ask.whole("neighbors", neighbors), (4, 8))
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], float)
    return kernel if neighbors == 4 else np.ones((3, 3)) - 9 * identity_kernel()


def identity_kernel() -> np.ndarray:
    """The 3x3 kernel that changes nothing: a single 1 in the middle."""
    kernel = np.zeros((3, 3))
    kernel[1, 1] = 1
    return kernel


def difference_of_gaussians(size: int = 9, inner: float = 1.0, outer: float = 1.6) -> np.ndarray:
    """Narrow Gaussian minus wide Gaussian: center-surround, shape (size, size), sum 0.

    The receptive field of a retinal ganglion cell (R. Rodieck, 1965) and, with ``outer`` 1.6 times
    ``inner``, nearly the Laplacian of a Gaussian (D. Marr, E. Hildreth, "Theory of edge detection",
    1980). ``inner`` and ``outer`` are standard deviations in pixels, ``inner < outer``.
    """
    ask.number("inner", inner, below=ask.number("outer", outer))
    return gaussian_kernel(size, inner) - gaussian_kernel(size, outer)


def gabor_kernel(
    size: int = 15,
    angle: float = 0.0,
    wavelength: float = 6.0,
    sigma: float = 2.5,
    phase: float = 0.0,
) -> np.ndarray:
    """Gabor kernel: a wave under a Gaussian window, the model of a simple cell in V1.

    Parameters
    ----------
    size
        Odd number of pixels of a side.
    angle
        Direction of the wave in radians; 0 is a wave along x, which answers to vertical edges and
        bars, and angles grow counter-clockwise.
    wavelength, sigma
        Length of the wave, at least 2, and standard deviation of the window, in pixels.
    phase
        0 for a bar detector (even), pi/2 for an edge detector (odd), in radians.

    Returns
    -------
    array, shape (size, size)
        Shifted to sum 0, so that flat regions give no answer, and scaled so that the absolute
        values sum to 1.

    References
    ----------
    J. Daugman, "Uncertainty relation for resolution in space, spatial frequency, and orientation
    optimized by two-dimensional visual cortical filters", 1985.
    """
    angle, phase = ask.number("angle", angle), ask.number("phase", phase)
    wavelength = ask.number("wavelength", wavelength, low=2)  # pixels show no shorter waves
    window = _window(size, sigma)
    offset = np.arange(size) - size // 2
    x, y = np.meshgrid(offset, -offset)  # y points up, as angles on paper do
    along = x * np.cos(angle) + y * np.sin(angle)
    kernel = window * np.cos(2 * np.pi * along / wavelength + phase)
    kernel -= window * (kernel.sum() / window.sum())
    total = np.abs(kernel).sum()
    if not total > 1e-9:
        raise CourseError(
            f"size {size}, wavelength {wavelength:g}, sigma {sigma:g} and phase {phase:g} leave no "
            "wave; take a larger size or sigma, or another wavelength."
        )
    return kernel / total


OPERATORS: Mapping[str, np.ndarray] = MappingProxyType(
    {
        "identity": identity_kernel(),
        "mean": mean_kernel(3),
        "Gaussian (binomial)": binomial_kernel(3) / 16,
        "Sobel x": sobel("x"),
        "Sobel y": sobel("y"),
        "Prewitt x": prewitt("x"),
        "Prewitt y": prewitt("y"),
        **{f"Kirsch {direction}": kirsch(direction) for direction in COMPASS},
        "Laplace 4": laplace(4),
        "Laplace 8": laplace(8),
        "sharpen": identity_kernel() - laplace(4),
        "emboss": np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], float),
    }
)

for _kernel in OPERATORS.values():
    _kernel.setflags(write=False)  # shared: a change in one place would spoil all others


def gradient(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of a gray image by Sobel's kernels.

    Parameters
    ----------
    image : array, shape (height, width)

    Returns
    -------
    magnitude : array, shape (height - 2, width - 2)
        Length of the gradient, in the units of Sobel's kernels: eight times the change of
        brightness per pixel.
    angle : array, same shape
        Direction in which the image gets brighter, in radians: 0 to the right, pi/2 upwards, pi
        or -pi to the left, -pi/2 downwards.
    """
    if np.ndim(image) == 3:
        raise CourseError(
            f"image has shape {np.shape(image)}; give a gray one, such as images.to_gray(image)."
        )
    gx, gy = correlate2d(image, sobel("x")), correlate2d(image, sobel("y"))
    return np.hypot(gx, gy), np.arctan2(-gy, gx)


def separate(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column and row whose outer product is the kernel.

    Returns
    -------
    column, row : arrays, shapes (kernel height,) and (kernel width,)

    Raises
    ------
    CourseError
        The kernel has a rank other than 1 and so is not separable.
    """
    kernel = _numbers("kernel", kernel, (2,)).astype(float)
    if not np.isfinite(kernel).all():
        raise CourseError("kernel has NaN or infinite entries; give finite numbers.")
    left, values, right = np.linalg.svd(kernel)
    rank = int((values > values[0] * 1e-10).sum())
    if rank != 1:
        raise CourseError(f"kernel has rank {rank}; only kernels of rank 1 are separable.")
    scale = np.sqrt(values[0])
    # The signs of singular vectors are arbitrary: make the largest entry of the column positive.
    sign = np.sign(left[np.argmax(np.abs(left[:, 0])), 0])
    return sign * scale * left[:, 0], sign * scale * right[0]
