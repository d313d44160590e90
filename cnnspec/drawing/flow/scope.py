"""A template that is being folded: its bodies, its diagram, and the boxes of its values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from cnnspec.drawing.flow.diagram import Diagram, Edge
from cnnspec.ir.expr import Expr
from cnnspec.ir.template import Template


class Value(NamedTuple):
    """A value of a template: its edge (None: the value does not exist), and its number in each of the
    bodies."""

    edge: Edge | None
    at: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """`names` has the values of the template's names; `symbolic` keeps the author's expressions."""

    template: Template
    bodies: tuple[int, ...]
    names: dict[str, Expr]
    diagram: Diagram
    symbolic: bool
    path: str = ""
    depth: int = 0
    in_order: bool = True
    """Whether the bodies are passes one after another."""
    values: dict[int, Value] = field(default_factory=dict)

    def read(self, values: Iterable[int]) -> list[Edge]:
        """The edges of these values; values that do not exist are left out."""
        return [edge for value in values if (edge := self.edge(value)) is not None]

    def edge(self, value: int) -> Edge | None:
        return self.values[value].edge if value in self.values else None

    def results(self) -> list[Edge | None]:
        """The outputs of the template, or its first one and the labels that it exports."""
        template = self.template
        outputs = list(template.outputs)
        if template.exported:
            outputs = [*outputs[:1], *(template.labels[label] for label in template.exported)]
        return list(map(self.edge, outputs))
