"""The statements of a file, sorted: what there is of each kind, and what stands twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from cnnspec.diagnostics import Related, Sink, Span
from cnnspec.elaborate.text_facts import TextFacts, facts_of, labelled_lines
from cnnspec.language import tree


@dataclass(eq=False, repr=False)
class Statements:
    """A file's statements by kind; of what stands twice, the first."""

    file: tree.File
    facts: TextFacts
    model: tree.Model | None = None
    inputs: list[tree.Input] = field(default_factory=list)
    lets: dict[str, tree.Let] = field(default_factory=dict)
    variants: dict[str, tree.Variant] = field(default_factory=dict)
    blocks: dict[str, tree.Block] = field(default_factory=dict)
    lines: list[tree.Line] = field(default_factory=list)
    output: tree.Output | None = None
    expects: list[tree.Expect] = field(default_factory=list)
    broken: list[tree.ErrorStatement] = field(default_factory=list)


def sort_statements(file: tree.File, sink: Sink) -> Statements:
    found = Statements(file, facts_of(file.statements))
    for statement in file.statements:
        match statement:
            case tree.Model():
                if found.model is not None:
                    _twice(sink, "model", statement.span, found.model.span)
                else:
                    found.model = statement
            case tree.Input():
                found.inputs.append(statement)
            case tree.Let():
                _add_named(sink, found.lets, statement)
            case tree.Variant():
                _add_named(sink, found.variants, statement)
            case tree.Block():
                _add_named(sink, found.blocks, statement)
            case tree.Output():
                if found.output is not None:
                    _twice(sink, "output", statement.span, found.output.span)
                else:
                    found.output = statement
            case tree.Expect():
                found.expects.append(statement)
            case tree.Line():
                found.lines.append(statement)
            case tree.ErrorStatement():
                found.broken.append(statement)
            case tree.Default():
                pass
    return found


Named = TypeVar("Named", tree.Let, tree.Variant, tree.Block)


def _add_named(sink: Sink, known: dict[str, Named], statement: Named) -> None:
    first = known.setdefault(statement.name, statement)
    if first is not statement:
        _named_twice(sink, statement.name, statement.name_span, first.name_span)


def check_names(statements: Statements, sink: Sink) -> set[str]:
    """Reports names given twice; gives the names of the blocks that cannot be used."""
    named = {one.name: one.name_span or one.span for one in statements.inputs if one.name is not None}
    _check_labels(sink, statements.file.statements, named)
    for repeat in statements.facts.repeats:
        _check_labels(sink, repeat.body.items)
    unusable = {name for name, block in statements.blocks.items() if not _check_block(sink, block)}
    return unusable | {one.name for one in statements.broken if one.word in ("block", "shared") and one.name}


def _twice(sink: Sink, word: str, span: Span, first: Span) -> None:
    sink.report(
        "E405",
        f"a spec has one `{word}`",
        span,
        related=(Related(first, "the first stands here"),),
        help="name all tensors in one: `output @a, @b`" if word == "output" else "keep one of the two",
    )


def _named_twice(sink: Sink, name: str, span: Span, first: Span) -> None:
    sink.report(
        "E209",
        f"`{name}` is named twice",
        span,
        related=(Related(first, "first here"),),
        help="give one of them another name",
    )


def _check_labels(sink: Sink, items: tuple[object, ...], known: dict[str, Span] | None = None) -> None:
    seen = dict(known or {})
    for line in labelled_lines(items):
        assert line.label is not None
        span = line.label_span or line.span
        if line.label in seen:
            _named_twice(sink, line.label, span, seen[line.label])
        else:
            seen[line.label] = span


def _check_block(sink: Sink, block: tree.Block) -> bool:
    """Whether its parameters differ from each other; names given twice are reported."""
    usable = True
    seen: dict[str, Span] = {}
    for parameter in block.parameters:
        if parameter.name in seen:
            _named_twice(sink, parameter.name, parameter.span, seen[parameter.name])
            usable = False
        seen.setdefault(parameter.name, parameter.span)
    tensors = {p.name: p.span for p in block.parameters if p.kind == "tensor"}
    _check_labels(sink, block.body.items, tensors)
    lets = dict(seen)
    for item in block.body.items:
        if isinstance(item, tree.Let):
            if item.name in lets:
                _named_twice(sink, item.name, item.name_span, lets[item.name])
            lets.setdefault(item.name, item.name_span)
    return usable


def unused_blocks(statements: Statements, sink: Sink) -> list[str]:
    """The names of blocks that nothing uses; W105 for each, and for each such `let`."""
    unused: list[str] = []
    if any(one.code.startswith("E1") or one.code in ("E206", "E208") for one in sink):
        return unused
    for name, let in statements.lets.items():
        if name not in statements.facts.names:
            sink.report("W105", f"nothing uses `{name}`", let.name_span, help="use it, or leave it out")
    for name, block in statements.blocks.items():
        if name not in statements.facts.calls:
            unused.append(name)
            sink.report(
                "W105",
                f"nothing uses the block `{name}`",
                block.name_span,
                help="use it, or leave it out",
            )
    return unused
