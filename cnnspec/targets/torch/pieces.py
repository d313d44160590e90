"""Constructor calls on their way from numbers to code.

An emitter says for one layer of one use which call makes it (`Built`: numbers, each with the node that it
may come from). `unify` turns the calls of all uses of the same text into one (`Call`), whose arguments are
constants or nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from cnnspec.targets.symbolic import (
    Apply,
    Const,
    Env,
    Node,
    Var,
    functions,
    gives,
    single,
    variables,
)
from cnnspec.targets.symbolic import python as python_of
from cnnspec.targets.symbolic import replaced as node_replaced
from cnnspec.targets.unify import Diverges, unify_number
from cnnspec.targets.writer import Code, Group, prefixed
from cnnspec.targets.writer import Loop as LoopCode

if TYPE_CHECKING:
    from cnnspec.targets.torch.plan import ClassPlan


NOTHING = object()


@dataclass(frozen=True, slots=True)
class Slot:
    """An argument: its keyword (None: by position), its value here, where the value may come from, torch's
    default."""

    name: str | None
    value: Any  # int, float, bool, tuple of ints, code (text or Group), Built
    source: Node | None = None
    default: object = NOTHING


@dataclass(frozen=True, slots=True)
class Built:
    """One layer's constructor call; `suffix` stands behind it (`.requires_grad_(False)`)."""

    function: str | ClassPlan
    slots: tuple[Slot, ...] = ()
    suffix: str = ""


def build(function: str | ClassPlan, *positional: Any, **named: Any) -> Built:
    """`build("nn.Conv2d", n(3, C), kernel_size=n(3, F), bias=opt(False, True))`; a bare value is a slot of
    its own."""
    slots = [_slot(None, entry) for entry in positional]
    slots += [_slot(name, entry) for name, entry in named.items()]
    return Built(function, tuple(slots))


def _slot(name: str | None, entry: Any) -> Slot:
    if isinstance(entry, Slot):
        return Slot(name, entry.value, entry.source, entry.default)
    return Slot(name, entry)


def opt(value: Any, default: object, source: Node | None = None) -> Slot:
    """An argument that is left out where it has torch's default."""
    return Slot(None, value, source, default)


def n(value: Any, source: Node | None) -> Slot:
    """A number and where it comes from."""
    return Slot(None, value, source)


@dataclass(frozen=True, slots=True)
class Call:
    """A call with its arguments settled; text is code."""

    function: str | ClassPlan
    arguments: tuple[tuple[str | None, Piece], ...] = ()
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """`*(element for variable in range(count))`, or with `[`, a list of them."""

    element: Piece
    variable: str
    count: Node
    open: str = "*("


@dataclass(frozen=True, slots=True)
class Growing:
    """A repeat as statements: `variable` starts as `start`, each pass appends `element` and sets `variable`
    to `update` (None: nothing changes). Only as an attribute of a class, not inside a call."""

    container: str
    element: Piece
    index: str
    count: Node
    variable: str | None = None
    start: Node | None = None
    update: Node | None = None


Piece: TypeAlias = "Node | str | Group | Call | Series | Growing"


def unify(calls: Sequence[Built], envs: Sequence[Env]) -> Call:
    """One call for all uses: a value that differs must have a node that gives it."""
    first = calls[0]
    if any(call.function != first.function or call.suffix != first.suffix for call in calls):
        raise Diverges("different layers")
    if any([slot.name for slot in call.slots] != [slot.name for slot in first.slots] for call in calls):
        raise Diverges("different arguments")
    arguments: list[tuple[str | None, Piece]] = []
    for place, slot in enumerate(first.slots):
        slots = [call.slots[place] for call in calls]
        piece = _unify_slot(slots, envs)
        if isinstance(piece, Const | str) and all(_is_default(slot) for slot in slots):
            continue
        arguments.append((slot.name, piece))
    return Call(first.function, tuple(arguments), first.suffix)


