"""Sounds: spectrograms against Keras and SciPy, WAV files good and bad, the digit network."""

from __future__ import annotations

import base64
import io
import json
import math
import re
import warnings
import wave as wave_module

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
from course_utils.widgets import sound_classifier, spectrogram_explorer

threadpool_limits(1, "blas")  # small matrices: threads would wait for one another

waves = st.integers(0, 10**6).map(
    lambda seed: (0.1 * np.random.default_rng(seed).normal(size=sounds.CLIP)).astype(np.float32)
)


def tone(hertz: float, samples: int = sounds.CLIP, rate: int = sounds.RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(samples) / rate)).astype(np.float32)


# --- spectrograms ---------------------------------------------------------------------------------


@given(waves, st.sampled_from([(64, 16), (256, 128), (200, 77), (2, 1)]))
@settings(max_examples=20, deadline=None)
def test_stft_equals_keras(wave, sizes):
    window, hop = sizes
    real, imaginary = keras.ops.stft(wave[None], window, hop, window)
    expected = np.array(real)[0] + 1j * np.array(imaginary)[0]
    found = sounds.stft(wave, window, hop)
    assert found.shape == expected.shape == (1 + len(wave) // hop, window // 2 + 1)
    assert np.abs(found - expected).max() < 1e-3


def test_stft_equals_scipy():
    wave = np.random.default_rng(0).normal(size=sounds.CLIP)
    taper = signal.get_window("hann", 256)
    short = signal.ShortTimeFFT(taper, 128, sounds.RATE, scale_to=None)
    first, last = short.lower_border_end[1], short.upper_border_begin(len(wave))[1]
    expected = short.stft(wave, first, last).T  # frames that do not reach over the ends
    assert len(expected) > 50
    found = sounds.stft(wave, 256, 128)[first:last]
    assert np.allclose(np.abs(found), np.abs(expected), atol=1e-9)


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
    expected, found = np.array(layer(batch)), sounds.log_mel(batch)
    assert expected.shape == (len(batch), 64, 64)
    # 32 bits are exact relative to the loudest place: in dB, less and less so below it.
    loud = expected > expected.max(axis=(1, 2), keepdims=True) - 40
    assert np.abs(found - expected)[loud].max() < 1e-3
    amplitudes, others = 10 ** (found / 20), 10 ** (expected / 20)
    assert np.abs(amplitudes - others).max() < 2e-5 * others.max()


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


@given(st.integers(1, 80), st.sampled_from([256, 512, 1024]), st.floats(0, 500))
def test_mel_bands_are_triangles_that_add_up_to_one(mels, window, low):
    matrix = sounds.mel_matrix(mels, window, low=low)
    edges = to_hertz(np.linspace(*sounds.hertz_to_mel([low, 4000]), mels + 2))
    hertz = np.linspace(0, 4000, window // 2 + 1)
    inside = (hertz > edges[1]) & (hertz < edges[-2])
    assert np.allclose(matrix[inside].sum(axis=1), 1)
    assert matrix.min() >= 0 and matrix.max() <= 1
    assert not matrix[(hertz < low - 1e-9)].any()


def test_each_band_of_the_course_holds_a_bin_and_with_a_short_window_some_hold_none():
    assert sounds.mel_matrix().max(axis=0).min() > 0.4
    assert not sounds.mel_matrix(window=64).any(axis=0).all()


@given(st.floats(0, 20000))
def test_mel_goes_there_and_back(hertz):
    assert np.isclose(to_hertz(sounds.hertz_to_mel(hertz)), hertz, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sounds.stft(np.zeros(100), 0), "window is 0 and hop 128"),
        (lambda: sounds.stft(np.zeros(100), 7), "an even number of samples"),
        (lambda: sounds.stft(np.zeros(1000), 256, 0), "the hop 1 or more"),
        (lambda: sounds.stft(np.zeros(128), 256, 128), "has 128 samples; a window of 256"),
        (lambda: sounds.stft(0.0), "has 0 samples"),
        (lambda: sounds.mel_matrix(0), "mels is 0"),
        (lambda: sounds.mel_matrix(low=3000, high=2000), "low < high"),
        (lambda: sounds.mel_matrix(high=4001), "half the sampling rate"),
        (lambda: sounds.fix_length(np.zeros((5, 2))), r"shape \(5, 2\)"),
        (lambda: sounds.fix_length(np.zeros(5), 0), "samples is 0"),
    ],
)
def test_numbers_that_do_not_fit_get_a_sentence(call, words):
    with pytest.raises(CourseError, match=words):
        call()


@given(st.integers(0, 300), st.integers(1, 300))
def test_fix_length_keeps_the_middle(given_, wanted):
    wave = np.arange(1, given_ + 1, dtype=np.float32)
    fixed = sounds.fix_length(wave, wanted)
    assert fixed.shape == (wanted,) and fixed.dtype == np.float32
    kept = fixed[fixed != 0]
    assert len(kept) == min(given_, wanted)
    assert not len(kept) or np.array_equal(kept, np.arange(kept[0], kept[0] + len(kept)))
    assert not len(kept) or abs((kept[0] - 1) - (given_ - kept[-1])) <= 1


