"""One argument of one layer of a spec changed, to a value that may fit or not."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

from cnnspec.diagnostics import Sink, Source
from cnnspec.language import parse, tree
from cnnspec.ops import lookup
from cnnspec.ops.base import Argument, arguments_of

WHOLE = (0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 12, 16, 33, -1)
NUMBERS = ("0", "1", "0.5", "2", "(-1)", "1e-3", "1/3", "20", "1e30")


def mutant(text: str, chance: random.Random, word: str | None = None) -> str | None:
    """The text with one argument written, rewritten or left out (of a layer of this word); None where none is
    to be written."""
    file = parse(Source("grown", text), Sink())
    labels = [
        line.label for line in file.statements if isinstance(line, tree.Line) and line.label is not None
    ]
    places = [
        (step, argument)
        for step in layers_in(file)
        if word in (None, step.word)
        for argument in _declared(step)
        if argument.kind != "tensor" or labels
    ]
    if not places:
        return None
    step, argument = chance.choice(places)
    written = [one for one in step.arguments if _is(one, argument)]
    if written and chance.random() < 0.08:
        span, new = written[0].span, ""
    else:
        span = written[0].span if written else step.word_span
        value = _value(argument, chance, labels, text[span.start : span.end])
        new = value if written else f"{text[span.start : span.end]} {value}"
    return text[: span.start] + new + text[span.end :]


def _declared(step: tree.LayerStep) -> list[Argument]:
    """What may be written, and what is written three times more often."""
    op = lookup(step.word)
    if op is None:  # a layer parameter
        return []
    found = [one for _, one in arguments_of(op)]
    return found + [one for one in found if any(_is(given, one) for given in step.arguments)] * 3


def _is(given: tree.Argument, declared: Argument) -> bool:
    flags = {word for word, _ in declared.flags}
    match given:
        case tree.LetterArgument():
            return given.letter == declared.letter
        case tree.NamedArgument():
            return given.name == declared.keyword
    if isinstance(given.value, tree.Name):
        return given.value.name in flags
    return declared.positional is not None


def _value(declared: Argument, chance: random.Random, labels: list[str], before: str) -> str:
    """As it is written: `F3`, `P=(-1)`, `extra=2`, `56x56`, `nobias`; `before` stands there."""
    match declared.kind:
        case "integer":
            groups = (
                declared.letter == "G" and chance.random() < 0.5
            )  # which are of interest where they nearly fit
            text = chance.choice("234") if groups else _whole(chance)
        case "number":
            text = chance.choice(NUMBERS)
        case "sizes":
            text = _whole(chance) if chance.random() < 0.5 else f"{_whole(chance)}x{_whole(chance)}"
            if declared.same and chance.random() < 0.2:
                return "Psame"
        case "shape":
            sizes = [_whole(chance) for _ in range(chance.choice([1, 3, 3, 3, 2]))]
            if chance.random() < 0.3 and before[0].isdigit():
                sizes = before.split("x")
                chance.shuffle(sizes)
            text = "x".join(sizes)
        case "range":
            text = f"{_whole(chance)}:{_whole(chance)}"
        case "matrix":
            rows, columns = chance.randint(1, 4), chance.randint(1, 4)
            plane = "; ".join(" ".join("1" for _ in range(columns)) for _ in range(rows))
            text = f"[{' | '.join([plane] * chance.choice([1, 1, 1, 2, 3, 4]))}]"
        case "connections":
            rows = ["; ".join(str(chance.randint(0, 3)) for _ in range(chance.randint(1, 4)))]
            text = f"[{'; '.join(rows)}]"
        case "init":
            starts = ["he", "xavier", "zeros", "bilinear"]
            starts += ["normal(0.1)", "normal(0)", "truncated(1)", "uniform(2)", "constant(-1)"]
            text = chance.choice(starts)
        case "tensor":
            text = f"@{chance.choice(labels)}"
        case "flag":
            return chance.choice([word for word, _ in declared.flags])
    if declared.letter is not None:
        return f"{declared.letter}{'=' if '(' in text else ''}{text}"
    return text if declared.positional is not None else f"{declared.keyword}={text}"


def _whole(chance: random.Random) -> str:
    number = chance.choice(WHOLE)
    return str(number) if number >= 0 else f"({number})"


def layers_in(file: tree.File) -> Iterator[tree.LayerStep]:
    """Every layer that is written in a spec, those of its blocks too."""

    def walk(items: Iterable[Any]) -> Iterator[tree.LayerStep]:
        for item in items:
            match item:
                case tree.Line():
                    yield from walk(item.steps)
                case tree.LayerStep():
                    yield item
                case tree.GroupStep() | tree.Block():
                    yield from walk(item.body.items)
                case tree.BranchStep():
                    for branch in item.branches:
                        yield from walk(branch.items)
                case tree.IfStep():
                    yield from walk(item.then.items)
                    yield from walk(() if item.otherwise is None else item.otherwise.items)

    return walk(file.statements)
