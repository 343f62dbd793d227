"""Adversarial examples: how they are found, counted and resisted.

Lesson 10 derives what stands here. One vocabulary for all of it: pictures come in batches, values
in [0, 1] (sounds in [-1, 1]); `eps` is the size of a change in these units, measured in a named
norm; an attack takes a `Victim` and gives a `Result`, which says what was reached and at what
price. Nearly every attack is `pgd` with another victim, another start or another number of steps.
"""

from course_utils.adversarial.attacks import fgsm, pgd, random_signs, smallest_eps, train, worst
from course_utils.adversarial.climbing import climb, project, steepest
from course_utils.adversarial.results import NORMS, Result, distance, is_adversarial, margin
from course_utils.adversarial.victims import Victim, keras_victim, linear_victim, victim_of
from course_utils.adversarial.without_gradient import (
    nearest_leaf,
    one_pixel,
    one_pixel_search,
    substitutes,
    toward_neighbor,
)
from course_utils.adversarial.world import expectation, photograph, signal_to_noise
from course_utils.measures import interval

__all__ = [
    "NORMS",
    "Result",
    "Victim",
    "climb",
    "distance",
    "expectation",
    "fgsm",
    "interval",
    "is_adversarial",
    "keras_victim",
    "linear_victim",
    "margin",
    "nearest_leaf",
    "one_pixel",
    "one_pixel_search",
    "pgd",
    "photograph",
    "project",
    "random_signs",
    "signal_to_noise",
    "smallest_eps",
    "steepest",
    "substitutes",
    "toward_neighbor",
    "train",
    "victim_of",
    "worst",
]
