"""Lesson 07: the bounds, orders and signs that its sentences rely on."""

from tests.claims import Claim

CLAIMS = (
    Claim(
        after="bin",
        sentence="Bin 32: bins are $8000 / 256 = 31.25$ Hz apart",
        holds="np.abs(spectrum).argmax() == 32",
    ),
    Claim(
        after="leak",
        sentence="the leak falls from seven thousandths of the peak to about a millionth",
        holds="size[96] / size.max() < 1e-5",
    ),
    Claim(
        after="half",
        sentence="Half the amplitude is always 6.02 dB less",
        holds="np.isclose(level - half, 20 * np.log10(2))",
    ),
    Claim(
        after="window",
        sentence="with the short window one thick bar",
        holds="deep[64][0] < 2 < deep[1024][0]",
    ),
    Claim(
        after="window",
        sentence="one broad smear with the long one",
        holds="deep[1024][1] < 2 < deep[64][1]",
    ),
    Claim(
        after="window",
        sentence="a window in between just manages both",
        holds="min(deep[256]) > 2",
    ),
    Claim(
        after="log-mel",
        sentence="NumPy give the numbers of `keras.layers.MelSpectrogram` for 200 clips",
        holds="difference < 1e-3",
    ),
    Claim(
        after="people",
        sentence="has each person on both sides, and looks solved",
        holds="official > 0.95",
    ),
    Claim(
        after="people",
        sentence="makes many times as many errors",
        holds="(1 - left_out).mean() > 4 * (1 - official)",
    ),
    Claim(
        after="company",
        sentence="three companies raise MFCC in these draws",
        holds="min(gap(f'{name} + MFCC', 'MFCC', both)[0]"
        " for name in ('transfer', 'transfer, smoothed', 'log-mel')) > 0",
    ),
)
