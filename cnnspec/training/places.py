"""The places of keys and values in a TOML text, which tomllib does not give.

tomllib has parsed the text without errors, so this scanner only distinguishes strings, comments and
brackets."""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import Span

Path: TypeAlias = tuple[str, ...]

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+|\#[^\n]*)
      | (?P<long>\"{3}(?:[^\\"]|\\.|\"{1,2}(?!\"))*\"{3,5}|'{3}(?:[^']|'{1,2}(?!'))*'{3,5})
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'[^'\n]*')
      | (?P<mark>[\[\]{}=,.\n])
      | (?P<bare>[^\s\[\]{}=,."'#]+)""",
    re.VERBOSE | re.DOTALL,
)


DEEPEST = 6
"""The largest nesting depth of tables whose places are found: deeper than any recipe's."""


class Place(NamedTuple):
    """Where a key is written, and where its value is (for a table, its header)."""

    key: Span
    value: Span


def places(text: str) -> dict[Path, Place]:
    """The place of each key by its path: `("schedule", "epochs")`."""
    return _Scanner(text).found


class _Scanner:
    """One pass over the tokens; `table` is the last header."""

    def __init__(self, text: str) -> None:
        tokens = [match for match in _TOKEN.finditer(text) if match.lastgroup != "blank"]
        self.tokens = [(match.group(), Span(*match.span())) for match in tokens]
        self.at = 0
        self.found: dict[Path, Place] = {}
        table: Path = ()
        while self.at < len(self.tokens):
            if self._take("\n"):
                continue
            if self._take("["):
                self._take("[")
                table = self._key((), header=True)
                while self._take("]"):
                    pass
            else:
                self._pair(table)

    def _pair(self, table: Path) -> None:
        """`key = value`, where the value may be an inline table."""
        path = self._key(table, header=False)
        self._take("=")
        place = self.found.get(path)
        value = self._value(path)
        if place is not None:
            self.found[path] = Place(place.key, value)

    def _key(self, table: Path, *, header: bool) -> Path:
        """A key with dots. Each of its parts gets a place, unless it has one already."""
        path, first, last = table, None, Span(0, 0)
        while self.at < len(self.tokens):
            text, span = self.tokens[self.at]
            if text in ("=", "]", "\n"):
                break
            self.at += 1
            if text == ".":
                continue
            if len(path) < DEEPEST:
                path = (*path, text[1:-1] if text[0] in "\"'" else text)
            first = first or span
            last = span
            whole = first.to(last) if header else span
            self.found.setdefault(path, Place(whole, whole))
        if not last.end:
            self.at += 1  # not a key: skip it
        return path

    def _value(self, path: Path) -> Span:
        start = self.at
        depth = 0
        while self.at < len(self.tokens):
            text, _ = self.tokens[self.at]
            if text == "{" and self.at == start:
                self._inline(path)
                break
            if depth == 0 and text in ("\n", ",", "}"):
                break
            depth += text in ("[", "{")
            depth -= text in ("]", "}")
            self.at += 1
        if self.at == start:
            return Span(0, 0)
        return self.tokens[start][1].to(self.tokens[self.at - 1][1])

    def _inline(self, path: Path) -> None:
        """`{ a = 1, b = 2 }`."""
        self._take("{")
        while self.at < len(self.tokens) and not self._take("}"):
            if not self._take(",") and not self._take("\n"):
                self._pair(path)

    def _take(self, mark: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at][0] == mark:
            self.at += 1
            return True
        return False
