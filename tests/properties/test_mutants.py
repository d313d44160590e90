"""One argument of one layer changed: refused exactly where torch refuses, but for a list with a reason each.

A network grown from the layers' declarations, or a layer's own example, gets one argument that may fit or not
(`mutants.py`). What `check` says of it is held against torch, which runs the same text by itself
(`by_torch.py`): both take it and agree on the shapes, or both refuse it, at the same step. What else there is
has a name here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.diagnostics import Diagnostic, Severity, Sink, Source
from cnnspec.elaborate import Request, elaborate
from cnnspec.ir.graph import Graph
from cnnspec.language import parse, tree
from cnnspec.ops import lookup, words
from cnnspec.ops.base import arguments_of
from cnnspec.ops.norm import Normalisation
from tests.properties.conftest import LONG
from tests.properties.grower import IMAGES, grown
from tests.properties.mutants import mutant
from tests.support import sampled

torch = pytest.importorskip("torch", reason="torch is not installed: refusals have no second witness")

from tests.properties.by_torch import Done, Ran, Refused, by_torch  # noqa: E402


def may_take_anything(word: str) -> bool:
    """A layer of numbers and flags only: any value may do."""
    op = lookup(word)
    assert op is not None
    return all(argument.kind in ("number", "flag") for _, argument in arguments_of(op))


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@dataclass(frozen=True)
class Stricter:
    """Where we refuse on purpose what torch takes: the findings, what must hold of the step, and a spec."""

    codes: str
    why: str
    example: str
    holds: Callable[[Any, Done], object]


def _starts_badly(op: Any) -> bool:
    start = getattr(op, "init", None)
    if start is None:
        return False
    without_fan = isinstance(op, Normalisation) and start.scheme in ("he", "xavier")
    return start.value == 0 or start.scheme == "bilinear" or without_fan


def _dilates_one_tap_by_0(op: Any) -> bool:
    return 0 in op.D and all(d > 0 or (d, f) == (0, 1) for d, f in zip(op.D, op.F, strict=True))


STRICTER = (
    Stricter(
        "E205",
        "eps ≤ 0 divides by nothing, and gamma ≤ 0 turns a filter round",
        "bn eps=0",
        lambda op, _: min(getattr(op, name, 1) for name in ("eps", "weight_eps", "gamma")) <= 0,
    ),
    Stricter(
        "E205",
        "a share is between 0 and 1",
        "bn momentum=2",
        lambda op, _: not 0 <= getattr(op, "momentum", 0) <= 1,
    ),
    Stricter(
        "E205",
        "weights all equal, or of another layer",
        "conv F1 K2 init=normal(0)",
        lambda op, _: _starts_badly(op),
    ),
    Stricter(
        "E205",
        "below 0 torch pads by cropping, counts channels from the last, works a size out",
        "pad left=(-1)",
        lambda op, _: op.word in ("pad", "slice", "reshape"),
    ),
    Stricter(
        "E205",
        "a transposed filter of one tap is never dilated, by 0 neither",
        "deconv F1 K2 D0",
        lambda op, _: op.word == "deconv" and _dilates_one_tap_by_0(op),
    ),
    Stricter(
        "E205",
        "Psame works `extra=` out; torch is not asked for what is written",
        "deconv F3 S2 K2 Psame extra=(-1)",
        lambda op, _: op.word == "deconv" and op.P == "same" and min(op.extra) < 0,
    ),
    Stricter(
        "E205",
        "below 0 torch counts rows and columns from the last",
        "crop 1x1 offset=(-1)",
        lambda op, _: op.word == "crop" and op.offset is not None and min(op.offset) < 0,
    ),
    Stricter("E205 E301 E307", "a tensor of no numbers", "fc 0", lambda _, done: 0 in done.out),
    Stricter(
        "E215",
        "torch copies a row, a column or a number into a whole plane",
        "conv F3 K2 weight=[1]",
        lambda op, _: op.weight_values or op.bias_values,
    ),
    Stricter(
        "E204",
        "two words that exclude each other; torch is asked for one of them",
        "conv F1 K2 nobias bias=1",
        lambda *_: True,
    ),
    Stricter(
        "E302",
        "nn.Linear takes any tensor whose last axis fits",
        "fc 10",
        lambda op, done: op.word in ("fc", "rbf") and len(done.shapes[0]) == 3,
    ),
    Stricter(
        "E303",
        "of a vector torch takes the batch for a channel, or the vector for one image's maps",
        "flatten -> cmean",
        lambda _, done: len(done.shapes[0]) == 1 or len(done.shapes[-1]) == 1,
    ),
    Stricter(
        "E304",
        "torch stretches an axis of 1 over any other",
        "add [ id | cmean ]",
        lambda op, done: op is None and _stretched(done),
    ),
    Stricter(
        "E306",
        "a maximum of nothing: torch gives −∞ where a window's taps step over the map",
        "gap -> maxpool F2 P1 D2",
        lambda op, done: op.word == "maxpool" and min(done.shapes[0][1:]) < max(op.D),
    ),
)
"""What is refused and is not here, torch refuses too."""


def _stretched(done: Done) -> bool:
    return len(set(done.shapes)) > 1


def checked(text: str) -> tuple[Graph | None, list[Diagnostic]]:
    """What `check` says; claims are about the network as it was."""
    source, sink = Source("mutant.cnn", text), Sink()
    file = parse(source, sink)
    graph = elaborate(Request(file, source), sink)
    unused = [
        block.span
        for block in file.statements
        if isinstance(block, tree.Block) and text.count(f"{block.name}(") == 1  # torch is never asked for it
    ]
    return graph, [
        one
        for one in sink
        if one.severity is Severity.ERROR
        and one.code != "E501"
        and not any(span.start <= one.span.start < span.end for span in unused)
    ]


def agree(text: str) -> bool:
    """Holds what we say of a text against what torch does with it; gives whether it is a network."""
    graph, errors = checked(text)
    torchs = tried(text, "meta")
    if not errors:
        assert isinstance(torchs, Ran), f"torch refuses it: {torchs}\n{text}"
        assert graph is not None
        assert torchs.outputs == [graph.root.values[value] for value in graph.root.outputs], text
        return True
    if not explained(errors, torchs):
        # the meta device takes an F of 0, a padding of −1, `extra=` beyond the stride; its kernels do not
        if _is_small(torchs):
            torchs = tried(text, "cpu")
        assert explained(errors, torchs), f"{errors[0].code} {errors[0].message}\ntorch: {torchs}\n{text}"
    return False


def explained(errors: list[Diagnostic], torchs: Ran | Refused) -> bool:
    """Whether torch refuses the step that we refuse, or the reason for which it does not has a name."""
    at = isinstance(torchs, Refused) and any(
        one.span.start <= torchs.step.span.end and torchs.step.span.start <= one.span.end for one in errors
    )
    return at or named(errors[0], torchs.steps) is not None


def tried(text: str, device: str) -> Ran | Refused:
    try:
        return by_torch(text, device)
    except Refused as refused:
        return refused


def named(found: Diagnostic, steps: list[Done]) -> Stricter | None:
    """The reason for which we are stricter here."""
    around = [
        done
        for done in steps
        if done.step.span.start <= found.span.start
        and found.span.end <= done.step.span.end
        and (done.op is None) == (found.code == "E304")
        and not (found.code == "E304" and done.step.span == found.span)  # a branch that is a merge itself
    ]
    length = min((done.step.span.end - done.step.span.start for done in around), default=0)
    innermost = [done for done in around if done.step.span.end - done.step.span.start == length]
    return next(  # in a repeat a step is done several times, and one of them is meant
        (
            one
            for one in STRICTER
            for done in innermost
            if found.code in one.codes and one.holds(done.op, done)
        ),
        None,
    )


def _is_small(ran: Ran | Refused) -> bool:
    """Whether it runs in no time: no tensor, and no weight, of very many numbers."""
    read = [done.shapes[0][0] if len(done.out) == 3 else prod(done.shapes[0]) for done in ran.steps]
    return all(
        prod(done.out) < 6 * 10**7 and (not hasattr(done.op, "K") or count * done.out[0] < 10**7)
        for done, count in zip(ran.steps, read, strict=True)
    )


@given(st.integers(0, 2**32))
def test_property_a_mutant_is_refused_where_torch_refuses(seed: int) -> None:
    chance = random.Random(seed)
    text = grown(seed, 4, IMAGES)
    for _ in range(5):
        changed = mutant(text, chance)
        if changed is not None:
            agree(changed)


@pytest.mark.parametrize("word", sampled(words(), 2))
def test_every_layers_mutants(word: str) -> None:
    """The layer's own example, with an argument of that layer changed."""
    op = lookup(word)
    assert op is not None
    chance = random.Random(word)
    fits = {True: 0, False: 0}
    for _ in range(1000 if LONG else 100):
        changed = mutant(op.example, chance, word)
        if changed is not None and chance.random() < 0.3:
            changed = mutant(changed, chance, word)
        if changed is None:
            assert op.merges or all(one.kind == "tensor" for _, one in arguments_of(op))
            return
        fits[agree(changed)] += 1
    assert not LONG or (fits[True] and fits[False]) or may_take_anything(word), fits


@pytest.mark.parametrize("one", STRICTER, ids=lambda one: one.example)
def test_where_we_are_stricter_torch_does_take_it(one: Stricter) -> None:
    """A name that is not needed any more is a hole in the property."""
    text = f"input 8x4x8\n{'flatten -> ' if one.example == 'fc 0' else ''}{one.example}\n"
    _, errors = checked(text)
    ran = by_torch(text, "meta")
    assert errors
    assert named(errors[0], ran.steps) is one
