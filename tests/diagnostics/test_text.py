"""How a finding looks: the form of the sample, awkward text, and nothing in it that a terminal obeys."""

from __future__ import annotations

import re

import pytest

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Edit, Related, Source, Span
from cnnspec.diagnostics import text as text_form
from cnnspec.diagnostics.printable import cells, width
from cnnspec.diagnostics.text import LINE_WIDTH, render_text

LENET = """\
model LeNet
input 1x32x32

C1: conv F5 K6
    maxpool F2
C3: conv F5 K16
S4: maxpool F2         => 16x2x2

C5: conv F5 K120
"""


def span_of(text: str, part: str, start: int = 0) -> Span:
    at = text.index(part, start)
    return Span(at, at + len(part))


def shown(text: str, part: str, label: str = "", related: tuple[tuple[str, str], ...] = ()) -> str:
    """The lines that are shown of a text with `part` marked, without head and place."""
    others = tuple(Related(span_of(text, other), message) for other, message in related)
    finding = Diagnostic("E301", "m", span_of(text, part), others, label=label)
    return render_text(finding, Source("f", text)).split("\n", 2)[2]


def test_the_sample_of_the_design() -> None:
    finding = Diagnostic(
        "E301",
        "the filter is larger than what arrives",
        span_of(LENET, "F5", LENET.index("C5")),
        (Related(span_of(LENET, "maxpool F2", LENET.index("S4")), "16x2x2 comes from here"),),
        note="(W − F + 2P)/S + 1 = (2 − 5 + 0)/1 + 1 = −2",
        help="P2 keeps it at 2x2; F2 gives 1x1",
        label="5x5 filter on a 2x2 map",
    )
    assert render_text(finding, Source("lenet.cnn", LENET)) == (
        "error[E301]: the filter is larger than what arrives\n"
        "  ┌─ lenet.cnn:9:10\n"
        "7 │ S4: maxpool F2         => 16x2x2\n"
        "  │     ---------- 16x2x2 comes from here\n"
        "9 │ C5: conv F5 K120\n"
        "  │          ^^ 5x5 filter on a 2x2 map\n"
        "  = (W − F + 2P)/S + 1 = (2 − 5 + 0)/1 + 1 = −2\n"
        "  help: P2 keeps it at 2x2; F2 gives 1x1\n"
    )


def test_a_related_place_after_the_finding_stands_after_it_and_distant_lines_have_dots_between() -> None:
    assert shown(LENET, "1x32x32", "here", (("F5 K16", "there"),)) == (
        "2 │ input 1x32x32\n  │       ^^^^^^^ here\n...\n6 │ C3: conv F5 K16\n  │          ------ there\n"
    )


def test_two_marks_on_one_line_share_it() -> None:
    assert shown("conv F3 F5 K1", "F5", "again", (("F3", "first"),)) == (
        "1 │ conv F3 F5 K1\n  │      -- first\n  │         ^^ again\n"
    )


def test_the_gutter_is_as_wide_as_the_largest_number() -> None:
    text = "\n" * 98 + "a\nb c\n"
    assert shown(text, "c", "x", (("a", "y"),)) == (" 99 │ a\n    │ - y\n100 │ b c\n    │   ^ x\n")


def test_a_span_over_lines_marks_its_first_and_its_last() -> None:
    text = "C3: conv connect=[\n  0 1 2\n  1 2 3\n  2 3 4 ] F5\n"
    assert shown(text, text[text.index("connect") : text.index(" F5")], "three rows") == (
        "1 │ C3: conv connect=[\n  │          ^^^^^^^^^\n...\n4 │   2 3 4 ] F5\n  │   ^^^^^^^ three rows\n"
    )


def test_a_span_that_takes_the_line_end_in_stays_on_its_line() -> None:
    assert shown("ab\ncd\n", "b\n", "x") == "1 │ ab\n  │  ^ x\n"


@pytest.mark.parametrize("text", ["conv F3", "conv F3\n", "conv F3\n\n   \n"])
def test_nothing_at_the_end_of_the_file_is_shown_behind_the_last_line(text: str) -> None:
    finding = Diagnostic("E401", "m", Span(len(text), len(text)), label="missing")
    assert render_text(finding, Source("f", text)).splitlines()[1:] == [
        "  ┌─ f:1:8",
        "1 │ conv F3",
        "  │        ^ missing",
    ]


def test_a_span_outside_the_text_is_moved_into_it() -> None:
    assert "1 │ a b" in render_text(Diagnostic("E401", "m", Span(-5, 9000)), Source("f", "a b"))


def test_without_lines_only_the_name_is_shown() -> None:
    finding = Diagnostic("E701", "no such file", Span(0, 0), help="look again\nand again")
    assert render_text(finding, Source("gone.cnn", "")) == (
        "error[E701]: no such file\n  ┌─ gone.cnn\n  help: look again\n        and again\n"
    )
    assert render_text(finding) == "error[E701]: no such file\n  help: look again\n        and again\n"


def test_a_finding_about_the_whole_file_shows_no_line() -> None:
    finding = Diagnostic("E210", "no such variant", WHOLE_FILE)
    assert render_text(finding, Source("f", "input 3x2x2")) == "error[E210]: no such variant\n  ┌─ f\n"


