"""The calls of each class → blocks with parameters, the inner classes first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cnnspec.sources.layers import Layer, LayerList
from cnnspec.structure.align import added, begun
from cnnspec.structure.holes import named
from cnnspec.structure.lines import woven
from cnnspec.structure.parts import Body, Leaf, Use
from cnnspec.structure.pattern import Pattern
from cnnspec.structure.regions import Node, Region, regions
from cnnspec.structure.repeats import body_key, folded
from cnnspec.structure.solve import Solver, Unsolved
from cnnspec.structure.text import Block, Writer
from cnnspec.structure.tied import SHARED, with_shared
from cnnspec.structure.usual import usual

MOST_FORMS = 200
"""Different bodies of one class, at most; what has more is written without blocks."""


class Written(NamedTuple):
    text: str
    body: Body


def written(
    network: LayerList, scopes: bool = True, parameters: bool = True, shared: bool = False
) -> Written:
    """The text of a network: with blocks that have parameters, with exact blocks, or without `scopes`;
    `shared`: with modules that are called several times as shared blocks."""
    if shared:
        network = with_shared(network)
    bare = (
        network
        if scopes
        else network._replace(layers=tuple(one._replace(scopes=()) for one in network.layers))
    )
    root = regions(bare)
    ops = [layer.op for layer in network.layers if isinstance(layer, Layer)]
    writer = Writer(network, usual(ops), {})
    for name, calls in _classes(root):
        _made(writer, name, calls, parameters)
        _dissolve(root)
    body = folded(woven(root.items, root.inputs, root.outputs, network.shape))
    pattern = begun(body)
    Solver(writer, pattern).solve()
    return Written(writer.file(pattern), body)


def _dissolve(region: Region) -> None:
    """Puts the items of regions that are no blocks into those around them."""
    items: list[Node | Region] = []
    for item in region.items:
        if isinstance(item, Region):
            _dissolve(item)
        if isinstance(item, Region) and item.dissolved:
            items += item.items
        else:
            items.append(item)
    region.items = items


def _classes(root: Region) -> list[tuple[str, list[Region]]]:
    """The classes with their calls, those that are used by others first."""
    calls: dict[str, list[Region]] = {}
    inside: dict[str, set[str]] = {}
    for region in root.within():
        if region is root:
            continue
        calls.setdefault(region.class_name, []).append(region)
        within = {one.class_name for one in region.items if isinstance(one, Region)}
        inside.setdefault(region.class_name, set()).update(within)
    found: list[tuple[str, list[Region]]] = []
    while calls:
        ready = [name for name in calls if not inside[name] & calls.keys()]
        if not ready:  # a class that calls itself: level by level
            name = min(calls, key=lambda one: min(_height(region) for region in calls[one]))
            least = min(map(_height, calls[name]))
            found.append((name, [one for one in calls[name] if _height(one) == least]))
            calls[name] = [one for one in calls[name] if _height(one) > least]
            inside[name] = {
                one.class_name for region in calls[name] for one in region.items if isinstance(one, Region)
            } - ({name} if all(_height(one) == least + 1 for one in calls[name]) else set())
            calls = {name: left for name, left in calls.items() if left}
        for name in ready:
            found.append((name, calls.pop(name)))
    return found


def _height(region: Region) -> int:
    return 1 + max((_height(one) for one in region.items if isinstance(one, Region)), default=0)


def _made(writer: Writer, name: str, calls: list[Region], parameters: bool) -> None:
    """The blocks of one class, and which of them each call uses."""
    network = writer.network
    shared = name.startswith(SHARED)
    for region in calls:
        region.body = woven(region.items, region.inputs, region.outputs, network.shape, block=True)
    _fold(calls)
    forms: dict[object, list[Region]] = {}
    for region in calls:
        channels = network.shape(region.inputs[0])[0] if parameters else 0
        forms.setdefault((body_key(region.body), channels), []).append(region)
    if len(forms) > (1 if shared else MOST_FORMS):
        raise Unsolved
    if shared:
        _block(writer, name, list(forms.values()))
        return
    for alike in _alike(list(forms.values()), parameters):
        calls = [region for same in alike for region in same]
        if len(calls) == 1 or all(_is_one_step(region.body) for region in calls):
            for region in calls:
                region.dissolved = True
            continue
        try:
            _block(writer, name, alike)
        except Unsolved:
            exact: dict[object, list[Region]] = {}
            for same in alike:
                exact.setdefault(body_key(same[0].body), []).extend(same)
            for same in exact.values():
                _block(writer, name, [same])


def _is_one_step(body: Body) -> bool:
    return (
        len(body.lines) == 1
        and len(body.lines[0].chain.steps) == 1
        and isinstance(body.lines[0].chain.steps[0], Leaf | Use)
    )


def _fold(calls: list[Region]) -> None:
    """Repeats; those of plain layers only where all calls have them alike."""
    whole = [folded(one.body) for one in calls]
    if len({_shape_of(one) for one in whole}) > 1:
        whole = [folded(one.body, leaves=False) for one in calls]
    for region, body in zip(calls, whole, strict=True):
        region.body = body


def _shape_of(body: Body) -> object:
    """How many steps of which kind there are."""
    return tuple(tuple(type(step).__name__ for step in line.chain.steps) for line in body.lines)


def _alike(forms: list[list[Region]], parameters: bool) -> Iterable[list[list[Region]]]:
    """Groups of forms that have one pattern, the largest form of each first."""
    if not parameters:
        return ([one] for one in forms)
    forms = sorted(forms, key=lambda same: -sum(1 for _ in _steps(same[0].body)))
    groups: list[tuple[Pattern, list[list[Region]]]] = []
    for same in forms:
        body = same[0].body
        for pattern, group in groups:
            if added(pattern, body):
                group.append(same)
                break
        else:
            groups.append((begun(body), [same]))
    return [group for _, group in groups]


def _steps(body: Body) -> Iterable[object]:
    from cnnspec.structure.parts import layers_of

    return layers_of(body)


def _block(writer: Writer, class_name: str, forms: list[list[Region]]) -> None:
    pattern = begun(forms[0][0].body)
    for same in forms[1:]:
        if not added(pattern, same[0].body):
            raise Unsolved
    parameters = Solver(writer, pattern).solve()
    shared = class_name.startswith(SHARED)
    path = [one for one in class_name.removeprefix(SHARED).split(".") if not one.isdigit()] or ["same"]
    name = named(path[-1], writer.blocks)
    writer.blocks[name] = Block(name, parameters, pattern, shared)
    for number, same in enumerate(forms):
        for region in same:
            region.block = name
            region.arguments = {one.name: one.values[number] for one in parameters}
