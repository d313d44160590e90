"""The one code writer: indentation, calls, and the line breaks that `ruff format` would make.

A piece of code is text, or a `Group` (a bracket with items), or a `Loop` (a comprehension in a bracket). Code
that does not fit on its line is opened: the arguments of a call on a line of their own where they fit there,
else one line per item, and a comma after the last one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeAlias

from cnnspec.lower.names import escaped

WIDTH = 88
"""The longest line: ruff's and black's default, so that an emitted file needs no configuration."""


@dataclass(frozen=True, slots=True)
class Group:
    """`nn.Conv2d(`, items, `)`: a call, a list, a tuple, a signature."""

    open: str
    items: tuple[Code, ...]
    close: str = ")"


@dataclass(frozen=True, slots=True)
class Loop:
    """`*(`, an element, `for i in range(n)`, `)`: a comprehension."""

    open: str
    element: Code
    clause: str
    close: str = ")"


Code: TypeAlias = str | Group | Loop


def literal(value: object) -> str:
    """A number, a truth value, None or a tuple of them as Python writes it; text is code already."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, tuple):
        inner = ", ".join(literal(entry) for entry in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def _float(value: float) -> str:
    """`0.1`, `1e-6`, `1e20`: repr, but without the zero and the plus in an exponent."""
    text = repr(value)
    if "e" not in text:
        return text
    digits, exponent = text.split("e")
    return f"{digits}e{int(exponent)}"


def call(function: str, *positional: object, defaults: Mapping[str, object] = {}, **named: object) -> Group:
    """`call("nn.Conv2d", 3, 64, kernel_size=3)`: an argument that equals its entry in `defaults` is left out.

    Arguments are code (text, Group, Loop) or numbers.
    """
    items = [_code(value) for value in positional]
    for name, value in named.items():
        if name in defaults and defaults[name] == value and type(defaults[name]) is type(value):
            continue
        items.append(prefixed(f"{name}=", _code(value)))
    return Group(f"{function}(", tuple(items))


def listed(items: Sequence[Code], open: str = "[", close: str = "]") -> Group:
    """`[a, b]`, or with other brackets."""
    return Group(open, tuple(items), close)


def _code(value: object) -> Code:
    return value if isinstance(value, Group | Loop) else literal(value)


def prefixed(prefix: str, code: Code) -> Code:
    """The code with text before it on its first line: `kernel_size=`, `*`."""
    return prefix + code if isinstance(code, str) else replace(code, open=prefix + code.open)


def flat(code: Code) -> str:
    """The code on one line."""
    if isinstance(code, str):
        return code
    if isinstance(code, Loop):
        return f"{code.open}{flat(code.element)} {code.clause}{code.close}"
    return f"{code.open}{', '.join(flat(item) for item in code.items)}{code.close}"


def lines(code: Code, indent: int, room: int, width: int) -> list[str]:
    """The code as lines, the first without its indentation.

    `indent` is the level (of four spaces) of the line that it begins on; `room` the number of characters left
    on that line, after everything that must come after the code; `width` the longest line.
    """
    one = flat(code)
    if len(one) <= room or isinstance(code, str) or (isinstance(code, Group) and not code.items):
        return [one]
    inner = "    " * (indent + 1)
    space = width - len(inner)
    rows = [code.open]
    inside = one[len(code.open) : len(one) - len(code.close)]
    call = isinstance(code, Group) and code.open[-2:-1].isidentifier()
    chained = "." in code.close and one.rindex("(") < room  # a formatter would open the last bracket
    if call and not chained and len(inside) <= space:
        return [code.open, inner + inside, "    " * indent + code.close]
    if isinstance(code, Loop):
        first, *rest = lines(code.element, indent + 1, space, width)
        rows += [inner + first, *rest, inner + code.clause]
    else:
        for item in code.items:
            first, *rest = lines(item, indent + 1, space - 1, width)
            rows += [inner + first, *rest]
            rows[-1] += ","
    return [*rows, "    " * indent + code.close]


class Writer:
    """Collects lines of code at the current indentation."""

    def __init__(self, level: int = 0, width: int = WIDTH) -> None:
        self._lines: list[str] = []
        self._under: tuple[tuple[int, str], int] | None = None  # the last `if`, and where it ended
        self.level = level
        self.width = width

    @property
    def room(self) -> int:
        """How many characters fit on a line here."""
        return self.width - 4 * self.level

    def line(self, text: str = "", comment: str = "") -> None:
        """One line of code. The comment (which must be a text of cnnspec's, never a spec's) is written only
        where it fits.
        """
        full = "    " * self.level + text if text else ""
        if comment and len(full) + len(comment) + 4 <= self.width:
            full += f"  # {comment}"
        self._lines.append(full)

    def put(self, before: str, code: Code, after: str = "", comment: str = "") -> None:
        """A statement: `before`, the code, `after`; broken into several lines where it does not fit."""
        first, *rest = lines(code, self.level, self.room - len(before) - len(after), self.width)
        if not rest:
            self.line(before + first + after, comment)
            return
        self.line(before + first)
        self._lines += rest
        self._lines[-1] += after
        if comment and len(self._lines[-1]) + len(comment) + 4 <= self.width:
            self._lines[-1] += f"  # {comment}"

    def doc(self, text: str) -> None:
        """A docstring, whose text may come from a spec: it is escaped to ASCII, and broken between words
        where it is long.
        """
        broken = ['"""']
        for word in escaped(text).split():
            if len(broken[-1]) + len(word) + 1 > self.room and broken[-1] != '"""':
                broken.append("")
            broken[-1] += word if broken[-1] in ("", '"""') else " " + word
        if len(broken) == 1 or (len(broken) == 2 and len(broken[1]) < 4):
            self.line(" ".join(broken) + '"""')
            return
        for line in broken:
            self.line(line)
        self.line('"""')

    def text(self, code: str) -> None:
        """Lines of cnnspec's own, with the indentation that they have."""
        for line in code.strip("\n").split("\n"):
            self.line(line)

    def gap(self, count: int = 1) -> None:
        """Adds empty lines until there are `count`."""
        while self._lines and not self._lines[-1]:
            self._lines.pop()
        self._lines += [""] * count

    @property
    def written(self) -> list[str]:
        """The lines so far, indented."""
        return list(self._lines)

    def extend(self, lines: Sequence[str]) -> None:
        """Adds lines of another writer, which are indented already."""
        self._lines += lines

    @contextmanager
    def block(self, header: str | Code, after: str = "") -> Iterator[None]:
        """`with writer.block("class Net(nn.Module):"):`"""
        self.put("", header, after)
        with self.indented():
            yield

    def otherwise(self, lines: Sequence[str]) -> None:
        """The `else` of an `if` with these lines, which are indented already; `elif` where they are a single
        `if`.
        """
        inner = "    " * (self.level + 1)
        own = [line.strip() for line in lines if not line.startswith(f"{inner}    ")]
        if own[0].startswith("if ") and all(line.startswith(("elif ", "else:")) for line in own[1:]):
            self.line(f"el{own[0]}")
            self.extend([line[4:] for line in lines[1:]])
            return
        self.line("else:")
        self.extend(lines)

    @contextmanager
    def under(self, condition: str) -> Iterator[None]:
        """`if condition:`; where the lines right above are under the same condition, the next lines join
        them.
        """
        header = self.level, condition
        if self._under != (header, len(self._lines)):
            self.line(f"if {condition}:")
        with self.indented():
            yield
        self._under = header, len(self._lines)

    @contextmanager
    def indented(self) -> Iterator[None]:
        self.level += 1
        yield
        self.level -= 1

    def __str__(self) -> str:
        return "\n".join(self._lines).rstrip("\n") + "\n"


def put_targets(writer: Writer, names: Sequence[str], value: str) -> None:
    """`a, b = value`; `(a,) = value` for one name, as for many."""
    text = ", ".join(names)
    if len(names) > 1 and len(text) <= writer.room // 2:
        writer.line(f"{text} = {value}")
    elif len(names) == 1:
        writer.line(f"({text},) = {value}")
    else:
        writer.put("", Group("(", tuple(names), ") = "), value)
