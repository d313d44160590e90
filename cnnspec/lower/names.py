"""The only namer and the only escaper: all text of a spec that is written into emitted code passes through
here.

A name becomes an identifier that nothing else has; a text becomes ASCII between double quotes, with every
quote, backslash, line end and control character escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from keyword import kwlist, softkwlist

KEYWORDS = frozenset(kwlist) | frozenset(softkwlist)

BUILTINS = frozenset(
    """
    abs all any bool bytes ceil compile dict enumerate eval exec filter float floor int isinstance iter
    len list map max min next object open pow print property range reversed round self set slice sorted
    str sum super tuple type zip __name__ annotations
    """.split()  # noqa: SIM905
)
"""Names that emitted code may use as Python's own: no variable, parameter or class gets one of them."""

LIKE_DIGITS = frozenset({"l", "I", "O"})
"""Names that linters refuse (E741) because they look like 1 and 0."""


class Namer:
    """Gives out each name once. One namer serves a file (its classes and functions) or a function (its
    variables).

    `taken` are names in use already: imports, helpers, parameters.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*KEYWORDS, *BUILTINS, *taken}

    def take(self, preferred: str) -> str:
        """`preferred` as an identifier that is not taken yet: a number from 2 is appended where needed (`Up`,
        `Up2`), and `in` becomes `in_`."""
        name = identifier(preferred)
        if name in KEYWORDS or name in BUILTINS or name in LIKE_DIGITS:
            name += "_"
        free, number = name, 1
        while free in self._taken:
            number += 1
            free = f"{name}{'_' if name[-1].isdigit() else ''}{number}"
        self._taken.add(free)
        return free

    @property
    def taken(self) -> frozenset[str]:
        """All names that are taken."""
        return frozenset(self._taken)

    def free(self, name: str) -> bool:
        return name not in self._taken

    def child(self) -> Namer:
        """A namer for a scope inside this one: names that are taken here are taken there too."""
        return Namer(self._taken)


def identifier(name: str) -> str:
    """The name with only ASCII letters, digits and underscores; never empty, and beginning with a letter."""
    kept = "".join(char if char.isascii() and (char.isalnum() or char == "_") else "_" for char in name)
    kept = kept.lstrip("_")
    if not kept:
        return "net"
    return kept if not kept[0].isdigit() else f"net_{kept}"


def camel(name: str) -> str:
    """A class's name: `bottleneck` is `Bottleneck`, `dense_layer` is `DenseLayer`, `se` is `Se`;
    `ResNeXt50_32x4d` stays."""
    name = identifier(name)
    if name[0].isupper():
        return name
    return "".join(part[0].upper() + part[1:] for part in name.split("_") if part)


def snake(name: str) -> str:
    """A function's name: `DenseLayer` is `dense_layer`."""
    return re.sub(r"(?<=[^A-Z_])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escaped(text: str) -> str:
    """The text as it is written between double quotes, single or triple: ASCII, one line.

    A program may be printed in a log: commands for GitHub's runner in the text are broken up.
    """
    characters = "".join(
        _ESCAPES.get(char) or (char if " " <= char <= "~" else _numeric(char)) for char in text
    )
    return characters.replace("##[", "##\\x5b").replace("::", ":\\x3a")


def _numeric(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def string(text: str) -> str:
    """A string literal: `"…"`."""
    return f'"{escaped(text)}"'
