"""Calls of layers, from the numbers of each use to code.

For one layer in one use, an emitter returns the call that makes it: a `Built`, whose values each have the
node that they may come from. `unify` turns the calls of all uses of one site into one `Call`, whose arguments
are constants or nodes.

In a source, `@K` stands for the author's expression for the field K of the layer, `@F.0` for its first axis,
`@C`, `@H` and `@W` for the sizes of the layer's first input, and `@1.H` for a size of its second one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from cnnspec.diagnostics import Diagnostic
from cnnspec.ir.expr import single
from cnnspec.ir.graph import Graph, Region, Step
from cnnspec.lower.symbolic import Apply, Const, Node, Unclear, Var, replaced, variables
from cnnspec.lower.writer import Group, Loop
from cnnspec.ops.base import Shape

NOTHING = object()


class Unsupported(Exception):
    """Something that a target cannot express. `step` is the step at fault (None: unknown), `help` a way
    out."""

    def __init__(self, message: str, step: Step | None = None, help: str = "") -> None:
        super().__init__(message)
        self.step = step
        self.help = help

    def finding(self, graph: Graph, target: str) -> Diagnostic:
        """E801 at the step at fault, or at the first step where that is unknown."""
        step = self.step or graph.root.steps[0]
        return Diagnostic("E801", f"the {target} target cannot express {self}", step.span, help=self.help)


class Diverges(Unsupported):
    """The uses of a template differ in a way that one class or function cannot express."""


def other_program(function: str, region: Region, *, final: bool = True) -> Unsupported:
    """A use of a shared block that needs another program than the uses before it; if not `final`, a class for
    each use of the block around it may serve."""
    return (Unsupported if final else Diverges)(
        f"the shared block `{function}`, whose uses need different programs",
        region,
        "this use does something else than one before it: give both a vector, or maps of equal size; or "
        f"write `block {function}` if each use may have weights of its own",
    )


class Slot(NamedTuple):
    """An argument of a call: its keyword (None: positional), its value in this use, the expression that the
    value may come from, and the callee's default."""

    name: str | None
    value: Any  # int, float, bool, None, tuple of ints, code (text or Group), Built
    source: Node | None = None
    default: object = NOTHING
    derived: bool = False
    """Whether the source is computed rather than written by the author: a number that is equal in all uses is
    then emitted as a constant."""


@dataclass(frozen=True, slots=True)
class Built:
    """The call of one layer in one use. suffix: code after it (`.requires_grad_(False)`). form: the kind of
    call, which the target defines. around: code around the layer that holds the weights, `Spectral({})`."""

    function: Any
    slots: tuple[Slot, ...] = ()
    suffix: str = ""
    form: str = "layer"
    around: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """The call of a layer for all its uses. An argument that is text is code."""

    function: Any
    arguments: tuple[tuple[str | None, Any], ...] = ()
    suffix: str = ""
    form: str = "layer"
    around: str = ""


class LayerUse(NamedTuple):
    """A layer in one use: its op, the ops of all uses of the site, the shapes of its inputs and of its
    output, whether its input may be overwritten (`fresh`), and the arguments that are written with the size
    of the map (`sized`: `crop (H-4)x(W-4)`)."""

    op: Any
    ops: Sequence[Any]
    inputs: tuple[Shape, ...]
    out: Shape
    fresh: bool = False
    sized: frozenset[str] = frozenset()

    def any(self, test: Callable[[Any], bool]) -> bool:
        """Whether this holds for the op of any use."""
        return any(map(test, self.ops))


Number: TypeAlias = Callable[[Sequence[Any], "Node | None"], Node]
"""Makes the node for a number: from its values in all uses, and the expression that it may come from."""


