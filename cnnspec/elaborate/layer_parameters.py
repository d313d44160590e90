"""Layer parameters: those that their block uses as a step, or passes on to a layer parameter."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.diagnostics import Related, Sink, Span
from cnnspec.elaborate.inner_blocks import Blocks
from cnnspec.elaborate.text_facts import nodes
from cnnspec.language import tree
from cnnspec.ops import lookup

LayerParameters = dict[str, frozenset[str]]
"""By the name of a block in the graph: its layer parameters."""


def layer_parameters(blocks: Blocks, sink: Sink) -> tuple[LayerParameters, set[str]]:
    """The layer parameters, and the blocks where one is in error, which is reported."""
    by_block: dict[str, set[str]] = {}
    values: dict[str, dict[str, Span]] = {}
    takers: dict[tuple[str, str], list[tuple[str, str]]] = {}
    unusable: set[str] = set()
    waiting: list[tuple[str, str]] = []
    for block_name, block in blocks.named.items():
        own = {one.name: one.span for one in block.parameters if one.kind == "value"}
        if not own:
            continue
        steps, values[block_name], passed_on = _uses(block, own, blocks)
        for call, argument, name in passed_on:
            callee = blocks.within(block, call.name)
            parameter = None if callee is None else parameter_for(callee, call, argument)
            if callee is not None and parameter is not None:
                takers.setdefault((blocks.name_of(callee), parameter), []).append((block_name, name))
        for name in steps:
            if lookup(name) is None:
                waiting.append((block_name, name))
            elif name not in values[block_name]:
                _named_like_a_layer(block, name, own[name], sink)
                unusable.add(block_name)
    while waiting:
        block_name, name = waiting.pop()
        names = by_block.setdefault(block_name, set())
        if name in names:
            continue
        names.add(name)
        waiting += takers.get((block_name, name), ())
        if name in values[block_name]:
            _used_as_both(blocks.named[block_name], name, values[block_name][name], sink)
            unusable.add(block_name)
    return {name: frozenset(names) for name, names in by_block.items()}, unusable


def _uses(
    block: tree.Block, own: dict[str, Span], blocks: Blocks
) -> tuple[set[str], dict[str, Span], list[tuple[tree.CallStep, tree.Argument, str]]]:
    """Which of a block's parameters are steps, which are values and where, and which are passed on."""
    steps: set[str] = set()
    values: dict[str, Span] = {}
    passed_on: list[tuple[tree.CallStep, tree.Argument, str]] = []
    passed: set[int] = set()
    for node in nodes(block.body):
        match node:
            case tree.LayerStep() if node.word in own:
                steps.add(node.word)
            case tree.CallStep():
                if node.name in own and blocks.within(block, node.name) is None:
                    steps.add(node.name)
                for argument in node.arguments:
                    if isinstance(argument.value, tree.Name) and argument.value.name in own:
                        passed_on.append((node, argument, argument.value.name))
                        passed.add(id(argument.value))
            case tree.Name() if node.name in own and id(node) not in passed:
                values.setdefault(node.name, node.span)
    return steps, values, passed_on


def parameter_for(block: tree.Block, call: tree.CallStep, argument: tree.Argument) -> str | None:
    """The parameter of `block` that an argument of `call` is for; None where there is an error."""
    if not isinstance(argument, tree.PositionalArgument):
        return argument.letter if isinstance(argument, tree.LetterArgument) else argument.name
    named = {one.name for one in call.arguments if isinstance(one, tree.NamedArgument)}
    free: Iterator[str] = (parameter.name for parameter in block.parameters if parameter.kind == "value")
    before: set[str] = set()
    for one in call.arguments:
        if isinstance(one, tree.PositionalArgument) and not isinstance(one.value, tree.Reference):
            name = next((name for name in free if name not in named | before), None)
            if one is argument:
                return name
            before |= {name} if name is not None else set()
    return None


def _named_like_a_layer(block: tree.Block, name: str, span: Span, sink: Sink) -> None:
    step = next(node for node in nodes(block.body) if isinstance(node, tree.LayerStep) and node.word == name)
    sink.report(
        "E209",
        f"the parameter `{name}` of `{block.name}` is named like the layer `{name}`",
        span,
        related=(Related(step.word_span, f"the parameter or the layer `{name}`?"),),
        help="give the parameter another name, `act` or `norm` for instance",
    )


def _used_as_both(block: tree.Block, name: str, span: Span, sink: Sink) -> None:
    steps = [node for node in nodes(block.body) if isinstance(node, tree.LayerStep) and node.word == name]
    sink.report(
        "E211",
        f"the parameter `{name}` of `{block.name}` is used as a value here, and as a layer elsewhere",
        span,
        related=tuple(Related(step.word_span, "here it is a layer") for step in steps[:1]),
        help="a parameter is a value or a layer: use two",
    )
