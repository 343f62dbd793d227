"""Lesson 02: the bounds, orders and signs that its sentences rely on."""

from tests.claims import Claim

CLAIMS = (
    Claim(
        after="parameters",
        sentence="two layers that have nothing in common can have equally many parameters",
        holds="layer.count_params() == in_3d.count_params() == 112 and in_1d.count_params() == 88",
    ),
    Claim(
        after="sizes",
        sentence="All settings that Keras accepts agree with the two lines (and with"
        " `dimensions.output_size`",
        holds="len(accepted) > 300 and all(size_out(*setting) == dimensions.output_size(*setting)"
        " == size for setting, size in accepted)",
    ),
    Claim(
        after="transposed",
        sentence="And the size formulas once more against Keras",
        holds="agreed == 600 and all(dimensions.transposed_size(n, k, s, padding)"
        " == ((n - 1) * s + max(k, s) if padding == 'valid' else n * s)"
        " for n in range(1, 30) for k in range(1, 8) for s in range(1, 6)"
        " for padding in ('valid', 'same'))",
    ),
    Claim(
        after="costs",
        sentence="computes these numbers from the settings alone",
        holds="all((found.shape, found.parameters) == (layer(maps).shape[1:], layer.count_params())"
        " for layer in cheaper.values() for found in"
        " [dimensions.describe(dimensions.settings_of(layer), maps.shape[1:])])",
    ),
    Claim(
        after="three",
        sentence="`dimensions.receptive_field` knows it",
        holds="dimensions.receptive_field(three).size == receptive_field(three) == 7",
    ),
    Claim(
        after="tables",
        sentence="zero outside a square of 3, then 5, then 7 pixels a side, as the formula says",
        holds="[np.ptp(np.flatnonzero(gradient.any(axis=axis))) + 1 for gradient in"
        " gradients.values() for axis in (0, 1)] == [3, 3, 5, 5, 7, 7]",
    ),
    Claim(
        after="fields",
        sentence="3, 10, 24, 60, 76, 132, 164, 212 pixels: formula and measurement agree",
        holds="[width(strength) for strength in strengths.values()]"
        " == [by_formula[name].size for name in strengths]"
        " == [3, 10, 24, 60, 76, 132, 164, 212]",
    ),
    Claim(
        after="shares",
        sentence="our trained one looks at even less",
        holds="all(trained < min(untrained) for untrained, trained in shares.values())",
    ),
    Claim(
        after="memory",
        sentence="this network has under a million parameters, 3.8 megabytes",
        holds="total['parameters'] == embedded.model.count_params() == 946_584",
    ),
)
