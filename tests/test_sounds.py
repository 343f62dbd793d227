"""Sounds: spectrograms against Keras and SciPy, WAV files good and bad, the digit network."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import math
import re
import struct
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import signal, stats
from scipy.io import wavfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from course_utils import data, features, networks, sounds
from course_utils.ask import CourseError
from course_utils.quiet import keras, tf
from course_utils.sounds import reading, transfer
from course_utils.widgets import sound_classifier, spectrogram_explorer
from tests.shared import shared

threadpool_limits(1, "blas")  # small matrices: threads would wait for one another

waves = st.integers(0, 10**6).map(
    lambda seed: (0.1 * np.random.default_rng(seed).normal(size=sounds.CLIP)).astype(np.float32)
)


def tone(hertz: float, samples: int = sounds.CLIP, rate: int = sounds.RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(samples) / rate)).astype(np.float32)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: sounds.stft(np.zeros(100), 0), "window is 0"),
        (lambda: sounds.stft(np.zeros(100), 7), "window is 7"),
        (lambda: sounds.stft(np.zeros(1000), 256, 0), "hop is 0"),
        (lambda: sounds.stft(np.zeros(128), 256, 128), "128 samples"),
        (lambda: sounds.stft(0.0), "1 samples"),
        (lambda: sounds.mel_matrix(0), "mels is 0"),
        (lambda: sounds.fix_length(np.zeros((5, 2))), r"\(5, 2\)"),
        (lambda: sounds.fix_length(np.zeros(5), 0), "samples is 0"),
        (lambda: sounds.trim([]), "no samples"),
        (lambda: sounds.mfcc(np.zeros((1, 16, 5)), 17), "count is 17"),
        (lambda: sounds.mfcc(np.zeros((1, 16, 5)), 0), "count is 0"),
        (lambda: sounds.over_time(np.zeros((2, 3, 4)), 5), "parts is 5"),
        (lambda: sounds.over_time(np.zeros((2, 3, 4)), 0), "parts is 0"),
        (lambda: sounds.draws([0, 0], ["a", "b"], 1, 1, 2), "held_out is 2"),
        (lambda: sounds.draws([0, 0], ["a", "b"], 1, 1, 0), "held_out is 0"),
        (lambda: sounds.draws([0, 0], ["a", "b"], 5, 1, 1), "per_class is 5"),
        (lambda: sounds.split_voices(data.spoken_digits(), ["nobody"]), "'nobody'"),
        (lambda: sounds.split_voices(data.spoken_digits(), []), "held out is 0"),
        (lambda: sounds.split_voices(data.spoken_digits(), VOICES), "held out is 12"),
        (lambda: sounds.train_digit_network(None, [0], [0], changes=["flip"]), "'flip'"),
        (lambda: sounds.train_digit_network(None, [], []), "no waves"),
        (lambda: spectrogram_explorer.frame("moo", 256, 75, "mel", 60), "'moo'"),
        (lambda: spectrogram_explorer.frame("chirp", 100, 75, "mel", 60), "window is 100"),
        (lambda: spectrogram_explorer.frame("chirp", 256, 75, "bark", 60), "'bark'"),
        (lambda: spectrogram_explorer.show("moo"), "'moo'"),
        (lambda: spectrogram_explorer.show("chirp", 100), "window is 100"),
        (lambda: sound_classifier.show("moo"), "'moo'"),
        (lambda: sound_classifier.frame("zero, v10", "", (), 40, 50, 50), "begins at 50 %"),
        (lambda: sound_classifier.frame(sound_classifier.OWN, "no.wav", (), 40, 0, 9), "no.wav"),
    ],
)
def test_what_is_refused_is_named(call: Callable, value: str) -> None:
    with pytest.raises(CourseError, match=value):
        call()


VOICES = [f"v{number:02}" for number in range(1, 13)]


# --- spectrograms ---------------------------------------------------------------------------------


@given(waves, st.sampled_from([(64, 16), (256, 128), (200, 77), (2, 1)]))
@settings(max_examples=20, deadline=None)
def test_stft_equals_keras(wave, sizes):
    window, hop = sizes
    real, imaginary = keras.ops.stft(wave[None], window, hop, window)
    expected = np.array(real)[0] + 1j * np.array(imaginary)[0]
    spectrum = sounds.stft(wave, window, hop)
    assert spectrum.shape == expected.shape == (1 + len(wave) // hop, window // 2 + 1)
    assert np.abs(spectrum - expected).max() < 1e-3


def test_stft_equals_scipy():
    wave = np.random.default_rng(0).normal(size=sounds.CLIP)
    taper = signal.get_window("hann", 256)
    short = signal.ShortTimeFFT(taper, 128, sounds.RATE, scale_to=None)
    first, last = short.lower_border_end[1], short.upper_border_begin(len(wave))[1]
    expected = short.stft(wave, first, last).T  # frames that do not reach over the ends
    assert len(expected) > 50
    spectrum = sounds.stft(wave, 256, 128)[first:last]
    assert np.allclose(np.abs(spectrum), np.abs(expected), atol=1e-9)


@given(st.lists(waves, min_size=1, max_size=3))
@settings(max_examples=10, deadline=None)
def test_log_mel_equals_keras_bin_by_bin(clips):
    batch = np.stack(clips)
    layer = keras.layers.MelSpectrogram(
        fft_length=sounds.WINDOW,
        sequence_stride=sounds.HOP,
        sampling_rate=sounds.RATE,
        num_mel_bins=sounds.MELS,
        min_freq=sounds.LOW,
        top_db=np.inf,
    )
    expected, levels = np.array(layer(batch)), sounds.log_mel(batch)
    assert expected.shape == (len(batch), 64, 64)
    # 32 bits are exact relative to the loudest place: in dB, less and less so below it.
    amplitudes = 10 ** ((expected - expected.max(axis=(1, 2), keepdims=True)) / 20)
    assert (np.abs(levels - expected) * amplitudes).max() < 1e-4


@given(st.floats(150, 3800))
@settings(max_examples=30, deadline=None)
def test_a_tone_is_loudest_in_its_own_bin_and_band(hertz):
    frame = np.abs(sounds.stft(tone(hertz)))[30]
    assert abs(frame.argmax() - hertz / sounds.RATE * sounds.WINDOW) <= 0.5 + 1e-6
    edges = np.linspace(*sounds.hertz_to_mel([sounds.LOW, 4000]), sounds.MELS + 2)
    band = sounds.log_mel(tone(hertz))[:, 30].argmax()
    assert edges[band] <= sounds.hertz_to_mel(hertz) <= edges[band + 2]


@given(waves)
@settings(max_examples=10, deadline=None)
def test_half_the_amplitude_is_six_decibels_less(wave):
    fall = sounds.log_mel(wave) - sounds.log_mel(wave / 2)
    assert np.allclose(fall, 20 * np.log10(2), atol=1e-3)
    assert np.allclose(*map(sounds.pictures, ([wave], [wave / 2])), atol=1e-4)


def to_hertz(mel: np.ndarray) -> np.ndarray:
    """The inverse of the mel scale."""
    return 700 * (np.exp(mel / 1127) - 1)


@given(st.integers(1, 80), st.sampled_from([256, 512, 1024]))
def test_mel_bands_are_triangles_that_add_up_to_one(mels, window):
    matrix = sounds.mel_matrix(mels, window)
    edges = to_hertz(np.linspace(*sounds.hertz_to_mel([sounds.LOW, 4000]), mels + 2))
    hertz = np.linspace(0, 4000, window // 2 + 1)
    inside = (hertz > edges[1]) & (hertz < edges[-2])
    assert np.allclose(matrix[inside].sum(axis=1), 1)
    assert matrix.min() >= 0 and matrix.max() <= 1
    assert not matrix[(hertz < sounds.LOW - 1e-9)].any()
    assert sounds.mel_matrix().max(axis=0).min() > 0.4  # each band of the course holds a bin


@given(st.floats(0, 20000))
def test_mel_goes_there_and_back(hertz):
    assert np.isclose(to_hertz(sounds.hertz_to_mel(hertz)), hertz, atol=1e-6)


@given(st.integers(0, 300), st.integers(1, 300))
def test_fix_length_keeps_the_middle(samples, wanted):
    wave = np.arange(1, samples + 1, dtype=np.float32)
    fixed = sounds.fix_length(wave, wanted)
    assert fixed.shape == (wanted,) and fixed.dtype == np.float32
    kept = fixed[fixed != 0]
    assert len(kept) == min(samples, wanted)
    if len(kept):
        assert np.array_equal(kept, np.arange(kept[0], kept[0] + len(kept)))
        assert abs((kept[0] - 1) - (samples - kept[-1])) <= 1
        assert abs(np.flatnonzero(fixed)[[0, -1]].sum() - (wanted - 1)) <= 1


@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=4), st.booleans())
@settings(max_examples=15, deadline=None)
def test_pictures_have_one_size_whatever_the_lengths(lengths, stretch):
    clips = [0.1 * np.random.default_rng(n).normal(size=n) for n in lengths]
    shown = sounds.pictures(clips, stretch)
    assert shown.shape == (len(clips), 64, 64) and shown.dtype == np.float32
    assert shown.min() >= 0 and np.allclose(shown.max(axis=(1, 2)), 1)


def test_a_stretched_picture_shows_the_same_windows_from_end_to_end():
    wave = np.random.default_rng(0).normal(size=63 * sounds.HOP + 1)  # windows 128 samples apart
    by_hop = sounds.normalize(sounds.log_mel(wave))
    assert np.allclose(sounds.pictures([wave], stretch=True)[0], by_hop, atol=1e-5)
    assert np.allclose(sounds.normalize([[0.0, -20, -40, -60]], floor=40), [[1, 0.5, 0, 0]])
    assert np.allclose(sounds.normalize([[5.0, -25, -55, -90]]), [[1, 0.5, 0, 0]])


@given(st.integers(1, 16), st.integers(0, 100))
def test_mfcc_and_smoothed_are_a_projection(count, seed):
    shown = np.random.default_rng(seed).uniform(0.45, 0.55, (2, 16, 5)).astype(np.float32)
    smooth = sounds.smoothed(shown, count)
    assert np.allclose(sounds.mfcc(smooth, count), sounds.mfcc(shown, count), atol=1e-4)
    assert np.allclose(sounds.smoothed(smooth, count), smooth, atol=1e-5)
    assert count < 16 or np.allclose(smooth, shown, atol=1e-5)
    for spots in (sounds.smoothed(2 * np.eye(16)[None], kept) for kept in (count, 16)):
        assert spots.min() >= 0 and spots.max() <= 1


# --- WAV files, good and bad ----------------------------------------------------------------------


def wav(samples: np.ndarray, rate: int = 8000) -> bytes:
    file = io.BytesIO()
    wavfile.write(file, rate, samples)
    return file.getvalue()


def encoded(wave: np.ndarray, kind: str, rate: int) -> bytes:
    if kind == "u1":
        return wav(np.round(128 + 127 * wave).astype(np.uint8), rate)
    if kind == "i3":
        whole = np.round(wave * (2**23 - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]
        return wave_of(layout(bits=24, rate=rate), chunk(b"data", whole.tobytes()))
    if kind[0] == "i":
        return wav(np.round(wave * np.iinfo(kind).max).astype(kind), rate)
    return wav(wave.astype(kind), rate)


def chunk(kind: bytes, content: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}4sI", kind, len(content)) + content + bytes(len(content) % 2)


def with_sizes(riff: int, samples: int, more: bytes = b"") -> bytes:
    """The same samples with other sizes in the header, and bytes behind them."""
    size = [struct.pack("<I", number) for number in (riff, samples)]
    return PCM[:4] + size[0] + PCM[8:40] + size[1] + PCM[44:] + more


def wave_of(*chunks: bytes, form: bytes = b"RIFF", kind: bytes = b"WAVE") -> bytes:
    order = ">" if form == b"RIFX" else "<"
    body = kind + b"".join(chunks)
    return form + struct.pack(f"{order}I", len(body)) + body


def layout(code: int = 1, bits: int = 16, rate: int = 8000, order: str = "<") -> bytes:
    """A chunk that describes one channel; its bytes a second are often wrong in real files."""
    return chunk(b"fmt ", struct.pack(f"{order}HHIIHH", code, 1, rate, 1, bits // 8, bits), order)


@given(
    st.sampled_from(["u1", "i2", "i3", "i4", "f4", "f8"]),
    st.sampled_from([8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]),
    st.integers(0, 1000),
)
@settings(max_examples=30, deadline=None)
def test_formats_and_rates_come_back_as_the_same_sound(kind, rate, seed):
    hertz, phase = np.random.default_rng(seed).uniform([100, 0], [2500, 6])
    seconds = np.arange(round(0.3 * rate)) / rate
    wave = 0.8 * np.sin(2 * np.pi * hertz * seconds + phase)
    loaded = sounds.load(encoded(wave, kind, rate))
    assert loaded.dtype == np.float32 and len(loaded) == math.ceil(len(wave) * 8000 / rate)
    expected = 0.8 * np.sin(2 * np.pi * hertz * np.arange(len(loaded)) / 8000 + phase)
    middle = slice(200, -200)  # the filter of a new rate has no signal to go by at the ends
    assert np.abs(loaded - expected)[middle].max() < (0.02 if kind == "u1" else 0.01)


@given(st.integers(2, 6), st.integers(0, 100))
@settings(max_examples=10, deadline=None)
def test_of_several_channels_the_mean_is_taken(channels, seed):
    both = np.random.default_rng(seed).uniform(-1, 1, (4000, channels)).astype(np.float32)
    assert np.allclose(sounds.load(wav(both)), both.mean(axis=1), atol=1e-6)


def test_bytes_are_128_steps_on_either_side():
    wave = sounds.load(wav(np.resize(np.uint8([0, 64, 128, 255]), 4000)))
    assert wave[:4].tolist() == [-1, -0.5, 0, 127 / 128]


BEEP = tone(500, 4000)
PCM = encoded(BEEP, "i2", 8000)  # 44 bytes of header, 8,000 of samples


SAMPLES = chunk(b"data", PCM[44:])
BIG = chunk(b"data", np.frombuffer(PCM[44:], "<i2").astype(">i2").tobytes(), ">")
LONG = chunk(b"ds64", struct.pack("<QQQ", 0, 8000, 4000))
NOTE = chunk(b"LIST", b"a note of another program")  # of an odd length
STREAMS = (0xFFFFFFFF, 0x7FFFF000, 0x80000000, 0)  # what programs write that write into a pipe
WORKS = {
    "8 bit": encoded(BEEP, "u1", 8000),
    "24 bit": encoded(BEEP, "i3", 8000),
    "32 bit": encoded(BEEP, "i4", 8000),
    "float": encoded(BEEP, "f4", 8000),
    "stereo": wav(np.stack([BEEP, BEEP], axis=1)),
    "96 kHz": encoded(tone(500, 48_000, 96_000), "i2", 96_000),
    "clipped": encoded(np.clip(5 * BEEP, -1, 1), "i2", 8000),
    "floats beyond 1": wav((3 * BEEP).astype(np.float32)),
    "notes": wave_of(NOTE, layout(), NOTE, SAMPLES, NOTE),
    "RIFX": wave_of(layout(order=">"), BIG, form=b"RIFX"),
    "RF64": wave_of(LONG, layout(), b"data\xff\xff\xff\xff" + PCM[44:], NOTE, form=b"RF64"),
    **{f"stream of {size:#x}": with_sizes(size, size) for size in STREAMS},
    "half a sample": with_sizes(STREAMS[0], STREAMS[0], b"?"),
    "RIFF size too large": with_sizes(9000, 8000),
    "RIFF size too small": with_sizes(36, 8000),
    **{f"{n} stray bytes": with_sizes(8036 + n, 8000, b"?" * n) for n in range(1, 9)},
}
REFUSED = {
    "empty": (b"", "is empty"),
    "no samples": (wav(np.zeros(0, np.int16)), "0.000 seconds"),
    "one sample": (wav(np.ones(1, np.int16)), "0.000 seconds"),
    "too short": (wav(BEEP[:799]), "0.100 seconds"),
    "ten minutes": (wav(np.ones((600 * 8000), np.uint8)), "600 seconds"),
    "just too long": (wav(np.ones((60 * 8000 + 1), np.uint8)), "60 seconds"),
    "silent": (wav(np.zeros(4000, np.int16)), "is silent"),
    "constant": (wav(np.full(4000, 0.5, np.float32)), "is silent"),
    "not a number": (wav(np.where(BEEP > 0.4, np.nan, BEEP)), "not finite"),
    "infinite": (wav(np.where(BEEP > 0.4, np.inf, BEEP)), "not finite"),
    "slow rate": (wav(BEEP, 999), "999 samples a second"),
    "fast rate": (wav(np.tile(BEEP, 20), 384_001), "384001 samples a second"),
    **{
        f"first {size} bytes": (PCM[:size], "is damaged") for size in (12, 30, 43, 4000, 8034, 8043)
    },
    "all but one sample": (encoded(BEEP, "u1", 8000)[:-1], "is damaged"),
    "no format": (wave_of(NOTE, SAMPLES), "is damaged"),
    "MP3": (b"ID3\x04" + bytes(2000), "an MP3 file"),
    "bare MP3": (b"\xff\xfb\x90" + bytes(2000), "an MP3 file"),
    "M4A": (bytes(4) + b"ftypM4A " + bytes(2000), "an MP4 or M4A file"),
    "AVI": (wave_of(kind=b"AVI "), "an AVI video"),
    "WebP": (wave_of(chunk(b"VP8 ", bytes(20)), kind=b"WEBP"), "a WebP picture"),
    "another RIFF": (wave_of(kind=b"ACON"), "is no WAV file"),
    "text": (b"this is no sound", "is no WAV file"),
    "MP3 in WAV": (wave_of(layout(code=85), SAMPLES), "compressed"),
    "A-law": (wave_of(layout(code=6, bits=8), SAMPLES), "compressed"),
    "short floats": (wave_of(layout(code=3), SAMPLES), "16-bit floating-point samples"),
}


@pytest.mark.parametrize("name", WORKS)
def test_odd_wav_files_work(name, tmp_path):
    file = tmp_path / "sound.wav"
    file.write_bytes(WORKS[name])
    for source in (file, str(file), WORKS[name]):
        wave = sounds.load(source)
        assert wave.dtype == np.float32 and np.isfinite(wave).all() and np.abs(wave).max() <= 1
        assert len(wave) == 4000
        assert np.abs(np.fft.rfft(wave)).argmax() == 250  # 500 Hz
        assert np.corrcoef(wave, BEEP)[0, 1] > 0.9


@pytest.mark.parametrize("name", REFUSED)
def test_bad_wav_files_get_one_sentence_with_their_name(name, tmp_path):
    content, words = REFUSED[name]
    file = tmp_path / "mine.wav"
    file.write_bytes(content)
    for source, called in ((file, str(file)), (content, "The sound file")):
        with warnings.catch_warnings(), pytest.raises(CourseError, match=re.escape(words)) as error:
            warnings.simplefilter("error")
            sounds.load(source)
        text = str(error.value)
        assert text.startswith(called) and text.endswith(".") and ": " in text


@pytest.mark.parametrize(
    ("samples", "rate"), [(800, 8000), (60 * 8000, 8000), (1000, 1000), (38_400, 384_000)]
)
def test_lengths_and_rates_at_the_limits_are_read(samples, rate):
    wave = sounds.load(wav(np.sign(tone(100, samples, rate) + np.float32(1e-3)), rate))
    assert len(wave) == samples * 8000 // rate and np.abs(wave).max() <= 1


def test_missing_files_and_folders(tmp_path):
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate(reading.LARGEST + 1)
    for path, words in (
        (tmp_path / "nowhere.wav", r"nowhere\.wav does not exist"),
        (tmp_path, "is a folder"),
        ("", r"^\. is a folder"),
        (large, "100 MB"),
    ):
        with pytest.raises(CourseError, match=words):
            sounds.load(path)


def test_the_folder_of_sounds_can_be_read():
    files = sorted((data.ROOT / "sounds").glob("*.wav"))
    assert files and all(len(sounds.load(file)) > 1000 for file in files)


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(300, 3000))
@settings(max_examples=20, deadline=None)
def test_trim_cuts_silence_at_both_ends(before, after, length):
    kept = sounds.trim(np.pad(tone(700, length), (before, after)))
    assert length - 2 * sounds.HOP <= len(kept) <= length + 2 * sounds.HOP
    assert len(sounds.trim(np.zeros(50))) == 50


@pytest.mark.parametrize(("level", "frames"), [(-34, 30), (-36, 10)])
def test_trim_cuts_what_is_35_decibels_below(level, frames):
    loud = tone(1000, 10 * sounds.HOP)
    quiet = loud * np.float32(10 ** (level / 20))
    assert len(sounds.trim(np.concatenate([quiet, loud, quiet]))) == frames * sounds.HOP


# --- the digit network ----------------------------------------------------------------------------


def test_front_end_equals_log_mel_and_has_finite_gradients_on_silence():
    clips = data.spoken_digits().clips
    batch = np.stack([sounds.fix_length(clips[k]) for k in (0, 300, 700)])
    batch = tf.constant(np.concatenate([batch, np.zeros((1, sounds.CLIP), np.float32)]))
    front = sounds.front_end()
    shown = front(batch).numpy()[..., 0]
    assert np.abs(shown - sounds.pictures(batch.numpy(), stretch=False)).max() < 1e-3
    with tf.GradientTape() as tape:
        tape.watch(batch)
        total = tf.reduce_sum(front(batch) ** 2)
    gradient = np.array(tape.gradient(total, batch))
    assert np.isfinite(gradient).all()
    assert np.abs(gradient[:3]).max(axis=1).min() > 0


def test_a_digit_network_learns_digits_of_voices_it_never_heard():
    waves_, digits, test_waves, test_digits = sounds.split_voices(data.spoken_digits())
    assert len(waves_) == 630 and len(test_waves) == 210
    network = sounds.digit_network(seed=0)
    assert network.count_params() < 100_000
    assert sounds.train_digit_network(network, waves_, digits) is network
    right = np.array(network(test_waves)).argmax(axis=1) == test_digits
    assert right.mean() > 0.85


def test_voices_are_split_as_asked():
    speech = data.spoken_digits()
    waves_, digits, test_waves, test_digits = sounds.split_voices(speech, VOICES[1:])
    assert np.array_equal(digits, speech.digit[speech.speaker == "v01"])
    assert np.array_equal(test_digits, speech.digit[speech.speaker != "v01"])
    first = next(
        clip for clip, name in zip(speech.clips, speech.speaker, strict=True) if name == "v01"
    )
    assert np.array_equal(waves_[0], sounds.fix_length(first)) and len(test_waves) == 11 * 70


def test_augment_moves_and_masks_and_fills_with_silence():
    """Each picture is the old one, moved, but for a block of bands and a block of frames."""
    pictures = np.random.default_rng(0).random((300, 20, 30, 1)).astype(np.float32) + 0.1
    before = pictures.copy()
    changed = sounds.augment(pictures, np.random.default_rng(1))
    assert np.array_equal(pictures, before)
    moves, widths = [], []
    for old, new in zip(
        np.pad(pictures[..., 0], ((0, 0), (2, 2), (6, 6))), changed[..., 0], strict=True
    ):
        bands, frames = ((new > 0).any(axis=axis) for axis in (1, 0))
        (move,) = (
            (up, late)
            for up, late in np.ndindex(5, 13)
            if np.array_equal(new, old[4 - up :, 12 - late :][:20, :30] * np.outer(bands, frames))
        )
        moves.append(move)
        for kept, by, length in ((bands, move[0] - 2, 20), (frames, move[1] - 6, 30)):
            masked = ~kept[max(by, 0) : length + min(by, 0)]
            assert np.abs(np.diff(masked.astype(int))).sum() <= 2  # one block
            widths.append(masked.sum())
    assert {up for up, _ in moves} == set(range(5))
    assert {late for _, late in moves} == set(range(13))
    assert set(widths) == set(range(9))
    small = sounds.augment(np.ones((50, 3, 4), np.float32), np.random.default_rng(0))
    assert small.shape == (50, 3, 4) and 0 < small.mean() < 1


def test_a_seed_gives_the_same_digit_network_twice():
    waves_ = np.random.default_rng(0).normal(scale=0.1, size=(40, sounds.CLIP)).astype(np.float32)
    digits = np.arange(40) % 10
    trained = []
    for seed in (3, 3, 4):
        network = sounds.digit_network(seed=seed)
        starts = [kernel.ravel()[:100] for kernel in network.get_weights() if kernel.ndim > 1]
        assert np.abs(np.corrcoef(starts) - np.eye(4)).max() < 0.5  # a seed for each layer
        sounds.train_digit_network(network, waves_, digits, epochs=1, seed=seed)
        trained.append(np.concatenate([w.ravel() for w in network.get_weights()]))
    assert np.allclose(trained[0], trained[1], atol=1e-5)
    assert not np.allclose(trained[0], trained[2], atol=1e-2)
    first, second = (sounds.digit_network().get_weights()[0] for _ in range(2))
    assert not np.allclose(first, second)


@pytest.fixture
def taught(monkeypatch) -> Callable:
    """Clean pictures of ten tones, and what the listener is shown of them in two epochs."""

    def teach(changes, seed=0):
        shown = []

        class Learner:
            def __init__(self, build, rate):
                assert build().name == "listener"

            def fit(self, x, labels, epochs, batch_size, seed, change):
                random = np.random.default_rng(seed)
                for _ in range(epochs):
                    order = random.permutation(len(x))
                    shown.append((change(order, random), labels[order]))

        monkeypatch.setattr("course_utils.training.Learner", Learner)
        network = sounds.digit_network()
        waves_ = np.stack([tone(500 + 300 * digit) for digit in range(10)])
        sounds.train_digit_network(network, waves_, np.arange(10), 2, seed, changes)
        return np.array(network.get_layer("log_mel")(waves_)), shown

    return teach


def test_noise_is_added_to_every_second_clip_of_training(taught):
    clean, shown = taught(["noise"])
    assert len(shown) == 2
    for pictures, digits in shown:
        assert np.allclose(pictures[1::2], clean[digits[1::2]], atol=1e-5)
        for noisy, tone_ in zip(pictures[::2], clean[digits[::2]], strict=True):
            assert (noisy[:, 30] == 0).sum() < (tone_[:, 30] == 0).sum()
            assert noisy[:, 30].argmax() == tone_[:, 30].argmax()  # 5 to 30 dB weaker


def test_training_is_told_what_to_change(taught):
    clean, plain = taught([])
    for pictures, digits in plain:
        assert np.allclose(pictures, clean[digits], atol=1e-5)
    _, moved = taught(["augment"])
    assert not np.allclose(moved[0][0], clean[moved[0][1]], atol=1e-5)
    assert (moved[0][0] == 0).mean() > (clean == 0).mean()
    assert not np.array_equal(plain[0][1], taught([], seed=1)[1][0][1])


@given(st.floats(-10, 40), st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_noise_is_as_much_weaker_as_asked(decibels, seed):
    word = np.zeros((2, 8000), np.float32)
    word[:, 2000:6000] = [tone(700, 4000), 0.1 * tone(300, 4000)]
    noisy = sounds.add_noise(word, decibels, np.random.default_rng(seed))
    assert noisy.dtype == np.float32 and np.abs(noisy).max() <= 1
    for clean, one in zip(word, noisy, strict=True):
        scale = (one @ clean) / (clean @ clean)  # 1, or less where it was scaled down
        noise = one / scale - clean
        ratio = 10 * np.log10(np.mean(clean[2000:6000] ** 2) / np.mean(noise**2))
        assert abs(ratio - decibels) < 1


@pytest.mark.parametrize("decibels", [-10, 0])
def test_loud_noise_is_scaled_down_and_not_cut(decibels):
    noisy = sounds.add_noise(tone(700, 4000)[None], decibels, np.random.default_rng(0))
    assert np.isclose(np.abs(noisy).max(), 1) and (np.abs(noisy) > 0.9999).sum() == 1


# --- vectors and the new layer --------------------------------------------------------------------


@given(st.integers(1, 4), st.integers(1, 9), st.data())
def test_over_time_averages_stretches_and_keeps_rows(rows, columns, more):
    parts = more.draw(st.integers(1, columns))
    maps = np.random.default_rng(0).random((2, rows, columns, 3))
    vectors = sounds.over_time(maps, parts).reshape(2, rows, parts, 3)
    for part, piece in enumerate(np.array_split(maps, parts, axis=2)):
        assert np.allclose(vectors[:, :, part], piece.mean(axis=2), atol=1e-6)


def test_by_speaker_takes_mean_and_spread_out_of_each_and_blows_nothing_up():
    random = np.random.default_rng(0)
    base = random.normal(size=(40, 5))
    vectors = np.column_stack(
        [np.concatenate([base, 3 * base + random.normal(size=5)]), np.ones(80)]
    )
    for own in np.split(sounds.by_speaker(vectors, np.repeat(["a", "b"], 40)), 2):
        assert np.allclose(own.mean(axis=0), 0, atol=1e-5)
        assert (own[:, :5].std(axis=0) > 0.7).all() and (own.std(axis=0) <= 1).all()
    still = np.concatenate([1e-3 * base, base])  # one speaker, in whom it hardly moves
    scaled = sounds.by_speaker(still, np.repeat(["a", "b"], 40))
    assert scaled[:40].std() < 0.05 and scaled[40:].std() > 0.8


@given(st.integers(5, 60), st.integers(0, 50))
@settings(max_examples=5, deadline=None)
def test_the_new_layer_is_one_dense_layer_and_its_rotation_changes_nothing(size, seed):
    random = np.random.default_rng(seed)
    labels = np.arange(30) % 3
    vectors = random.normal(size=(30, size)) * random.uniform(0.1, 10, size) + labels[:, None]
    model = sounds.new_layer(size).fit(vectors, labels)
    kernel, bias = features.dense_weights(model)
    assert np.allclose(vectors @ kernel + bias, model.decision_function(vectors), atol=1e-3)
    head = LogisticRegression(C=100 / size, tol=1e-6, max_iter=2000)
    plain = make_pipeline(StandardScaler(), head).fit(vectors, labels)
    assert np.abs(plain.predict_proba(vectors) - model.predict_proba(vectors)).max() < 0.02


DIGITS, SPEAKERS = np.tile(np.arange(3), 40), np.repeat(list("abcd"), 30)
SPEECH = data.Speech([], DIGITS, SPEAKERS, DIGITS, 8000)


@given(st.integers(1, 5), st.integers(1, 3), st.integers(1, 8))
@settings(max_examples=20, deadline=None)
def test_draws_hold_speakers_out_in_turn(per_digit, held_out, count):
    splits = sounds.draws(DIGITS, SPEAKERS, per_digit, count, held_out)
    assert len(splits) == count
    for train, test in splits:
        assert not set(SPEAKERS[train]) & set(SPEAKERS[test])
        assert len(set(SPEAKERS[test])) == held_out and len(test) == 30 * held_out
        assert np.array_equal(np.bincount(DIGITS[train]), [per_digit] * 3)
    tested = np.concatenate([test for _, test in splits])
    assert len(set(SPEAKERS[tested])) == min(4, held_out * count)
    one_by_one = sounds.draws(DIGITS, SPEAKERS, per_digit, held_out, 1)  # in the same turn
    assert {SPEAKERS[test[0]] for _, test in one_by_one} == set(SPEAKERS[splits[0][1]])
    again = sounds.draws(DIGITS, SPEAKERS, per_digit, count, held_out)
    assert all(map(np.array_equal, splits[0], again[0]))


def test_few_clips_by_several_kinds_of_features_and_with_more_clips():
    random = np.random.default_rng(0)
    weak = [np.eye(3)[DIGITS] + random.normal(scale=1.2, size=(120, 3)) for _ in range(2)]
    one, two = (sounds.few_clips(kinds, SPEECH, 5, 8, 1).mean() for kinds in (weak[:1], weak))
    assert 0.4 < one < two
    more = (weak, DIGITS)  # with everybody's clips: a leak, which has to show
    assert sounds.few_clips(weak, SPEECH, 1, 8, 1, more).mean() > two - 0.05
    useless = [random.normal(size=(120, 3))]
    assert sounds.few_clips(useless, SPEECH, 5, 8, 1).mean() < 0.5


def test_kinds_of_features_vote_whatever_the_digits_are():
    random = np.random.default_rng(0)
    speech = SPEECH._replace(digit=np.array([2, 5, 9])[DIGITS])
    # The first kind knows the first digit from the others, the second kind the last one.
    halves = [np.eye(3)[part] for part in (np.minimum(DIGITS, 1), np.maximum(DIGITS, 1))]
    halves = [half + random.normal(scale=0.05, size=half.shape) for half in halves]
    assert all(sounds.few_clips([half], speech, 5, 8, 1).mean() < 0.85 for half in halves)
    assert sounds.few_clips(halves, speech, 5, 8, 1).mean() > 0.95


def test_few_clips_count_half_as_much_as_those_of_others(monkeypatch):
    sizes = []

    class Layer(LogisticRegression):
        def fit(self, x, y):
            sizes.append((len(x), len(y)))
            return super().fit(x, y)

    monkeypatch.setattr(transfer, "new_layer", lambda size: Layer())
    vectors = np.eye(3)[DIGITS] + np.random.default_rng(0).normal(size=(120, 3))
    sounds.few_clips([vectors], SPEECH, 2, 1, 1, ([vectors], DIGITS))
    assert sizes == [(180, 180)]


@pytest.fixture(scope="module")
def listening():
    """The image network, some pictures of two digits, and a layer fitted to them."""
    speech, network = data.spoken_digits(), networks.load()
    chosen = np.flatnonzero(np.isin(speech.digit, (3, 6)) & (speech.take == 0))
    shown = sounds.pictures([speech.clips[place] for place in chosen])
    layer = features.stages(network)[2]
    vectors = sounds.heard_by(network, shown, layer)
    # Three classes, so that each has its own row of logits.
    labels = np.where(np.arange(len(chosen)) % 5 == 0, 9, speech.digit[chosen])
    return network, layer, shown, vectors, sounds.new_layer(vectors.shape[1]).fit(vectors, labels)


def test_heard_by_is_over_time_of_the_maps(listening):
    network, layer, shown, vectors, _ = listening
    rgb = sounds.as_rgb(shown)  # high tones on top
    assert all(np.array_equal(rgb[..., channel], shown[:, ::-1]) for channel in range(3))
    maps = features.extract(network, rgb, layer, pool="none")[layer]
    assert np.allclose(vectors, sounds.over_time(maps, 3), rtol=1e-3, atol=1e-4)
    many = sounds.heard_by(network, np.resize(shown[..., ::2], (257, 64, 32)), layer, parts=2)
    last = sounds.heard_by(network, np.resize(shown[..., ::2], (257, 64, 32))[256:], layer, 2)
    assert len(many) == 257 and np.allclose(many[256:], last, rtol=1e-3, atol=1e-4)


def test_all_evidence_sums_up_to_the_logit(listening):
    network, layer, shown, vectors, model = listening
    kernel, _ = features.dense_weights(model)
    for rows in ([0, 1, 2], [2, 0, 0]):
        heats = sounds.evidence(network, shown[4:7], layer, model, rows)
        assert heats.ndim == 3
        logits = [vector @ kernel[:, row] for vector, row in zip(vectors[4:7], rows, strict=True)]
        assert np.allclose(heats.sum(axis=(1, 2)), logits, rtol=1e-2, atol=1e-3)


def test_evidence_has_low_frequencies_first(listening, monkeypatch):
    network, layer, shown, vectors, _ = listening
    maps = features.extract(network, sounds.as_rgb(shown[4:5]), layer, pool="none")[layer][0]
    ones = np.ones((vectors.shape[1], 1))
    monkeypatch.setattr(transfer, "dense_weights", lambda model: (ones, np.zeros(1)))
    (heat,) = sounds.evidence(network, shown[4:5], layer, None, [0])
    upright = maps.sum(axis=2)[::-1]  # the first row of a map is that of the highest tones
    assert np.allclose(heat * upright.sum(axis=0), upright * heat.sum(axis=0), rtol=1e-3)
    assert not np.allclose(upright, upright[::-1], rtol=1e-2)


def test_representations_are_what_they_are_called():
    clips = data.spoken_digits().clips[:3]
    trained, random = networks.load(), networks.load("embedded", pretrained=False)
    kinds = sounds.representations(trained, random, clips)
    shown, (_, second, third, *_) = sounds.pictures(clips), features.stages(trained)
    for name, network in (("transfer", trained), ("random network", random)):
        smooth = sounds.heard_by(network, sounds.smoothed(shown), second)
        assert np.allclose(kinds[name], sounds.heard_by(network, shown, third), atol=1e-4)
        assert np.allclose(kinds[f"{name}, smoothed"], smooth, atol=1e-4)
    assert np.allclose(kinds["log-mel"], sounds.over_time(shown, 8))
    assert np.allclose(kinds["MFCC"], sounds.over_time(sounds.mfcc(shown), 8))


# --- to listen to, and figures --------------------------------------------------------------------


def test_players_hold_the_sound_and_say_which(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    sounds.listen({"tone & <noise>": tone(500, 800), "silence": np.zeros(100)})
    page = shown[0].data
    assert page.count("<audio controls") == 2 and page.count("tone &amp; &lt;noise&gt;") == 2
    coded = re.findall(r"base64,([^\"]+)", page)
    rate, samples = wavfile.read(io.BytesIO(base64.b64decode(coded[0])))
    assert rate == 8000 and samples.dtype == np.int16
    assert np.abs(samples).max() == round(0.9 * 32767)
    assert np.corrcoef(samples, tone(500, 800))[0, 1] > 0.999


def test_figures_draw_what_they_are_given():
    axes = Figure().subplots(1, 3)
    sounds.draw_spectrogram(axes[0], sounds.log_mel(tone(1000)), "tone")
    low, high = axes[0].images[0].get_clim()
    assert np.isclose(high - low, sounds.FLOOR) and axes[0].get_title() == "tone"
    sounds.draw_spectrogram(axes[0], sounds.pictures([tone(1000)])[0], "again")
    assert axes[0].images[1].get_clim()[0] == 0
    table = np.array([[0.997, 0.003], [0.25, 0.75]])
    sounds.draw_confusion(axes[1], table)
    assert np.array_equal(axes[1].images[0].get_array(), table)
    texts = {text.get_text(): (*text.get_position(), text.get_color()) for text in axes[1].texts}
    assert texts == {"100": (0, 0, "white"), "25": (0, 1, "black"), "75": (1, 1, "white")}
    sounds.draw_evidence(axes[2], np.array([[-1.0, 3.0]]))
    assert axes[2].images[0].get_clim() == (-3, 3)
    assert {axes[number].images[0].origin for number in (0, 2)} == {"lower"}


def test_curves_and_bands_are_means_and_their_intervals():
    few, many = [0.70, 0.72, 0.74], [0.2, 0.9]  # the interval of the second leaves [0, 1]
    curves = {("transfer", 5): [0.8, 0.8], ("transfer", 1): [0.4, 0.5], ("MFCC", 5): few}
    axes = Figure().add_subplot()
    sounds.draw_curves(axes, curves | {("log-mel", 2): many})
    assert [line.get_label() for line in axes.lines] == ["transfer", "log-mel", "MFCC"]
    assert np.allclose(axes.lines[0].get_ydata(), [0.45, 0.8])
    assert axes.get_xticks().tolist() == [1, 2, 5]
    ends = [0.72 - sounds.spread(few), 0.72 + sounds.spread(few)]
    for band, limits in zip(axes.collections[1:], ([0, 1], ends), strict=True):
        heights = band.get_paths()[0].vertices[:, 1]
        assert np.allclose([heights.min(), heights.max()], limits)


def test_spread_is_half_of_students_interval():
    values = [1, 2, 3, 4]
    assert np.isclose(sounds.spread(values), 3.182446 * np.std(values, ddof=1) / 2)
    test = stats.ttest_1samp(np.add(values, sounds.spread(values) - 2.5), 0)
    assert np.isclose(test.pvalue, 0.05)  # the interval just touches 0


# --- the table of real speech ---------------------------------------------------------------------


def test_the_table_of_real_speech_holds_what_the_lesson_asks_for():
    measured = json.loads(data.path("tables/speech.json").read_text(encoding="utf-8"))
    for name in ("transfer", "random network", "log-mel", "MFCC"):
        for size in (1, 2, 5, 10, 20):
            assert len(measured[f"{name} | none | {size}"]) == 12
        assert len(measured[f"{name} | speaker + synthetic | 5"]) == 12
    assert all(0 <= score <= 1 for scores in measured.values() for score in scores)


def test_the_table_is_what_the_recordings_give():
    speech = data.fsdd(shared("data/free-spoken-digit-dataset.zip"))
    vectors = sounds.over_time(sounds.mfcc(sounds.pictures(speech.clips)), 8)
    accuracies = sounds.few_clips([vectors], speech, 5, 12, 1)
    measured = json.loads(data.path("tables/speech.json").read_text(encoding="utf-8"))
    assert np.abs(accuracies - measured["MFCC | none | 5"]).max() < 0.03


# --- widgets --------------------------------------------------------------------------------------


def test_the_explorer_says_what_the_window_can_do():
    frame = spectrogram_explorer.frame("tone, 1 kHz", 256, 75, "frequency", 60)
    assert "32.0 ms" in frame.text and "129,   31.2 Hz apart" in frame.text
    assert "8.0 ms: 126 frames" in frame.text and "62 Hz apart" in frame.text
    assert "moments some 16 ms apart" in frame.text
    ((title, picture),) = frame.pictures.items()
    assert title == "tone, 1 kHz, window 256" and picture.ndim == 3
    short = spectrogram_explorer.frame("tone, 1 kHz", 32, 50, "mel", 60)
    assert re.search(r"\d+ of 64 mel bands hold no bin", short.text)
    assert "hold no bin" not in spectrogram_explorer.frame("click", 2048, 50, "mel", 60).text


def test_the_chirp_of_the_explorer_rises_from_300_to_3300_hertz():
    (picture,) = spectrogram_explorer.frame("chirp", 256, 75, "frequency", 60).pictures.values()
    columns = np.arange(80, 480, 50)  # 52 to 502 are one second, rows 292 to 78 are 4 kHz
    found = picture[80:290, columns].mean(axis=2).argmax(axis=0) + 80
    hertz = 300 + 3000 * (columns - 52) / 450
    assert np.allclose(found, 292 - 214 * hertz / 4000, atol=4)


@pytest.mark.parametrize("sound", spectrogram_explorer.SOUNDS)
def test_every_sound_can_be_seen_with_every_window(sound):
    for window in spectrogram_explorer.WINDOWS[::3]:
        spectrogram_explorer.frame(sound, window, 0, "mel", 100)


def test_each_control_of_the_explorer_changes_the_picture():
    start = {"sound": "chirp", "window": 256, "overlap": 50, "scale": "frequency", "floor": 60}
    other = {"sound": "click", "window": 512, "overlap": 75, "scale": "mel", "floor": 40}

    def pixels(values):
        return next(iter(spectrogram_explorer.frame(**values).pictures.values()))

    for name, value in other.items():
        assert not np.array_equal(pixels(start), pixels(start | {name: value})), name


def test_the_classifier_names_shipped_words_and_own_files(tmp_path):
    words = {clip: clip.split(",")[0] for clip in sound_classifier.CLIPS}
    answers = {
        clip: sound_classifier.frame(clip, "", (), 40, 0, 100).text.split()[0] for clip in words
    }
    assert sum(answers[clip] == words[clip] for clip in words) >= 5
    file = tmp_path / "mine.wav"
    quiet = np.zeros(4000, np.float32)
    word = sounds.load(data.path("sounds/v10_zero.wav"))
    file.write_bytes(wav(np.concatenate([quiet, word, quiet])))
    own = sound_classifier.frame(sound_classifier.OWN, f" {file} ", (), 40, 0, 100)
    assert own.text.startswith(answers["zero, v10"])
    upload = ({"content": memoryview(file.read_bytes())},)
    assert sound_classifier.frame(sound_classifier.OWN, "", upload, 40, 0, 100).text == own.text
    with pytest.raises(ValueError, match="a WAV file"):
        sound_classifier.frame(sound_classifier.OWN, "", (), 40, 0, 100)


def test_the_classifier_is_fitted_to_what_it_says(monkeypatch):
    sizes = []

    class Layer(LogisticRegression):
        def fit(self, x, y):
            sizes.append(np.bincount(y).tolist())
            return super().fit(x, y)

    monkeypatch.setattr(sounds, "new_layer", lambda size: Layer())
    fresh = importlib.util.module_from_spec(sound_classifier.__spec__)  # that keeps no layer yet
    fresh.__spec__.loader.exec_module(fresh)
    text = fresh.frame("six, v12", "", (), 40, 0, 100).text
    assert sizes == [[21] * 10] and "21 clips of each digit\nby nine" in text


def test_the_classifier_hears_a_part_and_noise():
    whole, part, noisy = (
        sound_classifier.frame("six, v12", "", (), noise, start, 100)
        for noise, start in ((40, 0), (40, 50), (0, 0))
    )
    seconds = [float(re.search(r"([\d.]+) seconds", frame.text)[1]) for frame in (whole, part)]
    assert seconds[1] == pytest.approx(seconds[0] / 2, abs=0.011)
    pictures = [next(iter(frame.pictures.values())) for frame in (whole, noisy)]
    assert (pictures[0] == 0).mean() > (pictures[1] == 0).mean()


def test_the_classifier_shows_what_speaks_for_a_digit_in_red(monkeypatch):
    monkeypatch.setattr(sounds, "evidence", lambda *given: [np.array([[2.0, 0], [0, -1]])])
    picture = list(sound_classifier.frame("six, v12", "", (), 40, 0, 100).pictures.values())[1]
    redness = picture[..., 0] - picture[..., 2]
    assert redness[-1, 0] == redness.max() > 0.2  # low frequencies at the bottom
    assert redness[0, -1] == redness.min() < -0.2
