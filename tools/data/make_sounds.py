"""Speak the digits zero to nine with espeak-ng: ``python -m tools.data.make_sounds``.

Lesson 07 needs speech that can be split *by speaker*, offline. Twelve voices (accent and voice
variant of espeak-ng) each say every digit seven times, with another rate, pitch, intonation
and loudness each time. Needs ``espeak-ng`` on the path (Debian: ``apt install espeak-ng``).

The clips are stored with 8 bits a sample in the mu-law of ITU-T G.711 (mu = 255), the code of the
telephone: as 16-bit numbers the compressed file would take 1.9 times the room, and the error of
the code lies 38 dB below the speech (both measured). The table that decodes it is in the file.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

SAMPLE_RATE = 8000  # Hz
TAKES = 7  # per voice and digit
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ENDINGS = (".", "?", "!")  # the punctuation sets the intonation
# espeak-ng voice (accent + variant), its middle pitch (0 to 99), what it sounds like
VOICES = (
    ("en-us", 45, "American, male, plain"),
    ("en-gb-x-rp+f2", 55, "British (received pronunciation), female"),
    ("en-gb-scotland+m3", 40, "Scottish, male"),
    ("en-us+f4", 50, "American, female, soft"),
    ("en-029+m7", 45, "Caribbean, male"),
    ("en-gb-scotland+f3", 60, "Scottish, female"),
    ("en-us+klatt4", 40, "American, formant synthesizer of Klatt"),
    ("en-gb-x-gbcwmd+m2", 45, "West Midlands, male"),
    ("en-us-nyc+m1", 35, "New York, male, low"),
    ("en-029+Annie", 55, "Caribbean, female, bright"),
    ("en-us+steph", 50, "American, female"),
    ("en-gb-x-gbclan+m4", 50, "Lancaster, male"),
)
EXAMPLES = ((0, 3), (1, 7), (2, 9), (6, 5), (9, 0), (11, 6))  # (voice, digit) also kept as WAV
MU = 255
SEED = 7
FOLDER = Path(__file__).resolve().parents[2] / "data" / "sounds"


def decoding_table() -> np.ndarray:
    """Amplitude in [-1, 1] of each of the 256 mu-law codes: (256,) float32."""
    level = np.arange(256) / 127.5 - 1
    return (np.sign(level) * np.expm1(np.abs(level) * np.log1p(MU)) / MU).astype(np.float32)


def encode(wave: np.ndarray) -> np.ndarray:
    """mu-law codes, uint8, of a wave in [-1, 1]."""
    level = np.sign(wave) * np.log1p(MU * np.abs(wave)) / np.log1p(MU)
    return np.rint((level + 1) * 127.5).astype(np.uint8)


def speak(text: str, voice: str, rate: int, pitch: int) -> np.ndarray:
    """Let espeak-ng say `text`; return the wave at SAMPLE_RATE, float, largest value 1."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "word.wav"
        command = ["espeak-ng", "-v", voice, "-s", str(rate), "-p", str(pitch), "-w", str(path)]
        subprocess.run([*command, text], check=True, capture_output=True)
        given, wave = wavfile.read(path)
    common = np.gcd(SAMPLE_RATE, given)
    wave = resample_poly(wave.astype(float), SAMPLE_RATE // common, given // common)
    return wave / np.abs(wave).max()


def trim(wave: np.ndarray, floor: float = 0.01, margin: float = 0.015) -> np.ndarray:
    """Cut both ends that stay below `floor`, but for `margin` seconds, which fade in and out."""
    margin_samples = int(margin * SAMPLE_RATE)
    loud = np.flatnonzero(np.abs(wave) > floor)
    first, last = max(0, loud[0] - margin_samples), loud[-1] + margin_samples
    wave = wave[first:last].copy()
    fade = np.linspace(0, 1, margin_samples // 2)
    wave[: len(fade)] *= fade
    wave[-len(fade) :] *= fade[::-1]
    return wave


def check_voices() -> None:
    """Exit if two voices sound the same: espeak-ng drops a variant it cannot use without a word."""
    said = [speak("seven", name, 150, 50).tobytes() for name, _, _ in VOICES]
    for k, sound in enumerate(said):
        if (twin := said.index(sound)) < k:
            sys.exit(
                f"espeak-ng gives {VOICES[k][0]} and {VOICES[twin][0]} the same sound: "
                "choose another voice or variant in VOICES."
            )


def make(folder: Path = FOLDER) -> Path:
    """Write digits.npz, voices.csv and the examples into `folder`; return the first one's path."""
    rng = np.random.default_rng(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    rows, endings, codes = [], [], []
    for voice, (name, middle, _) in enumerate(VOICES):
        for digit, word in enumerate(WORDS):
            for take in range(TAKES):
                rate = int(rng.integers(115, 205))  # words a minute
                pitch = int(np.clip(middle + rng.integers(-18, 19), 0, 99))
                ending = ENDINGS[rng.integers(len(ENDINGS))]
                peak = rng.uniform(0.3, 0.95)
                wave = peak * trim(speak(word + ending, name, rate, pitch))
                codes.append(encode(wave))
                rows.append((digit, voice, take, rate, pitch))
                endings.append(ending)
                if take == 0 and (voice, digit) in EXAMPLES:
                    file = folder / f"v{voice + 1:02}_{word}.wav"
                    wavfile.write(file, SAMPLE_RATE, np.rint(wave * 32767).astype(np.int16))
    names = ("digit", "voice", "take", "rate", "pitch")
    columns = dict(zip(names, np.array(rows, dtype=np.uint8).T, strict=True))
    offsets = np.cumsum([0] + [len(code) for code in codes]).astype(np.int32)
    path = folder / "digits.npz"
    np.savez_compressed(
        path,
        codes=np.concatenate(codes),
        table=decoding_table(),
        offsets=offsets,
        ending=np.array(endings),
        sample_rate=np.int32(SAMPLE_RATE),
        **columns,
    )
    with (folder / "voices.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["voice", "espeak_voice", "middle_pitch", "description"])
        writer.writerows([f"v{k + 1:02}", *voice] for k, voice in enumerate(VOICES))
    return path


if __name__ == "__main__":
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng was not found: install it first (Debian: apt install espeak-ng).")
    check_voices()
    made = make()
    print(f"{made.name}: {made.stat().st_size:,} bytes")
