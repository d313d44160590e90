"""A slip that is made again is part of its first finding."""

from __future__ import annotations

from cnnspec.diagnostics import Source
from cnnspec.diagnostics.text import render_text
from cnnspec.pipeline import apply_fixes
from tests.support import findings

IN = "input 3x32x32\n"


def errors(text: str) -> list[tuple[str, str]]:
    return [(one.message, one.help) for one in findings(text) if one.code[0] == "E"]


def test_the_same_slip_on_several_lines_is_one_finding_that_mends_them_all() -> None:
    text = IN + "conv F3, K8\nrelu\nconv F3, K8\nrelu\nconv F3, K8\n"
    (one,) = findings(text)
    assert one.message == "arguments are separated by spaces, not by commas (also on lines 4 and 6)"
    assert [place.span.start for place in one.related] == [38, 55]
    assert apply_fixes(Source("", text), (one,)) == (text.replace(",", ""), 1)
    shown = render_text(one, Source("a.cnn", text))
    assert "2 │ conv F3, K8" in shown
    assert "4 │" not in shown


def test_its_help_has_what_each_line_is_written_as() -> None:
    text = IN + "conv f3 k8\nrelu\nconv f3 k16\n"
    assert errors(text) == [
        (
            "a hyperparameter is its letter and then its number (also on line 4)",
            "on line 2: write `conv F3 K8`\non line 4: write `conv F3 K16`",
        )
    ]


def test_a_fix_between_two_places_of_another_is_made_too() -> None:
    text = IN + "conv F3, K8\nreluu;\nrelu;\nconv F3, K8\n"
    fixed, made = apply_fixes(Source("", text), tuple(findings(text)))
    assert (fixed, made) == (IN + "conv F3 K8\nreluu\nrelu\nconv F3 K8\n", 2)


def test_what_only_looks_alike_stays_apart() -> None:
    assert len(errors(IN + "conv F33 K4\n" + "conv F33 K4\n")) == 1, "the second one is not reached"
    assert len(errors(IN + "Conv F3 K4\nrelu6 -> rleu -> slu\n")) == 3
    assert len(errors(IN + "add [ relu | id\nrelu\nmul [ relu | id\nrelu\n")) == 2


def test_very_many_places_are_counted() -> None:
    ((message, _),) = errors(IN + "relu;\n" * 60)
    assert message.endswith("19, 20, 21, 22 and 39 more)")


def test_words_of_other_tools_are_one_finding_if_their_fixes_are_alike() -> None:
    ((message, way), other) = errors(IN + "Conv F3 K4 -> ReLU\nbatchnorm -> ReLU\n")
    assert message == "these words are not in the language: `Conv` and `ReLU` (also on line 3)"
    assert way == "write `conv` for `Conv` and `relu` for `ReLU`"
    assert other == ("there is no layer `batchnorm`", "did you mean `bn`?")
