"""Makes the fonts of figures, cnnspec/drawing/fonts/, and the table of their widths.

    python docs/fonts.py FOLDER    FOLDER has LiberationSans-Regular.ttf and its bold, italic and bold italic

It needs fonttools; nothing else does. The fonts are version 2 of Liberation Sans (SIL Open Font License;
version 1 is under the GPL), cut down to the characters that figures use. "Liberation" is a reserved name, so
what is made here is called "cnnspec Sans". Dates are left as they were: the same fonts give the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

MADE = Path(__file__).parents[1] / "cnnspec" / "drawing" / "fonts"
FACES = ("Regular", "Bold", "Italic", "BoldItalic")
FAMILY = "cnnspec Sans"
CHARACTERS = (
    {*map(chr, range(0x20, 0x7F)), *map(chr, range(0xA0, 0x100)), *map(chr, range(0x391, 0x3CA))}
    | set("–—‘’“”†‡•…′″€™←↑→↓↔∂∆∏∑−√∞∫≈≠≤≥⅓⅔ı")
)  # fmt: skip
NAMES = {1: FAMILY, 4: FAMILY, 6: FAMILY.replace(" ", "")}
KEPT = (0, 2, 5, 13, 14)
"""The entries of a font's names that stay: copyright, face, version, licence and its address."""


def subset(path: Path, face: str) -> tuple[TTFont, dict[str, int]]:
    """The font with fewer characters, renamed; and the width of each in thousandths of the size."""
    font = TTFont(path, recalcTimestamp=False)
    if not font["name"].getDebugName(5).startswith("Version 2"):
        sys.exit(f"{path}: version 2 is needed, which is under the SIL Open Font License")
    options = Options(hinting=False, layout_features=[], name_IDs=["*"], notdef_outline=True)
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB", "kern"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=map(ord, CHARACTERS))
    subsetter.subset(font)
    table = font["name"]
    table.names = [one for one in table.names if one.platformID == 3 and one.nameID in KEPT]
    for number, name in NAMES.items():
        suffix = {1: "", 4: f" {face}", 6: f"-{face}"}[number]
        table.setName(name + suffix, number, 3, 1, 0x409)
    units, widths = font["head"].unitsPerEm, font["hmtx"]
    found = {
        chr(code): round(1000 * widths[glyph][0] / units)
        for code, glyph in sorted(font.getBestCmap().items())
    }
    return font, found


def main(folder: Path) -> None:
    tables = {}
    for face in FACES:
        font, tables[face.lower()] = subset(folder / f"LiberationSans-{face}.ttf", face)
        font.save(MADE / f"cnnspecSans-{face}.ttf")
    text = json.dumps(tables, indent=0, ensure_ascii=True)
    (MADE / "widths.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
