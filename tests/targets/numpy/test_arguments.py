# ruff: noqa: E501
"""Every argument of every layer, with every other argument of that layer: all pairs of values that one valid
layer can have, against torch and against finite differences, in evaluation and in training."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest

from cnnspec.api import SpecError, load
from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from cnnspec.ops import lookup, words
from tests.targets.numpy.support import Beside, check_slopes

MAP = ("6x8x7",)
ANY = ("6x8x7", "12")

SLIDING = {
    "F": ["F1", "F2", "F3", "F3x2"],
    "S": ["", "S2", "S1x3"],
    "P": ["", "P1", "P0x2", "Psame"],
    "D": ["", "D2", "D1x2"],
    "bias": ["", "bias", "nobias"],
    "bias_values": ["", "bias=-1/2", "bias=[1 2 3 4 5 6]"],
    "weight_values": ["", "weight=[1 0; 0 -1]", "weight=3"],
    "frozen": ["", "frozen"],
    "init": ["", "init=he", "init=xavier", "init=normal(0.1)", "init=uniform(0.2)", "init=ones", "init=bilinear"],
}  # fmt: skip
NORM = {"eps": ["", "eps=0.01"], "affine": ["", "affine", "noaffine"], "frozen": ["", "frozen"]}
POOL = {
    "F": ["F2", "F3", "F3x2", ""],
    "S": ["", "S1", "S2", "S3x1"],
    "P": ["", "P1", "P1x0", "Psame"],
    "ceil": ["", "ceil"],
    "size_out": ["", "out=3x4", "out=9x2"],
}

Arguments = dict[str, list[str]]
ARGUMENTS: dict[str, tuple[tuple[str, ...], Arguments]] = {
    "conv": (
        MAP,
        SLIDING
        | {"K": ["K6", "K4"], "G": ["", "G2", "G6"], "connect": ["", "connect=[0 1 2; 5; 3 2; 1; 4; 0 1 2 3 4 5]"]},
    ),
    "dwconv": (MAP, SLIDING | {"K": ["", "K6", "K12"]}),
    "deconv": (MAP, SLIDING | {"K": ["K6", "K4"], "G": ["", "G2", "G6"], "extra": ["", "extra=1", "extra=0x1"]}),
    "maxpool": (MAP, POOL | {"D": ["", "D2", "D1x2"]}),
    "avgpool": (MAP, POOL | {"exclude_pad": ["", "exclude_pad"]}),
    "subsample": (MAP, {"F": ["F1", "F2", "F3x2"], "S": ["", "S1", "S2x3"], "frozen": ["", "frozen"]}),
    "bn": (ANY, NORM | {"momentum": ["", "momentum=0", "momentum=1/3", "momentum=1"]}),
    "in": (MAP, NORM),
    "ln": (ANY, NORM),
    "gn": (ANY, NORM | {"G": ["G1", "G2", "G6"]}),
    "lrn": (
        MAP,
        {
            "size": ["size=1", "size=2", "size=5", "size=20"],
            "alpha": ["", "alpha=0.3", "alpha=0"],
            "beta": ["", "beta=0.5", "beta=1", "beta=2", "beta=0"],
            "k": ["", "k=2", "k=1/2"],
        },
    ),
    "leaky": (ANY, {"slope": ["", "0.2", "0", "1", "2"]}),
    "prelu": (ANY, {"one": ["", "one"], "frozen": ["", "frozen"]}),
    "elu": (ANY, {"alpha": ["", "0.5", "0", "2"]}),
    "tanh": (ANY, {"amp": ["", "amp=1.7159", "amp=-1", "amp=0"], "gain": ["", "gain=2/3", "gain=-2", "gain=0"]}),
    "dropout": (ANY, {"p": ["", "0.2", "0", "1"]}),
    "droppath": (ANY, {"p": ["", "1/3", "0", "1"]}),
    "scale": (ANY, {"start": ["", "init=1e-6", "init=-2", "init=0"], "one": ["", "one"], "frozen": ["", "frozen"]}),
    "times": (ANY, {"factor": ["0.17", "3", "0", "(-1/3)"]}),
    "fc": (
        ("12", "12x1x1"),
        {
            "K": ["3", "1"],
            "frozen": ["", "frozen"],
            "init": SLIDING["init"][:-1],
            "weight_values": ["", "weight=[1 2 3 4 5 6 7 8 9 10 11 12]"],
            "bias": ["", "bias", "nobias"],
            "bias_values": ["", "bias=-1/2", "bias=[1 2 3]"],
        },
    ),
    "rbf": (
        ("3", "3x1x1"),
        {
            "K": ["2", "1"],
            "frozen": ["", "frozen"],
            "init": SLIDING["init"][:-1],
            "weight_values": ["", "weight=[1 0 -1; 0 2 3]"],
        },
    ),
    "upsample": (
        ("like: 5x11x3\ninput map: 6x8x7", "like: 5x8x7\ninput map: 6x8x7", "like: 5x1x2\ninput map: 6x1x1"),
        {
            "factor": ["", "1", "2", "3x1"],
            "size_out": ["", "out=20x9", "out=5x3", "out=1x1"],
            "like": ["", "like=@like"],
            "mode": ["", "nearest", "bilinear"],
        },
    ),
    "pixelshuffle": (("18x3x2",), {"factor": ["1", "3"]}),
    "pixelunshuffle": (("2x6x6",), {"factor": ["1", "2", "3"]}),
    "shuffle": (MAP, {"G": ["G1", "G2", "G3", "G6"]}),
    "pad": (
        MAP,
        {
            "border": ["", "1", "0", "3"],
            "left": ["", "left=0", "left=2"],
            "right": ["", "right=1"],
            "top": ["", "top=0", "top=3"],
            "bottom": ["", "bottom=2"],
            "channels": ["", "channels=2", "channels=2:1"],
            "mode": ["", "zeros", "reflect", "replicate"],
        },
    ),
    "crop": (
        ("like: 5x4x3\ninput map: 6x8x7",),
        {
            "size": ["", "4x5", "1x1", "8x7"],
            "like": ["", "like=@like"],
            "offset": ["", "offset=0x0", "offset=3x1"],
        },
    ),
    "slice": (ANY, {"channels": ["0:1", "2:6", "0:6"]}),
    "reshape": (("6x8x7", "336"), {"shape": ["336", "12x4x7", "6x7x8", "336x1x1"]}),
    "unpool": (
        MAP,
        {
            "like": ["F2", "F3 S2", "F3 S2 P1", "F2 S3", "F3 S2 ceil", "F2 D2", "F3 S2 Psame", "F3x2 S1x2 P1x0", "out=3x4"],
            "maxpool": ["", "-> relu", "-> conv F3 P1 K6"],
        },
    ),
}  # fmt: skip


def spec_of(word: str, given: str, values: tuple[str, ...]) -> str:
    """A network of the layer alone; of a tensor to be like, with that tensor in the loss."""
    layer = " ".join([word, *filter(None, values)])
    if word == "unpool":
        return f"input {given}\np: maxpool {values[0]}\n@p {values[1] or '-> id'} -> unpool like=@p"
    if given.startswith("like:"):
        return f"input {given}\nlarge: @map -> {layer}\noutput @large, @like" if "@" in layer else (
            f"input {given.split()[-1]}\n{layer}"
        )  # fmt: skip
    return f"input {given}\n{layer}"


def valid(word: str, given: str, arguments: Arguments) -> tuple[list[Graph], set[str]]:
    """Layers that together have every pair of values that goes together, and the values that they have. What
    else such a layer has is drawn; where it fits with nothing that is drawn, it is the table's first."""
    chance = Random(0)
    chosen: list[Graph] = []
    seen: set[tuple[tuple[str, str], ...]] = set()
    plain = {name: values[0] for name, values in arguments.items()}
    settings = [(name, value) for name, values in arguments.items() for value in values]
    wanted = [pair for pair in combinations(settings, 2) if pair[0][0] != pair[1][0]]
    if len(arguments) == 1:
        wanted = [(setting,) for setting in settings]
    for pair in wanted:
        for number in range(5):
            if pair in seen:
                break
            drawn = (
                {name: chance.choice(values) for name, values in arguments.items()} if number < 4 else plain
            )
            values = {**drawn, **dict(pair)}
            try:
                chosen.append(load(text=spec_of(word, given, tuple(values.values()))))
            except SpecError:
                continue
            found = [(name, values[name]) for name in arguments]
            seen |= {*combinations(found, 2), *combinations(found, 1)}
    return chosen, {f"{name} {value}" for pair in seen for name, value in pair}


