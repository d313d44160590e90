"""Variants, `--set` and the model's name."""

from __future__ import annotations

import pytest

from tests.support import check_text, findings

IN = "input 3x8x8\n"


VARIANTS = "let k = 4\nlet width = 1\nvariant Base: k = 5\nvariant Large: k = 6, expect params 24\n"


def test_a_variant_that_is_not_there() -> None:
    def code_and_help(text: str, variant: str) -> tuple[str, str]:
        (found,) = findings(text + IN + "conv F1 K=k*width\n", variant=variant)
        return found.code, found.help

    assert code_and_help(VARIANTS, "Larg") == ("E210", "did you mean `Large`?")
    assert code_and_help(VARIANTS, "X9") == ("E210", "its variants: Base, Large")
    assert code_and_help("let k = 1\nlet width = 2\n", "X9") == ("E210", "its variants: none")


def test_settings_that_are_none() -> None:
    def code_and_help(**settings: str) -> list[tuple[str, str, str]]:
        found = findings(VARIANTS + IN + "conv F1 K=k*width\n", variant="Base", settings=settings)
        return [(f.code, f.message, f.help) for f in found if f.code[0] == "E"]

    assert code_and_help(k="7", width="2") == []
    assert [row[0] for row in code_and_help(wdth="2")] == ["E210"]
    assert code_and_help(wdth="2")[0][2] == "did you mean `width`?"
    assert code_and_help(zzz="2")[0][2] == "its knobs: k, width"
    assert [row[0] for row in code_and_help(zzz="3 +")] == ["E210"]
    assert code_and_help(k="3 +")[0][1:] == ("--set k=3 +: this is not an expression", "--set k=3/4")
    assert code_and_help(k="1//0")[0][1].startswith("--set k=1//0: division by zero")
    assert code_and_help(k="1//0")[0][2] == "the right side must not be 0"
    text = VARIANTS + IN + "conv F1 K=k*width\n"
    for wrong in ({"zzz": "1"}, {"width": "3 +"}, {"width": "1//0"}):  # the others hold all the same
        graph = check_text(text, variant="Base", settings={**wrong, "k": "7"})[0].graph
        assert graph is not None
        assert graph.knobs["k"] == "7"


def test_a_variants_claims_and_name() -> None:
    base, large = check_text(VARIANTS + IN + "conv F1 K=k*width\n")
    assert base.graph is not None
    assert large.graph is not None
    assert [graph.name for graph in (base.graph, large.graph)] == ["Base", "Large"]
    assert [graph.variant for graph in (base.graph, large.graph)] == ["Base", "Large"]
    assert [[claim.text for claim in graph.claims] for graph in (base.graph, large.graph)] == [
        [],
        ["params 24"],
    ]


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("my-net.cnn", "my_net"),
        ("specs/some.thing.cnn", "some"),
        ("C:\\nets\\alex.cnn", "alex"),
        ("a/b/c/d.cnn", "d"),
        ("3d_2net.cnn", "d_2net"),
        ("2012.cnn", "Network"),
        ("", "Network"),
    ],
)
def test_a_model_without_a_name_has_its_files(name: str, called: str) -> None:
    graph = check_text(IN + "relu\n", name=name)[0].graph
    assert graph is not None
    assert graph.name == called
