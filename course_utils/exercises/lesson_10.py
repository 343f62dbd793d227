"""Exercises of lesson 10, adversarial examples: checkers, hints, solutions."""

from __future__ import annotations

import numpy as np

from course_utils.exercises import Exercise, call, expect_array, expect_number, require


def _check_distortion(distortion):
    before = np.array([[0.5, 0.2, 0.9], [0.1, 0.4, 0.6]])
    after = np.array([[0.2, 0.2, 0.9], [0.5, 0.4, 0.6]])  # -.3 and +.4: of length .5
    summed, mean = (2, 0.7, 0.4), (2, np.sqrt(((after - before) ** 2).mean()), 0.4)
    expect_array(
        call(distortion, before, after),
        [2, 0.5, 0.4],
        what="distortion(before, after) for the changes -.3 and +.4",
        mistakes={
            "the third is the largest change with its sign dropped *before* taking the maximum; "
            "here that is 0.4, and you took the absolute value of the smallest": (2, 0.5, 0.3),
            "the order is L0, L2, Linf; yours is reversed": (0.4, 0.5, 2),
            "the last two stand in the other order: L0, L2, Linf": (2, 0.4, 0.5),
            "L2 lacks the root": (2, 0.25, 0.4),
            "the second is the sum of changes, L1; L2 is the root of the sum of squares": summed,
            "the second is the plain sum of the changes, in which signs cancel": (2, 0.1, 0.4),
            "L0 counts the values that *changed*; you counted all": (6, 0.5, 0.4),
            "L0 counts the values that changed; you counted those that did not": (4, 0.5, 0.4),
            "L0 is a number of values, not a share": (2 / 6, 0.5, 0.4),
            "the second is the root of the *mean* of squares; L2 takes the sum": mean,
            "the third is the mean change; Linf is the largest": (2, 0.5, 0.7 / 6),
            "only rises were counted; a fall is a change, too": (1, 0.4, 0.4),
        },
    )
    fall = before - np.array([[0.0, 0.0, 0.7], [0.0, 0.0, 0.0]])
    hint = "for Linf take absolute values first: here the largest change is a fall by .7"
    expect_array(
        call(distortion, before, fall),
        [1, 0.7, 0.7],
        what="distortion where one value falls by .7",
        mistakes={hint: [1, 0.7, 0]},
    )
    same = call(distortion, before, before.copy())
    expect_array(same, [0, 0, 0], what="distortion of a picture and its copy")


DISTORTION = Exercise(
    name="10-distortion",
    title="Measure a change in three norms",
    hints=(
        "Start from `change = np.abs(after - before)`.",
        "L0 counts where `change` is above 0, Linf is its maximum.",
        "`np.sqrt((change**2).sum())` is the length; `np.linalg.norm` wants a flat array.",
    ),
    solution="""def distortion(before, after):
    change = np.abs(after - before)
    return np.count_nonzero(change), np.sqrt((change**2).sum()), change.max()
""",
    why='Three answers to "how much has changed?": how many values, how far in all, and how much '
    "at most. A one-pixel attack has the smallest L0, FGSM the smallest Linf for its effect.",
    check=_check_distortion,
)


def _check_units(eps_for_my_network):
    expect_number(
        eps_for_my_network,
        16 / 255,
        what="your eps",
        tol=1e-4,
        mistakes={
            "that is the eps for [0, 1]; [-1, 1] is twice as wide": 8 / 255,
            "8 levels are 8 only where a level is 1": 8,
            "the range got wider, so eps has to grow, not shrink": 4 / 255,
            "that is mapping the *position* 8 into [-1, 1]; eps is a *distance*": 8 / 127.5 - 1,
            "16 is right for levels doubled; divide by the 255 of the whole range": 16,
            "divide by 255, the distance between the ends, not by 256 values": 16 / 256,
            "multiply by the width of the range, 2, only once": 32 / 255,
        },
    )


UNITS = Exercise(
    name="10-units",
    title="eps in another unit",
    hints=(
        "How wide is the range 0 to 255? How wide is -1 to 1?",
        "The change is 8 / 255 of the whole range. And the whole range has the width 2.",
    ),
    solution="eps_for_my_network = 8 / 255 * 2\n",
    why="An eps is a distance, so it scales with the width of the range, and the place of its zero "
    "does not matter. Many published comparisons were wrong by just this factor of 2.",
    check=_check_units,
)


