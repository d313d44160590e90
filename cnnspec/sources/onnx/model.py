"""An ONNX file as plain values: nodes, constants, inputs and outputs. The file is untrusted.

Weights in separate files are read by `external`: only regular files below the model's folder, with one name,
as long as the tensor. (The tests follow the published advisories on loaders of ONNX: `..`, absolute paths,
links of both kinds, offsets after the end.)"""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

from cnnspec.sources.layers import Scope

if TYPE_CHECKING:
    from onnx import (
        AttributeProto,
        FunctionProto,
        ModelProto,
        NodeProto,
        TensorProto,
        ValueInfoProto,
    )

Array = np.ndarray[Any, Any]
MOST_NODES = 50_000
LARGEST = 2**31
"""The largest file in bytes."""
DEEPEST = 16
"""The largest nesting depth of functions and of graphs."""
MOST_TEXT = 300


class Refused(ValueError):
    """The reason why a file cannot be read, a sentence without a full stop."""


class Node(NamedTuple):
    """One node. An omitted input is an empty name. own: the module that the node is, inside scopes."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    name: str
    scopes: tuple[Scope, ...]
    own: Scope | None = None

    def get(self, name: str, otherwise: Any = None) -> Any:
        return self.attributes.get(name, otherwise)

    def __str__(self) -> str:
        return f"{self.op} ({self.name or next(iter(self.outputs), 'without a name')})"


class Branch(NamedTuple):
    """A graph inside a node: one side of an If."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    outputs: tuple[str, ...]


class Entering(NamedTuple):
    """An input: its size along each axis, None where the file does not fix it."""

    name: str
    sizes: tuple[int | None, ...]


