"""An expression that a constructor repeats often gets a name: `channels = t * in_channels`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import partial

from cnnspec.lower.call import Call
from cnnspec.lower.names import Namer
from cnnspec.lower.symbolic import Apply, Node, Var, python, variables
from cnnspec.targets.torch.pieces import Piece, mapped, walk
from cnnspec.targets.torch.plan import PlanStep

OFTEN = 4
SHORT = len("4 * k")
"""An expression of up to this length gets no name: the name would not be shorter."""
SIZES = frozenset({"Crop", "Reshape", "nn.ZeroPad2d", "nn.ReflectionPad2d", "nn.ReplicationPad2d"})
"""Layers whose first numbers are no channels."""
PLAIN = len("(2 * width + 4)")
"""In the model, where each layer has its own number, one of up to this length is read as it is."""
OPERATORS = frozenset("+-*") | {"//", "**"}


def name_repeated(
    steps: Sequence[PlanStep], variables: Collection[str], taken: Collection[str], short: int
) -> list[tuple[str, Node]]:
    """Replaces expressions longer than `short` in the steps' calls by names; returns the names and their
    expressions. These use only these `variables`, so that they have the same value in every place."""
    repeated: list[Node] = []
    while True:
        pieces = [step.piece for step in steps if step.piece is not None]
        if (often := _longest(pieces, variables, short)) is None:
            break
        _replace(steps, often, Var(_mark(len(repeated))))
        repeated.append(often)
    namer, named = Namer(taken), []
    words = [_word(steps, Var(_mark(number))) for number in range(len(repeated))]
    for number, node in enumerate(repeated):
        word = words[number]
        name = namer.take(word if words.count(word) == 1 else f"{word}{words[: number + 1].count(word)}")
        _replace(steps, Var(_mark(number)), Var(name))
        named.append((name, node))
    return named


def _word(steps: Sequence[PlanStep], node: Node) -> str:
    """What a number is: `channels`, or where it is another argument of layers, that argument's name."""
    calls = (part for step in steps if step.piece is not None for part in walk(step.piece))
    names = {
        "size" if name is None or call.function in SIZES else name
        for call in calls
        if isinstance(call, Call) and isinstance(call.function, str)
        for name, argument in call.arguments
        if node in _nodes(argument)
        and not (name == "groups" or (name is None and call.function not in SIZES))
    }
    return names.pop() if len(names) == 1 else "size" if names else "channels"


def _nodes(piece: Piece) -> Iterator[Piece]:
    yield piece
    for argument in piece.arguments if isinstance(piece, Apply) else ():
        yield from _nodes(argument)


def _mark(number: int) -> str:
    """A temporary name, which cannot be a name of a spec."""
    return f"\N{SECTION SIGN}{number}"


def _longest(pieces: Sequence[Piece], known: Collection[str], short: int) -> Node | None:
    """The longest expression that is repeated often; None where none is."""
    counted = Counter(node for piece in pieces for one in walk(piece) for node in _sums(one))
    often = [
        node
        for node, count in counted.items()
        if count >= OFTEN and len(python(node)) > short and set(variables(node)) <= set(known)
    ]
    return max(often, key=lambda node: len(python(node)), default=None)


def _sums(piece: Piece) -> Iterator[Apply]:
    """Every sum, difference, product and quotient of an expression."""
    if isinstance(piece, Apply):
        if piece.operator in OPERATORS and any(variables(piece)) and "multiple(" not in python(piece):
            yield piece
        for argument in piece.arguments:
            yield from _sums(argument)


def _replace(steps: Sequence[PlanStep], old: Node, new: Node) -> None:
    for step in steps:
        if step.piece is not None:
            step.piece = mapped(step.piece, partial(_swapped, old, new))


def _swapped(old: Node, new: Node, node: Node) -> Node:
    if node == old:
        return new
    if isinstance(node, Apply):
        return Apply(node.operator, tuple(_swapped(old, new, argument) for argument in node.arguments))
    return node