def _check_fgsm(fgsm_targeted):
    picture = np.array([[0.95, 0.05], [0.98, 0.3]])
    gradient = np.array([[2.0, 0.001], [-3.0, 0.0]])
    eps, sign = 0.1, np.sign(gradient)
    low, unit = picture - eps * sign, gradient / np.linalg.norm(gradient)
    up, not_down = (np.where(where, 1, -1) for where in (gradient > 0, gradient >= 0))
    steps = {  # subtracted, eps times, and the result cut to [0, 1]
        "plus climbs the loss of the target, away from it; a target takes minus": -sign,
        "that is the gradient itself; FGSM takes its sign": gradient,
        "that is the L2 step, along the gradient of length 1; FGSM takes signs": unit,
        "eps is missing: every value moved by 1": sign / eps,
        "where the gradient is 0 nothing moves; `np.sign` gives 0 there": up,
        "where the gradient is 0 nothing should move, and `>=` moves it": not_down,
    }
    expect_array(
        call(fgsm_targeted, picture, gradient, eps),
        np.clip(low, 0, 1),
        what="fgsm_targeted(picture, gradient, .1)",
        mistakes={hint: np.clip(picture - eps * step, 0, 1) for hint, step in steps.items()}
        | {
            "plus climbs, and some values leave [0, 1]": picture + eps * sign,
            "the step is right, but some values leave [0, 1]: clip": low,
            "the gradient itself, and nothing is cut to [0, 1]": picture - eps * gradient,
            "this is only the change; add it to the picture": -eps * sign,
            "the change was cut to [0, 1], not the picture: no value can rise any more": (
                picture - np.clip(eps * sign, 0, 1)
            ),
            "values are folded back at the ends; cut them": abs(low) - 2 * np.maximum(low - 1, 0),
        },
    )


FGSM = Exercise(
    name="10-fgsm",
    title="The targeted step",
    hints=(
        "Should the loss of the target rise or fall?",
        "It should fall: go against the signs of its gradient.",
        "`np.clip(..., 0, 1)` around the whole.",
    ),
    solution="""def fgsm_targeted(picture, gradient, eps):
    return np.clip(picture - eps * np.sign(gradient), 0, 1)
""",
    why="The target's loss falls most if every value moves against its own derivative, as far as "
    "it may. Untargeted it is plus, with the loss of the *true* label.",
    check=_check_fgsm,
)


def _check_project(project):
    original = np.array([0.50, 0.50, 0.02, 0.97, 0.30, 0.50])
    moved = np.array([0.75, 0.30, -0.30, 1.40, 0.32, 0.58])
    eps, change = 0.1, moved - original
    low, high, size = original - eps, original + eps, np.abs(change)
    near, full = np.clip(moved, low, high), original + eps * np.sign(change)
    shrunk, shortened = (
        original + change * eps / length for length in (size.max(), np.linalg.norm(change))
    )
    within = {  # and then cut to [0, 1]
        "cut to [0, 1] only: some values are further than eps from the original": moved,
        "every value was moved by the full eps; those within eps have to stay": full,
        "values that went too far were put back to the original; put them on the border": (
            np.where(size > eps, original, moved)
        ),
        "the whole change was shrunk by one factor; in Linf each value is cut alone": shrunk,
        "that shrinks the change to the *length* eps, which is L2; in Linf each value is cut by "
        "itself": shortened,
        "only rises were cut; falls go too far": np.minimum(moved, high),
        "only falls were cut; rises go too far": np.maximum(moved, low),
        "moved and original are exchanged": np.clip(original, moved - eps, moved + eps),
    }
    expect_array(
        call(project, moved, original, eps),
        np.clip(near, 0, 1),
        what="project(moved, original, .1)",
        mistakes={hint: np.clip(values, 0, 1) for hint, values in within.items()}
        | {
            "near the original, but some values leave [0, 1]": near,
            "that is the allowed change; add the original": np.clip(change, -eps, eps),
            "nothing was cut": moved,
            "every value moved by eps, also out of [0, 1]": full,
            "cut to -eps to eps around 0 instead of around the original": np.clip(moved, -eps, eps),
        },
    )


PROJECT = Exercise(
    name="10-project",
    title="The projection of PGD",
    hints=(
        "Two cuts: one to the neighborhood of the original, one to the range of pixels.",
        "`np.clip(values, low, high)` takes arrays as `low` and `high`, too.",
        "`low` is `original - eps`, `high` is `original + eps`.",
    ),
    solution="""def project(moved, original, eps):
    near = np.clip(moved, original - eps, original + eps)
    return np.clip(near, 0, 1)
""",
    why="In Linf the allowed pictures are a box, and the nearest point of a box is found value by "
    "value. Cutting to [0, 1] afterwards only moves values back toward the original.",
    check=_check_project,
)


