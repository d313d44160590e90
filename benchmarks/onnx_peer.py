"""The peer of benchmarks/check.py: loads an ONNX model without weights, infers its shapes, prints a plain
table.

onnx_peer.py make resnet50|LAYERS FILE     writes such a model
onnx_peer.py table FILE                    what is timed
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import onnx

ROWS = 200
"""Of a long table, so many rows are printed."""


def table(path: str) -> None:
    from onnx import shape_inference

    graph = shape_inference.infer_shapes(onnx.load(path, load_external_data=False)).graph
    shapes = {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for values in (graph.value_info, graph.input, graph.output)
        for value in values
    }
    rows = []
    total = 0
    for node in graph.node:
        weights = 0
        for name in node.input[1:]:
            if name.startswith("w."):
                size = 1
                for dim in shapes[name]:
                    size *= dim
                weights += size
        total += weights
        if len(rows) < ROWS:
            shape = "x".join(map(str, shapes[node.output[0]][1:]))
            rows.append((node.name, node.op_type, shape, f"{weights:,}"))
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)))
    print(total)


class Graph:
    """Builds an ONNX graph whose weights are inputs: they have shapes and no data."""

    def __init__(self, shape: Sequence[int]) -> None:
        from onnx import TensorProto, helper

        self.helper, self.kind = helper, TensorProto.FLOAT
        self.nodes: list[object] = []
        self.inputs = [helper.make_tensor_value_info("x", self.kind, [1, *shape])]
        self.value = "x"

    def weight(self, *shape: int) -> str:
        name = f"w.{len(self.inputs)}"
        self.inputs.append(self.helper.make_tensor_value_info(name, self.kind, shape))
        return name

    def add(self, op: str, *inputs: str, **attributes: object) -> str:
        name = f"{op}.{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(op, list(inputs), [name], name=name, **attributes))
        self.value = name
        return name

    def conv(self, value: str, c: int, k: int, f: int, s: int = 1, p: int = 0, norm: bool = True) -> str:
        value = self.add(
            "Conv", value, self.weight(k, c, f, f), kernel_shape=[f, f], strides=[s, s], pads=[p, p, p, p]
        )
        return self.add("BatchNormalization", value, *(self.weight(k) for _ in range(4))) if norm else value

    def save(self, path: str) -> None:
        out = self.helper.make_tensor_value_info(self.value, self.kind, None)
        graph = self.helper.make_graph(self.nodes, "g", self.inputs, [out])
        onnx.save(self.helper.make_model(graph, opset_imports=[self.helper.make_opsetid("", 17)]), path)


def resnet50(path: str) -> None:
    graph = Graph((3, 224, 224))
    value = graph.add("Relu", graph.conv("x", 3, 64, 7, 2, 3))
    value = graph.add("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    c = 64
    for k, repeats, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for number in range(repeats):
            s = stride if number == 0 else 1
            way = graph.add("Relu", graph.conv(value, c, k, 1))
            way = graph.add("Relu", graph.conv(way, k, k, 3, s, 1))
            way = graph.conv(way, k, 4 * k, 1)
            short = graph.conv(value, c, 4 * k, 1, s) if number == 0 else value
            value = graph.add("Relu", graph.add("Add", way, short))
            c = 4 * k
    value = graph.add("Flatten", graph.add("GlobalAveragePool", value))
    graph.add("Gemm", value, graph.weight(c, 1000), graph.weight(1000))
    graph.save(path)


def chain(path: str, layers: int) -> None:
    graph = Graph((4, 8, 8))
    value = "x"
    for _ in range(layers // 2):
        value = graph.add("Relu", graph.conv(value, 4, 4, 3, 1, 1, norm=False))
    graph.save(path)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", "resnet50", path]:
            resnet50(path)
        case ["make", layers, path]:
            chain(path, int(layers))
        case ["table", path]:
            table(path)
        case _:
            sys.exit(__doc__)
