"""The calls of each class → blocks with parameters, the inner classes first."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from cnnspec.sources.layers import Layer, LayerList
from cnnspec.structure.align import Work, begun
from cnnspec.structure.forms import made
from cnnspec.structure.found import with_found
from cnnspec.structure.lines import woven
from cnnspec.structure.parts import Body
from cnnspec.structure.regions import Node, Region, regions
from cnnspec.structure.repeats import folded
from cnnspec.structure.solve import solved
from cnnspec.structure.text import Writer
from cnnspec.structure.tied import with_shared
from cnnspec.structure.usual import usual

MOST_FORMS = 200
"""The most different bodies of one class; a class with more is written without blocks."""


Shared: TypeAlias = Literal["in blocks", "in the file", "nowhere"]


class Written(NamedTuple):
    text: str
    body: Body


def written(
    network: LayerList, scopes: bool = True, parameters: bool = True, shared: Shared = "nowhere"
) -> Written:
    """The text of a network: with blocks that have parameters, with exact blocks, or without `scopes`;
    `shared`: where modules that are called several times become `shared` blocks."""
    if shared != "nowhere":
        network = with_shared(network, inside=shared == "in blocks")
    if scopes:
        network = with_found(network)
    bare = (
        network
        if scopes
        else network._replace(layers=tuple(layer._replace(scopes=()) for layer in network.layers))
    )
    root = regions(bare)
    ops = [layer.op for layer in network.layers if isinstance(layer, Layer)]
    writer = Writer(network, usual(ops), {}, Work())
    for name, calls in _classes(root):
        made(writer, name, calls, parameters)
        _dissolve(root)
    body = folded(woven(root.items, root.inputs, root.outputs, network.shape))
    pattern = begun(body, Work())
    solved(writer, pattern)
    return Written(writer.file(pattern), body)


def _dissolve(region: Region) -> None:
    """Moves the items of regions without a block into the regions around them."""
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
    """The classes with their calls, each class before those that use it."""
    calls: dict[str, list[Region]] = {}
    inside: dict[str, set[str]] = {}
    for region in root.within():
        if region is root:
            continue
        calls.setdefault(region.class_name, []).append(region)
        within = {item.class_name for item in region.items if isinstance(item, Region)}
        inside.setdefault(region.class_name, set()).update(within)
    classes_in_order: list[tuple[str, list[Region]]] = []
    while calls:
        ready = [name for name in calls if not inside[name] & calls.keys()]
        if not ready:  # a class that calls itself: inner levels first
            name = min(calls, key=lambda one: min(_height(region) for region in calls[one]))
            least = min(map(_height, calls[name]))
            classes_in_order.append((name, [one for one in calls[name] if _height(one) == least]))
            calls[name] = [call for call in calls[name] if _height(call) > least]
            inside[name] = {
                item.class_name for region in calls[name] for item in region.items if isinstance(item, Region)
            } - ({name} if all(_height(one) == least + 1 for one in calls[name]) else set())
            calls = {name: left for name, left in calls.items() if left}
        for name in ready:
            classes_in_order.append((name, calls.pop(name)))
    return classes_in_order


def _height(region: Region) -> int:
    return 1 + max((_height(item) for item in region.items if isinstance(item, Region)), default=0)
