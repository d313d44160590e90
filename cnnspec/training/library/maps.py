"""Images and their label maps in files: NAME.jpg in one folder, NAME.png in another."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cnnspec.training.library.common import Refused
from cnnspec.training.library.files import Box, no_folder
from cnnspec.training.library.samples import Samples


def files_by_name(path: Path) -> dict[str, Path]:
    """The files of a folder by their names without what is behind the dot."""
    try:
        files = [one for one in path.iterdir() if one.is_file()]
    except OSError as error:
        raise no_folder(path, error) from None
    return {file.stem: file for file in sorted(files) if not file.name.startswith(".")}


def map_file(
    path: Path, shape: tuple[int, ...], part: Callable[[int, int], Box]
) -> np.ndarray:
    """A part of a label map (H, W): what is in the file are numbers of classes (also
    those of a palette), and each pixel has the label of the nearest one.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=("BMP", "GIF", "PNG", "PPM", "TIFF")) as image:
            if image.mode not in ("1", "L", "P", "I", "I;16"):
                raise ValueError(f"a label map has numbers, found {image.mode} colours")
            left, top, right, bottom = part(*image.size)
            labels = np.array(image).astype(np.int64)
    except Exception as error:  # what a damaged file raises depends on its decoder
        raise Refused(f"{path}: {error}") from None
    ends = (0, shape[1], top, bottom), (1, shape[2], left, right)
    for axis, size, start, end in ends:
        place = start + (np.arange(size) + 0.5) * (end - start) / size
        place = (place * labels.shape[axis]).astype(int)
        labels = labels.take(np.clip(place, 0, labels.shape[axis] - 1), axis)
    return labels


def size_of(path: Path) -> str:
    """Height and width, without decoding the image."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return f"{image.height}x{image.width}"
    except Exception as error:
        raise Refused(f"{path}: {error}") from None


def paired(
    path: Path,
    images: str,
    labels: str,
    decode: Callable[[Path], np.ndarray],
    decode_map: Callable[[Path], np.ndarray],
) -> Samples:
    """The images of a folder in the order of their names, each with its label map."""
    found, maps = files_by_name(path / images), files_by_name(path / labels)
    for name in sorted({*found} ^ {*maps})[:1]:
        what = f"label map in {labels}" if name in found else f"image in {images}"
        raise Refused(f"{path}: {name} has no {what}")
    if not found:
        raise Refused(f"{path / images} has no images")
    for name, file in found.items():
        if size_of(file) != size_of(maps[name]):
            sizes = f"{size_of(maps[name])}, its image {size_of(file)}"
            raise Refused(f"{maps[name]} is {sizes}")
    return Samples(
        np.stack([decode(file) for file in found.values()]),
        np.stack([decode_map(maps[name]) for name in found]),
    )