@pytest.mark.parametrize(("word", "given"), [(word, one) for word in ARGUMENTS for one in ARGUMENTS[word][0]])
def test_pairs_of_arguments(word: str, given: str) -> None:
    graphs, _ = valid(word, given, ARGUMENTS[word][1])
    assert graphs
    for graph in graphs:
        beside = Beside(graph, batch=3)
        for training in (False, True):
            for name, error in beside.differences(training).items():
                assert error < 1e-10, (graph.root, name, error, training)
        if not places_meet(graph):
            check_slopes(graph, places=2)


def places_meet(graph: Graph) -> bool:
    """Whether two numbers of an unpool may be put at one place, where one of them is lost: like torch, the
    program gives both of them the gradient of the place."""
    pool = getattr([*flat(graph)][-1].op, "maxpool", None)
    if pool is not None and pool.size_out is not None:
        return True
    return pool is not None and any(
        s < d * (f - 1) + 1 for f, s, d in zip(pool.size, pool.stride, pool.D, strict=True)
    )


@pytest.mark.parametrize("word", ARGUMENTS)
def test_every_value_of_the_table_is_reached(word: str) -> None:
    givens, arguments = ARGUMENTS[word]
    reached = set.union(*(valid(word, given, arguments)[1] for given in givens))
    assert reached == {f"{name} {value}" for name, values in arguments.items() for value in values}


def test_the_table_has_every_argument_of_every_layer() -> None:
    fields = {}
    for word in words():
        op = lookup(word)
        assert op is not None
        fields[word] = set(op.model_fields)
    assert {word: set(arguments) for word, (_, arguments) in ARGUMENTS.items()} == {
        word: names for word, names in fields.items() if names
    }
