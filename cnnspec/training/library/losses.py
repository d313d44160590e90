"""Losses that torch lacks."""

import torch
import torch.nn.functional as F
from torch import Tensor


def dice_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """1 - 2 |A and B| / (|A| + |B|), the mean over the classes; of one channel, the
    probability of class 1.
    """
    if scores.shape[1] == 1:
        found, target = scores.sigmoid(), labels[:, None].to(scores.dtype)
    else:
        found = scores.softmax(1)
        target = F.one_hot(labels, scores.shape[1]).movedim(-1, 1).to(scores.dtype)
    axes = [0, *range(2, scores.ndim)]
    both = (found * target).sum(axes)
    total = found.sum(axes) + target.sum(axes)
    return 1 - ((2 * both + 1) / (total + 1)).mean()


def overlap_of(
    found: Tensor, labels: Tensor, classes: int, ignored: int = -1
) -> Tensor:
    """How many pixels have each class in both maps, and in one and the other."""
    found, labels = found[labels != ignored], labels[labels != ignored]
    both = torch.bincount(labels[found == labels], minlength=classes)
    one = torch.bincount(found, minlength=classes)
    return torch.stack([both, one + torch.bincount(labels, minlength=classes)])


def mean_dice(overlap: Tensor) -> float:
    """2 |A and B| / (|A| + |B|), the mean over the classes that there are."""
    both, total = overlap[:, overlap[1] > 0]
    return float((2 * both / total).mean()) if len(total) else 1.0


def log_probabilities(probabilities: Tensor) -> Tensor:
    """The logarithm of a softmax's output; a softmax of that changes nothing."""
    return torch.log(probabilities.clamp_min(1e-12))


def logits(probabilities: Tensor) -> Tensor:
    """The inverse of the sigmoid."""
    return torch.logit(probabilities, eps=1e-6)
