"""What the author wrote once is written once: no two classes or functions of a program have equal bodies, and
a block is one, however it is used. Over the zoo, networks of other authors, and specs in many hands."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from cnnspec.ir.graph import Graph
from cnnspec.pipeline import TARGETS, program
from tests.analyses.specs import graph, of_zoo, zoo
from tests.ir.idioms import IDIOMS
from tests.ir.test_templates import same_programs
from tests.lower.bodies import alike, kinds, uses_of_a_block
from tests.lower.test_as_written import TEXTS
from tests.support import sampled
from tests.targets.numpy.support import compare

HERE = Path(__file__).parent
STRANGERS = {path.stem: path.read_text("utf-8") for path in sorted((HERE / "strangers").glob("*.cnn"))}
NETWORKS = {path.stem: path for path in sorted((HERE.parent / "people" / "networks").glob("*.cnn"))}
FIRST = dict(reversed(zoo()))
"""Of each spec of the zoo, its first variant."""


def test_there_are_as_many_as_it_says() -> None:
    assert len(zoo()) >= 168
    assert len(NETWORKS) == 32
    assert len({*STRANGERS, *IDIOMS, *TEXTS}) >= 40


OTHERS = [pytest.param(*one, marks=pytest.mark.heavy) for one in zoo() if one not in FIRST.items()]


def one_class(network: Graph) -> None:
    for target in TARGETS:
        text = program(network, target)
        assert isinstance(text, str), text
        written = uses_of_a_block(text, network)
        of = {name: block for block, names in written.items() for name in names}
        for names in alike(text):
            named = [of.get(name.removesuffix("_backward")) for name in names]
            assert None not in named, (target, names)
            assert len(set(named)) == len(named), (target, names)
        most = kinds(network)
        for block, classes in written.items():
            assert len(classes) <= most.get(block, 0), (target, block, classes)


@pytest.mark.parametrize(("name", "variant"), [*sampled(FIRST.items(), 2, turn=1), *OTHERS])
def test_the_zoo(name: str, variant: str | None) -> None:
    network = of_zoo(name, variant)
    one_class(network)
    if FIRST[name] != variant:  # the first ones: tests/ir/test_templates.py
        same_programs(network)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_other_authors(name: str) -> None:
    network = graph(NETWORKS[name].read_text("utf-8"))
    one_class(network)
    same_programs(network)


@pytest.mark.parametrize("name", {**STRANGERS, **IDIOMS})
def test_many_hands(name: str) -> None:
    network = graph({**STRANGERS, **IDIOMS}[name])
    one_class(network)
    if name in STRANGERS:
        same_programs(network)


@pytest.mark.parametrize("name", TEXTS)
def test_as_written(name: str) -> None:
    network = graph(TEXTS[name][0])
    one_class(network)
    same_programs(network)


@pytest.mark.parametrize("name", sampled(STRANGERS, 6))
def test_both_programs_compute_the_network(name: str) -> None:
    for training in (False, True):
        assert max(compare(graph(STRANGERS[name]), training).values()) < 1e-8


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rank", "Unit1d Squeeze1d Tower1d Unit2d Squeeze2d Tower2d Unit3d Squeeze3d Tower3d Ranks"),
        ("octave", "First OctPart OctHl OctLh OctAdd Oct Octave"),
    ],
)
def test_classes_are_named_after_what_they_are(name: str, expected: str) -> None:
    """A block for each number of axes as torch's own layers; parts that are one after their merge."""
    text = str(program(graph(STRANGERS[name]), "torch"))
    assert [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)] == expected.split()
