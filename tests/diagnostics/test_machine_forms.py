"""Findings for machines: GitHub's workflow commands and the JSON contract."""

from __future__ import annotations

import json

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Edit, Related, Source, Span
from cnnspec.diagnostics.as_json import as_json
from cnnspec.diagnostics.github import render_github
from tests.support import check_text

TEXT = "input 1x2x2\nS4: maxpool F2\nC5: conv F5 K120\n"


def finding(**changes: object) -> Diagnostic:
    at = TEXT.index("F5")
    values: dict[str, object] = {
        "code": "E301",
        "message": "too large",
        "span": Span(at, at + 2),
        "related": (Related(Span(16, 26), "from here"),),
        "note": "a\nb",
        "help": "F1",
        "fix": (Edit(Span(at, at + 2), "F1"),),
        "label": "5x5 on 1x1",
    }
    return Diagnostic(**(values | changes))  # type: ignore[arg-type]


def test_a_workflow_command() -> None:
    assert render_github(finding(), Source("a.cnn", TEXT)) == (
        "::error file=a.cnn,line=3,col=10,endLine=3,endColumn=12,title=cnnspec E301::"
        "too large: 5x5 on 1x1%0Aa%0Ab%0Ahelp: F1\n"
    )


def test_the_command_is_named_by_the_severity() -> None:
    commands = [render_github(finding(code=code)).split(" ")[0] for code in ("E301", "W101", "W203")]
    assert commands == ["::error", "::warning", "::notice"]


def test_several_lines_have_no_columns() -> None:
    command = render_github(finding(span=Span(0, 20)), Source("a.cnn", TEXT))
    assert command.startswith("::error file=a.cnn,line=1,endLine=2,title=")


def test_no_command_can_be_smuggled_in() -> None:
    nasty = "x\n::set-output name=a::b\r::error::\x1b[0m 100%, a:b"
    command = render_github(
        finding(message=nasty, help=nasty, note=nasty, label=nasty), Source(nasty + ".cnn", TEXT)
    )
    assert command.count("\n") == 1
    assert command.endswith("\n")
    assert "\r" not in command
    assert "\x1b" not in command
    assert "100%25" in command
    properties = command.split(" ", 1)[1].split("::")[0]
    assert [pair.split("=")[0] for pair in properties.split(",")][1:] == [
        "line",
        "col",
        "endLine",
        "endColumn",
        "title",
    ]
    assert "a%3Ab.cnn" in properties
    assert "100%25%2C" in properties


def test_a_command_without_a_place() -> None:
    assert render_github(Diagnostic("E706", "no spec", Span(0, 0))) == "::error title=cnnspec E706::no spec\n"
    assert render_github(Diagnostic("E701", "m", Span(0, 0)), Source("a", "")).startswith(
        "::error file=a,title"
    )


def test_a_command_about_the_whole_file() -> None:
    assert render_github(Diagnostic("E210", "m", WHOLE_FILE), Source("a", TEXT)).startswith(
        "::error file=a,title"
    )


def test_the_entry_of_the_json_contract() -> None:
    assert as_json(finding(), Source("a.cnn", TEXT)) == {
        "code": "E301",
        "severity": "error",
        "message": "too large",
        "file": "a.cnn",
        "line": 3,
        "column": 10,
        "end_line": 3,
        "end_column": 12,
        "related": [{"line": 2, "column": 5, "end_line": 2, "end_column": 15, "message": "from here"}],
        "label": "5x5 on 1x1",
        "note": "a\nb",
        "help": "F1",
        "fix": [{"line": 3, "column": 10, "end_line": 3, "end_column": 12, "text": "F1"}],
        "safe": False,
    }


def test_what_there_is_not_is_left_out() -> None:
    entry = as_json(Diagnostic("W203", "m", Span(0, 1)), Source("a.cnn", TEXT))
    assert set(entry) == {
        "code", "severity", "message", "file", "line", "column", "end_line", "end_column", "related"
    }  # fmt: skip


def test_an_edit_may_take_a_line_end_away() -> None:
    entry = as_json(finding(fix=(Edit(Span(11, 12), ""),)), Source("a.cnn", TEXT))
    assert entry["fix"] == [{"line": 1, "column": 12, "end_line": 2, "end_column": 1, "text": ""}]


def test_columns_are_characters_not_bytes_or_terminal_columns() -> None:
    entry = as_json(Diagnostic("E101", "m", Span(3, 4)), Source("a.cnn", "木\té𝔸"))
    assert (entry["column"], entry["end_column"]) == (4, 5)


def test_lone_surrogates_can_be_written() -> None:
    entry = as_json(finding(message="\ud800", note="\udfff", help="\ud800"), Source("\udc80.cnn", TEXT))
    json.dumps(entry, ensure_ascii=False).encode()


def test_each_related_place_says_why_it_is_there() -> None:
    text = "input 3x32x32\nconv f3 K8\nrelu\nconv f3 K8\n"
    (model,) = check_text(text)
    entries = [as_json(one, Source("a.cnn", text)) for one in model.findings]
    assert [one["message"] for entry in entries for one in entry["related"]] == ["the same mistake"]