def _check_linear(smallest_linear_eps):
    x = np.array([0.8, 0.1, 0.4, 0.9])
    for sign in (1, -1):
        w, b = sign * np.array([1.0, -2.0, 0.5, 0.0]), sign * 0.3
        score, sizes = w @ x + b, np.abs(w)  # of 1.1 and of sum 3.5
        size, length, total = abs(score), np.linalg.norm(w), sizes.sum()
        divisors = {
            "that is the distance in L2; in Linf divide by the sum of absolute weights": length,
            "divide by the sum of the *absolute* weights; with signs they cancel": sign * w.sum(),
            # Where the score is above 0 that is right.
            "an eps is a size: take the absolute value of the score": sign * total,
            "that is the score; how much does it fall for each unit of eps?": 1,
            "that would be the change if only the largest weight's value moved; all of them may": (
                sizes.max()
            ),
            "divide by the sum of absolute weights, not by their number": len(w),
            "divide by the sum of absolute weights, not by their mean": sizes.mean(),
            "the sum of squares is that of an L2 argument without its root": (w**2).sum(),
        }
        expect_number(
            call(smallest_linear_eps, w, b, x),
            size / total,
            what=f"smallest_linear_eps where the score is {score:+.1f}",
            mistakes={hint: size / divisor for hint, divisor in divisors.items()}
            | {
                "the bias is missing in the score": abs(w @ x) / total,
                "the bias has the wrong sign: the score is w @ x + b": abs(w @ x - b) / total,
                "upside down: score divided by weights": total / size,
            },
        )


LINEAR = Exercise(
    name="10-linear",
    title="The exact smallest eps of a linear model",
    hints=(
        "By how much does the score fall if every value moves by eps in the worst direction?",
        "By eps times the sum of the absolute weights.",
        "So eps times `np.abs(w).sum()` has to equal `abs(w @ x + b)`.",
    ),
    solution="""def smallest_linear_eps(w, b, x):
    return abs(w @ x + b) / np.abs(w).sum()
""",
    why="For a linear score Taylor's development is exact, so FGSM is the best attack there is. "
    "The sum in the denominator has one term for each pixel: the more pixels, the smaller eps.",
    check=_check_linear,
)

# Chosen so that each mistake below leads to another number.
_TRUTH = (6, 9, 3, 7, 1, 4, 0, 4, 0)
_BEFORE = (6, 0, 4, 8, 1, 5, 0, 4, 0)
_AFTER = (9, 9, 6, 7, 4, 5, 0, 5, 3)


def _check_rate(transfer_rate):
    before, after, labels = map(np.array, (_BEFORE, _AFTER, _TRUTH))
    known, wrong, changed = before == labels, after != labels, before != after
    fooled = known & wrong
    share, moved = wrong.mean(), changed.sum() / known.sum()
    expect_number(
        call(transfer_rate, before, after, labels),
        fooled.sum() / known.sum(),
        what="transfer_rate(before, after, labels)",
        mistakes={
            "pictures that were wrong before count as fooled in yours; leave them out": share,
            "divide by the number of pictures that were right before, not by all": fooled.mean(),
            "pictures that were wrong before are among your fooled ones": wrong.sum() / known.sum(),
            "that counts every *changed* answer, also one that became right": changed.mean(),
            "changed answers of pictures that were wrong before are among them": moved,
            "that is the share that was *not* fooled": (known & ~wrong).sum() / known.sum(),
            "that is a number of pictures; divide by those right before": fooled.sum(),
            "that is the accuracy before": known.mean(),
            "that is the accuracy after": (~wrong).mean(),
            "that is how much the accuracy fell; a picture that became right hides one that was "
            "fooled": known.mean() - (~wrong).mean(),
        },
    )
    hopeless = np.asarray(call(transfer_rate, labels + 1, labels, labels), float)
    expect_number(
        np.nan_to_num(hopeless, nan=-1),
        0,
        what="transfer_rate where nothing was right before",
        mistakes={"where nothing was right before, 0 / 0 is NaN; return 0": -1},
    )


RATE = Exercise(
    name="10-rate",
    title="Count only what can be fooled",
    hints=(
        "Which pictures can be fooled? Those that were right before.",
        "`known = before == labels`; then look at `after[known] != labels[known]`.",
        "Return 0 where no picture was right before.",
    ),
    solution="""def transfer_rate(before, after, labels):
    known = before == labels
    return (known & (after != labels)).sum() / max(known.sum(), 1)
""",
    why="A picture that was wrong anyway is no success of the attack. For a decision tree with "
    "86 % accuracy the careless count would add up to 14 points to every attack, also to none.",
    check=_check_rate,
)

