"""Expressions that a constructor says often get a name: `channels = t * in_channels`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from cnnspec.lower.call import Call
from cnnspec.lower.names import Namer
from cnnspec.lower.symbolic import Apply, Const, Node, Var, functions, python, variables
from cnnspec.targets.torch.pieces import Growing, Piece, Series
from cnnspec.targets.torch.plan import PlanStep

OFTEN = 4
SHORT = len("4 * k")
"""What is no longer says more than a name for it."""
OPERATORS = frozenset("+-*") | {"//"}


def named(
    steps: Sequence[PlanStep], known: Collection[str], taken: Collection[str]
) -> tuple[list[tuple[str, Node]], list[PlanStep]]:
    """The names to be given before the first step, and the steps with these names in them. An expression
    speaks of `known` names only, so that it means the same wherever it stands."""
    pieces = [step.piece for step in steps]
    found: list[Node] = []
    while (often := _longest(pieces, known)) is not None:
        pieces = [None if piece is None else _with(piece, often, Var(_mark(len(found)))) for piece in pieces]
        found.append(often)
    if not found:
        return [], list(steps)
    namer = Namer(taken)
    lets = []
    for number, node in enumerate(found):
        name = namer.take("channels" if len(found) == 1 else f"channels{number + 1}")
        pieces = [None if piece is None else _with(piece, Var(_mark(number)), Var(name)) for piece in pieces]
        lets.append((name, node))
    return lets, [replace(step, piece=piece) for step, piece in zip(steps, pieces, strict=True)]


def _mark(number: int) -> str:
    """A name that no spec gives."""
    return f"\N{SECTION SIGN}{number}"


def _longest(pieces: Sequence[Piece | None], known: Collection[str]) -> Node | None:
    """The longest expression that stands there often; None where there is none."""
    counted = Counter(node for piece in pieces if piece is not None for node in _sums(piece))
    often = [
        node
        for node, count in counted.items()
        if count >= OFTEN and len(python(node)) > SHORT and set(variables(node)) <= set(known)
    ]
    return max(often, key=lambda node: len(python(node)), default=None)


def _sums(piece: Piece) -> Iterator[Apply]:
    """Every sum, difference, product and quotient in a piece, those inside of others too."""
    match piece:
        case Call():
            for _, argument in piece.arguments:
                yield from _sums(argument)
        case Series():
            yield from _sums(piece.element)
        case Growing():
            yield from _sums(piece.element)
        case Apply():
            if piece.operator in OPERATORS and any(variables(piece)) and not any(functions(piece)):
                yield piece
            for argument in piece.arguments:
                yield from _sums(argument)
        case _:
            return


def _with(piece: Piece, old: Node, new: Node) -> Piece:
    """The piece with another node in place of one."""
    match piece:
        case Call():
            arguments = tuple((name, _with(argument, old, new)) for name, argument in piece.arguments)
            return Call(piece.function, arguments, piece.suffix)
        case Series() | Growing():
            return replace(piece, element=_with(piece.element, old, new))
        case Const() | Var() | Apply():
            return _node(piece, old, new)
    return piece


def _node(node: Node, old: Node, new: Node) -> Node:
    if node == old:
        return new
    if isinstance(node, Apply):
        return Apply(node.operator, tuple(_node(argument, old, new) for argument in node.arguments))
    return node
