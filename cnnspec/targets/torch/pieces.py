"""The calls that a constructor makes, before they are text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cnnspec.lower.call import Call
from cnnspec.lower.over import Entry, clause
from cnnspec.lower.symbolic import Apply, Const, Node, Var, python, replaced, variables
from cnnspec.lower.writer import Code, Group, Loop, flat, prefixed

if TYPE_CHECKING:
    from cnnspec.targets.torch.plan import ClassPlan


@dataclass(frozen=True, slots=True)
class Series:
    """`*(element for index in range(count))`, or a list of them where `open` is `[`."""

    element: Piece
    index: str
    count: Node
    open: str = "*("
    over: tuple[Entry, ...] = ()


class Changing(NamedTuple):
    """A size that changes from pass to pass: its variable starts as `start` and becomes `update`."""

    variable: str
    start: Node
    update: Node


@dataclass(frozen=True, slots=True)
class Growing:
    """A repeat as statements: each pass appends `element` to the container and changes the `sizes`. It is
    possible only for an attribute of a class, not inside a call."""

    container: str
    element: Piece
    index: str
    count: Node
    sizes: tuple[Changing, ...]
    over: tuple[Entry, ...] = ()


class LayerVariable(str):
    """A variable that holds a function for layers: calling it makes the layers."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Lambda:
    """`lambda channels: body`: layers that are passed to a block."""

    variables: tuple[str, ...]
    body: Piece


@dataclass(frozen=True, slots=True)
class Choice:
    """`then if condition else otherwise`."""

    condition: Node
    then: Piece
    otherwise: Piece


Piece: TypeAlias = "Node | str | Group | Call | Series | Growing | Choice | Lambda"


_PARTS: dict[type, tuple[str, ...]] = {
    Series: ("element", "count"),
    Growing: ("element", "count"),
    Choice: ("condition", "then", "otherwise"),
    Lambda: ("body",),
}
"""The fields that are pieces, for each type of piece."""


def parts(piece: Piece) -> tuple[Piece, ...]:
    """The pieces inside a piece, one level down."""
    if isinstance(piece, Call):
        return tuple(argument for _, argument in piece.arguments)
    fields = [getattr(piece, name) for name in _PARTS.get(type(piece), ())]
    sizes = piece.sizes if isinstance(piece, Growing) else ()
    return *fields, *(node for size in sizes for node in (size.update, size.start))


def with_parts(piece: Piece, change: Callable[[Piece], Piece]) -> Piece:
    """The piece with each of its parts changed."""
    if isinstance(piece, Call):
        return replace(piece, arguments=tuple((name, change(one)) for name, one in piece.arguments))
    changed: dict[str, object] = {name: change(getattr(piece, name)) for name in _PARTS.get(type(piece), ())}
    if isinstance(piece, Growing):
        nodes = [(size.variable, change(size.start), change(size.update)) for size in piece.sizes]
        changed["sizes"] = tuple(Changing(*node) for node in nodes)  # type: ignore[arg-type]
    return replace(piece, **changed) if changed else piece  # type: ignore[type-var]


def walk(piece: Piece) -> Iterator[Piece]:
    """The piece and all pieces inside it, the inner ones first."""
    for part in parts(piece):
        yield from walk(part)
    yield piece


def loop_variables(piece: Piece) -> set[str]:
    """The variables that a piece itself sets."""
    if isinstance(piece, Lambda):
        return set(piece.variables)
    if not isinstance(piece, Series | Growing):
        return set()
    own = {piece.index, *(entry.variable for entry in piece.over)}
    return own | {size.variable for size in piece.sizes} if isinstance(piece, Growing) else own


def used_in(piece: Piece) -> Iterator[str]:
    """The variables that a piece reads, except those of its own loops."""
    if isinstance(piece, Const | Var | Apply):
        yield from variables(piece)
    elif isinstance(piece, Call) and isinstance(piece.function, LayerVariable):
        yield piece.function
    own = loop_variables(piece)
    for part in parts(piece):
        yield from (name for name in used_in(part) if name not in own)
    if isinstance(piece, Series | Growing):
        yield from (name for entry in piece.over for name in variables(entry.list))


def calls_in(piece: Piece) -> Iterator[ClassPlan]:
    """The classes that a piece calls, the inner ones first."""
    for one in walk(piece):
        if isinstance(one, Call) and not isinstance(one.function, str):
            yield one.function


def mapped(piece: Piece, change: Callable[[Node], Node]) -> Piece:
    """The piece with each of its expressions changed."""
    match piece:
        case Call():
            arguments = tuple((name, mapped(argument, change)) for name, argument in piece.arguments)
            function = piece.function
            if isinstance(function, LayerVariable) and isinstance(other := change(Var(function)), Var):
                function = other.name
            return replace(piece, function=function, arguments=arguments)
        case Lambda():
            return replace(piece, body=mapped(piece.body, change))
        case Series() | Growing() | Choice():
            return with_parts(piece, partial(mapped, change=change))
        case str() | Group():
            return piece
    return change(piece)


def with_nodes(piece: Piece, by: Mapping[str, Node]) -> Piece:
    """The piece with other expressions in place of variables."""
    return mapped(piece, lambda node: replaced(node, by))


def code(piece: Piece) -> Code:
    """The piece as code for the writer."""
    match piece:
        case str() | Group():
            return piece
        case Call():
            items = tuple(
                code(argument) if name is None else prefixed(f"{name}=", code(argument))
                for name, argument in piece.arguments
            )
            if piece.function == "[":
                return Group("[", items, "]")
            if piece.function == "(":  # a tuple
                return Group("(", items, ")") if len(items) > 1 else f"({flat(items[0])},)"
            name = piece.function if isinstance(piece.function, str) else piece.function.name
            return Group(f"{name}(", items, f"){piece.suffix}")
        case Series():
            header = clause(piece.index, piece.count, piece.over)
            return Loop(piece.open, code(piece.element), header, "]" if piece.open == "[" else ")")
        case Choice(condition=Apply("not", (condition,))):
            return code(Choice(condition, piece.otherwise, piece.then))
        case Choice():
            sides = flat(code(piece.then)), flat(code(piece.otherwise))
            return f"{sides[0]} if {python(piece.condition)} else {sides[1]}"
        case Lambda(variables=names, body=body):
            if isinstance(body, Call) and body.arguments == tuple((None, Var(name)) for name in names):
                if body.function not in ("[", "sequential") and not body.suffix:
                    return body.function if isinstance(body.function, str) else body.function.name
            read = set(used_in(body))
            unused = "_" if len(names) == 1 else "*_"
            listed = ", ".join(names) if read.intersection(names) else unused if names else ""
            return prefixed(f"lambda {listed}: " if listed else "lambda: ", code(body))
        case Growing():
            raise AssertionError("a repeat of statements inside a call")
    return python(piece)
