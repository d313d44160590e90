"""`init_weights`: one rule for each kind of layer, and the layers that start otherwise.

A plan's calls say of each layer how it starts (`he(nn.Conv2d(…))`). What most layers of a kind say is its
rule, which `init_weights` has for all of them; the others keep theirs as `starting(nn.Conv2d(…), he)`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from cnnspec.lower.call import Call
from cnnspec.lower.symbolic import Const
from cnnspec.lower.writer import Writer
from cnnspec.targets.torch.library import pieces
from cnnspec.targets.torch.pieces import Piece, code, parts, with_parts
from cnnspec.targets.torch.plan import ClassPlan, Plan
from cnnspec.targets.torch.starts import NORMALISED, SCHEMES

Start: TypeAlias = "tuple[str, tuple[tuple[str | None, Piece], ...]]"
"""A function of the library, and its arguments but for the layer."""
Rules: TypeAlias = "Mapping[str, Start]"
_STARTED = re.compile(
    r"nn\.(Conv|ConvTranspose|BatchNorm|InstanceNorm)[123]d|nn\.(Linear|LayerNorm|GroupNorm|RMSNorm)"
    "|(Sparse|Local)Conv[123]d|Rbf"
)
DOC = "Starts every weight and running statistic anew; after `to_empty()`, too."


class Layer(NamedTuple):
    """A layer's own call, how it starts (None: as torch has it), and the literals that it is given."""

    call: Call
    start: Start | None
    given: Start | None


def settle(plans: Iterable[Plan], made: Iterable[ClassPlan], shared: dict[str, Call]) -> Rules:
    """The rules of a whole program, whose calls lose the starts that these say."""
    steps = {id(step): step for plan in plans for step in plan.steps if step.piece is not None}.values()
    defaults = [one for plan in made for one in plan.parameters if one.default is not None]
    found = [step.piece for step in steps], [one.default for one in defaults], list(shared.values())
    known = _usual([piece for pieces in found for piece in pieces if piece is not None])
    for step in steps:
        step.piece = by_rules(step.piece, known) if step.piece is not None else None
    for one in defaults:
        one.default = by_rules(one.default, known) if one.default is not None else None
    for name, call in shared.items():
        settled = by_rules(call, known)
        assert isinstance(settled, Call)
        shared[name] = settled
    return known


def _usual(found: Iterable[Piece]) -> Rules:
    """What most layers of a kind say, by the kind, where that is not torch's own start."""
    counts: dict[str, Counter[Start | None]] = {}
    for piece in found:
        for layer in _layers(piece):
            counts.setdefault(kind(str(layer.call.function)), Counter())[layer.start] += 1
    usual = {name: max(count, key=lambda start: count[start]) for name, count in sorted(counts.items())}
    return {name: start for name, start in usual.items() if start is not None and _plain(start)}


def by_rules(piece: Piece, known: Rules) -> Piece:
    """The piece with the starts that a rule says left out."""
    layer = _layer(piece)
    if layer is None:
        return with_parts(piece, lambda part: by_rules(part, known))
    assert isinstance(piece, Call)
    inner = with_parts(layer.call, lambda part: by_rules(part, known))
    assert isinstance(inner, Call)
    rule, start = known.get(kind(str(inner.function))), layer.start
    if start is None and rule is not None:
        start = f"{inner.function}.reset_parameters", ()
    starts = [one for one in (start if start != rule else None, layer.given) if one is not None]
    inner = replace(inner, suffix="" if starts else piece.suffix)
    for number, (function, arguments) in enumerate(starts, 1):
        suffix = piece.suffix if number == len(starts) else ""
        inner = Call("starting", ((None, inner), (None, function), *arguments), suffix)
    return inner


def _layers(piece: Piece) -> Iterable[Layer]:
    layer = _layer(piece)
    if layer is not None:
        yield layer
    else:
        for part in parts(piece):
            yield from _layers(part)


def _layer(piece: Piece) -> Layer | None:
    """The layer that a piece makes, if it makes one: what says how it starts stands around it."""
    start = given = None
    while isinstance(piece, Call) and piece.function in SCHEMES | {"given"}:
        around = str(piece.function), piece.arguments[1:]
        start, given = (start, around) if piece.function == "given" else (around, given)
        piece = piece.arguments[0][1]
    if isinstance(piece, Call) and isinstance(piece.function, str) and _weighted(piece.function):
        return Layer(piece, start, given)
    return None


def _weighted(function: str) -> bool:
    """Whether a class of this name, or a base of it, is one of those that `init=` is for."""
    return _STARTED.fullmatch(kind(function)) is not None


def kind(function: str) -> str:
    """torch's class that a class is or derives from; else itself."""
    if function.startswith("nn.") or function not in pieces():
        return function
    bases = re.match(r"class \w+\(([^)]*)\)", pieces()[function].text)
    names = bases[1].split(", ") if bases else []
    return next((kind(base) for base in reversed(names) if base != "nn.Module"), function)


def _plain(start: Start) -> bool:
    return all(isinstance(value, Const | str | int | float) for _, value in start[1])


def put(writer: Writer, known: Rules, body: str) -> None:
    """The method; `body` is the rest of the program's own text."""
    with writer.block("def init_weights(self) -> None:"):
        writer.doc(DOC)
        with writer.block("for module in self.modules():"):
            layer = "module"
            if any(f"{name}(" in body for name in NORMALISED):
                layer = "layer"
                writer.line("layer = plain(module)")
            writer.line(f'reset = getattr({layer}, "reset_parameters", None)')
            norms = {name: start for name, start in known.items() if "Norm" in name}
            _branches(writer, {name: start for name, start in known.items() if name not in norms}, layer)
            with writer.block(f"{'elif' if len(known) > len(norms) else 'if'} reset is not None:"):
                writer.line("reset()")
            _branches(writer, norms, layer)  # after their running statistics
            if "starting(" in body:
                with writer.block(f'for start in getattr({layer}, "starts", ()):'):
                    writer.line(f"start({layer})")
            if layer != "module":
                with writer.block("if layer is not module:"):
                    writer.line("renormalise(module)")


def _branches(writer: Writer, known: Rules, layer: str) -> None:
    kinds: dict[Start, list[str]] = {}
    for name, start in known.items():
        kinds.setdefault(start, []).append(name)
    for number, ((function, arguments), names) in enumerate(kinds.items()):
        asked = names[0] if len(names) == 1 else f"({', '.join(names)})"
        with writer.block(f"{'elif' if number else 'if'} isinstance({layer}, {asked}):"):
            writer.put("", code(Call(function, ((None, layer), *arguments))))
