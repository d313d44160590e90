"""The list made ready: layers that do nothing, or that nothing reads, are left out.

The numbers of layers and values change; what a layer is, does not.
"""

from __future__ import annotations

from cnnspec.sources.layers import Hole, Layer, LayerList


def tidied(network: LayerList) -> LayerList:
    first = len(network.inputs)
    read = {one.value for one in network.outputs}
    for number in range(len(network.layers) - 1, -1, -1):
        if first + number in read:
            read.update(network.layers[number].inputs)
    now = list(range(first))  # the new number of each value
    layers: list[Layer | Hole] = []
    for number, layer in enumerate(network.layers):
        if first + number not in read:
            now.append(-1)
        elif does_nothing(layer):
            now.append(now[layer.inputs[0]])
        else:
            now.append(first + len(layers))
            layers.append(layer._replace(inputs=tuple(now[value] for value in layer.inputs) or (0,)))
    outputs = tuple(one._replace(value=now[one.value]) for one in network.outputs)
    return network._replace(layers=tuple(layers), outputs=outputs)


def does_nothing(layer: Layer | Hole) -> bool:
    """`id`, and a merge of one branch."""
    if isinstance(layer, Hole):
        return False
    op = layer.op
    if op.word == "id":
        return True
    return op.merges and getattr(op, "operator", False) and len(layer.inputs) == 1 and not layer.weights
