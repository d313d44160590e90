"""A scene as PNG (uses the package `resvg_py`), in the fonts of cnnspec, independently of the machine's
fonts."""

from __future__ import annotations

from math import sqrt

from cnnspec.drawing import fonts
from cnnspec.drawing.scene import Scene
from cnnspec.drawing.writers import svg

DPI = 300
MOST = 50_000_000
"""The most pixels of an image; a larger image gets fewer pixels per inch."""


def write(scene: Scene) -> bytes:
    """The whole file, with 300 pixels per inch."""
    import resvg_py

    pixels = scene.width * scene.height * (DPI / 72) ** 2
    dpi = DPI * min(1.0, sqrt(MOST / max(pixels, 1)))
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg.write(scene),
            dpi=dpi,
            skip_system_fonts=True,
            font_files=[
                fonts.path_of(bold=bold, italic=italic) for bold in (False, True) for italic in (False, True)
            ],
            font_family=fonts.FAMILY,
        )
    )