class Model(NamedTuple):
    """version: of ONNX's own set of operators."""

    name: str
    version: int
    inputs: tuple[Entering, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    outputs: tuple[str, ...]


def load(path: str) -> Model:
    """The model in the file at `path`. Raises `Refused` with the reason where it cannot be read."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or size > LARGEST:
                raise Refused(f"this is not a regular file of at most {LARGEST:,} bytes")
            proto = onnx.load_model_from_string(file.read())
            return _Reading(proto, os.path.dirname(os.path.abspath(path))).model()
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror}") from None
    except Refused:
        raise
    except Exception as error:  # protobuf's errors have no common class; texts that are not UTF-8 are bytes
        raise Refused(f"this is not an ONNX file: {str(error)[:MOST_TEXT]}") from None


class _Reading:
    def __init__(self, proto: ModelProto, folder: str) -> None:
        self.proto, self.folder = proto, folder
        self.functions = {(function.domain, function.name): function for function in proto.functions}
        self.nodes: list[Node] = []
        self.count = 0
        self.constants: dict[str, Array] = {}

    def model(self) -> Model:
        graph = self.proto.graph
        versions = [one.version for one in self.proto.opset_import if one.domain in ("", "ai.onnx")]
        if not versions:
            raise Refused("it does not say which version of ONNX's operators it uses")
        for tensor in graph.initializer:
            self.constants[tensor.name] = array(tensor, self.folder)
        if graph.sparse_initializer:
            raise Refused("it has sparse weights, which are not read")
        for node in graph.node:
            self._node(node, {}, 0, self.nodes)
        inputs = tuple(map(_entering, (one for one in graph.input if one.name not in self.constants)))
        outputs = tuple(one.name for one in graph.output)
        name = str(graph.name)[:MOST_TEXT]
        return Model(name, max(versions), inputs, tuple(_owned(self.nodes)), self.constants, outputs)

    def _node(self, node: NodeProto, names: Mapping[str, str], depth: int, into: list[Node]) -> None:
        """Adds a node, with the names of its graph's values in the whole model."""
        function = self.functions.get((node.domain, node.op_type))
        self.count += 1
        if self.count > MOST_NODES:
            raise Refused(f"it has more than {MOST_NODES:,} nodes")
        if depth >= DEEPEST:
            raise Refused(f"its functions and graphs are more than {DEEPEST} deep")
        if function is not None:
            self._function(function, node, names, depth, into)
            return
        domain = "" if node.domain in ("", "ai.onnx") else f"{node.domain}."
        attributes = {one.name: self._attribute(one, names, depth) for one in node.attribute}
        inputs = tuple(names.get(one, one) for one in node.input)
        outputs = tuple(names.get(one, one) for one in node.output)
        op = f"{domain}{node.op_type}"[:MOST_TEXT]
        into.append(Node(op, inputs, outputs, attributes, node.name[:MOST_TEXT], _scopes(node)))

    def _attribute(self, one: AttributeProto, names: Mapping[str, str], depth: int) -> Any:
        if one.type != onnx.AttributeProto.GRAPH:
            return _attribute(one, self.folder)
        nodes: list[Node] = []
        for node in one.g.node:
            self._node(node, names, depth + 1, nodes)
        constants = {each.name: array(each, self.folder) for each in one.g.initializer}
        return Branch(
            tuple(nodes), constants, tuple(names.get(each.name, each.name) for each in one.g.output)
        )

    def _function(
        self, function: FunctionProto, node: NodeProto, names: Mapping[str, str], depth: int, into: list[Node]
    ) -> None:
        own = f"{node.name or node.output[0]}/{self.count}/"
        inner = {one: own + one for each in function.node for one in each.output if one}
        inner |= {
            formal: names.get(attributes, attributes)
            for formal, attributes in zip(function.input, node.input, strict=False)
        }
        inner |= {
            formal: names.get(attributes, attributes)
            for formal, attributes in zip(function.output, node.output, strict=False)
        }
        attributes = {one.name: one for one in node.attribute}
        for each in function.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(each)
            for attribute in copy.attribute:
                if attribute.ref_attr_name in attributes:
                    name = attribute.name
                    attribute.CopyFrom(attributes[attribute.ref_attr_name])
                    attribute.name = name
            self._node(copy, inner, depth + 1, into)


def array(tensor: TensorProto, folder: str) -> Array:
    """The numbers of a tensor."""
    shape = tuple(tensor.dims)
    if any(size < 0 for size in shape) or prod(shape) > LARGEST:
        raise Refused(f"the tensor {tensor.name[:MOST_TEXT]} has the shape {shape}")
    try:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            return external(tensor, folder)
        return numpy_helper.to_array(tensor)
    except Refused:
        raise
    except Exception as error:  # numpy_helper raises NumPy's errors
        raise Refused(f"the tensor {tensor.name[:MOST_TEXT]} cannot be read: {error}"[:MOST_TEXT]) from None


def external(tensor: TensorProto, folder: str) -> Array:
    """A tensor whose numbers are in a separate file."""
    entries = {one.key: one.value for one in tensor.external_data}
    location, name = entries.get("location", ""), tensor.name[:MOST_TEXT]
    inside = os.path.normpath(location)
    if not location or os.path.isabs(location) or "\\" in location or inside.split(os.sep)[0] == os.pardir:
        raise Refused(
            f"the weights of {name} are said to be in {location[:MOST_TEXT]!r}, not below the model"
        )
    path, folder_now = folder, folder
    for part in inside.split(os.sep):
        path = os.path.join(path, part)
        if os.path.islink(path):
            raise Refused(f"{os.path.relpath(path, folder_now)}, with the weights of {name}, is a link")
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    length = prod(tensor.dims) * dtype.itemsize
    offset = int(entries.get("offset", 0))
    with open(path, "rb", opener=lambda where, flags: os.open(where, flags | os.O_NOFOLLOW)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise Refused(f"{location[:MOST_TEXT]}, with the weights of {name}, is no file of its own")
        if int(entries.get("length", length)) != length or not 0 <= offset <= status.st_size - length:
            raise Refused(
                f"{location[:MOST_TEXT]} does not hold the {length:,} bytes of {name} at {offset:,}"
            )
        file.seek(offset)
        return np.frombuffer(file.read(length), dtype=dtype).reshape(tuple(tensor.dims))


def _attribute(one: AttributeProto, folder: str) -> Any:
    """The value of an attribute other than a graph."""
    if one.type == onnx.AttributeProto.TENSOR:
        return array(one.t, folder)
    value = onnx.helper.get_attribute_value(one) if not one.ref_attr_name else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")[:MOST_TEXT]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in value)
    return value


def _entering(one: ValueInfoProto) -> Entering:
    kind = one.type.tensor_type
    if not one.type.HasField("tensor_type") or not kind.HasField("shape"):
        raise Refused(f"the input {one.name[:MOST_TEXT]} has no shape")
    sizes = tuple(size.dim_value if size.dim_value > 0 else None for size in kind.shape.dim)
    return Entering(str(one.name)[:MOST_TEXT], sizes)


def _owned(nodes: Sequence[Node]) -> Iterator[Node]:
    """The innermost module is the node's own where it is one of torch's layers, or contains no other node."""
    around = {scope.path for node in nodes for scope in node.scopes[:-1]}
    for node in nodes:
        named = tuple(scope._replace(class_name=scope.class_name.rpartition(".")[2]) for scope in node.scopes)
        last = node.scopes[-1] if node.scopes else Scope("")
        leaf = last.path and last.path not in around
        if leaf and (not last.class_name or last.class_name.startswith("torch.nn.modules.")):
            yield node._replace(scopes=named[:-1], own=named[-1])
        else:
            yield node._replace(scopes=named)


def _scopes(node: NodeProto) -> tuple[Scope, ...]:
    """The modules around a node: from the metadata of torch's newer exporter, or from the node's name, where
    the older exporter puts them (`/layer1/layer1.0/conv1/Conv`)."""
    metadata = {prop.key: prop.value for prop in node.metadata_props}
    classes = _texts(metadata.get("pkg.torch.onnx.class_hierarchy", ""))
    paths = _texts(metadata.get("pkg.torch.onnx.name_scopes", ""))
    if classes and len(classes) == len(paths):
        pairs = zip(paths[:-1], classes[:-1], strict=True)
        return tuple(Scope(path, name) for path, name in pairs if name)
    if not node.name.startswith("/"):
        return ()
    return (Scope(""), *(Scope(path) for path in _full(node.name.split("/")[1:-1])))


def _full(parts: Sequence[str]) -> Iterator[str]:
    """`layer1`, `layer1.0`, `conv1` → `layer1`, `layer1.0`, `layer1.0.conv1`."""
    path = ""
    for part in parts[:DEEPEST]:
        path = part if part.startswith(f"{path}.") or not path else f"{path}.{part}"
        yield path[:MOST_TEXT]


def _texts(written: str) -> list[str]:
    """A list of texts in Python's notation."""
    try:
        texts = ast.literal_eval(written) if written and len(written) < 10_000 else []
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return [str(text)[:MOST_TEXT] for text in texts] if isinstance(texts, list) else []
