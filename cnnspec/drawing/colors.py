"""The colours of a figure: one for each kind of layer, and the colours of lines and texts.

A file of colours is TOML: `conv = "#f6d19c"` changes one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from cnnspec.diagnostics.printable import printable
from cnnspec.ops import Op


@dataclass(frozen=True, slots=True)
class Palette:
    """Fills by kind of layer (see `kind_of`), then lines and texts; each as `#rrggbb`."""

    input: str = "#ffffff"
    conv: str = "#f7d19c"
    pool: str = "#f0998d"
    dense: str = "#cbb7e6"
    norm: str = "#f1f1f1"
    merge: str = "#e2efd8"
    attention: str = "#bfe0dc"
    resize: str = "#f9e79f"
    other: str = "#f1f1f1"
    block: str = "#dfe7f2"
    panel: str = "#f7f8fa"
    frame: str = "#8a93a3"
    line: str = "#2b2b2b"
    text: str = "#1a1a1a"
    muted: str = "#5a5a5a"

    def fill(self, op: Op | None) -> str:
        """The colour of a layer."""
        color: str = getattr(self, "other" if op is None else kind_of(op))
        return color


PAPER = Palette()
GREY = Palette(
    conv="#d9d9d9",
    pool="#b8b8b8",
    dense="#c8c8c8",
    norm="#f3f3f3",
    merge="#ffffff",
    attention="#cfcfcf",
    resize="#e6e6e6",
    other="#f3f3f3",
    block="#ebebeb",
    panel="#fafafa",
    frame="#909090",
)
PALETTES = {"paper": PAPER, "grey": GREY}

_KINDS = {
    "conv": "conv", "deconv": "conv", "local": "conv", "pool": "pool", "dense": "dense", "norm": "norm",
    "activation": "norm", "rectifier": "norm", "dropout": "norm", "merge": "merge",
    "attention": "attention", "resample": "resize",
}  # fmt: skip
"""The kind of a layer, by the file of `ops` that declares it; layers of other files are `other`."""


def kind_of(op: Op) -> str:
    """The field of `Palette` that has the layer's colour."""
    return _KINDS.get(type(op).__module__.rpartition(".")[2], "other")


_ALSO = {"fc": "dense", "linear": "dense", "deconv": "resize", "up": "resize", "background": "panel"}
"""Other names for the colours, which users may try."""


def palette(text: str) -> Palette | str:
    """The colours that a TOML file gives, or what is wrong with it."""
    import tomllib

    from cnnspec.diagnostics.suggest import did_you_mean

    try:
        colors = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return f"not TOML: {printable(str(error))}"
    known = [field.name for field in fields(Palette)]
    for name, color in colors.items():
        if name not in known:
            suggestion = did_you_mean(name, known, _ALSO)
            return f"there is no colour {printable(name)}; {suggestion or 'there are ' + ', '.join(known)}"
        if not isinstance(color, str) or not re.fullmatch("#[0-9A-Fa-f]{6}", color):
            return f'the colour {name} must be written as in {name} = "#f7d19c"'
    return replace(PAPER, **colors)