def _is_default(slot: Slot) -> bool:
    if slot.default is NOTHING or isinstance(slot.value, bool) != isinstance(slot.default, bool):
        return False
    return single(slot.value) == single(slot.default)


def _unify_slot(slots: list[Slot], envs: Sequence[Env]) -> Piece:
    value = slots[0].value
    if isinstance(value, Built):
        if not all(isinstance(slot.value, Built) for slot in slots):
            raise Diverges("different layers")
        return unify([slot.value for slot in slots], envs)
    if any(isinstance(slot.value, str | Group) for slot in slots):
        source = slots[0].source
        if source is not None and all(
            gives(source, env, slot.value) for env, slot in zip(envs, slots, strict=True)
        ):
            return source
        if any(slot.value != value for slot in slots):
            raise Diverges("different code")
        assert isinstance(value, str | Group)
        return value
    return unify_number([slot.value for slot in slots], slots[0].source, envs)


def used_in(piece: Piece) -> Iterator[str]:
    """The variables that stand in a piece."""
    match piece:
        case Call():
            for _, argument in piece.arguments:
                yield from used_in(argument)
        case Series():
            yield from (name for name in used_in(piece.element) if name != piece.variable)
            yield from variables(piece.count)
        case Growing():
            own = {piece.index, piece.variable}
            for part in (piece.element, piece.update):
                if part is not None:
                    yield from (name for name in used_in(part) if name not in own)
            yield from variables(piece.count)
            if piece.start is not None:
                yield from variables(piece.start)
        case str() | Group():
            return
        case _:
            yield from variables(piece)


def assigned_in(piece: Piece | None) -> Iterator[str]:
    """The variables that the loops of a piece set."""
    match piece:
        case Call():
            for _, argument in piece.arguments:
                yield from assigned_in(argument)
        case Series():
            yield piece.variable
            yield from assigned_in(piece.element)
        case Growing():
            yield piece.index
            if piece.variable is not None:
                yield piece.variable
            yield from assigned_in(piece.element)


def calls_in(piece: Piece) -> Iterator[str | ClassPlan]:
    """The functions and classes that a piece calls, the inner ones first."""
    match piece:
        case Call():
            for _, argument in piece.arguments:
                yield from calls_in(argument)
            yield piece.function
        case Series():
            yield from calls_in(piece.element)
            yield from functions(piece.count)
        case Growing():
            yield from calls_in(piece.element)
            yield from functions(piece.count)
            for node in (piece.start, piece.update):
                if node is not None:
                    yield from functions(node)
        case str() | Group():
            return
        case _:
            yield from functions(piece)


def with_nodes(piece: Piece, by: Mapping[str, Node]) -> Piece:
    """The piece with nodes in place of variables."""
    match piece:
        case Call():
            arguments = tuple((name, with_nodes(argument, by)) for name, argument in piece.arguments)
            return Call(piece.function, arguments, piece.suffix)
        case Series():
            inner = {name: node for name, node in by.items() if name != piece.variable}
            return Series(
                with_nodes(piece.element, inner), piece.variable, node_replaced(piece.count, by), piece.open
            )
        case Const() | Var() | Apply():
            return node_replaced(piece, by)
    return piece


def code(piece: Piece, name_of: Callable[[str | ClassPlan], str]) -> Code:
    """The piece as code for the writer."""
    match piece:
        case str() | Group():
            return piece
        case Call():
            items: list[Code] = []
            for name, argument in piece.arguments:
                made = code(argument, name_of)
                items.append(made if name is None else prefixed(f"{name}=", made))
            if piece.function == "[":
                return Group("[", tuple(items), "]")
            return Group(f"{name_of(piece.function)}(", tuple(items), f"){piece.suffix}")
        case Series():
            element = code(piece.element, name_of)
            clause = f"for {piece.variable} in range({python_of(piece.count)})"
            return LoopCode(piece.open, element, clause, "]" if piece.open == "[" else ")")
        case Growing():
            raise AssertionError("a repeat of statements inside a call")
    return python_of(piece)
