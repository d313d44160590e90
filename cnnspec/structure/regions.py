"""The layers grouped by the modules that called them: a tree of regions.

A region is one call of a module that may become the use of a block. Containers (`Sequential`), modules whose
class has no other call, and calls that are interrupted by other layers are not regions: their layers belong
to the module around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from cnnspec.ops.base import Op
from cnnspec.sources.layers import Hole, Layer, LayerList, Scope
from cnnspec.structure.holes import unknown_layer
from cnnspec.structure.tied import CONTAINERS, INSIDE, SHARED

if TYPE_CHECKING:
    from cnnspec.structure.parts import Body

DEEPEST = 12
"""The largest nesting depth of regions."""
MOST_ENDS = 16
"""The most inputs, and the most outputs, of a region."""

FEW = 3
"""The most layers of a row (conv, norm, activation) that is written out instead of becoming a block,"""
PLACES = 8
"""and the most places at which such a row may occur."""

TRIES = 40
"""How often regions that do not fit are removed before all are removed."""

Key: TypeAlias = tuple[str, int]


class Node(NamedTuple):
    """A layer in a graph: the values that it reads and makes."""

    number: int
    op: Op
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(eq=False, repr=False)
class Region:
    """One call of a module. `items` are in an order in which they can be computed. `body` has them as lines;
    `block` and `arguments` are set when the class has become a block; `dissolved`, where it does not become
    one."""

    key: Key
    class_name: str
    items: Sequence[Node | Region]
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    body: Body = None  # type: ignore[assignment]
    block: str = ""
    dissolved: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.items[0].number

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.key[0].rpartition(".")[2]

    def within(self) -> Iterator[Region]:
        """All regions in it, inner ones first, and the region itself."""
        for item in self.items:
            if isinstance(item, Region):
                yield from item.within()
        yield self


def regions(network: LayerList) -> Region:
    """The network as a region with its inner regions."""
    first = len(network.inputs)
    reads = _read(network)
    nodes = {
        number: Node(number, layer.op, reads[number], (first + number,))
        if isinstance(layer, Layer)
        else Node(number, unknown_layer(layer), layer.inputs, (first + number,))
        for number, layer in enumerate(network.layers)
    }
    left_out: set[Key] = set()
    for number in range(TRIES + 1):
        if number == TRIES:
            left_out |= {_key(scope) for layer in network.layers for scope in layer.scopes}
        left_out |= _single(network, left_out)
        scopes = {number: _kept(network.layers[number].scopes, left_out) for number in nodes}
        outputs = tuple(output.value for output in network.outputs)
        root = _grouped([*nodes.values()], scopes, 0, ("", 0), "")
        root.inputs, root.outputs = tuple(range(first)), outputs
        unfit = _unfit(root, outputs)
        if not unfit:
            return root
        left_out |= unfit
    raise AssertionError("without regions nothing can be unfit")


def _read(network: LayerList) -> list[tuple[int, ...]]:
    """The values that each layer's text refers to. `unpool like=@pool` names the pooling, whose input it
    reads."""
    first = len(network.inputs)
    undone = {layer.op.undoes for layer in network.layers if isinstance(layer, Layer)} - {None}
    pools: dict[tuple[Op, int], int] = {}
    read = []
    for number, layer in enumerate(network.layers):
        read.append(layer.inputs)
        if isinstance(layer, Hole):
            continue
        if layer.op.word in undone:
            pools[layer.op, layer.inputs[0]] = first + number
        if layer.op.undoes is not None:
            key = getattr(layer.op, layer.op.undoes), layer.inputs[1]
            read[-1] = (layer.inputs[0], pools.get(key, layer.inputs[1]))
    return read


def _key(scope: Scope) -> Key:
    return scope.path, scope.call


def _kept(scopes: Sequence[Scope], left_out: set[Key]) -> list[Scope]:
    kept = [
        scope
        for scope in scopes
        if scope.path
        and scope.class_name
        and scope.class_name not in CONTAINERS
        and _key(scope) not in left_out
    ]
    return kept[:DEEPEST]


def _single(network: LayerList, left_out: set[Key]) -> set[Key]:
    """The calls of classes that are not worth a block: classes with one call, with one layer, with a row of a
    few layers at few places, or with a row of any length at one place."""
    calls: dict[str, set[Key]] = {}
    places: dict[str, set[tuple[str, str]]] = {}  # the classes that call it, with the attribute
    layers: dict[Key, list[Layer | Hole]] = {}
    for layer in network.layers:
        kept = _kept(layer.scopes, left_out)
        around = Scope("")
        for scope in kept:
            path = scope.path.removeprefix(around.path)
            calls.setdefault(scope.class_name, set()).add(_key(scope))
            places.setdefault(scope.class_name, set()).add((around.class_name, path))
            layers.setdefault(_key(scope), []).append(layer)
            around = scope
    single: set[Key] = set()
    for name, keys in calls.items():
        if len(keys) == 1 or (not name.startswith(SHARED) and _is_small(keys, layers, len(places[name]))):
            single |= keys
    return single


def _is_small(keys: set[Key], layers: dict[Key, list[Layer | Hole]], places: int) -> bool:
    longest = max(len(layers[key]) for key in keys)
    if longest == 1:
        return True
    inner = [layer for key in keys for layer in layers[key]]
    row = all(isinstance(layer, Layer) and not layer.op.merges for layer in inner)
    if any(scope.class_name.startswith(INSIDE) for layer in inner for scope in layer.scopes):
        return False  # a `shared` stands in this block
    return row and (places == 1 or (longest <= FEW and places <= PLACES))


def _grouped(
    nodes: Sequence[Node], scopes: dict[int, list[Scope]], depth: int, key: Key, class_name: str
) -> Region:
    """The region of these layers, whose common scopes are its own and the `depth - 1` around it."""
    groups: dict[Key, list[Node]] = {}
    items: list[Node | Key] = []
    classes: dict[Key, str] = {}
    for node in nodes:
        inner = scopes[node.number][depth : depth + 1]
        if not inner:
            items.append(node)
            continue
        if _key(inner[0]) not in groups:
            items.append(_key(inner[0]))
        groups.setdefault(_key(inner[0]), []).append(node)
        classes[_key(inner[0])] = inner[0].class_name
    new_groups = [
        item if isinstance(item, Node) else _grouped(groups[item], scopes, depth + 1, item, classes[item])
        for item in items
    ]
    return Region(key, class_name, new_groups)


def _unfit(root: Region, outputs: Sequence[int]) -> set[Key]:
    """The calls that other layers interrupt, or with too many inputs or outputs. All other regions get their
    inputs and outputs, and their items are put in order."""
    uses = Counter(value for region in root.within() for node in _nodes(region) for value in node.inputs)
    uses.update(outputs)
    for region in root.within():
        if region is not root:
            _set_ends(region, uses)
    unfit = {
        one.key
        for one in root.within()
        if one is not root and (len(one.inputs) + len(one.outputs) > MOST_ENDS or not one.inputs)
    }
    for region in root.within():
        unfit |= _cyclic(region)
    return unfit | _parted(root)


def _parted(root: Region) -> set[Key]:
    """The calls that contain a pooling or the layer that undoes it, which names the pooling, but not both."""
    nodes = (node for region in root.within() for node in _nodes(region))
    pairs = [{*node.outputs, node.inputs[1]} for node in nodes if node.op.undoes is not None]
    parted: set[Key] = set()
    for region in root.within() if pairs else ():
        values = {value for one in region.within() for node in _nodes(one) for value in node.outputs}
        if region is not root and any(pair & values and not pair <= values for pair in pairs):
            parted.add(region.key)
    return parted


def _nodes(region: Region) -> Iterator[Node]:
    return (item for item in region.items if isinstance(item, Node))


def _set_ends(region: Region, uses: Counter[int]) -> None:
    """Sets the values that a region reads from outside, and those that are read outside. Its inner regions
    are done already."""
    read: Counter[int] = Counter()
    inside: dict[int, None] = {}
    nodes = (node for one in region.within() for node in _nodes(one))
    for node in sorted(nodes, key=lambda one: one.number):
        read.update(node.inputs)
        inside |= dict.fromkeys(node.outputs)
    region.inputs = tuple(value for value in read if value not in inside)
    region.outputs = tuple(value for value in inside if uses[value] > read[value])


def _cyclic(region: Region) -> set[Key]:
    """Puts the items in order. Returns the regions that cannot be ordered because each needs another one
    first."""
    maker = {value: number for number, item in enumerate(region.items) for value in item.outputs}
    needs = [
        {maker[value] for value in item.inputs if value in maker} - {number}
        for number, item in enumerate(region.items)
    ]
    order = _order(needs)
    if len(order) == len(needs):
        region.items = [region.items[number] for number in order]
        return set()
    left = set(range(len(needs))) - set(order)
    readers: list[set[int]] = [set() for _ in needs]
    for number in left:
        for need in needs[number]:
            readers[need].add(number)
    left -= set(_order([reader & left for reader in readers]))
    return {one.key for one in (region.items[number] for number in left) if isinstance(one, Region)}


def _order(needs: Sequence[set[int]]) -> list[int]:
    """An order of the numbers in which each comes after those that it needs; otherwise unchanged."""
    readers: list[list[int]] = [[] for _ in needs]
    for number, needed in enumerate(needs):
        for one in needed:
            readers[one].append(number)
    waiting = [len(needed) for needed in needs]
    ready = [number for number, count in enumerate(waiting) if not count]
    heapify(ready)
    order = []
    while ready:
        number = heappop(ready)
        order.append(number)
        for reader in readers[number]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heappush(ready, reader)
    return order
