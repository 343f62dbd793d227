"""Lesson 06: the bounds, orders and signs that its sentences rely on, for the course's network."""

from tests.claims import Claim

CLAIMS = (
    Claim(
        after="precision",
        sentence="gray ones for pixels, hardly above guessing (dotted)",
        holds="precision['pixels'].mean() < 0.2",
    ),
    Claim(
        after="precision",
        sentence="two numbers that tell more than 4,096 pixels",
        holds="precision['pixels'].mean() < two < 0.45",
    ),
    Claim(
        after="precision",
        sentence="growing up to the third and fourth, then falling",
        holds="best in layers[2:4]",
    ),
    Claim(
        after="precision",
        sentence="Four of five neighbors are right with the best ones",
        holds="0.75 < precision[best].mean() < 0.85",
    ),
    Claim(
        after="precision",
        sentence="but the difference to both controls is far beyond them",
        holds="interval[best][0] > highest",
    ),
    Claim(
        after="precision",
        sentence="the fourth leads by a few hundredths",
        holds="0.01 < gain.mean() < 0.1",
    ),
    Claim(
        after="precision",
        sentence="the interval of this lead ends close to zero",
        holds="abs(spread[0]) < 0.03",
    ),
    Claim(
        after="leak",
        sentence="The network is now nearly always right",
        holds="first_hit['network', 'same half'] > 0.97",
    ),
    Claim(
        after="leak",
        sentence="and pixels gain most",
        holds="first_hit['pixels', 'same half'] - first_hit['pixels', 'other half']"
        " > first_hit['network', 'same half'] - first_hit['network', 'other half'] > 0.03",
    ),
    Claim(
        after="distances",
        sentence="With unit length the two agree on every first neighbor",
        holds="np.array_equal(by_cosine, by_unit)",
    ),
    Claim(
        after="distances",
        sentence="they name another one for a good part of the queries",
        holds="other > 0.1",
    ),
    Claim(
        after="maps",
        sentence="Pixels are one heap",
        holds="right['PCA of pixels'] < 0.3",
    ),
    Claim(
        after="maps",
        sentence="with much overlap",
        holds="0.3 < right['PCA of descriptors'] < 0.8",
    ),
    Claim(
        after="maps",
        sentence="t-SNE shows islands",
        holds="right['t-SNE of descriptors'] > 0.7",
    ),
    Claim(
        after="center",
        sentence="so any two of them have a large cosine",
        holds="from_zero > 0.3 and abs(from_mean) < 0.2",
    ),
    Claim(
        after="changes",
        sentence="For shift, rotation, scale and brightness the solid line of the fourth stage lies"
        " well above the dashed one of pixels",
        holds="lead('shift', 8) > 0.3 and lead('rotation', 20) > 0.2 and lead('scale', 1.5) > 0.1"
        " and lead('brightness', 0.6) > 0.3",
    ),
    Claim(
        after="changes",
        sentence="For noise and blur it is the other way round",
        holds="max(lead('noise', 0.1), lead('blur', 2)) < -0.2",
    ),
    Claim(
        after="mirrors",
        sentence="Upside down it never saw one, and the last stage is the one that minds",
        holds="alike[layers[4]] < alike[layers[0]] - 0.05",
    ),
    Claim(
        after="sixty",
        sentence="Sixty pictures and a fit of a fraction of a second suffice",
        holds="len(chosen) == 60 and accuracy > 0.7",
    ),
    Claim(
        after="ways",
        sentence="start high and lie far above both networks trained from scratch",
        holds="all(five['frozen'].mean() - five[way].mean() >"
        " five['frozen'].std(ddof=1) + five[way].std(ddof=1)"
        " for way in ('small network', 'same network', 'pixels'))",
    ),
    Claim(
        after="ways",
        sentence="above pixels, which never learn the task",
        holds="max(mean['photos', 'pixels', size] for size in (1, 5, 20, 100)) < 0.3",
    ),
    Claim(
        after="ways",
        sentence="Five pictures with frozen features beat a hundred with the small network",
        holds="five['frozen'].mean() > hundred",
    ),
    Claim(
        after="close",
        sentence="Fine-tuning moves the accuracy by little, up or down",
        holds="max(moved) < 0.1",
    ),
    Claim(
        after="close",
        sentence="On the right, digits: all lines come close to each other",
        holds="close < 0.12 and min(four) > 0.9",
    ),
    Claim(
        after="close",
        sentence="the small network, made for 8 x 8 pixels, is level or ahead",
        holds="mean['digits', 'small network', 1] > mean['digits', 'frozen', 1] - 0.05",
    ),
    Claim(
        after="probes",
        sentence="accuracy rises from stage to stage, up to the third or fourth, and falls at the"
        " last one",
        holds="all(np.argmax(level[name]) in (2, 3) and level[name][4] < max(level[name])"
        " for name in tasks)",
    ),
    Claim(
        after="probes",
        sentence="What training adds is the distance between the two lines, and it differs",
        holds="gain['photos'] > 0.1 and gain['digits'] < gain['photos']",
    ),
    Claim(
        after="espresso",
        sentence='The network says "espresso"',
        holds="answer == 'espresso' and probability > 0.8",
    ),
    Claim(
        after="evidence",
        sentence="Occlusion and Grad-CAM of the fourth stage both light up the coffee",
        holds="agreement(hidden, cams[layers[3]]) > 0.6 "
        "and agreement(hidden, cams[layers[4]]) > 0.4",
    ),
    Claim(
        after="evidence",
        sentence="With random weights the map is something else",
        holds="np.mean(by_chance or [0]) < 0.35",
    ),
    Claim(
        after="follows",
        sentence="when the cup moves, the map moves with it",
        holds="all(np.corrcoef(cup, places)[0, 1] > 0.8 for places in tracked.values())",
    ),
    Claim(
        after="follows",
        sentence="But it moves only about half as far",
        holds="all(0.2 < np.polyfit(cup, places, 1)[0] < 1 for places in tracked.values())",
    ),
)
