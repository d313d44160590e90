"""The calls that a constructor makes, on their way to code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cnnspec.lower.call import Call
from cnnspec.lower.symbolic import Apply, Const, Node, Var, variables
from cnnspec.lower.symbolic import python as python_of
from cnnspec.lower.symbolic import replaced as node_replaced
from cnnspec.lower.writer import Code, Group, prefixed
from cnnspec.lower.writer import Loop as LoopCode

if TYPE_CHECKING:
    from cnnspec.targets.torch.plan import ClassPlan


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


def calls_in(piece: Piece) -> Iterator[ClassPlan]:
    """The classes that a piece calls, the inner ones first."""
    match piece:
        case Call():
            for _, argument in piece.arguments:
                yield from calls_in(argument)
            if not isinstance(piece.function, str):
                yield piece.function
        case Series() | Growing():
            yield from calls_in(piece.element)


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
