"""The calls of one class → its blocks: usually one, with parameters; several where the calls are not
similar."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from cnnspec.ops.base import Op, arguments_of
from cnnspec.sources.layers import Layer
from cnnspec.structure.align import TooMuch, added, begun
from cnnspec.structure.draft import Unsolved
from cnnspec.structure.holes import named
from cnnspec.structure.lines import woven
from cnnspec.structure.parts import Body, Chain, Leaf, Repeat, Use, chains_in, layers_of
from cnnspec.structure.pattern import Pattern
from cnnspec.structure.regions import Region
from cnnspec.structure.repeats import ALL, NONE, PAIRS, USES, body_key, folded
from cnnspec.structure.solve import solved
from cnnspec.structure.text import Block, Kind, Writer
from cnnspec.structure.tied import INSIDE, SHARED

MOST_FORMS = 200
"""The most different bodies of one class; a class with more is written without blocks."""

Form = list[Region]
"""Calls with equal bodies and similar inputs."""


class Made(NamedTuple):
    """A block without a name yet, and the forms that are uses of it; or (None) no block."""

    block: Block | None
    forms: list[Form]


def made(writer: Writer, name: str, calls: list[Region], parameters: bool) -> None:
    """Assigns a block to each call, and adds the blocks to the writer."""
    bare = [woven(call.items, call.inputs, call.outputs, writer.network.shape, block=True) for call in calls]
    best: tuple[int, list[Made], list[Body]] | None = None
    for repeats in (ALL, PAIRS, USES, NONE):
        bodies = [folded(one, repeats) for one in bare]
        for region, body in zip(calls, bodies, strict=True):
            region.body = body
        try:
            blocks = _blocks(writer, name, calls, parameters)
        except TooMuch:
            if best is None:
                raise
            break
        length = sum(_length(writer, block) for block in blocks)
        if best is None or length < best[0]:
            best = length, blocks, bodies
        if len({_kinds(one) for one in bodies}) == 1:
            break  # the repeats are at the same places in all calls
    assert best is not None
    for region, body in zip(calls, best[2], strict=True):
        region.body = body
    for one in best[1]:
        _set(writer, name, one)


def _length(writer: Writer, one: Made) -> int:
    """The length of the text."""
    if one.block is None:
        return sum(3 * len(list(layers_of(form[0].body))) for form in one.forms)
    return sum(map(len, writer.block(one.block))) + 6 * len(one.block.parameters) * len(one.forms)


def _kinds(body: Body) -> object:
    """The kinds of steps, in order."""
    return tuple(_kinds_in(line.chain) for line in body.lines)


def _kinds_in(chain: Chain) -> object:
    return tuple(
        (
            type(step).__name__,
            *(_kinds_in(one) for one in [*chains_in(step)][: 1 if isinstance(step, Repeat) else None]),
        )
        for step in chain.steps
    )


def _set(writer: Writer, class_name: str, block_made: Made) -> None:
    if block_made.block is None:
        for form in block_made.forms:
            for region in form:
                region.dissolved = True
        return
    if class_name.startswith(SHARED):
        path = class_name.removeprefix(INSIDE).removeprefix(SHARED).split(".")
        class_name = next((one for one in reversed(path) if not one.isdigit()), "same")
    name = named(class_name, writer.blocks)
    writer.blocks[name] = block_made.block._replace(name=name)
    for number, form in enumerate(block_made.forms):
        for region in form:
            region.block = name
            region.arguments = {
                parameter.name: parameter.values[number] for parameter in block_made.block.parameters
            }


def _blocks(writer: Writer, name: str, calls: list[Region], parameters: bool) -> list[Made]:
    forms: dict[object, Form] = {}
    for region in calls:
        forms.setdefault((body_key(region.body), _input_sizes(writer, region, parameters)), []).append(region)
    inside = name.startswith(INSIDE)
    if name.startswith(SHARED) and not inside:
        return [_block(writer, list(forms.values()), "shared")]
    if len(forms) > MOST_FORMS:
        raise Unsolved
    blocks: list[Made] = []
    for alike in _alike(writer, list(forms.values()), parameters):
        same = [region for form in alike for region in form]
        if inside:
            blocks.append(_block(writer, alike, "shared inside"))
            continue
        if len(same) == 1 or all(_is_one_step(region.body) for region in same):
            blocks.append(Made(None, alike))
            continue
        try:
            blocks.append(_block(writer, alike))
        except Unsolved:
            exact: dict[object, Form] = {}
            for form in alike:
                exact.setdefault(body_key(form[0].body), []).extend(form)
            for form in exact.values():
                alone = len(form) == 1 or _is_one_step(form[0].body)
                blocks.append(Made(None, [form]) if alone else _block(writer, [form]))
    return blocks


def _input_sizes(writer: Writer, region: Region, parameters: bool) -> Hashable:
    """The part of the inputs' shapes that the text of the block may contain as C, H or W."""
    if not parameters:
        return ()
    shapes = [writer.network.shape(value) for value in region.inputs]
    layers = (writer.network.layers[number] for number in layers_of(region.body))
    sizes = any(isinstance(layer, Layer) and _has_sizes(type(layer.op)) for layer in layers)
    return tuple(shape if sizes else shape[0] for shape in shapes)


@lru_cache(maxsize=1000)
def _has_sizes(op: type[Op]) -> bool:
    """Whether a layer has sizes of maps as arguments."""
    return any(one.kind in ("shape", "sizes") and one.letter is None for _, one in arguments_of(op))


def _is_one_step(body: Body) -> bool:
    return (
        len(body.lines) == 1
        and len(body.lines[0].chain.steps) == 1
        and isinstance(body.lines[0].chain.steps[0], Leaf | Use)
    )


def _alike(writer: Writer, forms: Sequence[Form], parameters: bool) -> Iterable[list[Form]]:
    """Groups of forms that have a common pattern, each with its largest form first."""
    if not parameters:
        return ([one] for one in forms)
    groups: list[tuple[Pattern, list[Form]]] = []
    for form in sorted(forms, key=lambda form: _size(form[0].body), reverse=True):
        body = form[0].body
        for pattern, group in groups:
            if added(pattern, body, writer.work):
                group.append(form)
                break
        else:
            groups.append((begun(body, writer.work), [form]))
    return [group for _, group in groups]


def _size(body: Body) -> tuple[int, int]:
    """The numbers of layers and of branches."""
    return len(list(layers_of(body))), sum(_branches(line.chain) for line in body.lines)


def _branches(chain: Chain) -> int:
    return sum(1 + _branches(one) for step in chain.steps for one in chains_in(step))


def _block(writer: Writer, forms: list[Form], kind: Kind = "block") -> Made:
    """The block of similar forms. Raises `Unsolved` where they have no common form. A `shared` block of the
    file has no parameters."""
    if kind == "shared" and len(forms) > 1:
        raise Unsolved
    pattern = begun(forms[0][0].body, writer.work)
    for form in forms[1:]:
        if not added(pattern, form[0].body, writer.work):
            raise Unsolved
    places = [[region.number for region in form] for form in forms]
    return Made(Block("block", solved(writer, pattern, places), pattern, kind), forms)
