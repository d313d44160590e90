"""What the text alone shows to be wrong in blocks that nothing uses: no use says what arrives in them."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.elaborate import refusals
from cnnspec.elaborate.binding import slots_of
from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.context import Context
from cnnspec.elaborate.naming import UNNAMED, names_of
from cnnspec.elaborate.other_words import no_merge
from cnnspec.elaborate.text_facts import nodes
from cnnspec.elaborate.unknown import unknown_block, unknown_word
from cnnspec.elaborate.values import NoValue
from cnnspec.language import tree
from cnnspec.ops import lookup


def with_those_inside(
    unused: Iterable[str], blocks: dict[str, tree.Block], lines: object
) -> list[tree.Block]:
    """Unused blocks, and those that only such a block uses."""
    reached: set[str] = set()
    waiting = [node.name for node in nodes(lines) if isinstance(node, tree.CallStep)]
    while waiting:
        name = waiting.pop()
        if name in blocks and name not in reached:
            reached.add(name)
            waiting += [node.name for node in nodes(blocks[name].body) if isinstance(node, tree.CallStep)]
    return [block for name, block in blocks.items() if name in unused or name not in reached]


def report_mistakes(context: Context, unused: Iterable[tree.Block]) -> None:
    """Layers, merges and blocks that there are not, and arguments that a layer has not."""
    for block in unused:
        builder = BodyBuilder(names_of((), collapse=False), Scope({}))
        for node in nodes(block.body):
            if context.sink.full:
                return
            match node:
                case tree.LayerStep():
                    _layer(context, builder, node)
                case tree.BranchStep():
                    op = lookup(node.word)
                    if op is None or not op.merges:
                        no_merge(context.sink, context.text, node, op)
                case tree.CallStep():
                    if node.name not in context.statements.blocks and node.name not in context.unusable:
                        unknown_block(context, node)
                case _:
                    pass


def _layer(context: Context, builder: BodyBuilder, step: tree.LayerStep) -> None:
    op = lookup(step.word)
    if step.word in UNNAMED:
        return
    if op is None or op.merges:
        unknown_word(context, builder, step, op)
        return
    slots = slots_of(op)
    problems: list[NoValue] = []
    for argument in step.arguments:
        if isinstance(argument, tree.LetterArgument):
            if argument.letter not in slots.letters:
                problems.append(refusals.no_letter(slots, step.word, argument))
        elif isinstance(argument, tree.NamedArgument):
            if argument.name not in slots.keywords:
                problems.append(refusals.no_keyword(slots, step.word, argument))
        elif (
            isinstance(argument.value, tree.Name)
            and not slots.places
            and argument.value.name not in slots.flags
        ):
            problems.append(refusals.surplus(slots, step.word, argument, iter(())))
    if problems:
        for problem in refusals.together(problems, context.text, step):
            problem.tell(context.sink)
