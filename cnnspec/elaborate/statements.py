"""The statements of a file by kind; statements that occur twice, and blocks that call themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cnnspec.diagnostics import Related, Sink, Span
from cnnspec.elaborate.inner_blocks import Blocks, check_places
from cnnspec.elaborate.layer_parameters import LayerParameters, layer_parameters
from cnnspec.elaborate.naming import Settled
from cnnspec.elaborate.text_facts import TextFacts, facts_of, labelled_lines, nodes
from cnnspec.language import tree
from cnnspec.ops import lookup


@dataclass(eq=False, repr=False)
class Statements:
    """A file's statements by kind; of a statement that occurs twice, the first."""

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
    all_blocks: Blocks = field(default_factory=Blocks)
    """Inner blocks are included."""
    layer_parameters: LayerParameters = field(default_factory=dict)
    layer_words: frozenset[str] = frozenset()
    """The names of all layer parameters."""
    settled: Settled = field(default_factory=dict)


_ONCE = {tree.Model: "model", tree.Output: "output"}
_NAMED = {tree.Let: "lets", tree.Variant: "variants", tree.Block: "blocks"}
_LISTED = {tree.Input: "inputs", tree.Expect: "expects", tree.Line: "lines", tree.ErrorStatement: "broken"}


def sort_statements(file: tree.File, sink: Sink) -> Statements:
    statements = Statements(file, facts_of(file.statements))
    statement: Any
    for statement in file.statements:
        kind = type(statement)
        if kind in _LISTED:
            getattr(statements, _LISTED[kind]).append(statement)
        elif kind in _NAMED:
            first = getattr(statements, _NAMED[kind]).setdefault(statement.name, statement)
            if first is not statement:
                _named_twice(sink, statement.name, statement.name_span, first.name_span)
        elif kind in _ONCE:
            if (first := getattr(statements, _ONCE[kind])) is not None:
                _twice(sink, _ONCE[kind], first, statement)
            else:
                setattr(statements, _ONCE[kind], statement)
    statements.all_blocks.named |= statements.blocks
    for block in statements.blocks.values():
        statements.all_blocks.add(block)
    return statements


def check_names(statements: Statements, sink: Sink) -> set[str]:
    """Reports names that are defined twice; returns the names of the blocks that cannot be used."""
    named = [
        (input_.name, input_.name_span or input_.span)
        for input_ in statements.inputs
        if input_.name is not None
    ]
    _check(sink, [*dict(named).items(), *labels_of(statements.file.statements)])
    for repeat in statements.facts.repeats:
        _check(sink, labels_of(repeat.body.items))
    _check_layers(statements, sink)
    _check_outputs(statements, sink)
    check_places(statements.all_blocks, statements.facts.inner_blocks, sink)
    unusable = {one.name for one in statements.broken if one.word in ("block", "shared") and one.name}
    for name, block in statements.all_blocks.named.items():
        parameters = [(parameter.name, parameter.span) for parameter in block.parameters]
        if not _check(sink, parameters):
            unusable.add(name)
        tensors = [
            (parameter.name, parameter.span) for parameter in block.parameters if parameter.kind == "tensor"
        ]
        _check(sink, [*tensors, *labels_of(block.body.items)])
        lets = [(item.name, item.name_span) for item in block.body.items if isinstance(item, tree.Let)]
        _check(sink, [*parameters, *lets])
        _check(
            sink, [(item.name, item.name_span) for item in block.body.items if isinstance(item, tree.Block)]
        )
    by_block, wrong = layer_parameters(statements.all_blocks, sink)
    statements.all_blocks.note_reads(by_block)
    statements.layer_words = frozenset().union(*by_block.values())
    for name, inner in statements.all_blocks.inner.items():
        by_block[name] = by_block.get(name, frozenset()).union(inner.layers)
    statements.layer_parameters = by_block
    return unusable | wrong


def _check_layers(statements: Statements, sink: Sink) -> None:
    """W107 for a block that is named like a layer; E209 where that layer is used too."""
    for block in statements.all_blocks.named.values():
        if lookup(block.name) is None:
            continue
        layer = statements.facts.words.get(block.name)
        sink.report(
            "W107" if layer is None else "E209",
            f"the block `{block.name}` is named like the layer `{block.name}`"
            + (", which this spec uses too" if layer is not None else ""),
            block.name_span,
            related=() if layer is None else (Related(layer, f"the layer `{block.name}`"),),
            help="give the block another name",
        )


