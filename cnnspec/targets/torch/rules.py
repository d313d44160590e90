"""`init_weights`: one rule for each kind of layer, and a rule of its own for each layer that starts
otherwise.

A plan's calls contain how each layer starts (`he(nn.Conv2d(…))`). The start of most layers of a kind becomes
the rule for that kind in `init_weights`; the other layers keep theirs as `starting(nn.Conv2d(…), he)`. A rule
is torch's own call on the weight where no other layer needs a function for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from cnnspec.lower.call import Call
from cnnspec.lower.symbolic import Const
from cnnspec.lower.writer import Group, Writer, call
from cnnspec.targets.torch.library import pieces
from cnnspec.targets.torch.pieces import Piece, code, parts, with_parts
from cnnspec.targets.torch.plan import ClassPlan, Plan
from cnnspec.targets.torch.starts import NORMALISED, SCHEMES

Start: TypeAlias = "tuple[str, tuple[tuple[str | None, Piece], ...]]"
"""A function of the library, and its arguments except the layer."""


class Rule(NamedTuple):
    """How most layers of a kind start, and whether their biases exist: for some (both), all or none of
    them."""

    start: Start
    biases: frozenset[bool]


Rules: TypeAlias = Mapping[str, Rule]
_SIMPLE = re.compile(r"nn\.(Conv|ConvTranspose)[123]d|nn\.Linear")
_STARTED = re.compile(
    r"nn\.(Conv|ConvTranspose|BatchNorm|InstanceNorm)[123]d|nn\.(Linear|LayerNorm|GroupNorm|RMSNorm)"
    "|(Sparse|Local)Conv[123]d|Rbf"
)
DOC = "Initialises all weights and buffers; call it again after `to_empty()`."


class Layer(NamedTuple):
    """A layer's own call, how it starts (None: torch's default), and the literals for its weights."""

    call: Call
    start: Start | None
    explicit: Start | None


def settle(plans: Iterable[Plan], class_plans: Iterable[ClassPlan], shared: dict[str, Call]) -> Rules:
    """The rules of a whole program; removes the starts that they cover from its calls."""
    steps = {id(step): step for plan in plans for step in plan.steps if step.piece is not None}.values()
    defaults = [
        parameter for plan in class_plans for parameter in plan.parameters if parameter.default is not None
    ]
    pieces_of_steps = [step.piece for step in steps], [one.default for one in defaults], list(shared.values())
    known = _usual([piece for pieces in pieces_of_steps for piece in pieces if piece is not None])
    for step in steps:
        step.piece = by_rules(step.piece, known) if step.piece is not None else None
    for default in defaults:
        default.default = by_rules(default.default, known) if default.default is not None else None
    for name, made_once in shared.items():
        settled = by_rules(made_once, known)
        assert isinstance(settled, Call)
        shared[name] = settled
    return known


def _usual(all_pieces: Iterable[Piece]) -> Rules:
    """The most frequent start for each kind of layer, where it is not torch's default."""
    counts: dict[str, Counter[Start | None]] = {}
    biases: dict[str, set[bool]] = {}
    for piece in all_pieces:
        for layer in _layers(piece):
            name, bias = kind(str(layer.call.function)), dict(layer.call.arguments).get("bias", Const(True))
            counts.setdefault(name, Counter())[layer.start] += 1
            biases.setdefault(name, set()).update((bias.value,) if isinstance(bias, Const) else (False, True))
    usual = {name: max(count, key=lambda start: count[start]) for name, count in sorted(counts.items())}
    return {
        name: Rule(start, frozenset(biases[name]))
        for name, start in usual.items()
        if start is not None and _plain(start)
    }


def by_rules(piece: Piece, known: Rules) -> Piece:
    """The piece without the starts that a rule covers."""
    layer = _layer(piece)
    if layer is None:
        return with_parts(piece, lambda part: by_rules(part, known))
    assert isinstance(piece, Call)
    inner = with_parts(layer.call, lambda part: by_rules(part, known))
    assert isinstance(inner, Call)
    rule, start = known.get(kind(str(inner.function))), layer.start
    if rule is not None:
        start = None if start == rule.start else start or (f"{inner.function}.reset_parameters", ())
    starts = [one for one in (start, layer.explicit) if one is not None]
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
    """The layer that a piece makes, if it makes one, with the start that is written around it."""
    start = explicit = None
    while isinstance(piece, Call) and piece.function in SCHEMES | {"literal"}:
        around = str(piece.function), piece.arguments[1:]
        start, explicit = (start, around) if piece.function == "literal" else (around, explicit)
        piece = piece.arguments[0][1]
    if isinstance(piece, Call) and isinstance(piece.function, str) and _weighted(piece.function):
        return Layer(piece, start, explicit)
    return None


