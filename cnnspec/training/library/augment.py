"""Changes of training images; each takes a number from 0 to 1 for each image."""

import torch
import torch.nn.functional as F
from torch import Tensor


def flipped(images: Tensor, chance: Tensor, axis: int = -1) -> Tensor:
    """Mirrors half of the images along an axis, by default left to right."""
    mirror = (chance < 0.5).view(-1, *[1] * (images.ndim - 1))
    return torch.where(mirror, images.flip(axis), images)


def shifted(images: Tensor, chance: Tensor, reach: int, fill: int = 0) -> Tensor:
    """Shifts each image by up to `reach` pixels along each axis, zeros around."""
    offsets = (chance * (2 * reach + 1)).long()
    moved = F.pad(images, [reach] * 2 * offsets.shape[1], value=fill)
    for axis, start in enumerate(offsets.unbind(1), 2):
        place = torch.arange(images.shape[axis], device=images.device)
        across = [len(place) if one == axis else 1 for one in range(1, images.ndim)]
        moved = moved.take_along_dim((start[:, None] + place).view(-1, *across), axis)
    return moved


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
    across, down = fine.unbind(1)
    return torch.stack([2 * across / width, 2 * down / height], -1)


def warped(images: Tensor, places: Tensor, mode: str = "bilinear") -> Tensor:
    """What the images show at these places, mirrored beyond their edges."""
    found = F.grid_sample(
        images.float(), places.float(), mode, "reflection", align_corners=False
    )
    return found.to(images.dtype)


def erased(images: Tensor, chance: Tensor, probability: float) -> Tensor:
    """Sets a square of a quarter of the side to 0 in some of the images."""
    erased = (chance[:, 0] < probability).view(-1, *[1] * (images.ndim - 1))
    for axis, drawn in enumerate(chance[:, 1:].unbind(1), 2):
        count = images.shape[axis]
        side = max(count // 4, 1)
        start = (drawn * (count - side + 1)).long()
        place = torch.arange(count, device=images.device) - start[:, None]
        across = [count if one == axis else 1 for one in range(1, images.ndim)]
        erased = erased & ((place >= 0) & (place < side)).view(-1, *across)
    return images.masked_fill(erased, 0.0)