_ROBUST = {"fgsm": 0.20, "pgd": 0.28, "transfer": 0.12, "random": 0.02}
_CASES = (  # what is changed in the robust table, whether it is suspicious, the hint
    ({}, False, "PGD is the strongest of the four: no sign of masking"),
    ({"transfer": 0.58}, True, "examples of another network beat PGD: a sign of masking"),
    ({"fgsm": 0.45}, True, "one step beats many steps: a sign of masking"),
    ({"random": 0.40}, True, "random signs beat PGD: a sign of masking"),
    ({"fgsm": 0.30}, False, "one step is ahead by .02 only: that may be chance"),
    ({"transfer": 0.32, "fgsm": 0.31}, False, "each is ahead by less than .05; do not add them up"),
    (
        {"fgsm": 0.04, "pgd": 0.02, "transfer": 0.03, "random": 0.01},
        False,
        "a low success of all attacks alone is no sign; a robust network looks like that",
    ),
    (
        {"fgsm": 0.80, "pgd": 0.95, "transfer": 0.70, "random": 0.10},
        False,
        "an undefended network falls to everything, and to PGD most: nothing is masked",
    ),
    (
        {"fgsm": 0.80, "pgd": 0.70, "transfer": 0.60, "random": 0.10},
        True,
        "masking is about the order of the attacks, not about how low the numbers are",
    ),
)


def _check_masking(masked):
    answers = []
    for changes, _, _ in _CASES:
        answer = call(masked, _ROBUST | changes)
        hint = f"True or False is asked for, and yours is of type {type(answer).__name__}"
        require(isinstance(answer, bool | np.bool_), hint)
        answers.append(bool(answer))
    good = [answer == right for answer, (_, right, _) in zip(answers, _CASES, strict=True)]
    require(any(answers), "never: yours finds nothing suspicious, whatever the rates")
    require(not all(answers), "always: yours suspects every network, also one that PGD beats best")
    require(any(good), "yours is the other way round in each case: exchange True and False")
    for is_good, (changes, right, hint) in zip(good, _CASES, strict=True):
        shown = ", ".join(f"{name} {rate:.2f}" for name, rate in (_ROBUST | changes).items())
        require(is_good, f"for {shown} the answer should be {right}: {hint}")


MASKING = Exercise(
    name="10-masking",
    title="Find the signs of gradient masking",
    hints=(
        "PGD includes the one-step attack, and uses more knowledge than transfer or chance.",
        "So if any of the three others is clearly ahead of it, its gradient misleads it.",
        "Compare the largest of the other three with `rates['pgd'] + 0.05`.",
    ),
    solution="""def masked(rates):
    others = max(rates["fgsm"], rates["transfer"], rates["random"])
    return others > rates["pgd"] + 0.05
""",
    why="The attack with more knowledge and more steps should win. Where it does not, the fault is "
    "in the gradient, and the low number of PGD says nothing about robustness.",
    check=_check_masking,
)


def _check_snr(snr):
    random = np.random.default_rng(2)
    sound = 0.4 * random.normal(size=400) + 0.05
    noise = 0.02 * random.normal(size=400) + 0.005
    changed = sound + noise
    power, lost, after = ((part**2).sum() for part in (sound, noise, changed))
    tall, flat = np.abs(sound), np.abs(noise)
    peaks, sums = tall.max() / flat.max(), sound.sum() / noise.sum()
    ratios = {
        "the change is changed - sound; you compared with the changed sound": power / after,
        "the signal is the original sound, not the changed one": after / lost,
        "powers are sums of *squares*; you took absolute values": tall.sum() / flat.sum(),
        "that compares the largest values; the ratio of powers looks at all samples": peaks**2,
        "that compares squared sums; square each sample first": sums**2,
        "the mean was subtracted (variance); power is the sum of squares": sound.var()
        / noise.var(),
    }
    right = 10 * np.log10(power / lost)
    expect_number(
        call(snr, sound, changed),
        right,
        what="snr(sound, changed)",
        tol=1e-4,
        mistakes={hint: 10 * np.log10(ratio) for hint, ratio in ratios.items()}
        | {
            "20 is for ratios of amplitudes; you have powers already, or lack a root": 2 * right,
            "the natural logarithm was taken; decibels want `np.log10`": right * np.log(10),
            "upside down: signal over noise": -right,
            "the factor 10 is missing: these are bels": right / 10,
            "that is the ratio; take 10 times its logarithm": power / lost,
        },
    )


SNR = Exercise(
    name="10-snr",
    title="Signal-to-noise ratio",
    hints=(
        "What is the noise? The difference of the two.",
        "Power: the sum of the squared samples, of the sound and of the difference.",
        "`10 * np.log10(power of the sound / power of the difference)`.",
    ),
    solution="""def snr(sound, changed):
    noise = changed - sound
    return 10 * np.log10((sound**2).sum() / (noise**2).sum())
""",
    why="Ten decibels are a factor of ten in power. Sums or means make no difference here, since "
    "both have the same number of samples.",
    check=_check_snr,
)

EXERCISES = (DISTORTION, UNITS, FGSM, PROJECT, LINEAR, RATE, MASKING, SNR)
