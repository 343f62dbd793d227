"""Sound classifier of lesson 07: which digit is it, and what counted? Also for your own WAV."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ipywidgets
import numpy as np

from course_utils import ask, data, features, images, networks, sounds
from course_utils.networks import load as load_network
from course_utils.plots import SIGNED_CMAP
from course_utils.sounds import load as load_sound
from course_utils.widgets import OWN, Frame, explore, own_file, own_file_controls

CLIPS = {  # words of the course's folder of sounds
    "three, v01": "v01_three.wav",
    "seven, v02": "v02_seven.wav",
    "nine, v03": "v03_nine.wav",
    "five, v07": "v07_five.wav",
    "zero, v10": "v10_zero.wav",
    "six, v12": "v12_six.wav",
}
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PER_DIGIT = 21  # clips of each digit: every third is enough, and the first answer comes sooner
SIDE = 256  # pixels of a picture as shown


def frame(clip: str, path: str, upload: tuple[Any, ...], noise: int, start: int, end: int) -> Frame:
    """One frame: the picture that the network gets, the places that counted, the answers.

    Parameters
    ----------
    clip
        A key of ``CLIPS``, or ``OWN``.
    path, upload
        With ``OWN``: the path of a WAV file, or what a ``FileUpload`` holds, which goes first.
    noise
        dB by which added noise is weaker than the voice, -5 to 40; 40: none is added.
    start, end
        Percent of the recording that are used, the first below the second.
    """
    if start >= end:
        raise ask.CourseError(f"The part begins at {start} % and ends at {end} %: nothing is left.")
    wave = _wave(clip, path, upload)
    wave = wave[len(wave) * start // 100 : len(wave) * end // 100]
    if noise < 40:
        wave = sounds.add_noise(wave[None], noise, np.random.default_rng(0))[0]
    network, layer, model = _classifier()
    shown = sounds.pictures([wave])
    vector = sounds.heard_by(network, shown, layer)
    chances = model.predict_proba(vector)[0]
    best = np.argsort(-chances)[:3]
    (evidence,) = sounds.evidence(network, shown, layer, model, best[:1])
    answers = "   ".join(f"{WORDS[digit]} {chances[digit]:.2f}" for digit in best)
    return Frame(
        {
            f"{clip}, high tones on top": images.resize(sounds.as_rgb(shown)[0], SIDE),
            f"for (red) and against (blue) {WORDS[best[0]]}": _colored(evidence),
        },
        f"{answers}\n{len(wave) / sounds.RATE:.2f} seconds; fitted to {PER_DIGIT} clips of each "
        "digit\nby nine synthetic voices",
    )


def _wave(clip: str, path: str, upload: tuple[Any, ...]) -> np.ndarray:
    if clip != OWN:
        return load_sound(data.path(f"sounds/{CLIPS[clip]}"))
    return sounds.trim(load_sound(own_file(path, upload, "a WAV file")))


def _colored(evidence: np.ndarray) -> np.ndarray:
    from matplotlib import colormaps

    most = max(np.abs(evidence).max(), 1e-9)
    colors = colormaps[SIGNED_CMAP](0.5 + evidence[::-1] / (2 * most))[..., :3]
    return images.resize(colors.astype(np.float32), SIDE)


@lru_cache(maxsize=1)
def _classifier() -> tuple[networks.Classifier, str, Any]:
    """The image network, its layer, and the new layer, fitted to all but the held-out voices."""
    network, speech = load_network(), data.spoken_digits()
    layer = features.stages(network)[2]
    kept = np.flatnonzero(~np.isin(speech.speaker, sounds.HELD_OUT))[::3]
    shown = sounds.pictures([speech.clips[place] for place in kept])
    vectors = sounds.heard_by(network, shown, layer)
    return network, layer, sounds.new_layer(vectors.shape[1]).fit(vectors, speech.digit[kept])


def show(clip: str = "zero, v10", path: str = "") -> None:
    """Show the sound classifier, starting with a key of ``CLIPS``, or with a path of yours."""
    ask.choice("clip", clip, (*CLIPS, OWN))
    menu = ipywidgets.Dropdown(
        options=(*CLIPS, OWN), value=OWN if path else clip, description="sound"
    )
    text, upload = own_file_controls(menu, ".wav", path, "word.wav")
    controls = {
        "clip": menu,
        "path": text,
        "upload": upload,
        "noise": ipywidgets.IntSlider(40, -5, 40, 5, description="noise, -dB"),
        "start": ipywidgets.IntSlider(0, 0, 95, 5, description="from, %"),
        "end": ipywidgets.IntSlider(100, 5, 100, 5, description="to, %"),
    }
    explore(frame, controls)