def test_carriage_returns_alone_end_lines() -> None:
    assert shown("a\rb c\rd", "c") == "2 │ b c\n  │   ^\n"


@pytest.mark.parametrize(
    ("text", "line", "indent"),
    [
        ("a\tX", "a   X", 4),  # tabs stand at every fourth column
        ("\tabcdX", "    abcdX", 8),
        ("木木X", "木木X", 4),  # two columns each
        ("ｃ\u3000X", "ｃ\u3000X", 4),
        ("e\u0301X", "e\u0301X", 1),  # an accent takes no column
        ("e\u0301\u0301X", "e\u0301\\u0301X", 7),  # a pile of them is taken apart
        ("a\u00a0X", "a\u00a0X", 2),
    ],
)
def test_columns_are_those_of_a_terminal(text: str, line: str, indent: int) -> None:
    assert shown(text, "X") == f"1 │ {line}\n  │ {' ' * indent}^\n"


@pytest.mark.parametrize("start", [0, 1, 97, 98, 99, 100, 101, 150, 250, 298, 299])
def test_a_long_line_is_cut_around_what_is_marked(start: int) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(300))
    lines = render_text(Diagnostic("E101", "m", Span(start, start + 1)), Source("f", text)).splitlines()
    assert width(lines[2]) <= LINE_WIDTH + 4
    assert lines[2][lines[3].index("^")] == text[start]
    assert lines[2].startswith("1 │ …") == ("abcdef" not in lines[2][:10])


def test_a_mark_longer_than_the_room_is_cut_too() -> None:
    lines = render_text(Diagnostic("E101", "m", Span(10, 290)), Source("f", "x" * 300)).splitlines()
    assert width(lines[2]) == width(lines[3]) + 1 == LINE_WIDTH + 4


def test_marks_far_apart_on_a_long_line_have_a_copy_each() -> None:
    text = "first " + "x" * 300 + " second"
    lines = shown(text, "second", "b", (("first", "a"),)).splitlines()
    assert [line[4:].strip(" ^-") for line in lines[1::2]] == ["a", "b"]
    assert "first" in lines[0]
    assert "second" in lines[2]


def test_wide_characters_are_cut_by_their_columns() -> None:
    text = "木" * 200
    lines = render_text(Diagnostic("E101", "m", Span(100, 101)), Source("f", text)).splitlines()
    assert width(lines[2]) <= LINE_WIDTH + 4
    assert width(lines[2][: lines[2].index("木")]) % 2 == width(lines[3][: lines[3].index("^")]) % 2
    assert lines[3].count("^") == 2


@pytest.mark.parametrize(
    "nasty",
    [
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x00",
        "\x08",
        "\x7f",
        "\x9b31m",  # the one-byte form of ESC [
        "\u202e",  # turns the reading order around
        "\u2066",
        "\u200b",
        "\u2028",
        "\u0085",
        "\ufeff",
        "\ud800",  # half of a pair: cannot even be written out
        "\U000e0041",  # invisible tag letters
    ],
)
def test_nothing_from_a_spec_is_obeyed_by_a_terminal(nasty: str) -> None:
    text = f"conv {nasty} X"
    finding = Diagnostic(
        "E101",
        f"found {nasty}",
        span_of(text, "X"),
        (Related(Span(0, 4), nasty),),
        note=nasty,
        help=nasty,
        label=nasty,
    )
    for result in (render_text(finding, Source(nasty, text)), render_text(finding, Source(nasty, ""))):
        assert not re.search(
            r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", result
        )
        assert nasty not in result
        result.encode()


def test_markup_of_other_programs_is_text() -> None:
    assert "[bold red]x[/]" in shown("[bold red]x[/] Y", "Y")


def test_colour_changes_nothing_but_colour() -> None:
    finding = Diagnostic("W101", "m", Span(0, 2), (Related(Span(3, 5), "r"),), note="n", help="h", label="l")
    source = Source("f", "ab cd")
    plain, coloured = render_text(finding, source), render_text(finding, source, color=True)
    assert "\x1b" not in plain
    assert coloured.startswith("\x1b[1;33mwarning[W101]")
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_fix_without_words_is_put_in_words() -> None:
    finding = Diagnostic("E103", "m", Span(0, 1), fix=(Edit(Span(0, 1), "x"),))
    assert "help: write `x`\n" in render_text(finding, Source("f", "×"))
    finding = Diagnostic("E103", "m", Span(0, 1), fix=(Edit(Span(0, 1), ""),))
    assert "help: leave it out\n" in render_text(finding, Source("f", "×"))


def test_of_a_line_of_a_megabyte_only_the_neighbourhood_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    monkeypatch.setattr(text_form, "cells", lambda part: looked_at.append(len(part)) or cells(part))
    source = Source("f", "é" * 1_000_000)
    for at in (0, 500_000, 999_990):
        assert "^^^^^" in render_text(Diagnostic("E101", "m", Span(at, at + 5)), source)
    assert max(looked_at) <= 4 * LINE_WIDTH
