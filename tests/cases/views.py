"""What may be shown of a checked spec, as text."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Edit, Severity, Source, Span
from cnnspec.elaborate.limits import Limits
from cnnspec.ir.flat import flat
from cnnspec.language.formatter import format_file
from cnnspec.ops.base import written_shape
from cnnspec.pipeline import Model, models, program

NAME = "case.cnn"


def checked(text: str, options: tuple[str, ...] = ()) -> list[Model]:
    """The models of a spec under the options of its fence."""
    given = [(name, value) for name, value in pairwise(options) if name.startswith("--")]
    settings = dict(value.split("=", 1) for name, value in given if name == "--set")
    limits = dict(value.split("=", 1) for name, value in given if name == "--limit")
    variant = next((value for name, value in given if name == "--variant"), None)
    limited = Limits(**{name: int(value) for name, value in limits.items()})
    return models(Source(NAME, text), variant=variant, settings=settings, limits=limited)


def found(checked: list[Model]) -> list[Diagnostic]:
    """All findings in the order of the text, each once, whatever the number of variants."""
    once = {(one.code, one.span, one.message): one for model in checked for one in model.findings}
    return sorted(once.values(), key=lambda one: (one.span, one.code))


def fixed(text: str, edits: tuple[Edit, ...]) -> str:
    for edit in sorted(edits, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def findings(checked: list[Model]) -> str:
    source = checked[0].source.original
    return "".join(_finding(source, one) for one in found(checked))


def _finding(source: Source, one: Diagnostic) -> str:
    lines = [f"{one.code} at {_place(source, one.span)}: {one.message}"]
    lines += [f"{name}: {said}" for name in ("label", "note", "help") if (said := getattr(one, name))]
    lines += [f"beside {_place(source, beside.span)}: {beside.message}" for beside in one.related]
    kind = "safe fix" if one.safe else "fix"
    lines += [f"{kind}: {_place(source, edit.span)} to `{_in_a_line(edit.text)}`" for edit in one.fix]
    return "\n    ".join(_in_a_line(line) for line in lines) + "\n"


def _place(source: Source, span: Span) -> str:
    """The characters meant; with their place where they occur more than once in the text."""
    if span == WHOLE_FILE:
        return "the command line"
    marked = source.text[slice(*span)]
    if marked and source.text.count(marked) == 1:
        return f"`{_in_a_line(marked)}`"
    line, column = source.position(span.start)
    return f"{line}:{column} `{_in_a_line(marked)}`"


def _in_a_line(text: str) -> str:
    return text.replace("\n", "⏎").replace("\r", "␍")


def layers(checked: list[Model]) -> str:
    lines = []
    for model in checked:
        lines += [] if model.variant is None else [f"{model.variant}:"]
        assert model.graph is not None
        for entry in flat(model.graph):
            word = "?" if entry.op is None else f"{entry.op.word} {entry.op.written()}".rstrip()
            out = "?" if entry.out is None else written_shape(entry.out)
            count = sum(prod(weight.shape) for _, weight in entry.weights if weight.role != "buffer")
            lines.append(f"{entry.path}: {word} => {out}" + (f", params {count:,}" if count else ""))
    return "\n".join(lines) + "\n"


def formulas(checked: list[Model]) -> str:
    (model,) = checked
    assert model.graph is not None
    lines = []
    for entry in flat(model.graph):
        if entry.op is not None and entry.out is not None:
            shapes = tuple(shape for shape in entry.input_shapes if shape is not None)
            lines += [formula.line() for formula in entry.op.formulas(shapes, entry.out)]
    return "".join(f"{line}\n" for line in lines)


def weights(checked: list[Model]) -> str:
    (model,) = checked
    assert model.graph is not None
    lines = []
    for entry in flat(model.graph):
        for key, weight in entry.weights:
            start = weight.initial
            value = " ".join(f"{number:g}" for number in start.values) or f"{start.value:.6g}"
            as_shape = f" as {written_shape(start.shape)}" if start.shape else ""
            shape = written_shape(weight.shape) or "one integer"
            lines.append(f"{key}: {shape} {weight.role}, {start.distribution} {value}{as_shape}\n")
    return "".join(lines)


def formatted(checked: list[Model]) -> str:
    return format_file(checked[0].source, checked[0].file)


WHOLE: dict[str, Callable[[list[Model]], str]] = {
    "findings": findings,
    "layers": layers,
    "formulas": formulas,
    "weights": weights,
    "formatted": formatted,
}
"""Compared as a whole; lines of a program are looked for in it."""


def missing(model: Model, target: str, lines: str) -> str:
    """The first of these lines that the program has not, behind those before it; "" where all are there."""
    made = program(model.graph, target)
    assert isinstance(made, str), made
    rest = iter(line.strip() for line in made.splitlines())
    return next((line for line in lines.splitlines() if line.strip() and line.strip() not in rest), "")


def needs_a_look(one: Diagnostic) -> bool:
    return one.severity is not Severity.ADVICE