@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=4), st.booleans())
@settings(max_examples=15, deadline=None)
def test_pictures_have_one_size_whatever_the_lengths(lengths, stretch):
    clips = [0.1 * np.random.default_rng(n).normal(size=n) for n in lengths]
    found = sounds.pictures(clips, stretch)
    assert found.shape == (len(clips), 64, 64) and found.dtype == np.float32
    assert found.min() >= 0 and np.allclose(found.max(axis=(1, 2)), 1)


def test_a_stretched_picture_shows_the_same_windows_from_end_to_end():
    wave = np.random.default_rng(0).normal(size=63 * sounds.HOP + 1)  # windows 128 samples apart
    by_hop = sounds.normalize(sounds.log_mel(wave))
    assert np.allclose(sounds.pictures([wave], stretch=True)[0], by_hop, atol=1e-5)


# --- WAV files, good and bad ----------------------------------------------------------------------


def wav(samples: np.ndarray, rate: int = 8000) -> bytes:
    file = io.BytesIO()
    wavfile.write(file, rate, samples)
    return file.getvalue()


def wav24(wave: np.ndarray, rate: int = 8000) -> bytes:
    """24 bits a sample, which SciPy reads but does not write."""
    file = io.BytesIO()
    with wave_module.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(3)
        out.setframerate(rate)
        whole = np.round(wave * (2**23 - 1)).astype("<i4")
        out.writeframes(whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    return file.getvalue()


def encoded(wave: np.ndarray, kind: str, rate: int) -> bytes:
    if kind == "u1":
        return wav(np.round(128 + 127 * wave).astype(np.uint8), rate)
    if kind == "i3":
        return wav24(wave, rate)
    if kind[0] == "i":
        return wav(np.round(wave * np.iinfo(kind).max).astype(kind), rate)
    return wav(wave.astype(kind), rate)


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
    found = sounds.load(encoded(wave, kind, rate))
    assert found.dtype == np.float32 and len(found) == math.ceil(len(wave) * 8000 / rate)
    expected = 0.8 * np.sin(2 * np.pi * hertz * np.arange(len(found)) / 8000 + phase)
    middle = slice(200, -200)  # the filter of a new rate has no signal to go by at the ends
    assert np.abs(found - expected)[middle].max() < (0.02 if kind == "u1" else 0.01)


@given(st.integers(2, 6), st.integers(0, 100))
@settings(max_examples=10, deadline=None)
def test_of_several_channels_the_mean_is_taken(channels, seed):
    both = np.random.default_rng(seed).uniform(-1, 1, (4000, channels)).astype(np.float32)
    assert np.allclose(sounds.load(wav(both)), both.mean(axis=1), atol=1e-6)


BEEP = tone(500, 4000)
WORKS = {
    "8 bit": encoded(BEEP, "u1", 8000),
    "24 bit": wav24(BEEP),
    "32 bit": encoded(BEEP, "i4", 8000),
    "float": encoded(BEEP, "f4", 8000),
    "stereo": wav(np.stack([BEEP, BEEP], axis=1)),
    "96 kHz": encoded(tone(500, 48_000, 96_000), "i2", 96_000),
    "clipped": encoded(np.clip(5 * BEEP, -1, 1), "i2", 8000),
    "floats beyond 1": wav((3 * BEEP).astype(np.float32)),
    "a note of another program": wav(BEEP) + b"note\x04\x00\x00\x00abcd",
}
REFUSED = {
    "empty": (b"", "is empty: record it"),
    "no samples": (wav(np.zeros(0, np.int16)), "lasts 0.000 seconds: record at least 0.1"),
    "one sample": (wav(np.ones(1, np.int16)), "lasts 0.000 seconds"),
    "silent": (wav(np.zeros(4000, np.int16)), "is silent: check the microphone"),
    "constant": (wav(np.full(4000, 0.5, np.float32)), "is silent"),
    "not a number": (wav(np.where(BEEP > 0.4, np.nan, BEEP)), "not finite: export it again"),
    "infinite": (wav(np.where(BEEP > 0.4, np.inf, BEEP)), "not finite"),
    "truncated header": (wav(BEEP)[:30], "is damaged"),
    "truncated end": (wav(BEEP)[:-2000], "is damaged, its header or its end is missing"),
    "MP3": (b"ID3\x04" + bytes(2000), "is an MP3 file, not a WAV file, whatever its name says"),
    "bare MP3": (b"\xff\xfb\x90" + bytes(2000), "is an MP3 file"),
    "M4A": (bytes(4) + b"ftypM4A " + bytes(2000), "is an MP4 or M4A file"),
    "text": (b"this is no sound", "is no WAV file: open it in a sound editor"),
    "ten minutes": (wav(np.ones((600 * 8000), np.uint8)), "lasts 600 seconds: cut out at most 60"),
    "slow rate": (wav(BEEP, 10), "has 10 samples a second"),
}


@pytest.mark.parametrize("name", WORKS)
def test_odd_wav_files_work(name, tmp_path):
    file = tmp_path / "sound.wav"
    file.write_bytes(WORKS[name])
    for source in (file, str(file), WORKS[name]):
        wave = sounds.load(source)
        assert wave.dtype == np.float32 and np.isfinite(wave).all() and np.abs(wave).max() <= 1
        assert abs(len(wave) - 4000) <= 1
        assert abs(np.abs(np.fft.rfft(wave, 4000)).argmax() - 250) <= 1  # 500 Hz


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


def test_missing_files_folders_and_rates(tmp_path):
    with pytest.raises(CourseError, match=r"nowhere\.wav does not exist: check the path"):
        sounds.load(tmp_path / "nowhere.wav")
    with pytest.raises(CourseError, match="is a folder: give the path of one WAV file"):
        sounds.load(tmp_path)
    with pytest.raises(CourseError, match="rate is 10; give 1000 Hz or more"):
        sounds.load(WORKS["stereo"], 10)
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate(sounds.LARGEST + 1)
    with pytest.raises(CourseError, match="has 100 MB: cut out at most 60 seconds"):
        sounds.load(large)


def test_a_compressed_wav_file_is_named():
    compressed = bytearray(wav(BEEP.astype(np.float32)))
    compressed[20:22] = (85).to_bytes(2, "little")  # format 85: MP3 inside a WAV file
    with pytest.raises(CourseError, match="compressed in a way that is not read here"):
        sounds.load(bytes(compressed))


def test_the_folder_of_sounds_can_be_read():
    files = sorted((data.ROOT / "sounds").glob("*.wav"))
    assert files and all(len(sounds.load(file)) > 1000 for file in files)


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(300, 3000))
@settings(max_examples=20, deadline=None)
def test_trim_cuts_silence_at_both_ends(before, after, length):
    word = tone(700, length)
    kept = sounds.trim(np.pad(word, (before, after)))
    assert length - 2 * sounds.HOP <= len(kept) <= length + 2 * sounds.HOP
    assert len(sounds.trim(np.zeros(50))) == 50


