"""A folded network: boxes and their inputs. A figure is the network's diagram and a panel for each block."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from cnnspec.drawing.scene import Run

Runs: TypeAlias = tuple[Run, ...]
Kind: TypeAlias = Literal[
    "input", "port", "layer", "small", "block", "merge", "sign", "choice", "frame", "output"
]
"""`port` is the input of a diagram inside another; `small` a layer that joins the box before it (norm,
activation); `sign` a merge that is a circle (+), `merge` one that is a box; `choice` is the place where the
two sides of an `if` meet; `frame` a box that contains a diagram."""


class TooLarge(Exception):
    """A figure with more boxes, or more deeply nested branches, than can be drawn; the message names
    which."""


class Edge(NamedTuple):
    """An input of a box: output `port` of box `source`, and the condition on which it is read (empty:
    always)."""

    source: int
    port: int = 0
    condition: Runs = ()


@dataclass(eq=False, slots=True)
class Node:
    """A box: its text, smaller lines below (for a sign: its word), and its inputs, in the author's order.
    `shapes` are the shapes of its outputs, where they are known; `labels` the author's names for them."""

    kind: Kind
    name: str
    text: Runs = ()
    below: list[Runs] = field(default_factory=list)
    inputs: list[Edge] = field(default_factory=list)
    fill: str = "other"
    shapes: tuple[str, ...] = ()
    labels: dict[int, str] = field(default_factory=dict)
    times: Runs = ()
    inner: Diagram | None = None
    tooltip: str = ""


@dataclass(eq=False, slots=True)
class Diagram:
    """Boxes in the order of the text, the inputs first. `outputs` are its outputs; a `chain` has no
    branches."""

    title: Runs
    nodes: list[Node] = field(default_factory=list)
    outputs: list[Edge] = field(default_factory=list)

    @property
    def chain(self) -> bool:
        """Whether each box reads one other box, and no box is read twice."""
        read = [edge for node in self.nodes for edge in node.inputs] + self.outputs
        inputs = sum(node.kind in ("input", "port") for node in self.nodes)
        sources = {edge.source for edge in read}
        plain = all(node.inner is None for node in self.nodes)
        return plain and inputs == 1 and len(read) == len(sources) == len(self.nodes)


@dataclass(eq=False, slots=True)
class Figure:
    """A network and the panels of its blocks."""

    title: str
    subtitle: str
    network: Diagram
    panels: list[Diagram]


def words(runs: Runs) -> str:
    """Runs as plain text."""
    raised = {"": "", "super": "^", "sub": "_"}
    return "".join(raised[run.shift] + run.text for run in runs)
