"""Changes of training images; each takes a number from 0 to 1 for each image."""

import torch
import torch.nn.functional as F
from torch import Tensor


def flipped(images: Tensor, chance: Tensor) -> Tensor:
    """Mirrors half of the images, left to right."""
    mirror = (chance < 0.5).view(-1, *[1] * (images.ndim - 1))
    return torch.where(mirror, images.flip(-1), images)


def shifted(images: Tensor, chance: Tensor, reach: int) -> Tensor:
    """Shifts each image by up to `reach` pixels along both axes, zeros around."""
    count, _, height, width = images.shape
    offsets = (chance * (2 * reach + 1)).long()
    rows = offsets[:, 0, None] + torch.arange(height, device=images.device)
    columns = offsets[:, 1, None] + torch.arange(width, device=images.device)
    number = torch.arange(count, device=images.device)[:, None, None]
    wide = F.pad(images, [reach] * 4)
    return wide[number, :, rows[:, :, None], columns[:, None, :]].movedim(3, 1)


def erased(images: Tensor, chance: Tensor, probability: float) -> Tensor:
    """Sets a square of a quarter of the side to 0 in some of the images."""
    height, width = images.shape[2:]
    side = max(height // 4, 1), max(width // 4, 1)
    top = (chance[:, 1] * (height - side[0] + 1)).long().view(-1, 1, 1, 1)
    left = (chance[:, 2] * (width - side[1] + 1)).long().view(-1, 1, 1, 1)
    row = torch.arange(height, device=images.device).view(-1, 1)
    column = torch.arange(width, device=images.device)
    inside = (
        (row >= top)
        & (row < top + side[0])
        & (column >= left)
        & (column < left + side[1])
    )
    chosen = (chance[:, 0] < probability).view(-1, 1, 1, 1)
    return images.masked_fill(inside & chosen, 0.0)
