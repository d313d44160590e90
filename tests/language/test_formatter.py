"""The canonical form: what it is, that it is stable, and that nothing is lost."""

# ruff: noqa: E501 (tables of cases, a case a line)
from __future__ import annotations

import pytest

from cnnspec.diagnostics import Sink, Source
from cnnspec.language import parse
from cnnspec.language.formatter import format_file
from tests.language.same_tree import same_tree


def formatted(text: str) -> str:
    sink = Sink()
    source = Source("a", text)
    file = parse(source, sink)
    assert not len(sink)
    result = format_file(source, file)
    again = Source("a", result)
    tree = parse(again, sink)
    assert not len(sink)
    assert same_tree(file, tree)
    assert len(tree.comments) == len(file.comments)
    assert format_file(again, tree) == result
    return result


FIXED = [
    "C1: conv F5 K6      => 6@28x28, params 156\n    tanh\nS2: subsample F2    => 6@14x14\n    rbf 10 frozen   => 10\n",
    "block bottleneck(k, s=1) {\n  add [\n      conv F1 K=k -> bn -> relu\n      conv F1 K=4*k -> bn\n    | if s > 1 or C != 4*k [ conv F1 S=s K=4*k -> bn ]\n  ]\n  relu\n}\n",
    "block stage(k, n, s=2) { [bottleneck(k, s if i == 0 else 1)]*n }\n",
    "block c(K, F=1, S=1, P=0) { conv F=F S=S P=P K=K -> bn -> relu }\n",
    "concat [ @skip -> crop like=@u | id ]\n",
    "concat [ c(K192) | c(K128) -> c(F1x7 P0x3 K128) -> c(F7x1 P3x0 K192) ]\n",
    "e4: maxpool F2 -> double(512)\n    maxpool F2\nup(@e4, 512)\nconv F1 K2\n",
    "conv F3 K1 nobias weight=[1 0 -1; 1 0 -1; 1 0 -1] frozen   => 1x4x4\n",
    "variant B3: width = 1.2, depth = 1.4, expect params 12,233,232\n",
    "variant A:            a = 1, expect params    123, macs 1.5G\nvariant Bcd: b = 1/2,        expect params 12,345\nvariant C\n",
    "variant A:   a = 1,   b = 2\nvariant Bcd: a = 100\n",
    "variant A: a = 1, b = 2\nvariant Bcd: b = 1, a = 2\n",  # no common order
    "variant A: a = 1, expect params 1, params 2\nvariant Bcd: a = 20\n",
    "variant A: a = 1\n# apart\nvariant Bcd: b = 2\n\nvariant E: a = 1\n",
    "variant A:   a = 1,        expect 3x4    # one\nvariant Bcd: a = 2, b = 2, expect out 5  # two\n",
    f"variant A: a = 1\nvariant {'B' * 180}: b = 2\n",
    f"variant A: a = 1\nvariant {'B' * 165}: b = 2\n",  # too wide only as a table
    "conv F3 K4     # one\nconv F3 K4096  # two\nrelu\ntanh  # three\n\nabs  # four\n",
    "relu      => 3x4  # one\nflatten   => 12   # two\n",
    f"a{' ' * 63}  # one\n{'b' * 64}  # two\n{'c' * 65}  # three\n",
    "if s == 1 and c == k [ id ] else [ none ]\n",
    "default times (1/3)\npow 1/2 -> leaky 1/10 frozen -> times (2/3*a)\n",
    "# first\nrelu  # behind\n\n# before\nadd [\n    # in\n    a\n  | b\n]\n# last\n",
]  # fmt: skip


@pytest.mark.parametrize("text", FIXED)
def test_fixed_points(text: str) -> None:
    assert formatted(text) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("conv K64P1S1F3", "conv F3 S1 P1 K64\n"), ("conv  nobias   F=3 K=(64)", "conv F3 K64 nobias\n"),
        ("fc 4 * k", "fc (4*k)\n"), ("slice 0 : C // 2", "slice 0:C//2\n"), ("a\n->b", "a -> b\n"),
        ("add [ |relu]", "add [ id | relu ]\n"), ("a\n\n\n\nb", "a\n\nb\n"), ("a #c", "a  #c\n"),
        ("f( 1 ,s = 2 )", "f(1, s=2)\n"), ("[ relu ] * 2 => 3 x4", None), ("a ( # c\n3)", "# c\na 3\n"),
        ("[a\nb]*(n+1)", "[\n  a\n  b\n]*(n+1)\n"), ("", ""), ("\r\n# c\r\n", "# c\n"),
        ("relu => 3x4\nconv F3 => 5", "relu      => 3x4\nconv F3   => 5\n"),
        ("if a [x] else [ if b [y] ]", "if a [ x ] else if b [ y ]\n"),
    ],
)  # fmt: skip
def test_canonical(text: str, canonical: str | None) -> None:
    if canonical is not None:
        assert formatted(text) == canonical
