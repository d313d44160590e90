"""Changes of training images; each takes a number from 0 to 1 for each image."""

from statistics import NormalDist

import numpy as np


def flipped(images, chance, axis=-1):
    """Mirrors half of the images along an axis, by default left to right."""
    mirror = (chance < 0.5).reshape(-1, *[1] * (images.ndim - 1))
    return np.where(mirror, np.flip(images, axis), images)


def shifted(images, chance, reach, fill=0):
    """Shifts each image by up to `reach` pixels along each axis, zeros around."""
    size = images.shape[2:]
    around = [(0, 0), (0, 0), *[(reach, reach)] * len(size)]
    wide = np.pad(images, around, constant_values=fill)
    starts = (chance * (2 * reach + 1)).astype(int)
    moved = zip(wide, starts, strict=True)
    return np.stack([image[:, *window(start, size)] for image, start in moved])


def rotated_places(degrees, height, width):
    """Where each pixel of a rotated image comes from: (N, H, W, 2), from -1 to 1."""
    angle = np.deg2rad(degrees)[:, None, None]
    x = (2 * np.arange(width) + 1) / width - 1
    y = ((2 * np.arange(height) + 1) / height - 1)[:, None]
    across = np.cos(angle) * x - np.sin(angle) * y * height / width
    down = np.sin(angle) * x * width / height + np.cos(angle) * y
    return np.stack([across, down], -1)


def elastic_shifts(chance, deviation, height, width):
    """Smooth shifts of places: normal ones, in pixels, at 3x3 points, interpolated."""
    share = np.clip(chance, 0.00005, 0.99995)
    normal = [NormalDist().inv_cdf(one) for one in share.reshape(-1).tolist()]
    coarse = deviation * np.reshape(normal, (-1, 2, 3, 3))
    fine = cubic_shares(3, height) @ coarse @ cubic_shares(3, width).T
    return 2 * np.moveaxis(fine, 1, -1) / np.array([width, height])


def cubic_shares(points, count):
    """How much of each of some points is in each of `count` places from the first to
    the last of them: a cubic through four points, the outer ones repeated.
    """
    place = np.arange(count) * (points - 1) / max(count - 1, 1)
    shares = np.zeros((count, points))
    for tap in (-1, 0, 1, 2):
        point = np.floor(place) + tap
        d = np.abs(place - point)
        inner, outer = (
            (1.25 * d - 2.25) * d * d + 1,
            -0.75 * (((d - 5) * d + 8) * d - 4),
        )
        at = np.clip(point, 0, points - 1).astype(int)
        shares[np.arange(count), at] += np.where(d <= 1, inner, outer)
    return shares


def warped(images, places, mode="bilinear"):
    """What the images show at these places, mirrored beyond their edges."""
    height, width = images.shape[2:]
    x, y = pixels(places[..., 0], width), pixels(places[..., 1], height)
    n = np.arange(len(images))[:, None, None]
    shown = np.moveaxis(images, 1, -1)
    if mode == "nearest":
        found = shown[n, np.rint(y).astype(int), np.rint(x).astype(int)]
    else:
        left, top = x.astype(int), y.astype(int)
        right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
        a, b = (x - left)[..., None], (y - top)[..., None]
        above = (1 - a) * shown[n, top, left] + a * shown[n, top, right]
        below = (1 - a) * shown[n, bottom, left] + a * shown[n, bottom, right]
        found = (1 - b) * above + b * below
    return np.moveaxis(found, -1, 1).astype(images.dtype)


def pixels(places, count):
    """Places from -1 to 1 as rows or columns, mirrored at the outer edges of pixels."""
    away = (places + 1) * count / 2 % (2 * count)
    return np.clip(np.minimum(away, 2 * count - away) - 0.5, 0, count - 1)


def erased(images, chance, probability):
    """Sets a square of a quarter of the side to 0 in some of the images."""
    size = np.array(images.shape[2:])
    side = np.maximum(size // 4, 1)
    for image, (drawn, *places) in zip(images, chance, strict=True):
        if drawn < probability:
            start = (places * (size - side + 1)).astype(int)
            image[:, *window(start, side)] = 0
    return images


def window(start, size):
    """A part of an image, as an index."""
    return [slice(i, i + count) for i, count in zip(start, size, strict=True)]
