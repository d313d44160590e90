"""Random numbers that depend on seed and step alone."""

import random

import numpy as np


class Refused(Exception):
    """What is wrong with the files, for whoever started the run."""


def chances(count, *purpose):
    """Numbers from 0 to 1, always the same ones for a purpose such as (seed, step)."""
    draw = random.Random(repr(purpose)).random
    return np.array([draw() for _ in range(count)])


def random_order(count, *purpose):
    """The numbers below `count` in a random order, always the same for a purpose."""
    return chances(count, *purpose).argsort(kind="stable")
