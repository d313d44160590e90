"""Losses."""

import numpy as np


def cross_entropy(y, labels):
    """−mean ln softmax(y)[label]; its gradient (softmax(y) − [1 at the label])/N."""
    z = y - y.max(1, keepdims=True)
    z -= np.log(np.exp(z).sum(1, keepdims=True))
    rows = np.arange(len(y))
    dy = np.exp(z)
    dy[rows, labels] -= 1
    return float(-z[rows, labels].mean()), dy / len(y)


def squared_error(y, target):
    """mean (y − target)², and its gradient 2·(y − target)/(how many numbers y has)."""
    away = y - target
    return float((away * away).mean()), away * (2 / y.size)
