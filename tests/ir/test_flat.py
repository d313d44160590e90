"""The flat view: names as the language says, weights on the first row of a shared block, nothing before it is
asked for.
"""

from __future__ import annotations

from itertools import islice

from cnnspec.ir.flat import flat, flat_outputs
from tests.analyses.specs import graph, of_zoo


def paths(text: str) -> list[str]:
    return [entry.path for entry in flat(graph(text))]


def test_names_of_the_tour() -> None:
    resnet = [entry.path for entry in flat(of_zoo("resnet", "ResNet50"))]
    assert "body.stage2.0.conv3" in resnet
    vgg = "input 3x8x8\n[conv F3 P1 K8 -> relu]*2 -> maxpool F2\n[conv F3 P1 K8 -> relu]*2\n"
    assert paths(vgg)[0] == "group1.0.conv"


def test_empty_names_add_no_level() -> None:
    assert paths("input 8x4x4\n[conv F1 K8]*3\na: conv F1 K8 -> relu\n") == [
        "group.0",
        "group.1",
        "group.2",
        "a.conv",
        "a.relu",
    ]


def test_paths_and_keys_are_unique() -> None:
    for name, variant in (("densenet", "DenseNet121"), ("googlenet", "GoogLeNet"), ("siamese", None)):
        entries = list(flat(of_zoo(name, variant)))
        keys = [key for entry in entries for key, _ in entry.weights]
        assert len({entry.path for entry in entries}) == len(entries)
        assert len(set(keys)) == len(keys)


def test_values_chain() -> None:
    network = graph("input 8x4x4\na: conv F1 K8\n[add [ relu | @a ]]*2\n")
    entries = list(flat(network))
    assert [(entry.inputs, entry.output) for entry in entries] == [
        ((0,), 1),
        ((1,), 2),
        ((2, 1), 3),
        ((3,), 4),
        ((4, 1), 5),
    ]
    assert flat_outputs(network) == (5,)


def test_a_use_of_a_shared_block_inside_another() -> None:
    text = "shared g() { fc 8 }\nshared f() { fc 8 -> g() }\ninput 8\nf() -> g() -> f()\n"
    entries = list(flat(graph(text)))
    assert [[key for key, _ in entry.weights] for entry in entries] == [
        ["f.fc.weight", "f.fc.bias"],
        ["g.weight", "g.bias"],
        [],
        [],
        [],
    ]
    assert [entry.attribute for entry in entries] == ["f.fc", "g", "g", "f.fc", "g"]


def test_a_holes_row_is_there() -> None:
    from tests.analyses.specs import elaborated

    made, _ = elaborated("input 1x8x8\nconv F3 K4 -> blub -> relu\n")
    entries = list(flat(made))
    assert [entry.op is None for entry in entries] == [False, True, False]
    assert [entry.out for entry in entries] == [(4, 6, 6), None, None]


def test_only_what_is_asked_for_is_made() -> None:
    network = graph("input 8\n[[[fc 8]*100]*100]*19\n")
    assert [entry.path for entry in islice(flat(network), 101)][-1] == "group.0.1.0"
