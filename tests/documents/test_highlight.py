"""The lexer for Pygments."""

from __future__ import annotations

from pathlib import Path

import pytest
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation, String, Token

from cnnspec import ops, resources
from cnnspec.documents.highlight import CnnLexer
from cnnspec.documents.words import word_lists
from cnnspec.language.tables import load

SPEC = """model LeNet5 "title"
input 1x32x32
C1: conv F5S1P2 K=2*k nobias => 6@28x28, params 156  # why
S2: avgpool F2
up(@C1, max(2, 64)) -> [relu]*3
expect params ~61.7k, memory <= 16MB
"""


def tokens(text: str) -> list[tuple[object, str]]:
    return [(kind, part) for kind, part in CnnLexer().get_tokens(text) if part.strip()]


def test_what_things_are() -> None:
    found = tokens(SPEC)
    for expected in (
        (Keyword.Declaration, "model"), (Name.Class, "LeNet5"), (String, '"title"'), (Keyword, "input"),
        (Name.Label, "C1"), (Name.Builtin, "conv"), (Name.Attribute, "F"), (Number, "5"),
        (Name.Attribute, "nobias"), (Operator, "=>"), (Name.Property, "params"), (Number, "156"),
        (Comment.Single, "# why"), (Name.Function, "up"), (Name.Variable, "@C1"),
        (Name.Function.Magic, "max"), (Name.Builtin, "relu"), (Number, "~61.7k"), (Number, "16MB"),
        (Keyword, "expect"), (Name.Label, "S2"), (Punctuation, ","),
    ):  # fmt: skip
        assert expected in found


@pytest.mark.parametrize("name", sorted(resources.zoo()))
def test_the_zoo_is_coloured_and_unchanged(name: str) -> None:
    text = Path(resources.zoo()[name]).read_text("utf-8")
    found = list(CnnLexer(stripnl=False, ensurenl=False).get_tokens(text))
    assert "".join(part for _, part in found) == text
    assert [part for kind, part in found if kind in Error] == []
    assert any(kind in Name.Builtin for kind, _ in found)


@pytest.mark.parametrize("word", ops.words())
def test_every_layer_has_its_colour(word: str) -> None:
    assert (Name.Builtin, word) in tokens(f"relu -> {word} \n")


def test_every_word_of_the_grammar_is_a_statement() -> None:
    reserved = {word for word in load().keywords if word.isalpha()}
    assert {*word_lists().statements} == reserved


def test_any_text_is_tokens() -> None:
    text = "\0 é → `` \x1b ∞ @@ 3.. F F0x K= \r x"
    assert "".join(part for _, part in CnnLexer(stripnl=False).get_tokens(text)).rstrip() == text.replace(
        "\r", "\n"
    )
    assert Token not in {kind for kind, _ in tokens(text)}
