"""Templates: each part of the author's text once, as written.

A template is the network, a block, a group, a labelled line of several steps, the body of a repeat, or the
layers that a use gives a block. Its *sites* are in the order of the text; numbers are expressions over the
parameters; an `if` is a site with two sides. Knobs and variants are settled, so they are constants here (but
for a graph's `arguments`), and a side that no use takes is folded away.

The values of a template are numbered from 0: its inputs, then the outputs of its sites. A body (see `graph`)
is a template with the numbers of one use: each of its steps names its site.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, PlainSerializer, PlainValidator

from cnnspec.ir import expr
from cnnspec.ir.frozen import Frozen, Level, Name

Expr: TypeAlias = Annotated[expr.Expr, PlainValidator(expr.load), PlainSerializer(expr.dump)]


class Join(Frozen):
    """A tensor after an `if`: the value `then` if the condition holds, else `otherwise`. None where that side
    has no such tensor (a branch that is `none`, a label of the other side)."""

    then: int | None
    otherwise: int | None


class LetSite(Frozen):
    """A `let` inside a block. C, H and W in it are the shape of the value `at`."""

    kind: Literal["let"] = "let"
    name: Name
    value: Expr
    at: int | None


class LayerSite(Frozen):
    """A layer, or a merge of the values `inputs`. `written` are the arguments that name something, by field;
    `free` those of a block that name knobs among the graph's `arguments`, as written: elsewhere in a block, a
    knob is its value."""

    kind: Literal["layer"] = "layer"
    site: int
    name: Level
    word: Name
    inputs: tuple[int, ...]
    output: int
    written: dict[Name, Expr] = {}
    free: dict[Name, Expr] = {}


class LayersArgument(Frozen):
    """The argument of a block's use for one of its layer parameters: layers, by their template, with the
    values of the names in it (`arguments`) and, for each of its own layer parameters, one of this template
    (`layers`); or a parameter of this template; or neither, where no use runs them."""

    template: int | None = None
    parameter: Name | None = None
    arguments: dict[Name, Expr] = {}
    layers: dict[Name, Name] = {}


class SlotSite(Frozen):
    """A layer parameter as a step: the layers that the block's use passes for it."""

    kind: Literal["slot"] = "slot"
    site: int
    name: Level
    parameter: Name
    inputs: tuple[int, ...]
    output: int


class RegionSite(Frozen):
    """A use of a block, a group, a labelled line, a repeat: which template it runs, on which values.

    A repeat passes the outputs of a pass on as the first inputs of the next, but the last `each`, which are
    collected; `times` says how many passes there are. `arguments` are those of a use of a block (`free`: see
    `LayerSite`), `layers` those for its layer parameters."""

    kind: Literal["block", "shared", "group", "line", "repeat"]
    site: int
    name: Level
    template: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    each: int = 0
    arguments: dict[Name, Expr] = {}
    free: dict[Name, Expr] = {}
    times: Expr | None = None
    layers: dict[Name, LayersArgument] = {}


class IfSite(Frozen):
    """An `if`. C, H and W in its condition are the shape of the value `at`. `joins` are the values that it
    decides, by their numbers."""

    kind: Literal["if"] = "if"
    condition: Expr
    at: int | None
    then: tuple["Site", ...]
    otherwise: tuple["Site", ...]
    joins: dict[int, Join] = {}


Site: TypeAlias = Annotated[LetSite | LayerSite | SlotSite | RegionSite | IfSite, Field(discriminator="kind")]


def numbers_of(site: Site) -> list[expr.Expr]:
    """The expressions of a site, without those of the sites inside it."""
    match site:
        case LetSite():
            return [site.value]
        case LayerSite():
            return [*site.written.values(), *site.free.values()]
        case RegionSite():
            nodes = [node for layer in site.layers.values() for node in layer.arguments.values()]
            written = [*site.arguments.values(), *site.free.values()]
            return [*written, *nodes, *([site.times] if site.times else [])]
        case IfSite():
            return [site.condition]
    return []


class Template(Frozen):
    """A stretch of text. `inputs` names its inputs: None is the input of its first step (or one of several),
    else the label that the tensor has outside; `labels` names further values of its own, and `exported` are
    those of the outputs that follow the first, as far as a use has them. `settled` are the names in folded
    parts: with other values of these names it could be another template."""

    kind: Literal["network", "block", "group", "line", "repeat", "layers"]
    block: Name | None = None
    inputs: tuple[str | None, ...]
    sites: tuple[Site, ...]
    outputs: tuple[int, ...]
    exported: tuple[str, ...] = ()
    settled: tuple[Name, ...] = ()
    labels: dict[str, int] = {}
