"""The same questions asked of the unrolled network, one layer after the other, with no body summarised: the
oracle for all analyses that work body by body.
"""

from __future__ import annotations

from itertools import accumulate
from math import prod

from cnnspec.ir.flat import Entry, flat, flat_outputs
from cnnspec.ir.graph import Graph


def stands_aside(entry: Entry, place: int) -> bool:
    """An input that gates (the smaller arm of mul) or only lends its shape (crop like=@a)."""
    if entry.op.merges:
        return entry.op.gate and entry.input_shapes[place] != entry.out
    return place > 0


def totals(graph: Graph) -> dict[str, int]:
    weights = {key: weight for entry in flat(graph) for key, weight in entry.weights}
    held = {role: sum(prod(w.shape) for w in weights.values() if w.role == role) for role in ROLES}
    entries = list(flat(graph))
    return {
        "params": held["trainable"] + held["frozen"],
        "trainable": held["trainable"],
        "buffers": held["buffer"],
        "macs": sum(entry.op.macs(entry.input_shapes, entry.out) for entry in entries),
        "connections": sum(entry.op.connections(entry.input_shapes, entry.out) for entry in entries),
        "activations": sum(prod(entry.out) for entry in entries),
        "weighted": sum(entry.op.weighted for entry in entries),
        "layers": layers(graph, entries),
        "peak_memory": 4 * peak(graph, entries),
    }


ROLES = ("trainable", "frozen", "buffer")


def layers(graph: Graph, entries: list[Entry]) -> int:
    most = [0] * graph.root.inputs
    for entry in entries:
        ways = [most[value] for place, value in enumerate(entry.inputs) if not stands_aside(entry, place)]
        most.append(max(ways) + entry.op.weighted)
    return max(most[value] for value in flat_outputs(graph))


def peak(graph: Graph, entries: list[Entry]) -> int:
    """Elements alive at once: at each layer, all that was made and is still to be read, and what the layer
    makes.
    """
    sizes = [prod(shape) for shape in graph.root.values[: graph.root.inputs]]
    sizes += [prod(entry.out) for entry in entries]
    last = {value: time for time, entry in enumerate(entries) for value in entry.inputs}
    last |= dict.fromkeys(flat_outputs(graph), len(entries))
    made = dict.fromkeys(range(graph.root.inputs), -1)
    made |= {entry.output: time for time, entry in enumerate(entries)}
    change = [0] * (len(entries) + 2)
    for value, size in enumerate(sizes):
        if value in last or made[value] >= 0:
            change[max(made[value], 0)] += size
            change[max(last.get(value, -1), made[value]) + 1] -= size
    return max(accumulate(change))