# --- the digit network ----------------------------------------------------------------------------


def test_front_end_equals_log_mel_and_has_finite_gradients_on_silence():
    clips = data.spoken_digits().clips
    batch = np.stack([sounds.fix_length(clips[k]) for k in (0, 300, 700)])
    batch = np.concatenate([batch, np.zeros((1, sounds.CLIP), np.float32)])
    front = sounds.front_end()
    assert (
        np.abs(np.array(front(batch))[..., 0] - sounds.pictures(batch, stretch=False)).max() < 1e-3
    )
    given_ = tf.constant(batch)
    with tf.GradientTape() as tape:
        tape.watch(given_)
        total = tf.reduce_sum(front(given_) ** 2)
    gradient = np.array(tape.gradient(total, given_))
    assert np.isfinite(gradient).all()
    assert np.abs(gradient[:3]).max(axis=1).min() > 0


def test_a_digit_network_learns_digits_of_voices_it_never_heard():
    speech = data.spoken_digits()
    waves_, digits, test_waves, test_digits = sounds.split_voices(speech)
    assert len(waves_) == 630 and len(test_waves) == 210
    network = sounds.digit_network(seed=0)
    assert network.count_params() < 100_000
    assert sounds.train_digit_network(network, waves_, digits) is network
    right = np.array(network(test_waves)).argmax(axis=1) == test_digits
    assert right.mean() > 0.85


@pytest.mark.parametrize(
    ("held_out", "words"),
    [(("nobody",), "'nobody' does not speak here"), ((), "name some of the speakers")],
)
def test_split_voices_refuses(held_out, words):
    with pytest.raises(CourseError, match=words):
        sounds.split_voices(data.spoken_digits(), held_out)


def test_split_voices_cannot_keep_all_for_the_test():
    speech = data.spoken_digits()
    with pytest.raises(CourseError, match="not all of them"):
        sounds.split_voices(speech, sorted(set(speech.speaker)))


