"""Losses: the mean over the images (and pixels), and its gradient."""

import numpy as np


def cross_entropy(scores, labels):
    """-mean ln softmax(scores)[label], whose gradient is (softmax - [1 at label])/N."""
    z = scores - scores.max(1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(1, keepdims=True))
    N, rows = len(labels), np.arange(len(labels))
    dy = np.exp(logs)
    dy[rows, labels] -= 1
    return -logs[rows, labels].mean(), dy / N


def smoothed_cross_entropy(scores, labels, smoothing=0.0, ignore=-1):
    """Cross entropy of images or pixels, with a target of 1 - s at the label and s/K at
    all K classes; what has the label `ignore` does not count.
    """
    z = scores - scores.max(1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(1, keepdims=True))
    counts = (labels != ignore)[:, None]
    target = (1 - smoothing) * one_hot(labels, scores) + smoothing / scores.shape[1]
    dy = counts * (np.exp(logs) - target) / counts.sum()
    return -(counts * target * logs).sum() / counts.sum(), dy


def one_hot(labels, scores):
    """1 at each label's class, 0 elsewhere, in the shape of the scores."""
    classes = np.arange(scores.shape[1]).reshape(-1, *[1] * (labels.ndim - 1))
    return (labels[:, None] == classes).astype(scores.dtype)


def binary_cross_entropy(scores, labels):
    """-mean of ln p where the label is 1, ln(1 - p) where it is 0, for
    p = 1/(1 + e^-score); its gradient is (p - label)/N.
    """
    target = labels.reshape(scores.shape).astype(scores.dtype)
    small = np.exp(-np.abs(scores))  # never too large
    loss = np.maximum(scores, 0) - scores * target + np.log1p(small)
    p = np.where(scores >= 0, 1, small) / (1 + small)
    return loss.mean(), (p - target) / scores.size


def squared_error(y, labels):
    """mean (y - label)^2; its gradient is 2 (y - label)/N."""
    away = y - labels.reshape(y.shape).astype(y.dtype)
    return (away * away).mean(), 2 * away / y.size


def of_probabilities(loss, p, *others):
    """The loss of a softmax's output: of its logarithm, as softmax ignores a sum."""
    value, dz = loss(np.log(np.maximum(p, 1e-12)), *others)
    return value, np.where(p > 1e-12, dz / np.maximum(p, 1e-12), 0)


def of_sigmoid(loss, p, *others):
    """The loss of a sigmoid's output: of the score that it was made of."""
    inside = np.clip(p, 1e-6, 1 - 1e-6)
    value, dz = loss(np.log(inside / (1 - inside)), *others)
    return value, np.where(inside == p, dz / (inside * (1 - inside)), 0)


def of_distances(loss, distances, *others):
    """The loss where the smallest number is the answer."""
    value, dy = loss(-distances, *others)
    return value, -dy


def of_vectors(loss, y, *others):
    """The loss of maps of one place."""
    value, dy = loss(y.reshape(len(y), -1), *others)
    return value, dy.reshape(y.shape)


def dice_loss(scores, labels):
    """1 - 2 |A and B| / (|A| + |B|), the mean over the classes; of one channel, the
    probability of class 1.
    """
    K = scores.shape[1]
    target = labels[:, None].astype(scores.dtype) if K == 1 else one_hot(labels, scores)
    z = np.exp(scores - np.maximum(scores.max(1, keepdims=True), 0))
    rest = np.exp(-np.maximum(scores, 0)) if K == 1 else 0
    found = z / (z.sum(1, keepdims=True) + rest)
    axes = (0, *range(2, scores.ndim))
    both = 2 * (found * target).sum(axes, keepdims=True) + 1
    total = (found + target).sum(axes, keepdims=True) + 1
    dfound = (both / total - 2 * target) / total / K
    through = (found * dfound).sum(1, keepdims=True)
    return 1 - (both / total).mean(), found * (dfound - through)


def overlap_of(found, labels, classes, ignored=-1):
    """How many pixels have each class in both maps, and in one and the other."""
    found, labels = found[labels != ignored], labels[labels != ignored].astype(int)
    sets = labels[found == labels], found, labels
    both, one, other = (np.bincount(each, minlength=classes) for each in sets)
    return np.stack([both, one + other])


def mean_dice(overlap):
    """2 |A and B| / (|A| + |B|), the mean over the classes that there are."""
    both, total = overlap[:, overlap[1] > 0]
    return float((2 * both / total).mean()) if len(total) else 1.0
