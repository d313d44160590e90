"""The result of a translation: the line in this language, whether it is certain, and the finding's text."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from cnnspec.diagnostics import Cause, Edit, Span


class Notation(Enum):
    """The kind of notation; its value is the message, `{name}` the layer's name in the other tool."""

    CALL = "`{name}(…)` is a call; a layer is written as a word followed by its arguments"
    INPUT_CALL = "`{name}(…)` is a call; the input is a statement"
    PYTHON = "this is Python; a spec only describes"
    BRANCHES = "branches are written in square brackets, separated by `|`"
    NAMED = "this is another tool's notation; here each number has a letter"
    ROW = "this is written as in a paper's table; here each number has a letter"
    ROW_OF_WORDS = "this is written as in a paper's table"
    DARKNET = "this is a Darknet .cfg"
    CAFFE = "this is Caffe's prototxt"
    YOLO = "this is a YOLO yaml"


class Translation(NamedTuple):
    """`text` at `span` in this language, empty if there is no translation.

    `why` says why the text is not certain, or what to do without one; it is empty for a certain translation.
    """

    notation: Notation
    span: Span
    text: str
    why: str = ""
    name: str = ""
    alone: bool = True
    """Whether the text can replace `span`; not for a layer that is only a part of a statement."""
    takes: str = ""
    """The input channels that the original states."""

    @property
    def sure(self) -> bool:
        return bool(self.text) and not self.why

    @property
    def message(self) -> str:
        return self.notation.value.format(name=self.name)

    @property
    def cause(self) -> Cause | None:
        """The cause, for findings that depend on it."""
        return "input" if self.text.startswith("input ") else _CAUSES.get(self.notation)

    @property
    def help(self) -> str:
        if not self.text:
            return self.why
        return f"here it is `{self.text}`" if self.sure else f"`{self.text}` is similar, but {self.why}"

    @property
    def fix(self) -> tuple[Edit, ...]:
        return (Edit(self.span, self.text),) if self.sure and self.alone else ()


_CAUSES: dict[Notation, Cause] = {
    Notation.PYTHON: "python",
    **dict.fromkeys((Notation.DARKNET, Notation.CAFFE, Notation.YOLO), "model file"),
}
