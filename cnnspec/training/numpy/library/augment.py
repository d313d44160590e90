"""Changes of training images; each takes a number from 0 to 1 for each image."""

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
