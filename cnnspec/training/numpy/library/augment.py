"""Changes of training images; each takes a number from 0 to 1 for each image."""

import numpy as np


def flipped(images, chance):
    """Mirrors half of the images, left to right."""
    return np.where(chance[:, None, None, None] < 0.5, images[..., ::-1], images)


def shifted(images, chance, reach):
    """Shifts each image by up to `reach` pixels along both axes, zeros around."""
    H, W = images.shape[2:]
    wide = np.pad(images, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    places = (chance * (2 * reach + 1)).astype(int)
    moved = zip(wide, places, strict=True)
    return np.stack([image[:, i : i + H, j : j + W] for image, (i, j) in moved])


def erased(images, chance, probability):
    """Sets a square of a quarter of the side to 0 in some of the images."""
    H, W = images.shape[2:]
    high, wide = max(H // 4, 1), max(W // 4, 1)
    for image, (drawn, top, left) in zip(images, chance, strict=True):
        if drawn < probability:
            i, j = int(top * (H - high + 1)), int(left * (W - wide + 1))
            image[:, i : i + high, j : j + wide] = 0
    return images
