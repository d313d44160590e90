"""Protocol buffers' text format, as far as Caffe's networks use it: fields with numbers, words, strings and
messages; a field may come several times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import inf, isfinite
from typing import NamedTuple

DEEPEST = 20
LARGEST = 2**31
MOST = 500_000
"""Fields of a file."""
_TOKEN = re.compile(r"""\s+|\#[^\n]*|(?P<name>[A-Za-z_][\w.]*)|(?P<number>[-+]?(?:\d[\w.+-]*|\.\d[\w+-]*))
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<mark>[{}<>:,;\[\]])""", re.VERBOSE)  # fmt: skip
_ESCAPE = re.compile(r"\\(.)")


class Unreadable(ValueError):
    """Raised for a text that is not in this format, with the place and the reason."""


def _integer(name: str, text: str) -> int:
    value = int(text) if re.fullmatch(r"[-+]?[0-9]{1,10}", text) else LARGEST
    if abs(value) >= LARGEST:
        raise Unreadable(f"its {name} is {text[:40]!r}")
    return value


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = inf
    if not isfinite(value):
        raise Unreadable(f"its {name} is {text[:40]!r}")
    return value


class Message(NamedTuple):
    """The fields of a message, each with all of its values, in their order; and the line that it is on."""

    fields: dict[str, list[Value]]
    line: int

    def all(self, name: str) -> list[Value]:
        return self.fields.get(name, [])

    def texts(self, name: str) -> list[str]:
        return [one for one in self.all(name) if isinstance(one, str)]

    def text(self, name: str, otherwise: str = "") -> str:
        texts = self.texts(name)
        return texts[-1] if texts else otherwise

    def message(self, name: str) -> Message:
        """A message inside this one; an empty message if it does not exist."""
        messages = [one for one in self.all(name) if isinstance(one, Message)]
        return messages[-1] if messages else Message({}, self.line)

    def messages(self, *names: str) -> list[Message]:
        return [one for name in names for one in self.all(name) if isinstance(one, Message)]

    def integers(self, name: str) -> list[int]:
        return [_integer(name, text) for text in self.texts(name)]

    def integer(self, name: str, otherwise: int = 0) -> int:
        integers = self.integers(name)
        return integers[-1] if integers else otherwise

    def numbers(self, name: str) -> list[float]:
        return [_number(name, text) for text in self.texts(name)]

    def number(self, name: str, otherwise: float = 0.0) -> float:
        texts = self.texts(name)
        return _number(name, texts[-1]) if texts else otherwise

    def flag(self, name: str, otherwise: bool = False) -> bool:
        return self.text(name, "true" if otherwise else "false").lower() in ("true", "t", "1")


Value = str | Message


def parsed(text: str) -> Message:
    """The message in a text. Raises Unreadable if it is not one."""
    tokens = _tokens(text)
    message, ended = _message(tokens, 1, 0)
    if ended:
        raise Unreadable(f"line {ended}: a bracket is closed that was not opened")
    return message


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    place, line, count = 0, 1, 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise Unreadable(f"line {line}: {text[place : place + 20]!r} is not in protobuf's text format")
        if match.lastgroup is not None:
            count += 1
            if count > MOST:
                raise Unreadable(f"more than {MOST:,} words")
            yield match.lastgroup, match.group(), line
        line += match.group().count("\n")
        place = match.end()


def _message(tokens: Iterator[tuple[str, str, int]], line: int, depth: int) -> tuple[Message, int]:
    """The fields up to the closing bracket, and its line; 0 at the text's end."""
    if depth > DEEPEST:
        raise Unreadable(f"line {line}: messages are more than {DEEPEST} deep")
    fields: dict[str, list[Value]] = {}
    name = ""
    several = False
    for kind, token, at in tokens:
        if token in ("}", ">") and kind == "mark":
            return Message(fields, line), at
        if token in ("{", "<") and kind == "mark" and name:
            inner, ended = _message(tokens, at, depth + 1)
            if not ended:
                raise Unreadable(f"line {at}: this bracket is not closed")
            fields.setdefault(name, []).append(inner)
            name = name if several else ""
        elif kind == "mark":
            several = token == "[" or (several and token != "]")
            name = "" if token in ("]", ";") else name
        elif kind == "name" and not name:
            name = token
        elif name:
            fields.setdefault(name, []).append(_plain(token, kind))
            name = name if several else ""
        else:
            raise Unreadable(f"line {at}: {token[:20]!r} has no name before it")
    return Message(fields, line), 0


def _plain(token: str, kind: str) -> str:
    return _ESCAPE.sub(r"\1", token[1:-1]) if kind == "string" else token
