"""Any text gives a file and findings, never an exception; formatting what is right loses nothing."""

# ruff: noqa: E501 (tables of cases, a case a line)
from __future__ import annotations

import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.diagnostics import Sink, Source
from cnnspec.language import parse, parse_expression
from cnnspec.language.formatter import format_file
from tests.language.same_tree import same_tree

TOKENS = [
    "conv",
    "F3",
    "S1P1",
    "f3",
    "F",
    "3",
    "K=",
    "k",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "|",
    "->",
    "=>",
    ",",
    "\n",
    "\r",
    "#",
    '"',
    "@a",
    "a:",
    "f(",
    "if",
    "else",
    "and",
    "not",
    "input",
    "let",
    "block",
    "shared",
    "expect",
    "params",
    "1,516",
    "25.6M",
    "~8M",
    "3x224x224",
    "6@28x28",
    "(r)x",
    "0.5",
    "1e-6",
    "-",
    "+",
    "*",
    "/",
    "//",
    "==",
    "<",
    "=",
    "weight=[",
    ";",
    "variant",
    "default",
    "output",
    "model",
    "add",
    "×",
    "→",
    "“",
    "１",
    "é",
    "_",
    ".",
    "5.",
    "$",
    "!",
    "&&",
    "||",
    ":",
    "same",
    "Psame",
    "nn.Conv2d(",
    "conv3-64",
    "filters=64",
    "\x00",
    "�",
]

LONG = os.environ.get("CNNSPEC_FUZZ") == "long"
"""`make fuzz` draws anew each time; the suite says the same each time."""


def holds(text: str) -> None:
    sink = Sink()
    source = Source("a", text)
    file = parse(source, sink)
    for finding in sink:
        assert 0 <= finding.span.start <= finding.span.end <= len(text)
    result = format_file(source, file)
    parse_expression(text)
    if not len(sink):
        again = Source("a", result)
        tree = parse(again, sink)
        assert not len(sink)
        assert same_tree(file, tree)
        assert format_file(again, tree) == result
        assert sorted(c.text for c in tree.comments) == sorted(c.text for c in file.comments)


@given(st.text(max_size=80))
@settings(max_examples=2000 if LONG else 150, deadline=None, derandomize=not LONG)
def test_any_text(text: str) -> None:
    holds(text)


@given(st.lists(st.sampled_from(TOKENS), max_size=40).map(" ".join))
@settings(max_examples=2000 if LONG else 300, deadline=None, derandomize=not LONG)
def test_token_soup(text: str) -> None:
    holds(text)


names = st.sampled_from(["a", "k", "n2", "C", "i"])
numbers = st.sampled_from(["1", "64", "0.5", "1e-6", "3"])
exprs = st.recursive(
    names | numbers,
    lambda inner: st.one_of(
        st.builds(
            "({} {} {})".format,
            inner,
            st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "==", "and", "or"]),
            inner,
        ),
        st.builds("(-{})".format, inner),
        st.builds("(not {})".format, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("min({}, {})".format, inner, inner),
    ),
    max_leaves=6,
)
arguments = st.one_of(
    st.sampled_from(
        ["F3", "S1P1", "Psame", "F1x7", "nobias", "K64", "out=7x7", "like=@x", "weight=[1 0; -1 1/3 | 2]"]
    ),
    st.builds("K={}".format, exprs),
    st.builds("eps={}".format, exprs),
    st.builds("({})".format, exprs),
    st.builds("P=({})x0".format, exprs),
)
layers = st.builds(
    "{} {}".format, st.sampled_from(["conv", "fc", "relu"]), st.lists(arguments, max_size=4).map(" ".join)
)
claims = st.sampled_from(["=> 6@28x28, params 156", "=> 84", "=> field 5x5, macs ~4.1G"])
calls = st.builds("f({})".format, st.lists(exprs, max_size=3).map(", ".join))
comments = st.sampled_from(["", "", "", " # c"])


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    line = st.builds(
        "{}{}{}".format,
        st.lists(inner, min_size=1, max_size=3).map(" -> ".join),
        claims | st.just(""),
        comments,
    )
    body = st.lists(line, max_size=3).map("\n".join).map(lambda text: f"\n{text}\n")
    return st.one_of(
        st.builds("[{}]*({})".format, body, exprs),
        st.builds("add [{}|{}]".format, body, body),
        st.builds("if {} [{}] else [{}]".format, exprs, body, body),
        st.builds("if {} [{}] else if b [{}]".format, exprs, body, body),
    )


steps = st.recursive(layers | calls, nested, max_leaves=6)
lines = st.builds(
    "{}{} {}{}".format, st.sampled_from(["", "x: ", "@x -> "]), st.lists(steps, min_size=1, max_size=3).map(" -> ".join),
    claims | st.just(""), comments,
)  # fmt: skip
files = st.lists(
    lines | st.sampled_from(["", "# own", "let a = 3", "input 3x4x5", "  # in"]), max_size=5
).map("\n".join)


@given(files)
@settings(max_examples=2000 if LONG else 80, deadline=None, derandomize=not LONG)
def test_what_is_right_is_kept(text: str) -> None:
    sink = Sink()
    parse(Source("a", text), sink)
    assert [finding.message for finding in sink] == []
    holds(text)


LONG_TEXTS = {
    "not": "let a = " + "not " * 1000 + "1",
    "minus": "let a = " + "-" * 1000 + "1",
    "plus": "let a = " + "+".join(["1"] * 10_000),
    "else if": "if a [x] " + "else if a [x] " * 10_000,
    "conditional": "let a = " + "1 if 1 else " * 10_000 + "1",
    "brackets": "[" * 3000 + "relu" + "]" * 3000,
    "opening": "[" * 20_000,
    "calls": "f(" * 20_000,
    "unclosed": "f(1,\n" * 3000,
    "wrong lines": "conv F3 $ K4\n" * 3000,
    "statements in brackets": "[\ninput 3x4x5\n" * 3000,
    "digits": "1" * 200_000,
    "letters": "F1" * 50_000 + "a",
    "comments": "# x\n" * 30_000,
    "matrix": "conv weight=[\n" + "1 2 3\n" * 10_000 + "]",
    "pasted": "×→“" * 10_000,
}


@pytest.mark.parametrize("name", LONG_TEXTS)
def test_long_texts_are_bounded(name: str) -> None:
    """The limit guards against hanging; it measures nothing."""
    source, sink = Source("a", LONG_TEXTS[name]), Sink()
    start = time.process_time()
    file = parse(source, sink)
    format_file(source, file)
    assert time.process_time() - start < 20
