"""Images in files: a part of each is decoded and scaled to the input."""

import hashlib
import itertools
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from cnnspec.training.library.chance import random_order
from cnnspec.training.library.common import Refused
from cnnspec.training.library.samples import Samples

Box = tuple[float, float, float, float]


class Files(NamedTuple):
    """Image files, or other places of them, and the class of each."""

    paths: list[Any]
    labels: np.ndarray


def no_folder(path: Path, error: OSError) -> Refused:
    """A folder that cannot be read; perhaps there is one folder for all images."""
    way = 'where nothing is held out yet: train = "." and validation = 0.2 in [data]'
    return Refused(f"{path}: {error.strerror}; {way}")


def class_names(path: Path, classes: int) -> list[str]:
    """The folders in a folder, in the order of their names: one for each class."""
    try:
        found = [one.name for one in os.scandir(path) if one.is_dir()]
    except OSError as error:
        raise no_folder(path, error) from None
    names = sorted(name for name in found if not name.startswith("."))
    if not names or (classes and len(names) != classes):
        listed = (
            f" ({', '.join(names[:5])}{', ...' if names[5:] else ''})" if names else ""
        )
        expected = f"{classes} folders" if classes else "a folder"
        message = f"expected {expected}, one for each class, found {len(names)}{listed}"
        raise Refused(f"{path}: {message}")
    return names


def class_files(path: Path, names: Sequence[str]) -> Files:
    """The files in the folders of the classes, in the order of their names."""
    if (found := class_names(path, 0)) != list(names):
        other = sorted({*found} ^ {*names})[0]
        which = "has no folder" if other in names else "has a folder of no class:"
        raise Refused(f"{path} {which} {other}; the classes are those to train on")
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        files = [one.name for one in os.scandir(path / name) if one.is_file()]
        visible = sorted(file for file in files if not file.startswith("."))
        if not visible:
            raise Refused(f"{path / name} has no images")
        paths += [path / name / one for one in visible]
        labels += [label] * len(visible)
    return Files(paths, np.array(labels))


def split_files(files: Files, share: float) -> tuple[Files, Files]:
    """Holds out a share of the files, the same ones for every seed."""
    order = random_order(len(files.labels), "held out")
    held_out, kept = (
        Files([files.paths[row] for row in rows], files.labels[rows])
        for rows in np.split(order, [round(share * len(order))])
    )
    return kept, held_out


def names_hash(*sets: Files) -> str:
    """What tells folders of images apart: the names, not what is in the files."""
    digest = hashlib.sha256()
    for files in sets:
        for path in files.paths:
            digest.update(f"{path.parent.name}/{path.name}\n".encode())
        digest.update(b"\n")
    return digest.hexdigest()[:32]


def exact_part(width: int, height: int, shape: tuple[int, ...]) -> Box:
    """The whole of an image, which must have the size of the input."""
    if (height, width) != shape[1:]:
        raise ValueError(f"the image is {height}x{width}, not {shape[1]}x{shape[2]}")
    return 0, 0, 1, 1


def placed_part(
    width: int,
    height: int,
    shape: tuple[int, ...],
    side: float,
    across: float = 0.5,
    down: float = 0.5,
) -> Box:
    """A part in the form of the input, of an image whose shorter side is scaled to
    `side`: at the left (0) or the right edge (1), the upper or the lower, or between.
    """
    scale = min(width / shape[2], height / shape[1]) * min(shape[1:]) / side
    wide, high = shape[2] * scale / width, shape[1] * scale / height
    left, top = across * (1 - wide), down * (1 - high)
    return left, top, left + wide, top + high


def scaled_part(
    width: int,
    height: int,
    shape: tuple[int, ...],
    sides: tuple[int, int],
    chance: Sequence[float],
) -> Box:
    """Some part of an image of which the shorter side is scaled to one of these."""
    side = sides[0] + int(chance[0] * (sides[1] - sides[0] + 1))
    return placed_part(width, height, shape, side, chance[1], chance[2])


def area_part(
    width: int, height: int, area: tuple[float, float], chance: Sequence[float]
) -> Box:
    """A part with a share of the area, from 3:4 to 4:3 in form where it fits."""
    share = width * height * (area[0] + chance[0] * (area[1] - area[0]))
    form = (4 / 3) ** (2 * chance[1] - 1)
    wide = min((share * form) ** 0.5 / width, 1)
    high = min((share / form) ** 0.5 / height, 1)
    left, top = chance[2] * (1 - wide), chance[3] * (1 - high)
    return left, top, left + wide, top + high


def image_file(
    path: Any,
    shape: tuple[int, ...],
    part: Callable[[int, int], Box],
    content: IO[bytes] | None = None,
) -> np.ndarray:
    """A part of an image as bytes (C, H, W), scaled. Only decoders that start no other
    program are used (that of EPS does).
    """
    from PIL import Image

    channels, height, width = shape
    mode = {1: "L", 4: "RGBA"}.get(channels, "RGB")
    formats = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
    try:
        with Image.open(content or path, formats=formats) as image:
            left, top, right, bottom = part(*image.size)
            least = width / (right - left), height / (bottom - top)
            image.draft(mode, (math.ceil(least[0]), math.ceil(least[1])))  # if a JPEG
            ends = min(right, 1) * image.width, min(bottom, 1) * image.height
            box = left * image.width, top * image.height, *ends
            bilinear = Image.Resampling.BILINEAR
            whole = image.convert(mode) if image.mode[0] not in "IF" else grey(image)
            scaled = whole.convert(mode).resize((width, height), bilinear, box)
    except Exception as error:  # what a damaged file raises depends on its decoder
        raise Refused(f"{path}: {error}") from None
    pixels = np.asarray(scaled).reshape(height, width, -1)
    return np.ascontiguousarray(np.moveaxis(pixels, 2, 0))


def grey(image: Any) -> Any:
    """An image of 16 bits as one of 8, which Pillow would cut off at 255."""
    from PIL import Image

    pixels = np.asarray(image)
    if pixels.dtype.kind == "f" or pixels.min() < 0 or pixels.max() > 65535:
        message = f"expected 8 or 16 bits, found {pixels.dtype}: store the images as"
        raise ValueError(f"{message} .npz")
    return Image.fromarray((pixels // 256).astype(np.uint8))


def in_memory(files: Files, decode: Callable[[Any], np.ndarray]) -> Samples:
    """All images, decoded once."""
    return Samples(np.stack([decode(path) for path in files.paths]), files.labels)


def streamed(
    files: Files,
    parts: Iterable[np.ndarray],
    decode: Callable[[Any, list[float] | None], np.ndarray],
    threads: int,
    windows: Iterable[np.ndarray] | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The images and labels of each batch; threads decode two batches ahead."""
    pool = ThreadPoolExecutor(threads)
    ahead: deque[tuple[Iterator[np.ndarray], np.ndarray]] = deque()
    try:
        for rows, chance in zip(parts, windows or itertools.repeat(None), strict=False):
            numbers = itertools.repeat(None) if chance is None else chance.tolist()
            paths = [files.paths[row] for row in rows.tolist()]
            ahead.append((pool.map(decode, paths, numbers), files.labels[rows]))
            if len(ahead) > 2:
                images, labels = ahead.popleft()
                yield np.stack(list(images)), labels
        for images, labels in ahead:
            yield np.stack(list(images)), labels
    finally:
        pool.shutdown(cancel_futures=True)