def _check_outputs(statements: Statements, sink: Sink) -> None:
    """An `output` in brackets must be the last line of a block, and name each tensor once."""
    bodies = {id(block.body) for block in statements.all_blocks.named.values()}
    for output, around in statements.facts.inner_outputs:
        if id(around) not in bodies or output is not around.items[-1]:
            sink.report(
                "E405",
                "an `output` must be the last line of a block, or stand outside of all brackets",
                output.span,
                help="name all tensors in one, at the end of the block: `output @a, @b`",
            )
        names = [(one.name, one.each) for one in output.references]
        for place, reference in enumerate(output.references):
            if names[place] in names[:place]:
                sink.report(
                    "E204", f"`@{reference.name}` is an output twice", reference.span, help="name it once"
                )


def labels_of(items: Iterable[object]) -> list[tuple[str, Span]]:
    """The labels of one scope, with their places."""
    lines = labelled_lines(items)
    named = [
        (line.label, line.label_span or line.span, line.others) for line in lines if line.label is not None
    ]
    return [label for name, span, others in named for label in ((name, span), *others)]


def _check(sink: Sink, named: Iterable[tuple[str, Span]]) -> bool:
    """Whether these names differ from each other; E209 for each repetition."""
    first: dict[str, Span] = {}
    differ = True
    for name, span in named:
        if first.setdefault(name, span) != span:
            _named_twice(sink, name, span, first[name])
            differ = False
    return differ


def _twice(sink: Sink, word: str, first: tree.Statement, second: tree.Statement) -> None:
    way = "keep one of the two"
    if isinstance(first, tree.Output) and isinstance(second, tree.Output):
        one, other = ([f"@{reference.name}" for reference in output.references] for output in (first, second))
        if one != other:
            way = f"name all tensors in one: `output {', '.join(dict.fromkeys(one + other))}`"
    related = (Related(first.span, "the first one is here"),)
    sink.report("E405", f"a spec can have only one `{word}`", second.span, related=related, help=way)


def _named_twice(sink: Sink, name: str, span: Span, first: Span) -> None:
    sink.report(
        "E209",
        f"`{name}` is defined twice",
        span,
        related=(Related(first, "first here"),),
        help="give one of them another name",
    )


def report_unused(statements: Statements, sink: Sink) -> list[tree.Block]:
    """W105 for each `let` and block that is never used; returns these blocks."""
    if any(one.code.startswith("E1") or one.code in ("E206", "E208") for one in sink):
        return []
    used = statements.facts.calls | statements.facts.words.keys()
    unused = [block for name, block in statements.blocks.items() if name not in used]
    unused += statements.all_blocks.unused()
    named = [
        (f"`{name}`", let.name_span)
        for name, let in statements.lets.items()
        if name not in statements.facts.names
    ]
    named += [(f"the block `{block.name}`", block.name_span) for block in unused]
    for kind, span in named:
        sink.report("W105", f"{kind} is never used", span, help="use it, or remove it")
    return unused


def refuse_cycles(blocks: dict[str, tree.Block], sink: Sink) -> set[str]:
    """E213 for every cycle of calls without an `if` that could end it; returns the names of all blocks on
    such cycles."""
    calls: dict[str, dict[str, tree.CallStep]] = {}
    for name, block in blocks.items():
        calls[name] = {}
        for node in nodes(block.body, but=tree.IfStep):
            if isinstance(node, tree.CallStep) and node.name in blocks:
                calls[name].setdefault(node.name, node)
    cyclic: set[str] = set()
    done: set[str] = set()
    for start in blocks:
        path: list[str] = []
        following = [iter([start])]  # one more than the path has blocks
        while following:
            target = next(following[-1], None)
            if target is None:
                following.pop()
                if path:
                    done.add(path.pop())
            elif target in path:
                way = path[path.index(target) :]
                if not cyclic.issuperset(way):
                    _report_cycle(calls, way, sink)
                cyclic.update(way)
            elif target not in done:
                path.append(target)
                following.append(iter(calls[target]))
    return cyclic


def _report_cycle(calls: dict[str, dict[str, tree.CallStep]], way: list[str], sink: Sink) -> None:
    hops = list(zip(way, [*way[1:], way[0]], strict=True))
    last_from, last_to = hops[-1]
    sink.report(
        "E213",
        f"the block `{way[0]}` calls itself: {' → '.join([*way, way[0]])}",
        calls[last_from][last_to].span,
        related=tuple(Related(calls[a][b].span, f"`{a}` uses `{b}`") for a, b in hops[:-1]),
        help="a network has an end: repeat with `[ … ]*n`, or call it under an `if` that decides the end",
    )