def _weighted(function: str) -> bool:
    """Whether a class of this name, or a base of it, has weights that `init=` can start."""
    return _STARTED.fullmatch(kind(function)) is not None


def kind(function: str) -> str:
    """The class of torch that a class is or derives from; else the class itself."""
    if function.startswith("nn.") or function not in pieces():
        return function
    bases = re.match(r"class \w+\(([^)]*)\)", pieces()[function].text)
    names = bases[1].split(", ") if bases else []
    return next((kind(base) for base in reversed(names) if base != "nn.Module"), function)


def _plain(start: Start) -> bool:
    return all(isinstance(value, Const | str | int | float) for _, value in start[1])


def put(writer: Writer, known: Rules, body: str) -> None:
    """Writes the method; `body` is the rest of the program's own text."""
    with writer.block("def init_weights(self) -> None:"):
        writer.doc(DOC)
        with writer.block("for module in self.modules():"):
            layer = "module"
            if any(f"{name}(" in body for name in NORMALISED):
                layer = "layer"
                writer.line("layer = plain(module)")
            norms = {name: rule for name, rule in known.items() if "Norm" in name}
            _branches(writer, {name: rule for name, rule in known.items() if name not in norms}, layer, body)
            word = "elif" if len(known) > len(norms) else "if"
            with writer.block(f'{word} reset := getattr({layer}, "reset_parameters", None):'):
                writer.line("reset()")
            _branches(writer, norms, layer, body)  # after their running statistics
            if "starting(" in body:
                with writer.block(f'for start in getattr({layer}, "starts", ()):'):
                    writer.line(f"start({layer})")
            if layer != "module":
                with writer.block("if layer is not module:"):
                    writer.line("renormalise(module)")


def _branches(writer: Writer, known: Rules, layer: str, body: str) -> None:
    kinds: dict[Start, list[str]] = {}
    for name, rule in known.items():
        kinds.setdefault(rule.start, []).append(name)
    for number, (start, names) in enumerate(kinds.items()):
        test = names[0] if len(names) == 1 else f"({', '.join(names)})"
        with writer.block(f"{'elif' if number else 'if'} isinstance({layer}, {test}):"):
            simple = all(map(_SIMPLE.fullmatch, names)) and not re.search(rf", {start[0]}\b", body)
            own = _own_call(start, f"{layer}.weight") if simple else None
            if own is None:
                writer.put("", code(Call(start[0], ((None, layer), *start[1]))))
                continue
            writer.put("", own)
            biases = frozenset[bool]().union(*(known[name].biases for name in names))
            if biases == {True} and names == ["nn.Linear"]:  # a convolution's bias may be None
                writer.line(f"nn.init.zeros_({layer}.bias)")
            elif biases != {False}:
                with writer.block(f"if {layer}.bias is not None:"):
                    writer.line(f"nn.init.zeros_({layer}.bias)")


def _own_call(start: Start, weight: str) -> Group | None:
    """torch's own call for a start, where it has one."""
    function, arguments = start
    named = {name: one.value if isinstance(one, Const) else one for name, one in arguments}
    match function, named:
        case "he", _:
            mode = '"fan_out"' if named else '"fan_in"'
            how = {"mode": mode, "nonlinearity": '"relu"'}
            return call("nn.init.kaiming_normal_", weight, **how, defaults={"mode": '"fan_in"'})
        case "xavier", _:
            return call("nn.init.xavier_uniform_", weight)
        case "normal", {"std": std}:
            return call("nn.init.normal_", weight, mean=named.get("mean", 0), std=std, defaults={"mean": 0})
        case "truncated", {"std": float() | int() as std}:
            return call("nn.init.trunc_normal_", weight, std=std, a=-2 * std, b=2 * std)
        case "uniform", {"bound": float() | int() as bound}:
            return call("nn.init.uniform_", weight, -bound, bound)
        case "constant", {"value": 0 | 1 as value}:
            return call("nn.init.ones_" if value else "nn.init.zeros_", weight)
        case "constant", {"value": value}:
            return call("nn.init.constant_", weight, value)
    return None