def unify(calls: Sequence[Built], known: Mapping[str, Node | None], number: Number) -> Call:
    """One call for all uses: arguments that differ between uses become expressions or parameters. Raises
    `Diverges` where the uses need different calls."""
    first = calls[0]
    names = [slot.name for slot in first.slots]
    for call in calls:
        if call.function != first.function or (call.suffix, call.around) != (first.suffix, first.around):
            raise Diverges("different layers")
        if [slot.name for slot in call.slots] != names:
            raise Diverges("different arguments")
    arguments: list[tuple[str | None, Any]] = []
    for place, slot in enumerate(first.slots):
        slots = [call.slots[place] for call in calls]
        argument = _argument(slots, known, number)
        if isinstance(argument, Const | str) and all(_is_default(one) for one in slots):
            continue
        arguments.append((slot.name, argument))
    return Call(first.function, tuple(arguments), first.suffix, first.form, first.around)


def _is_default(slot: Slot) -> bool:
    if slot.default is NOTHING or isinstance(slot.value, bool) != isinstance(slot.default, bool):
        return False
    return single(slot.value) == single(slot.default)


def _argument(slots: list[Slot], known: Mapping[str, Node | None], number: Number) -> Any:
    value, values = slots[0].value, [slot.value for slot in slots]
    if any(isinstance(one, Built) for one in values):
        if not all(isinstance(one, Built) for one in values):
            raise Diverges("different layers")
        return unify(values, known, number)
    source = resolved(slots[0].source, known)
    if any(isinstance(one, Group | Loop) for one in values):
        if any(one != value for one in values):
            raise Diverges("different code")
        return value
    if value is None or isinstance(value, bool):
        if any(one is not value for one in values):
            raise Diverges("different arguments")
        return repr(value) if value is None else Const(value)
    if slots[0].derived and all(single(one) == single(value) for one in values):
        source = None
    node = number(values, source)
    return node.value if isinstance(node, Const) and isinstance(node.value, str) else node


def resolved(node: Node | None, known: Mapping[str, Node | None]) -> Node | None:
    """The node with the values of its `@` names; None if one of them has no value."""
    if node is None:
        return None
    by: dict[str, Node] = {}
    for name in variables(node):
        if name.startswith("@"):
            argument = known.get(name)
            if argument is None:
                return None
            by[name] = argument
    try:
        return replaced(node, by)
    except Unclear:
        return None


def fields(names: Mapping[str, Node]) -> dict[str, Node | None]:
    """The names `@F`, `@F.0`, `@F.1` and `@F.last` with the expressions of a layer's fields."""
    known: dict[str, Node | None] = {}
    for name, node in names.items():
        parts: tuple[Node, ...] = (node,) * 3  # one number for all axes
        if isinstance(node, Apply) and node.operator == "sizes":
            parts = node.arguments
        elif isinstance(node, Const) and isinstance(node.value, tuple):
            parts = tuple(map(Const, node.value))
        known[f"@{name}"] = node
        for place, part in enumerate(parts):
            known[f"@{name}.{place}"] = part
        known[f"@{name}.last"] = parts[-1]
    return known


def W(field: str, place: int | None = None) -> Node:
    """The author's expression for a field, or for one axis of it."""
    return Var(f"@{field}" if place is None else f"@{field}.{place}")


def build(function: Any, *positional: Any, **named: Any) -> Built:
    """`build("nn.Conv2d", n(3, C), kernel_size=n(3, F), bias=opt(False, True))`; a bare value becomes a slot
    without a source."""
    slots = [_slot(None, entry) for entry in positional]
    slots += [_slot(name, entry) for name, entry in named.items()]
    return Built(function, tuple(slots))


def _slot(name: str | None, entry: Any) -> Slot:
    if isinstance(entry, Slot):
        return entry._replace(name=name)
    return Slot(name, entry)


def opt(value: Any, default: object, source: Node | None = None) -> Slot:
    """An argument that is left out where it has the callee's default."""
    return Slot(None, value, source, default)


def n(value: Any, source: Node | None = None) -> Slot:
    """A number, with the expression that it may come from."""
    return Slot(None, value, source)


def border(op: Any, *names: str) -> Node:
    """The fields that give the width of the border on these sides."""
    if all(getattr(op, name) is None for name in names):
        return W("border")
    return Apply("sizes", tuple(W(name if getattr(op, name) is not None else "border") for name in names))