@given(st.integers(0, 9), st.integers(0, 5), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_augment_moves_and_fills_with_silence(shift, pitch, seed):
    pictures = np.random.default_rng(seed).random((4, 12, 20, 1)).astype(np.float32) + 0.1
    before = pictures.copy()
    changed = sounds.augment(pictures, np.random.default_rng(seed), shift, pitch, mask=0)
    assert np.array_equal(pictures, before)
    for old, new in zip(pictures, changed, strict=True):
        rows, columns = (np.flatnonzero(new.any(axis=axis)) for axis in ((1, 2), (0, 2)))
        up = rows[0] if rows[0] else rows[-1] - 11
        late = columns[0] if columns[0] else columns[-1] - 19
        assert abs(up) <= pitch and abs(late) <= shift
        kept = old[max(-up, 0) : 12 - max(up, 0), max(-late, 0) : 20 - max(late, 0)]
        assert np.array_equal(new[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], kept)


def test_augment_masks_one_block_of_bands_and_one_of_frames():
    pictures = np.ones((200, 12, 20), np.float32)
    masked = sounds.augment(pictures, np.random.default_rng(0), 0, 0, mask=5) == 0
    bands, frames = masked.all(axis=2), masked.all(axis=1)
    for lines in (bands, frames):
        assert lines.sum(axis=1).max() == 5 and lines.sum(axis=1).min() == 0
        assert (np.abs(np.diff(lines.astype(int), axis=1)).sum(axis=1) <= 2).all()
    assert np.array_equal(masked, bands[:, :, None] | frames[:, None])


def test_a_seed_gives_the_same_digit_network_twice():
    waves_ = np.random.default_rng(0).normal(scale=0.1, size=(40, sounds.CLIP)).astype(np.float32)
    digits = np.arange(40) % 10
    trained = []
    for seed in (3, 3, 4):
        network = sounds.digit_network(seed=seed)
        start = [w for w in network.get_weights() if w.ndim > 1]
        assert all(w.std() > 0 for w in start)
        sounds.train_digit_network(network, waves_, digits, epochs=1, seed=seed)
        trained.append(np.concatenate([w.ravel() for w in network.get_weights()]))
    assert np.allclose(trained[0], trained[1], atol=1e-5)
    assert not np.allclose(trained[0], trained[2], atol=1e-2)
    first, second = (sounds.digit_network().get_weights()[0] for _ in range(2))
    assert not np.allclose(first, second)


def test_train_refuses_unknown_changes():
    network = sounds.digit_network()
    with pytest.raises(CourseError, match="'flip' is no change; there are 'augment' and 'noise'"):
        sounds.train_digit_network(network, np.zeros((1, sounds.CLIP)), [0], changes=("flip",))


@given(st.floats(-10, 40), st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_noise_is_as_much_weaker_as_asked(decibels, seed):
    word = np.zeros((2, 8000), np.float32)
    word[:, 2000:6000] = [tone(700, 4000), 0.1 * tone(300, 4000)]
    noisy = sounds.add_noise(word, decibels, np.random.default_rng(seed))
    assert noisy.dtype == np.float32 and np.abs(noisy).max() <= 1
    for clean, given_ in zip(word, noisy, strict=True):
        scale = (given_ @ clean) / (clean @ clean)  # 1, or less where it was scaled down
        noise = given_ / scale - clean
        ratio = 10 * np.log10(np.mean(clean[2000:6000] ** 2) / np.mean(noise**2))
        assert abs(ratio - decibels) < 1


# --- vectors and the new layer --------------------------------------------------------------------


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_over_time_averages_stretches_and_keeps_rows(rows, columns, parts):
    maps = np.random.default_rng(0).random((2, rows, columns, 3))
    if parts > columns:
        with pytest.raises(CourseError, match=f"parts is {parts}; the maps have {columns} frames"):
            sounds.over_time(maps, parts)
        return
    found = sounds.over_time(maps, parts).reshape(2, rows, parts, 3)
    pieces = np.array_split(maps, parts, axis=2)
    for part, piece in enumerate(pieces):
        assert np.allclose(found[:, :, part], piece.mean(axis=2), atol=1e-6)


@given(st.integers(1, 16), st.integers(0, 100))
def test_mfcc_and_smoothed_are_a_projection(count, seed):
    shown = np.random.default_rng(seed).uniform(0.45, 0.55, (2, 16, 5)).astype(np.float32)
    smooth = sounds.smoothed(shown, count)
    assert np.allclose(sounds.mfcc(smooth, count), sounds.mfcc(shown, count), atol=1e-4)
    assert np.allclose(sounds.smoothed(smooth, count), smooth, atol=1e-5)
    assert count < 16 or np.allclose(smooth, shown, atol=1e-5)
    with pytest.raises(CourseError, match="there are 16 bands"):
        sounds.mfcc(shown, 17)


def test_as_rgb_puts_high_tones_on_top():
    shown = np.arange(6, dtype=np.float32).reshape(1, 3, 2) / 6
    rgb = sounds.as_rgb(shown)
    assert rgb.shape == (1, 3, 2, 3) and np.array_equal(rgb[0, ..., 1], shown[0, ::-1])


def test_by_speaker_takes_mean_and_spread_out_of_each():
    random = np.random.default_rng(0)
    speakers = np.repeat(["a", "b"], 40)
    base = random.normal(size=(40, 5))
    vectors = np.concatenate([base, 3 * base + random.normal(size=5)])
    vectors = np.column_stack([vectors, np.ones(80)])
    found = sounds.by_speaker(vectors, speakers)
    for name in "ab":
        own = found[speakers == name]
        assert np.allclose(own.mean(axis=0), 0, atol=1e-5)
        assert (own[:, :5].std(axis=0) > 0.7).all() and (own.std(axis=0) <= 1).all()


@given(st.integers(5, 60), st.integers(0, 50))
@settings(max_examples=5, deadline=None)
def test_the_new_layer_is_one_dense_layer_and_its_rotation_changes_nothing(size, seed):
    random = np.random.default_rng(seed)
    labels = np.arange(30) % 3
    vectors = random.normal(size=(30, size)) * random.uniform(0.1, 10, size) + labels[:, None]
    model = sounds.new_layer(size).fit(vectors, labels)
    kernel, bias = features.dense_weights(model)
    assert kernel.shape == (size, 3) and bias.shape == (3,)
    logits = model.decision_function(vectors)
    assert np.allclose(vectors @ kernel + bias, logits, atol=1e-3)
    plain = make_pipeline(
        StandardScaler(), LogisticRegression(C=sounds.STRENGTH / size, tol=1e-6, max_iter=2000)
    )
    plain.fit(vectors, labels)
    assert np.abs(plain.predict_proba(vectors) - model.predict_proba(vectors)).max() < 0.02


@given(st.integers(1, 5), st.integers(1, 3), st.integers(1, 8), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_draws_hold_speakers_out_in_turn(per_digit, held_out, count, seed):
    speakers, digits = np.repeat(list("abcd"), 20), np.tile(np.arange(4), 20)
    found = sounds.draws(digits, speakers, per_digit, count, held_out, seed)
    assert len(found) == count
    for train, test in found:
        assert not set(speakers[train]) & set(speakers[test])
        assert len(set(speakers[test])) == held_out and len(test) == 20 * held_out
        assert np.array_equal(np.bincount(digits[train]), [per_digit] * 4)
    if held_out == 1 and count >= 4:
        assert {speakers[test[0]] for _, test in found[:4]} == set("abcd")


def test_draws_refuse():
    with pytest.raises(CourseError, match="held_out is 2; there are 2 speakers"):
        sounds.draws([0, 0], ["a", "b"], 1, 1, 2)
    with pytest.raises(ValueError, match="class 0 has 1 examples"):
        sounds.draws([0, 0], ["a", "b"], 5, 1, 1)


def test_few_clips_by_several_kinds_of_features_and_with_more_clips():
    random = np.random.default_rng(0)
    digits, speakers = np.tile(np.arange(3), 40), np.repeat(list("abcd"), 30)
    speech = data.Speech([], digits, speakers, digits, 8000)
    weak = [np.eye(3)[digits] + random.normal(scale=1.2, size=(120, 3)) for _ in range(2)]
    one, two = (sounds.few_clips(kinds, speech, 5, 8, 1).mean() for kinds in (weak[:1], weak))
    assert 0.4 < one < two
    more = (weak, digits)  # with everybody's clips: a leak, which has to show
    assert sounds.few_clips(weak, speech, 1, 8, 1, more).mean() > two - 0.05
    useless = [random.normal(size=(120, 3))]
    assert sounds.few_clips(useless, speech, 5, 8, 1).mean() < 0.5


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
    maps = features.extract(network, sounds.as_rgb(shown), layer, pool="none")[layer]
    assert np.allclose(vectors, sounds.over_time(maps, 3), rtol=1e-3, atol=1e-4)


def test_all_evidence_sums_up_to_the_logit(listening):
    network, layer, shown, vectors, model = listening
    kernel, _ = features.dense_weights(model)
    for rows in ([0, 1, 2], [2, 0, 0]):
        heats = sounds.evidence(network, shown[4:7], layer, model, rows)
        assert heats.ndim == 3
        logits = [vector @ kernel[:, row] for vector, row in zip(vectors[4:7], rows, strict=True)]
        assert np.allclose(heats.sum(axis=(1, 2)), logits, rtol=1e-2, atol=1e-3)


def test_representations_have_one_row_a_clip():
    clips = data.spoken_digits().clips[:3]
    network = networks.load()
    found = sounds.representations(network, network, clips)
    assert {len(vectors) for vectors in found.values()} == {3}
    assert np.array_equal(found["transfer"], found["random network"])
    assert len({vectors.shape[1] for vectors in found.values()}) == 3


# --- to listen to, and figures --------------------------------------------------------------------


def test_players_hold_the_sound_and_say_which(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    sounds.listen({"tone & <noise>": tone(500, 800), "silence": np.zeros(100)})
    page = shown[0].data
    assert page.count("<audio controls") == 2 and "tone &amp; &lt;noise&gt;" in page
    coded = re.findall(r"base64,([^\"]+)", page)
    rate, samples = wavfile.read(io.BytesIO(base64.b64decode(coded[0])))
    assert rate == 8000 and samples.dtype == np.int16
    assert np.abs(samples).max() == round(0.9 * 32767)
    assert np.corrcoef(samples, tone(500, 800))[0, 1] > 0.999


def test_figures_draw_what_they_are_given():
    figure = Figure()
    axes = figure.subplots(1, 4)
    sounds.draw_spectrogram(axes[0], sounds.log_mel(tone(1000)), "tone")
    low, high = axes[0].images[0].get_clim()
    assert np.isclose(high - low, sounds.FLOOR) and axes[0].get_title() == "tone"
    sounds.draw_spectrogram(axes[0], sounds.pictures([tone(1000)])[0], "again")
    assert axes[0].images[1].get_clim()[0] == 0
    curves = {("transfer", 1): [0.4, 0.5], ("transfer", 5): [0.8, 0.8], ("MFCC", 5): [0.7, 0.9]}
    sounds.draw_curves(axes[1], curves)
    assert [line.get_label() for line in axes[1].lines] == ["transfer", "MFCC"]
    assert np.allclose(axes[1].lines[0].get_ydata(), [0.45, 0.8])
    sounds.draw_confusion(axes[2], [[0.997, 0.003], [0.25, 0.75]])
    assert [text.get_text() for text in axes[2].texts] == ["100", "25", "75"]
    sounds.draw_evidence(axes[3], np.array([[-1.0, 3.0]]))
    assert axes[3].images[0].get_clim() == (-3, 3)


def test_spread_is_half_of_students_interval():
    values = [1, 2, 3, 4]
    assert np.isclose(sounds.spread(values), 3.182446 * np.std(values, ddof=1) / 2)
    test = stats.ttest_1samp(np.add(values, sounds.spread(values) - 2.5), 0)
    assert np.isclose(test.pvalue, 0.05)  # the interval just touches 0


# --- the table of real speech ---------------------------------------------------------------------

REAL = data.ROOT.parent.parent / "shared" / "data" / "free-spoken-digit-dataset.zip"


def test_the_table_of_real_speech_holds_what_the_lesson_asks_for():
    measured = json.loads(data.path("tables/speech.json").read_text(encoding="utf-8"))
    for name in ("transfer", "random network", "log-mel", "MFCC"):
        for size in (1, 2, 5, 10, 20):
            assert len(measured[f"{name} | none | {size}"]) == 12
        assert len(measured[f"{name} | speaker + synthetic | 5"]) == 12
    assert all(0 <= score <= 1 for scores in measured.values() for score in scores)


@pytest.mark.skipif(not (data.available("fsdd") or REAL.is_file()), reason="FSDD is not here")
def test_the_table_is_what_the_recordings_give():
    speech = data.fsdd(None if data.available("fsdd") else REAL)
    vectors = sounds.over_time(sounds.mfcc(sounds.pictures(speech.clips)), 8)
    found = sounds.few_clips([vectors], speech, 5, 12, 1)
    measured = json.loads(data.path("tables/speech.json").read_text(encoding="utf-8"))
    assert np.abs(found - measured["MFCC | none | 5"]).max() < 0.03


# --- widgets --------------------------------------------------------------------------------------


def test_the_explorer_says_what_the_window_can_do():
    shown = spectrogram_explorer.frame("tone, 1 kHz", 256, 75, "frequency", 60)
    assert "31.2 Hz apart" in shown.text and "126 frames" in shown.text
    ((title, picture),) = shown.pictures.items()
    assert title == "tone, 1 kHz, window 256" and picture.ndim == 3
    short = spectrogram_explorer.frame("tone, 1 kHz", 32, 50, "mel", 60)
    assert re.search(r"\d+ of 64 mel bands hold no bin", short.text)
    assert "hold no bin" not in spectrogram_explorer.frame("click", 2048, 50, "mel", 60).text


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


def test_the_explorer_refuses():
    with pytest.raises(ValueError, match="sound is 'moo'; choose one of"):
        spectrogram_explorer.frame("moo", 256, 75, "mel", 60)
    with pytest.raises(ValueError, match="window is 100"):
        spectrogram_explorer.frame("chirp", 100, 75, "mel", 60)
    with pytest.raises(ValueError, match="sound is 'moo', window 256"):
        spectrogram_explorer.show("moo")


def test_the_classifier_names_shipped_words_and_own_files(tmp_path):
    words = {clip: clip.split(",")[0] for clip in sound_classifier.CLIPS}
    answers = {
        clip: sound_classifier.frame(clip, "", (), 40, 0, 100).text.split()[0] for clip in words
    }
    assert sum(answers[clip] == words[clip] for clip in words) >= 5
    file = tmp_path / "mine.wav"
    quiet = np.zeros(4000, np.float32)
    word = sounds.load(data.path("sounds/v10_zero.wav"), 16_000)
    file.write_bytes(wav(np.concatenate([quiet, word, quiet]), 16_000))
    own = sound_classifier.frame(sound_classifier.OWN, f" {file} ", (), 40, 0, 100)
    assert own.text.startswith(answers["zero, v10"])
    upload = ({"content": memoryview(file.read_bytes())},)
    assert sound_classifier.frame(sound_classifier.OWN, "", upload, 40, 0, 100).text == own.text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((sound_classifier.OWN, "", (), 40, 0, 100), "Choose a file, or write the path"),
        ((sound_classifier.OWN, "no.wav", (), 40, 0, 100), "does not exist"),
        (("zero, v10", "", (), 40, 50, 50), "begins at 50 % and ends at 50 %: nothing is left"),
    ],
)
def test_the_classifier_refuses(values, words):
    with pytest.raises(ValueError, match=words):
        sound_classifier.frame(*values)


def test_show_refuses_an_unknown_clip():
    with pytest.raises(ValueError, match="clip is 'moo'; choose one of"):
        sound_classifier.show("moo")


def test_a_new_rate_stays_in_range():
    square = np.sign(tone(500, 8000, 16_000) + np.float32(1e-3))
    assert np.abs(sounds.load(wav(square, 16_000))).max() <= 1


def test_trim_cuts_by_decibels():
    loud = tone(1000, 10 * sounds.HOP)
    for level, frames in ((-30, 30), (-40, 10)):
        quiet = loud * np.float32(10 ** (level / 20))
        wave = np.concatenate([quiet, loud, quiet])
        assert len(sounds.trim(wave)) == frames * sounds.HOP
        assert len(sounds.trim(wave, 45)) == 30 * sounds.HOP


def test_the_floor_is_where_black_begins():
    assert np.allclose(sounds.normalize([[0.0, -20, -40, -60]], floor=40), [[1, 0.5, 0, 0]])
    batch = np.stack([tone(500), tone(2000)])
    expected = sounds.normalize(sounds.log_mel(batch), floor=30)
    assert np.abs(np.array(sounds.front_end(floor=30)(batch))[..., 0] - expected).max() < 1e-3


def test_a_digit_network_has_the_classes_and_samples_asked_for():
    network = sounds.digit_network(4000, classes=3)
    assert network.input_shape == (None, 4000) and network.output_shape == (None, 3)


def taught(changes, seed=0):
    """Clean pictures of ten tones, and what a listener is shown of them in two epochs."""
    network, seen = sounds.digit_network(), []
    waves_ = np.stack([tone(500 + 300 * digit) for digit in range(10)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sounds, "_learning", lambda *args: lambda *batch: seen.append(batch))
        sounds.train_digit_network(network, waves_, np.arange(10), 2, seed, changes)
    return np.array(network.get_layer("log_mel")(waves_)), seen


def test_noise_is_added_to_every_second_clip_of_training():
    clean, seen = taught(("noise",))
    assert len(seen) == 2
    for shown, digits in seen:
        assert np.allclose(shown[1::2], clean[digits[1::2]], atol=1e-5)
        for noisy, tone_ in zip(shown[::2], clean[digits[::2]], strict=True):
            assert (noisy[:, 30] == 0).sum() < (tone_[:, 30] == 0).sum()
            assert noisy[:, 30].argmax() == tone_[:, 30].argmax()  # 5 to 30 dB weaker


def test_training_is_that_of_keras():
    """The compiled step against `fit` with the same optimizer, on two batches of two sizes."""
    random = np.random.default_rng(0)
    shown, digits = random.random((40, 64, 64, 1), np.float32), np.arange(40) % 10
    own, other = (sounds.listener(seed=2) for _ in range(2))
    learn = sounds._learning(own, 2)
    learn(shown[:32], digits[:32])
    learn(shown[32:], digits[32:])
    schedule = keras.optimizers.schedules.CosineDecay(3e-3, 2)
    other.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    other.fit(shown, digits, 32, shuffle=False, verbose=0)
    for one, two in zip(own.get_weights(), other.get_weights(), strict=True):
        assert np.allclose(one, two, atol=1e-4)


def test_training_without_changes_shows_all_clips_in_an_order_of_each_epoch():
    clean, seen = taught(())
    for shown, digits in seen:
        assert sorted(digits) == list(range(10))
        assert np.allclose(shown, clean[digits], atol=1e-5)
    (_, first), (_, second) = seen
    assert not np.array_equal(first, second)
    assert np.array_equal(first, taught(())[1][0][1])
    assert not np.array_equal(first, taught((), seed=1)[1][0][1])


def test_loud_noise_is_scaled_down_and_not_cut():
    noisy = sounds.add_noise(tone(700, 4000)[None], -10, np.random.default_rng(0))
    assert np.isclose(np.abs(noisy).max(), 1) and (np.abs(noisy) > 0.9999).sum() == 1


def test_kinds_of_features_vote_whatever_the_digits_are():
    random, number = np.random.default_rng(0), np.tile(np.arange(3), 40)
    digits, speakers = np.array([2, 5, 9])[number], np.repeat(list("abcd"), 30)
    speech = data.Speech([], digits, speakers, digits, 8000)
    # The first kind knows the first digit from the others, the second kind the last one.
    halves = [np.eye(3)[part] for part in (np.minimum(number, 1), np.maximum(number, 1))]
    halves = [half + random.normal(scale=0.05, size=half.shape) for half in halves]
    assert all(sounds.few_clips([half], speech, 5, 8, 1).mean() < 0.85 for half in halves)
    assert sounds.few_clips(halves, speech, 5, 8, 1).mean() > 0.95


def test_few_clips_count_half_as_much_as_those_of_others(monkeypatch):
    digits, speakers = np.tile(np.arange(3), 40), np.repeat(list("abcd"), 30)
    speech = data.Speech([], digits, speakers, digits, 8000)
    new, sizes = sounds.new_layer, []

    def spying(size):
        model = new(size)
        fit = model.fit
        model.fit = lambda x, y: sizes.append((len(x), len(y))) or fit(x, y)
        return model

    monkeypatch.setattr(sounds, "new_layer", spying)
    vectors = np.eye(3)[digits] + np.random.default_rng(0).normal(size=(120, 3))
    sounds.few_clips([vectors], speech, 2, 1, 1, ([vectors], digits))
    assert sizes == [(180, 180)]


def test_representations_are_what_they_are_called():
    clips = data.spoken_digits().clips[:3]
    trained, random = networks.load(), networks.load("embedded", pretrained=False)
    found = sounds.representations(trained, random, clips)
    shown, (_, second, third, *_) = sounds.pictures(clips), features.stages(trained)
    for name, network in (("transfer", trained), ("random network", random)):
        smooth = sounds.heard_by(network, sounds.smoothed(shown), second)
        assert np.allclose(found[name], sounds.heard_by(network, shown, third), atol=1e-4)
        assert np.allclose(found[f"{name}, smoothed"], smooth, atol=1e-4)
    assert np.allclose(found["log-mel"], sounds.over_time(shown, 8))
    assert np.allclose(found["MFCC"], sounds.over_time(sounds.mfcc(shown), 8))


def test_evidence_has_low_frequencies_first(listening, monkeypatch):
    network, layer, shown, vectors, _ = listening
    maps = features.extract(network, sounds.as_rgb(shown[4:5]), layer, pool="none")[layer][0]
    ones = np.ones((vectors.shape[1], 1))
    monkeypatch.setattr(sounds, "dense_weights", lambda model: (ones, np.zeros(1)))
    (heat,) = sounds.evidence(network, shown[4:5], layer, None, [0])
    upright = maps.sum(axis=2)[::-1]  # the first row of a map is that of the highest tones
    assert np.allclose(heat * upright.sum(axis=0), upright * heat.sum(axis=0), rtol=1e-3)
    assert not np.allclose(upright, upright[::-1], rtol=1e-2)


def test_smoothed_stays_in_range():
    smooth = sounds.smoothed(np.eye(16)[None], 4)
    assert smooth.min() >= 0 and smooth.max() <= 1


def test_heard_by_hears_more_clips_than_fit_at_once(monkeypatch):
    monkeypatch.setattr(sounds, "extract", lambda network, batch, layer, pool: {layer: batch})
    shown = np.random.default_rng(0).random((257, 4, 6), np.float32)
    expected = sounds.over_time(sounds.as_rgb(shown))
    assert np.array_equal(sounds.heard_by(None, shown, "any"), expected)


def test_by_speaker_does_not_blow_up_what_hardly_moves():
    random, speakers = np.random.default_rng(0), np.repeat(["a", "b"], 40)
    vectors = random.normal(size=(80, 3)) * np.where(speakers == "a", 1e-3, 1)[:, None]
    found = sounds.by_speaker(vectors, speakers)
    assert found[:40].std() < 0.05 and found[40:].std() > 0.8


def test_draws_take_turns_by_two_and_follow_their_seed():
    speakers, digits = np.repeat(list("abcd"), 20), np.tile(np.arange(4), 20)
    found = sounds.draws(digits, speakers, 2, 2, 2)
    assert {*speakers[found[0][1]], *speakers[found[1][1]]} == set("abcd")
    again, other = (sounds.draws(digits, speakers, 2, 2, 2, seed) for seed in (0, 1))
    assert all(np.array_equal(one, two) for one, two in zip(found[0], again[0], strict=True))
    assert not np.array_equal(np.sort(found[0][0]), np.sort(other[0][0]))


def test_bands_of_curves_are_their_intervals():
    few, many = [0.70, 0.72, 0.74], [0.2, 0.9]
    axes = Figure().add_subplot()
    sounds.draw_curves(axes, {("MFCC", 1): few})
    (band,) = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert np.isclose(heights.max(), 0.72 + sounds.spread(few))
    assert np.isclose(heights.min(), 0.72 - sounds.spread(few))
    axes = Figure().add_subplot()
    sounds.draw_curves(axes, {("MFCC", 1): many})  # an accuracy lies in [0, 1]
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert heights.min() == 0 and heights.max() == 1


def test_figures_stand_upright():
    table = np.array([[0.997, 0.003], [0.25, 0.75]])
    axes = Figure().add_subplot()
    sounds.draw_confusion(axes, table)
    assert np.array_equal(axes.images[0].get_array(), table)
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert places == {"100": (0, 0), "25": (0, 1), "75": (1, 1)}  # (heard, said)
    axes = Figure().add_subplot()
    sounds.draw_spectrogram(axes, np.zeros((2, 3)), "")
    sounds.draw_evidence(axes, np.ones((2, 3)))
    assert [image.origin for image in axes.images] == ["lower", "lower"]


def test_players_play_at_the_rate_asked_for(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    sounds.listen({"tone": tone(500, 800)}, 16_000)
    coded = re.search(r"base64,([^\"]+)", shown[0].data)[1]
    assert wavfile.read(io.BytesIO(base64.b64decode(coded)))[0] == 16_000


def test_nothing_cannot_be_trimmed():
    with pytest.raises(ValueError, match="The wave has no samples; give at least one"):
        sounds.trim([])


def test_pictures_may_be_smaller_than_the_largest_changes():
    found = sounds.augment(np.ones((50, 3, 4), np.float32), np.random.default_rng(0))
    assert found.shape == (50, 3, 4) and 0 < found.mean() < 1


def test_an_empty_path_is_named():
    with pytest.raises(CourseError, match=r"^\. is a folder"):
        sounds.load("")
