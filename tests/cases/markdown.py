"""Case files: fenced specs, each with the views that follow it (README.md has the format)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent, indent

FOLDER = Path(__file__).parent
PIECE = re.compile(
    r"^```(?P<kind>\w+)(?P<info>[^\n]*)\n(?P<body>.*?)^```$|^#+ (?P<title>[^\n]+)", re.M | re.S
)
PAIRS, ORACLE = "pairs", "oracle"
"""Fences that are no specs: see test_pairs.py, and tests/oracle."""


@dataclass
class Case:
    """One spec, and the views of it."""

    file: Path
    title: str
    line: int
    text: str
    options: tuple[str, ...]
    name: str
    shown: dict[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"tests/cases/{self.file.parent.name}/{self.file.name}:{self.line}"


@dataclass
class View:
    """A fence that shows something: its cases, and where its text stands in the file."""

    kind: str
    cases: list[Case]
    start: int
    end: int
    each: bool
    """Its lines are specs of their own, and what is shown of each is indented below."""

    def text(self, shown: list[str]) -> str:
        if not self.each:
            return shown[0]
        pairs = zip(self.cases, shown, strict=True)
        return "".join(f"{case.name}\n{indent(part, '    ')}" for case, part in pairs)


def files() -> list[Path]:
    return sorted(FOLDER.glob("*/*.md"))


def read(file: Path) -> tuple[list[Case], list[View]]:
    text, title = file.read_text("utf-8"), file.stem
    cases: list[Case] = []
    views: list[View] = []
    for piece in PIECE.finditer(text):
        if piece["title"]:
            title = piece["title"]
            continue
        kind, info = piece["kind"], piece["info"].split()
        if kind in (PAIRS, ORACLE):
            continue
        line = text.count("\n", 0, piece.start()) + 2
        if info[:1] == ["on"]:
            here = list(_lines(file, title, line, info[1:], piece["body"]))
            cases += here
        elif kind == "cnn":
            cases.append(Case(file, title, line, piece["body"], tuple(info), title))
        else:
            here = cases[-1:]
            assert here, f"{file}:{line}: a view before the first spec"
            assert kind not in here[0].shown, f"{file}:{line}: a second view of this kind"
            here[0].shown[kind] = piece["body"]
        if kind != "cnn":
            views.append(View(kind, here, *piece.span("body"), each=info[:1] == ["on"]))
            for case in here:
                case.shown.setdefault(kind, "")
    for view in views:
        if view.each:
            parts = re.split(r"^(?=\S)", text[view.start : view.end], flags=re.M)
            for case, part in zip(view.cases, filter(None, parts), strict=True):
                case.shown[view.kind] = dedent(part.partition("\n")[2])
    return cases, views


def pairs(file: Path) -> list[tuple[str, tuple[tuple[str, ...], ...]]]:
    """The fences `pairs`: the text of a spec with holes, and what may be written there."""
    found = []
    for piece in PIECE.finditer(file.read_text("utf-8")):
        if piece["kind"] == PAIRS:
            lines = piece["body"].splitlines()
            spec = "\n".join(line for line in lines if " / " not in line)
            written = [line.split(" / ") for line in lines if " / " in line]
            values = tuple(tuple("" if one == "-" else one for one in line) for line in written)
            heads = [f"input {shape}\n" for shape in piece["info"].split()[1:]] or [""]
            found += [(head + spec, values) for head in heads]
    return found


def _lines(file: Path, title: str, first: int, info: list[str], body: str) -> Iterator[Case]:
    """Each line that is not indented, behind an input of this shape."""
    for number, step in enumerate(body.splitlines()):
        if step and not step[0].isspace():
            text = f"input {info[0]}\n{step}\n"
            yield Case(file, title, first + number, text, tuple(info[1:]), step)
