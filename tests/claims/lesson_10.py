"""Lesson 10: the bounds that its sentences rely on."""

from tests.claims import Claim

CLAIMS = (
    Claim(
        after="signs",
        sentence="one step turns more than a quarter of the digits into exactly the wanted one",
        holds="reached[-1] > 0.25",
    ),
    Claim(
        after="signs",
        sentence="With plus, hardly any",
        holds="reached[1] < 0.02",
    ),
    Claim(
        after="masked",
        sentence="With a loss that does not saturate, or with examples made for a copy, it falls",
        holds="min(ways_in['another loss'], ways_in['transfer from a copy']) > 0.15"
        " > ways_in['random signs (control)']",
    ),
)
