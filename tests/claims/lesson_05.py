"""Lesson 05: the counts, bounds and orders that its sentences rely on."""

from tests.claims import Claim

CLAIMS = (
    Claim(
        after="lenet-1998",
        sentence="The paper says 60,000, and both are right",
        holds="sum(parameters_1998.values()) == 60_000 and lenet5().count_params() == 61_706",
    ),
    Claim(
        after="readers",
        sentence="Without a shift the dense network is just as good",
        holds="abs(means['LeNet-5'][0] - means['dense'][0]) < 0.03 < 0.93 < means['dense'][0]",
    ),
    Claim(
        after="readers",
        sentence="Shifted by two pixels, LeNet keeps clearly more",
        holds="means['LeNet-5'][2] > means['dense'][2] + 0.02",
    ),
    Claim(
        after="readers",
        sentence="by four pixels both fail",
        holds="max(mean[4] for mean in means.values()) < 0.5",
    ),
    Claim(
        after="vgg16",
        sentence='Without the dense layers (the "top") it has 14.7 million parameters',
        holds="sum(row.parameters for row in own) == 14_714_688",
    ),
    Claim(
        after="vgg19",
        sentence="where are most of these 138 million parameters",
        holds="totals == [138_357_544, 143_667_240]",
    ),
    Claim(
        after="zeros",
        sentence="With random weights about half of all answers are negative, from the first layer"
        " to the last, between a third and two thirds",
        holds="all(0.33 < share < 0.67 for name, share in untrained.items() if 'conv' in name)",
    ),
    Claim(
        after="zeros",
        sentence="Training lifts the ends of blocks 3 and 4 to about 70 %",
        holds="min(ends) > 0.65 and max(ends) < 0.8",
    ),
    Claim(
        after="zeros",
        sentence="Each pooling lowers the share",
        holds="all(shares[f'block{n}_pool'] < shares[f'block{n}_conv{3 if n > 2 else 2}']"
        " for shares in (trained, untrained) for n in range(1, 6))",
    ),
    Claim(
        after="naive",
        sentence="The module takes 192 channels and gives 416",
        holds="(shape, weights, work) == ((28, 28, 416), 387_296, 303_464_448)",
    ),
    Claim(
        after="reduced",
        sentence="Less than half of the parameters and of the work, and 256 channels out",
        holds="(shape, weights, work) == ((28, 28, 256), 163_696, 128_049_152)",
    ),
    Claim(
        after="googlenet",
        sentence="the answer is 8.7, not 12",
        holds="googlenet == 6_998_552 and round(two_cards / googlenet, 1) == 8.7",
    ),
    Claim(
        after="auxiliary",
        sentence="Even with weight 0.3, the two outputs on the way send the first layer more"
        " gradient than the main output does",
        holds="min(gains) > 1",
    ),
    Claim(
        after="degradation",
        sentence="The order is the same in each run",
        holds="bool(np.all(shortcuts < shallow) and np.all(shallow < deeper))",
    ),
    Claim(
        after="degradation",
        sentence="that of 38 learns much more slowly and stays high above",
        holds="(deeper - shallow).min() > 0.15",
    ),
    Claim(
        after="degradation",
        sentence="The deep plain network is bad on the very digits that it was trained on",
        holds="np.abs(final[1, :, 1] - deeper).max() < 0.15 < deeper.min()",
    ),
    Claim(
        after="search",
        sentence="The three networks of 1 x 1 kernels stay low",
        holds="max(blind) < 0.5",
    ),
    Claim(
        after="search",
        sentence="a single layer of 24 filters stays below 70 %, five layers of 8 are above 80 %",
        holds="max(right for (depth, _, _), (_, right) in found.items() if depth == 1) < 0.7"
        " and min(right for (depth, _, kernel), (_, right) in found.items()"
        " if depth == 5 and kernel > 1) > 0.8",
    ),
)
