"""From the nodes of an ONNX file to a trace: the calls that torch would make.

A table has a function for each of ONNX's operators (layers.py, shapes.py, elementwise.py); nodes that depend
on constants only are computed (fold.py). The batch is one image where the file does not fix it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from cnnspec.ops.base import Shape
from cnnspec.sources.calls.record import Record, Untranslatable
from cnnspec.sources.calls.trace import Tensor, Trace, Value
from cnnspec.sources.onnx.fold import Budget
from cnnspec.sources.onnx.model import Array, Branch, Model, Node, Refused

SMALL = 4096
"""The most elements of a constant whose values are in a trace."""


@dataclass
class Context:
    """A trace that is being recorded. values: the meaning of each name in the file."""

    version: int
    batch: int
    values: dict[str, Tensor | Array] = field(default_factory=dict)
    record: Record = field(default_factory=Record)
    weights: dict[str, Array] = field(default_factory=dict)
    numbers: dict[str, Tensor] = field(default_factory=dict)
    uses: Counter[str] = field(default_factory=Counter)
    budget: Budget = field(default_factory=Budget)

    def shape(self, value: Tensor | Array) -> Shape:
        return tuple(map(int, value.shape)) if isinstance(value, np.ndarray) else self.record.shape(value)

    def operand(self, node: Node, place: int) -> Tensor | Array | None:
        """An input of a node, or None where it is omitted."""
        if place >= len(node.inputs) or not node.inputs[place]:
            return None
        try:
            return self.values[node.inputs[place]]
        except KeyError:
            raise Refused(f"{node.op} reads {node.inputs[place]}, which nothing gives") from None

    def tensor(self, node: Node, place: int) -> Tensor:
        """An input as a tensor of the network; a constant becomes one."""
        value = self.operand(node, place)
        if value is None:
            raise Refused(f"{node.op} has no input {place}")
        return value if isinstance(value, Tensor) else self.weight(node.inputs[place], value)

    def constant(self, node: Node, place: int) -> Array | None:
        """An input that must be a constant, or None where it is omitted."""
        value = self.operand(node, place)
        if isinstance(value, Tensor):
            raise Untranslatable(f"its input {place + 1} is computed by the network")
        return value

    def weight(self, name: str, value: Array) -> Tensor:
        """A constant as a tensor with a name, for the weights of a layer. Exporters write equal constants
        once: layers do not share a vector of equal numbers (the ones and zeros of new norms)."""
        if sum(size != 1 for size in value.shape) == 1 and (value == value.flat[0]).all():
            self.uses[name] += 1
            name = f"{name}#{self.uses[name]}" if self.uses[name] > 1 else name
        if name not in self.numbers:
            small = value.size <= SMALL and np.issubdtype(value.dtype, np.number)
            numbers = tuple(float(one) for one in value.ravel()) if small else None
            self.weights[name] = value
            self.numbers[name] = self.record.weight(name, value.shape, numbers)
        return self.numbers[name]

    def call(self, node: Node, op: str, /, *shapes: Sequence[int], **arguments: Value) -> tuple[Tensor, ...]:
        """Adds a call to the trace; returns its outputs."""
        place = f"node {node.name or next(iter(node.outputs), node.op)}"
        return self.record.call(op, arguments, shapes, node.scopes, node.own, place)


UNKNOWN = "no layer of the language does this"
Converting: TypeAlias = Callable[[Context, Node], "tuple[Tensor | Array, ...]"]


def convert(model: Model, sizes: Mapping[str, Shape] | None = None) -> tuple[Trace, dict[str, Array]]:
    """The trace of a model, and its weights by name. sizes: of inputs whose sizes the file does not fix, by
    name (or "", all of them), without the batch."""
    from cnnspec.sources.onnx.decomposed import together
    from cnnspec.sources.onnx.tables import TABLE

    context, sizes_by_name = Context(model.version, _batch(model)), sizes or {}
    for input_ in model.inputs:
        shape = (
            context.batch,
            *_sizes(input_.name, input_.sizes, sizes_by_name.get(input_.name) or sizes_by_name.get("")),
        )
        context.values[input_.name] = _entered(context, model, input_.name, shape)
    context.values |= model.constants
    for node in model.nodes:
        context.values |= zip(node.outputs, _made(context, node, TABLE), strict=False)
    outputs = tuple(
        (name if len(model.outputs) > 1 else "", value)
        for name in model.outputs
        if isinstance(value := context.values.get(name), Tensor)
    )
    name = model.name if model.name.isidentifier() else "Model"
    return together(context.record.trace(name, context.batch, outputs)), context.weights


def _entered(context: Context, model: Model, name: str, shape: Shape) -> Tensor:
    """An input. If it has its channels last, and is only read by transpositions that put them first
    (TensorFlow's converters write this), it becomes an input with its channels first, in another
    arrangement."""
    rank = len(shape)
    readers = [node for node in model.nodes if name in node.inputs]
    first = (0, rank - 1, *range(1, rank - 1))
    if (
        rank < 3
        or not readers
        or any(reader.op != "Transpose" or reader.get("perm") != first for reader in readers)
    ):
        return context.record.input(name, shape)
    x = context.record.input(name, tuple(shape[place] for place in first))
    last = (0, *range(2, rank), 1)
    return context.record.call("permute", {"self": x, "dims": last}, [shape])[0]


def _made(context: Context, node: Node, table: Mapping[str, Converting]) -> Sequence[Tensor | Array]:
    inputs = [context.operand(node, place) for place in range(len(node.inputs))]
    if node.op == "Shape" and inputs and inputs[0] is not None:
        return (np.asarray(context.shape(inputs[0])[node.get("start", 0) : node.get("end")], np.int64),)
    arrays = [input_ for input_ in inputs if isinstance(input_, np.ndarray)]
    if node.op == "If" and inputs and isinstance(inputs[0], np.ndarray) and inputs[0].size == 1:
        return _branch(context, node.attributes["then_branch" if inputs[0].item() else "else_branch"], table)
    try:
        if len(arrays) == sum(input_ is not None for input_ in inputs):
            folded = context.budget.folded(node, arrays)
            if folded is not None:
                return folded
        if node.op in ("If", "Loop", "Scan"):
            raise Untranslatable("what it does depends on numbers of the input, and a spec is one network")
        if node.op not in table:
            raise Untranslatable(UNKNOWN)
        return table[node.op](context, node)
    except Untranslatable as why:
        return _hole(context, node, str(why))
    except (ValueError, LookupError, TypeError, ArithmeticError, AssertionError, AttributeError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(f"{node}: {error}"[:300]) from None


def _branch(context: Context, branch: Branch, table: Mapping[str, Converting]) -> Sequence[Tensor | Array]:
    """The side of an If that a constant chooses."""
    context.values |= branch.constants
    for node in branch.nodes:
        context.values |= zip(node.outputs, _made(context, node, table), strict=False)
    return [context.values[name] for name in branch.outputs]


def _hole(context: Context, node: Node, why: str) -> tuple[Tensor, ...]:
    """A node that cannot be translated: a call with its name, and the shapes that ONNX infers for it."""
    inputs = {f"input{place}": context.operand(node, place) for place in range(len(node.inputs))}
    tensors = {name: value for name, value in inputs.items() if isinstance(value, Tensor)}
    shapes = inferred(context, node)
    if shapes is None or not tensors:
        raise Refused(f"{node}: {why}")
    return context.call(node, node.op, *shapes, why=why, **tensors)


def inferred(context: Context, node: Node) -> list[Shape] | None:
    """The shapes of a node's outputs, by ONNX's own rules."""
    import onnx
    from onnx import defs, helper, numpy_helper, shape_inference

    if any(isinstance(value, Branch) for value in node.attributes.values()):
        return None
    try:
        node_proto = helper.make_node(node.op, [*node.inputs], [*node.outputs], **node.attributes)
        types, data = {}, {}
        for place, name in enumerate(node.inputs):
            value = context.operand(node, place)
            if value is not None:
                kind = (
                    onnx.TensorProto.FLOAT
                    if isinstance(value, Tensor)
                    else helper.np_dtype_to_tensor_dtype(value.dtype)
                )
                types[name] = helper.make_tensor_type_proto(kind, context.shape(value))
                if isinstance(value, np.ndarray) and value.size <= SMALL:
                    data[name] = numpy_helper.from_array(value)
        schema = defs.get_schema(node.op, context.version, "")
        shapes_found = shape_inference.infer_node_outputs(schema, node_proto, types, data)
    except Exception:  # ONNX's errors have no common class
        return None
    shapes = [
        tuple(size.dim_value for size in shapes_found[name].tensor_type.shape.dim)
        for name in node.outputs
        if name in shapes_found
    ]
    whole = len(shapes) == len(node.outputs) and all(all(shape) and shape for shape in shapes)
    return shapes if whole else None


def _batch(model: Model) -> int:
    """The number of images; one where the file does not fix it."""
    names = {
        input_.sizes[0]: input_.name
        for input_ in model.inputs
        if input_.sizes and input_.sizes[0] is not None
    }
    if len(names) > 1:
        listed = ", ".join(f"{size} ({name})" for size, name in names.items())
        raise Refused(f"its inputs have different numbers of images: {listed}")
    return int(next(iter(names))) if names else 1


def _sizes(name: str, sizes: Sequence[int | None], sizes_given: Shape | None) -> Shape:
    """The sizes of an input without the batch."""
    inner = list(sizes[1:])
    if not inner:
        raise Refused(
            f"the input {name} is {_written(sizes) or 'a number'}: images with channels are expected"
        )
    if sizes_given is not None:
        if len(sizes_given) != len(inner) or any(
            one not in (None, two) for one, two in zip(inner, sizes_given, strict=True)
        ):
            raise Refused(
                f"the input {name} is {_written(sizes)}, which {'x'.join(map(str, sizes_given))} does not fit"
            )
        return sizes_given
    if any(one is None for one in inner):
        raise Refused(f"the input {name} is {_written(sizes)}: say its size")
    return tuple(int(one) for one in inner if one is not None)


def _written(sizes: Sequence[int | None]) -> str:
    return "x".join("?" if size is None else str(size) for size in sizes)
