"""The zoo's networks on inputs as small as they take: every layer and weight is there, in seconds."""

from __future__ import annotations

import re
from pathlib import Path

from cnnspec.api import SpecError, load

SPECS = Path(__file__).resolve().parents[3] / "specs"
ZOO = sorted(SPECS.rglob("*.cnn"))
SIZES = (8, 16, 32, 64, 92, 96, 128, 139, 188, 224, 299)
"""The inputs that are tried, the smallest first."""
LEAST = {
    "inception_v3": 139,
    "inception_v4": 139,
    "inception_resnet_v2": 139,
    "stacked_hourglass": 128,
    "edsr": 8,
    "vnet": 16,
}
"""Inceptions and hourglasses would fit on smaller ones, which leave a batch normalisation a number or two;
EDSR, which never shrinks its maps, and V-Net, whose volumes take gigabytes, have no batch normalisation."""


def variants(path: Path) -> list[str | None]:
    """A spec's variants; of a spec without, the one network that it is."""
    found = re.findall(r"^variant\s+(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [*found] or [None]


def resized(text: str, size: int) -> str:
    """The spec with its claims away and its input made `size` (where it is larger), `let r` too; what is
    written with the input's size, a last `crop 500x500`, goes with it. Of a volume, T too; a signal keeps as
    many samples as a map of that size has positions."""
    text = re.sub(r"\s*=>.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"[,:]?\s*\bexpect .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\br = \d{3,}", f"r = {size}", text)
    for whole, *axes in re.findall(r"^(input .*?\b\d+)x(\d+)x(\d+)x(\d+)", text, re.MULTILINE):
        volume = "x".join(axes)
        text = text.replace(
            f"{whole}x{volume}", "x".join([whole, *(str(min(int(one), size)) for one in axes)])
        )
    for channels, W in re.findall(r"^input (\d+)x(\d+)$", text, re.MULTILINE):
        text = text.replace(f"{channels}x{W}", f"{channels}x{min(int(W), size * size)}")
    for _, H, W in set(re.findall(r"^input (.*\b\d+)x(\d+)x(\d+)", text, re.MULTILINE)):
        if min(int(H), int(W)) > size:
            text = re.sub(rf"\b{H}x{W}\b|(?<=x){H}x{W}\b", f"{size}x{size}", text)
    return text


def smaller(path: Path, variant: str | None) -> str:
    """A network of the zoo on the smallest input that it takes."""
    text = path.read_text(encoding="utf-8")
    written = re.search(r"^(?:input .*x|let r = )(\d+)$", text, re.MULTILINE)
    least = LEAST.get(path.stem, 64 if written is None or int(written[1]) > 64 else 16)
    sizes = [size for size in SIZES if size >= least]
    for size in sizes[:-1]:
        try:
            load(text=resized(text, size), variant=variant)
        except SpecError:
            continue
        return resized(text, size)
    return resized(text, sizes[-1])
