"""The state of a program while it is read."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import Span
from cnnspec.notations.calls import tool_of
from cnnspec.notations.classes import Block
from cnnspec.notations.network import INPUT, Node

NOT_FOLLOWED = "a loop or a condition in it is not followed; steps that come n times are `[ … ]*n` here"
_TORCH = re.compile(r"\bnn\.|\btorch\b|\bforward\b|\bF\.")
_KERAS = re.compile(r"\bkeras\b|\blayers\.|\btf\.|\.add\(|\binput_shape\b")
_SLIM = re.compile(r"\bslim\.")


class Module(NamedTuple):
    """A layer (a node with inputs still to come), a merge, or modules in a row."""

    node: Node
    parts: tuple[Module, ...] = ()
    ordered: bool = True


Value: TypeAlias = "Module | int | ast.Constant | Sequence[Value] | None"
"""The value of a name: a layer, a tensor by the number of its node, a number, or a list of these."""


@dataclass(eq=False, repr=False)
class State:
    """The state of one program, class or function: its names, and the nodes of its network so far."""

    tool: str
    lets: frozenset[str] = frozenset()
    """Names that have a value in the spec."""
    blocks: Mapping[str, Block] = field(default_factory=dict)
    is_block: bool = False
    function: str = ""
    takes_tensor: bool = False
    parameters: dict[str, str] = field(default_factory=dict)
    """Of a class that is a block: the parameters of `__init__`, with their defaults."""
    names: dict[str, Value] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    current: int = INPUT
    outputs: tuple[int, ...] = ()
    used: set[Span] = field(default_factory=set)
    classes: list[str] = field(default_factory=list)
    input_name: str = ""
    """The name of the tensor that is the input."""
    why: str = ""
    """Why the order of the layers is not certain: the first reason."""
    shapes: Mapping[str, str] = field(default_factory=dict)
    """The shapes of weights that the program makes, by name."""
    text: str = ""
    """The statement that is read; it begins at `begin`, and its lines at `starts`."""
    begin: int = 0
    starts: list[int] = field(default_factory=list)

    def doubt(self, why: str) -> None:
        self.why = self.why or why

    def span(self, node: ast.expr) -> Span:
        """The place of an expression in the program."""
        return Span(
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset),
        )

    def _offset(self, line: int, column: int) -> int:
        start = self.starts[min(line, len(self.starts)) - 1]
        if not self.text.isascii():  # columns count bytes
            column = len(self.text[start:].encode()[:column].decode("utf-8", "ignore"))
        return self.begin + start + column


def tool_in(text: str) -> str:
    """The tool with the most layers in a program; "" if it has none."""
    votes = Counter(filter(None, map(tool_of, re.findall(r"\b(\w+)\(", text))))
    votes["torch"] += len(_TORCH.findall(text))
    votes["Keras"] += len(_KERAS.findall(text))
    votes["TF-slim"] += 3 * len(_SLIM.findall(text))
    return votes.most_common(1)[0][0] if votes.total() else ""
