"""An image as an array, by Pillow: its numbers as they stand in the file, 0 to 255."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from cnnspec.running.worker.program import Array
from cnnspec.running.worker.tell import Fault, Missing, shape_text

if TYPE_CHECKING:
    from PIL.Image import Image

    from cnnspec.running.worker.inputs import Wanted

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Only these: some others are read by starting programs."""
MOST_PIXELS = 50_000_000
"""A small file can say that it is a huge image; it is refused before a pixel is made."""
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def read_image(path: str, wanted: Wanted) -> Array:
    """(C, H, W)."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise Missing("images", str(error)) from None
    if len(wanted.shape) != 3 or wanted.shape[0] not in MODES:
        raise Fault(
            "E708",
            path,
            f"an image has 1, 3 or 4 channels; the spec's {wanted.name} is {shape_text(wanted.shape)}",
        )
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as opened:
                # turned as the camera says, as every viewer shows it
                image = ImageOps.exif_transpose(opened)
                return _pixels(path, image, wanted)
    except UnidentifiedImageError:
        raise Fault(
            "E708", path, "this is no image that can be read", help=f"known are {', '.join(FORMATS)}"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Fault("E708", path, f"this image has more than {MOST_PIXELS:,} pixels") from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Fault("E708", path, f"this image cannot be read: {str(error)[:200]}") from None


def _pixels(path: str, image: Image, wanted: Wanted) -> Array:
    depth, height, width = wanted.shape
    if (image.height, image.width) != (height, width):
        if not wanted.resize:
            raise Fault(
                "E708",
                path,
                f"this image is {image.height}x{image.width} (height x width); "
                f"the spec's {wanted.name} wants {height}x{width}",
                help=f"--resize scales it to {height}x{width}",
            )
        wanted.notes.append(f"{wanted.name}: scaled from {image.height}x{image.width} to {height}x{width}")
    image = _in_mode(image, depth, wanted)
    if image.size != (width, height):
        from PIL import Image

        image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.float64)
    return np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else np.stack([pixels] * depth)


def _in_mode(image: Image, depth: int, wanted: Wanted) -> Image:
    """The image with that many channels. 16-bit and float images have one, and keep their numbers."""
    mode = image.mode
    if mode.startswith(("I", "F")):
        return image.convert("F")
    if mode in ("RGB", "RGBA", "P", "CMYK", "YCbCr", "LAB", "HSV") and depth == 1:
        wanted.notes.append(f"{wanted.name}: colours turned to grey")
    if "A" in image.getbands() and depth != 4:
        wanted.notes.append(f"{wanted.name}: transparency left out")
    return image.convert(MODES[depth])
