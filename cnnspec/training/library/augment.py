"""Changes of training images; each takes a number from 0 to 1 for each image."""

import torch
import torch.nn.functional as F
from torch import Tensor


def flipped(images: Tensor, chance: Tensor, axis: int = -1) -> Tensor:
    """Mirrors half of the images along an axis, by default left to right."""
    mirror = (chance < 0.5).view(-1, *[1] * (images.ndim - 1))
    return torch.where(mirror, images.flip(axis), images)


def shifted(images: Tensor, chance: Tensor, reach: int, fill: int = 0) -> Tensor:
    """Shifts each image by up to `reach` pixels along both axes, zeros around."""
    count, _, height, width = images.shape
    offsets = (chance * (2 * reach + 1)).long()
    rows = offsets[:, 0, None] + torch.arange(height, device=images.device)
    columns = offsets[:, 1, None] + torch.arange(width, device=images.device)
    number = torch.arange(count, device=images.device)[:, None, None]
    wide = F.pad(images, [reach] * 4, value=fill)
    return wide[number, :, rows[:, :, None], columns[:, None, :]].movedim(3, 1)


def rotated_places(degrees: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel of a rotated image comes from: (N, H, W, 2), from -1 to 1."""
    angle = torch.deg2rad(degrees)
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    across = [cosine, -sine * height / width, zero]
    down = [sine * width / height, cosine, zero]
    rows = torch.stack([*across, *down], 1).view(-1, 2, 3)
    return F.affine_grid(rows, [len(rows), 1, height, width], align_corners=False)


def elastic_shifts(chance: Tensor, deviation: float, height: int, width: int) -> Tensor:
    """Smooth shifts of places: normal ones, in pixels, at 3x3 points, interpolated."""
    normal = 2**0.5 * torch.erfinv((2 * chance - 1).clamp(-0.9999, 0.9999))
    coarse = deviation * normal.view(-1, 2, 3, 3)
    fine = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
    size = torch.tensor([width, height], device=chance.device)
    return 2 * fine.movedim(1, -1) / size


def warped(images: Tensor, places: Tensor, mode: str = "bilinear") -> Tensor:
    """What the images show at these places, mirrored beyond their edges."""
    found = F.grid_sample(
        images.float(), places.float(), mode, "reflection", align_corners=False
    )
    return found.to(images.dtype)


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
