"""Random numbers that depend on seed and step alone."""

import math
import random

import numpy as np


class Refused(Exception):
    """What is wrong with the files, for whoever started the run."""


def printable(text):
    """A message that may have a file's name in it, without control characters."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def check_loss(loss, epoch):
    """A loss that is no number does not get better."""
    if not math.isfinite(loss):
        ways = "use a lower rate, or a warm-up, or clip the gradient"
        raise Refused(f"the loss is {loss} in epoch {epoch}: {ways}")


def chances(count, *purpose):
    """Numbers from 0 to 1, always the same ones for a purpose such as (seed, step)."""
    draw = random.Random(repr(purpose)).random
    return np.array([draw() for _ in range(count)])


def random_order(count, *purpose):
    """The numbers below `count` in a random order, always the same for a purpose."""
    return chances(count, *purpose).argsort(kind="stable")
