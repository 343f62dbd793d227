"""WAV files as waves: one channel, one rate, in [-1, 1]."""

from __future__ import annotations

import io
import math
import os
import re
import struct
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import ask
from course_utils.sounds.spectrograms import HOP, RATE

SHORTEST, LONGEST = 0.1, 60.0  # seconds of a file that is read
LARGEST = 100_000_000  # bytes of it
QUIET = 35.0  # dB below the loudest moment of a recording, see `trim`

#: What people take for WAV files: a word at the beginning, at byte 4 or 8, and what they are.
KINDS = {
    b"AVI ": "an AVI video",
    b"WEBP": "a WebP picture",
    b"ftyp": "an MP4 or M4A file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"FORM": "an AIFF file",
    b"\x1aE\xdf\xa3": "a WebM file",
    b"ID3": "an MP3 file",
    b"\xff\xfb": "an MP3 file",
    b"\xff\xf3": "an MP3 file",
}


def load(source: str | os.PathLike | bytes) -> NDArray[np.float32]:
    """Read a WAV file: one channel, float32 in [-1, 1], at `RATE`. Lesson 07, section 8.

    8, 16, 24 and 32 bit and floats will do, any rate, any number of channels, of which the mean is
    taken. Floats beyond 1 are scaled down.

    Parameters
    ----------
    source
        A path, or the bytes of a file.

    Returns
    -------
    ndarray of float32 in [-1, 1], shape (samples,)

    Raises
    ------
    CourseError
        No such file, not a WAV file, damaged, too short or too long, silent, not finite.
    """
    from scipy.signal import resample_poly

    name, content = _content(source)
    rate, samples = _decoded(name, content)
    wave = _mono(name, samples)
    if not 1000 <= rate <= 384_000:
        raise _error(name, f"has {rate} samples a second", "export it with 8 to 48 kHz")
    seconds = len(wave) / rate
    if seconds < SHORTEST:
        remedy = f"record at least {SHORTEST:g}, one short word"
        raise _error(name, f"lasts {seconds:.3f} seconds", remedy)
    if seconds > LONGEST:
        raise _error(name, f"lasts {seconds:.0f} seconds", f"cut out at most {LONGEST:g} of them")
    if np.ptp(wave) < 1e-6:
        raise _error(name, "is silent", "check the microphone, and record it again")
    wave /= max(1.0, np.abs(wave).max())
    common = math.gcd(rate, RATE)
    if rate != RATE:
        wave = np.clip(resample_poly(wave, RATE // common, rate // common), -1, 1)
    return wave.astype(np.float32)


def _error(name: str, fault: str, remedy: str) -> ask.CourseError:
    return ask.CourseError(f"{name} {fault}: {remedy}.")


def _content(source: str | os.PathLike | bytes) -> tuple[str, bytes]:
    """What to call a sound in messages, and the bytes of its file."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "The sound file", bytes(source)
    path, name = Path(source), str(source)
    if path.is_dir():
        raise _error(str(path), "is a folder", "give the path of one WAV file in it")
    try:
        size = path.stat().st_size
        content = b"" if size > LARGEST else path.read_bytes()
    except FileNotFoundError:
        remedy = f"check the path; it is looked for in {Path.cwd()}"
        raise _error(name, "does not exist", remedy) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _error(name, f"cannot be read ({reason})", "check its permissions") from None
    if size > LARGEST:
        remedy = f"cut out at most {LONGEST:g} seconds of it"
        raise _error(name, f"has {size / 1e6:.0f} MB", remedy)
    return name, content


def _decoded(name: str, content: bytes) -> tuple[int, NDArray]:
    """Samples a second, and samples of any type; what SciPy says of bad files, in plain words."""
    from scipy.io import wavfile

    if not content:
        raise _error(name, "is empty", "record it, or save it, again")
    if content[:4] not in (b"RIFF", b"RIFX", b"RF64") or content[8:12] != b"WAVE":
        starts = (word for word in KINDS if any(content.startswith(word, n) for n in (0, 4, 8)))
        kind = KINDS.get(next(starts, b""))
        what = f"is {kind}, not a WAV file, whatever its name says" if kind else "is no WAV file"
        raise _error(name, what, "open it in a sound editor and export it as WAV, 16-bit PCM")
    try:
        return wavfile.read(io.BytesIO(_tidied(content)))
    except Exception as error:  # SciPy raises nearly anything on damaged headers
        fault, remedy = "is damaged, its header or its end is missing", "copy or export it again"
        if "Unknown wave file format" in str(error):
            fault, remedy = (
                "is compressed in a way that is not read here",
                "export it as 16-bit PCM",
            )
        if bits := re.search(r"has (\d+-bit [\w-]+) data", str(error)):
            fault, remedy = f"holds {bits[1]} samples", "export it as 16-bit PCM"
        raise _error(name, fault, remedy) from error


def _tidied(content: bytes) -> bytes:
    """A WAV file of nothing but its format and its samples, with true sizes.

    Who writes into a pipe cannot know the sizes, some programs leave bytes behind the samples, and
    players do not mind either. Samples that are missing remain a fault.
    """
    order, place, true_size = ">" if content[:4] == b"RIFX" else "<", 12, 0
    while True:
        kind, size = struct.unpack_from(f"{order}4sI", content, place)
        place += 8
        if kind == b"ds64":  # sizes of 64 bits, in place of those that do not fit into 32
            true_size = struct.unpack_from(f"{order}8xQ", content, place)[0]
        elif kind == b"fmt ":
            layout = content[place : place + size]
        elif kind == b"data":
            break
        place += size + size % 2
    size = true_size or size
    if not 0 < size <= LARGEST:  # no size, but the sign of a pipe: all that follows
        size = len(content) - place
    if size > len(content) - place:
        raise ValueError("samples are missing")
    rate, block = struct.unpack_from(f"{order}I4xH", layout, 4)
    samples = content[place : place + size // block * block]
    layout = layout[:8] + struct.pack(f"{order}I", rate * block) + layout[12:]
    chunks = b"".join(
        struct.pack(f"{order}4sI", kind, len(chunk)) + chunk + bytes(len(chunk) % 2)
        for kind, chunk in ((b"fmt ", layout), (b"data", samples))
    )
    form = b"RIFX" if order == ">" else b"RIFF"
    return struct.pack(f"{order}4sI4s", form, 4 + len(chunks), b"WAVE") + chunks


def _mono(name: str, samples: NDArray) -> NDArray[np.float64]:
    """One channel in floats: integers by their range, the mean of several channels."""
    wave = samples.astype(np.float64)
    if samples.dtype == np.uint8:
        wave = (wave - 128) / 128
    elif samples.dtype.kind == "i":
        wave /= -float(np.iinfo(samples.dtype).min)
    if not np.isfinite(wave).all():
        raise _error(name, "holds samples that are not finite", "export it again as 16-bit PCM")
    return wave.mean(axis=1) if wave.ndim == 2 else wave


def trim(wave: ArrayLike) -> NDArray[np.float32]:
    """Cut off what is quiet at both ends, as the clips of the data sets are.

    Frames of `HOP` samples count as quiet where they are 35 dB below the loudest one, or more.
    Lesson 07, section 8.

    Parameters
    ----------
    wave : array of float in [-1, 1], shape (samples,)

    Returns
    -------
    ndarray of float32, shape (n,), n from `HOP` (or all samples of a shorter wave)
    """
    wave = np.asarray(wave, np.float32)
    ask.some("samples", wave)
    frames = [wave[start : start + HOP] for start in range(0, len(wave), HOP)]
    power = np.array([np.mean(np.square(frame)) for frame in frames])
    loud = np.flatnonzero(power >= power.max() * 10 ** (-QUIET / 10))
    return wave[loud[0] * HOP : (loud[-1] + 1) * HOP]
