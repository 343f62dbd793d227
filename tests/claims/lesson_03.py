"""Lesson 03: the bounds, orders and signs that its sentences rely on."""

from tests.claims import Claim

CLAIMS = (
    Claim(
        after="moons",
        sentence="a good tenth of the points lies on the wrong side",
        holds="0.08 < 1 - fits['without a bend'].score(points, moon) < 0.15",
    ),
    Claim(
        after="moons",
        sentence="gets (almost) every point right",
        holds="fits['negative answers become 0'].score(points, moon) > 0.99",
    ),
    Claim(
        after="collapse",
        sentence="not even the best single layer gives the same answers",
        holds="np.abs(best - bent).max() > 0.1",
    ),
    Claim(
        after="strength",
        sentence="Without a bend next to nothing is explained",
        holds="max(scores['no bend']) < 0.1",
    ),
    Claim(
        after="strength",
        sentence="with ReLU nearly all",
        holds="min(scores['ReLU']) > 0.9",
    ),
    Claim(
        after="kinks",
        sentence="Twice as many kinks leave about a third of the error, then about a quarter",
        holds="2.5 < errors[4] / errors[8] < 3.5 < errors[8] / errors[16] < 4.5",
    ),
    Claim(
        after="rounded",
        sentence="From a lead of some 20 on the first is rounded to 1",
        holds="keras.ops.softmax(np.array([[20, 0], [15, 0]], 'float32')).numpy()[0, 0] == 1 "
        "> keras.ops.softmax(np.array([15, 0], 'float32')).numpy()[0]",
    ),
    Claim(
        after="rounded",
        sentence="with a long lead the second to 0",
        holds="first_p == 1 and second_p == 0",
    ),
    Claim(
        after="delta-rule",
        sentence="compute the gradient of a network with 21 layers, and agree with TensorFlow",
        holds="off < 1e-3",
    ),
    Claim(
        after="delta-rule",
        sentence="layer 1 gets less than a billionth of what layer 20 gets",
        holds="ratio < 1e-9",
    ),
    Claim(
        after="delta-rule",
        sentence="so less is left than a quarter to the power of 19",
        holds="ratio < 0.25**19",
    ),
    Claim(
        after="remedies",
        sentence="through about twelve powers of ten",
        holds="1e-14 < ratios['sigmoid'].min() and ratios['sigmoid'].max() < 1e-10",
    ),
    Claim(
        after="remedies",
        sentence="All three remedies, and tanh and Leaky ReLU beside them, stay within two "
        "powers of ten",
        holds="all(0.01 < r.min() and r.max() < 100 for n, r in ratios.items() if n != 'sigmoid')",
    ),
    Claim(
        after="learned",
        sentence="Plain sigmoids stay on the dotted line at one in ten",
        holds="learned['sigmoid'][:, -1].max() < 0.15",
    ),
    Claim(
        after="learned",
        sentence="The three remedies climb",
        holds="min(runs[:, -1].min() for name, runs in learned.items() if name != 'sigmoid') > 0.3",
    ),
    Claim(
        after="learned",
        sentence="the residual sigmoids are slowest",
        holds="min((runs.mean(), name) for name, runs in learned.items() if name != 'sigmoid')[1]"
        " == 'sigmoid, residual'",
    ),
    Claim(
        after="dead",
        sentence="At rate 0.001 a few; at 0.01 about a fifth; at 0.1 well over half",
        holds="by_rate[0.001][:, -1, 0].max() < 0.15"
        " and 0.05 < by_rate[0.01][:, -1, 0].mean() < 0.3 and by_rate[0.1][:, -1, 0].min() > 0.4"
        " and by_rate[0.1][:, -1, 0].mean() > 0.5",
    ),
    Claim(
        after="dead",
        sentence="the middle rate is the best",
        holds="max(by_rate, key=lambda rate: by_rate[rate][:, -1, 1].mean()) == 0.01",
    ),
    Claim(
        after="dead",
        sentence="In the mean none of the deep networks is better than one with a single "
        "*hidden* layer",
        holds="max(runs[:, -1].mean() for runs in learned.values())"
        " < min(by_rate[rate][:, -1, 1].mean() for rate in (0.001, 0.01))",
    ),
    Claim(
        after="killed",
        sentence="the gradient is exactly zero, and the accuracy stays at one in ten",
        holds="gradient == 0 and killed['ReLU'][:, -1, 1].max() < 0.15",
    ),
    Claim(
        after="killed",
        sentence="The other three have a slope on the left and recover",
        holds="all(runs[:, -1, 1].min() > 0.75 and runs[:, -1, 0].max() < 0.05"
        " for name, runs in killed.items() if name != 'ReLU')",
    ),
    Claim(
        after="killed",
        sentence="ELU hesitates, since its slope at -6 is only $e^{-6} \\approx 0.002$, and "
        "then overtakes both",
        holds="killed['ELU'][:, 1, 1].mean() < min(killed[n][:, 1, 1].mean() for n in"
        " ('Leaky ReLU', 'PReLU')) and killed['ELU'][:, -1, 1].mean() >"
        " max(killed[n][:, -1, 1].mean() for n in ('Leaky ReLU', 'PReLU'))",
    ),
    Claim(
        after="exploding",
        sentence="With He's weights it stays within a factor of about five of 1 at all three "
        "depths",
        holds="all(0.15 < v < 6 for v in np.ravel(list(lengths['ReLU, He "
        "initialization'].values())))",
    ),
    Claim(
        after="exploding",
        sentence="up to about a million at 20, and *Leaky ReLU does the same*",
        holds="all(1e5 < np.median(lengths[n][20]) < 1e7 and min(lengths[n][20]) > 1e4"
        " for n in ('ReLU, weights twice as large', 'Leaky ReLU, twice as large'))",
    ),
    Claim(
        after="exploding",
        sentence="only to somewhat below 10",
        holds="np.median(lengths['ReLU, twice, batch norm'][20]) < 10",
    ),
    Claim(
        after="rescued",
        sentence="all guess, and in most of them the weights have become `nan`",
        holds="all(rescued[n].max() < 0.15 for n in ('twice', 'twice, Leaky ReLU'))"
        " and spoiled['twice'] + spoiled['twice, Leaky ReLU'] > 5",
    ),
    Claim(
        after="rescued",
        sentence="Clipping and batch normalization save them",
        holds="min(rescued[n].mean() for n in ('twice, clipping', 'twice, batch norm')) > 0.25"
        " and spoiled['twice, clipping'] == spoiled['twice, batch norm'] == 0",
    ),
    Claim(
        after="rescued",
        sentence="the right initialization, which costs nothing, does best",
        holds="max(rescued, key=lambda n: rescued[n].mean()) == 'He initialization'",
    ),
    Claim(
        after="patients",
        sentence="one of the three gradients is shorter than a thousandth, one is longer than "
        "a thousand, and one is neither",
        holds="reaches['A'][0] < 1e-3 and reaches['B'][0] > 1e3 and 1e-3 < reaches['C'][0] < 1e3",
    ),
    Claim(
        after="patients",
        sentence="the ratio of layer 1 to layer 20 is near 1",
        holds="0.2 < reaches['A'][0] / reaches['A'][1] < 5",
    ),
    Claim(
        after="counts",
        sentence="The convolution has 320 of 19,466 parameters",
        holds="counts[1] == 320 and sum(counts) == reader.count_params() == 19466",
    ),
    Claim(
        after="counts",
        sentence="the shape after each layer",
        holds="[layer.output.shape[1:] for layer in reader.layers] == shapes"
        " and [layer.count_params() for layer in reader.layers] == counts",
    ),
    Claim(
        after="reader",
        sentence="97 % is for writers the network has met",
        holds="share_read > 0.97",
    ),
    Claim(
        after="six-pixels",
        sentence="With six dark pixels chosen by chance it is a few per cent",
        holds="by_chance < 0.12 and become_eight(chosen) > 0.25",
    ),
    Claim(
        after="bends",
        sentence="After 1 epoch the sigmoid still guesses",
        holds="compared['sigmoid'][:, 1].mean() < 0.3",
    ),
    Claim(
        after="bends",
        sentence="The truly linear network stays below them",
        holds="compared['none, average pooling'][:, -1].mean() <"
        " min(compared[n][:, -1].mean() for n in ('tanh', 'ReLU', 'GELU'))",
    ),
    Claim(
        after="bends",
        sentence='"none", no bend but with *max* pooling, keeps up',
        holds="compared['none'][:, -1].mean() > compared['none, average pooling'][:, -1].mean()",
    ),
    Claim(
        after="selective",
        sentence="from block 2 on the share falls with every layer, to less than a tenth",
        holds="np.all(np.diff(trained_shares[1:]) < 0) and trained_shares[-1] < 0.1",
    ),
    Claim(
        after="selective",
        sentence="In three random networks it stays between about 26 and 57 %, at every depth",
        holds="0.25 < np.min(random_shares) and np.max(random_shares) < 0.58"
        " and min(shares[-1] for shares in random_shares) > 2 * trained_shares[-1]",
    ),
)
