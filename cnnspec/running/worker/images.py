"""An image as an array, read by Pillow: the numbers in the file, 0 to 255."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from cnnspec.running.worker.messages import Fault, Missing, shape_text
from cnnspec.running.worker.program import Array

if TYPE_CHECKING:
    from PIL.Image import Image

    from cnnspec.running.worker.inputs import ExpectedInput

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""The allowed formats: Pillow reads some others by starting programs."""
MOST_PIXELS = 50_000_000
"""The largest number of pixels. A small file can claim to be a huge image; it is refused before it is
decoded."""
ORIENTATION = 0x0112
"""The EXIF tag for the orientation of the camera; from 5 on, width and height are exchanged."""
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def read_image(path: str, expected: ExpectedInput) -> Array:
    """The image as an array (C, H, W)."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise Missing("images", str(error)) from None
    if len(expected.shape) != 3 or expected.shape[0] not in MODES:
        has = f"the spec's {expected.name} is {shape_text(expected.shape)}"
        raise Fault(f"an image has 1, 3 or 4 channels; {has}")
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                _fits(image, expected)  # before the image is decoded
                if getattr(image, "is_animated", False):  # counting the frames would read all of them
                    expected.notes.append(f"{expected.name}: using the first of several images in the file")
                    image.seek(0)
                # rotated by the camera's orientation, as viewers show it
                ImageOps.exif_transpose(image, in_place=True)
                return _pixels(image, expected)
    except UnidentifiedImageError:
        raise Fault("this is not an image that can be read", help=f"formats: {', '.join(FORMATS)}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Fault(f"this image has more than {MOST_PIXELS:,} pixels") from None
    except (Fault, MemoryError):
        raise
    except Exception as error:  # for a damaged file Pillow raises many kinds of errors
        raise Fault(f"this image cannot be read: {str(error)[:200]}") from None


def _fits(image: Image, expected: ExpectedInput) -> None:
    """Checks that the image, in its camera's orientation, has the size of the input."""
    on_its_side = image.getexif().get(ORIENTATION, 1) >= 5
    has = shape_text(image.size if on_its_side else image.size[::-1])
    size = shape_text(expected.shape[1:])
    if has != size and not expected.resize:
        message = f"expected an image of {size} (height x width) for {expected.name}"
        raise Fault(f"{message}, found {has}", help=f"--resize scales it to {size}")
    if has != size:
        expected.notes.append(f"{expected.name}: scaled from {has} to {size}")


def _pixels(image: Image, expected: ExpectedInput) -> Array:
    depth, height, width = expected.shape
    image = _in_mode(image, depth, expected)
    if image.size != (width, height):
        from PIL import Image

        image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.float64)
    return np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else np.stack([pixels] * depth)


def _in_mode(image: Image, depth: int, expected: ExpectedInput) -> Image:
    """The image with this number of channels. 16-bit and float images have one channel, and keep their
    numbers."""
    mode = image.mode
    if mode.startswith(("I", "F")):
        return image.convert("F")
    if mode in ("RGB", "RGBA", "P", "CMYK", "YCbCr", "LAB", "HSV") and depth == 1:
        expected.notes.append(f"{expected.name}: converted to grey")
    if "A" in image.getbands() and depth != 4:
        expected.notes.append(f"{expected.name}: transparency removed")
    return image.convert(MODES[depth])
