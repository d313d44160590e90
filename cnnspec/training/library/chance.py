"""Random numbers that depend on seed and step alone."""

import random

import numpy as np


def chances(count: int, *purpose: int | str) -> np.ndarray:
    """Numbers from 0 to 1, always the same ones for a purpose such as (seed, step).
    Python's generator draws them: they do not depend on the version of a library.
    """
    draw = random.Random(repr(purpose)).random
    return np.array([draw() for _ in range(count)])


def random_order(count: int, *purpose: int | str) -> np.ndarray:
    """The numbers below `count` in a random order, always the same for a purpose."""
    return chances(count, *purpose).argsort(kind="stable")
