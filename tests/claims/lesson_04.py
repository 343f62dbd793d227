"""Lesson 04: the bounds, orders and signs that its sentences rely on."""

from tests.claims import Claim

CLAIMS = (
    Claim(
        after="limit",
        sentence="1 % below it the walk comes a thousand times closer",
        holds="distance[0.99] < 1e-3",
    ),
    Claim(
        after="limit",
        sentence="1 % above it it gets a thousand times farther away",
        holds="distance[1.01] > 1e3",
    ),
    Claim(
        after="ravines",
        sentence="a speed-up of 40",
        holds="35 < counts['camera'][0] / counts['camera'][1] < 45",
    ),
    Claim(
        after="ravines",
        sentence="In the tame valley of the grass it is 4 to 5",
        holds="4 < counts['grass'][0] / counts['grass'][1] < 5",
    ),
    Claim(
        after="keras",
        sentence="All five agree",
        holds="max(apart.values()) < 1e-6",
    ),
    Claim(
        after="suggestion",
        sentence="end with at least twice its loss",
        holds="all(loss > 2 * trials['suggested rate'] for name, loss in trials.items() "
        "if name != 'suggested rate')",
    ),
)
