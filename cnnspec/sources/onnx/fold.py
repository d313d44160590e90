"""Computes nodes that do not depend on the network's input: constants, and functions of them and of shapes.

There is a fixed list of operators, each a line of NumPy. A result is bounded before it is computed: it has no
more elements than one of its inputs, or `MOST`; and all results together have at most `ALTOGETHER`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, prod
from typing import Any

import numpy as np

from cnnspec.sources.onnx.model import Array, Node, Refused

MOST = 2**22
ALTOGETHER = 2**29
Folding = Callable[[Node, Sequence[Array]], Array | Sequence[Array]]
_NUMPY: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Mod": np.mod,
    "Pow": np.power,
    "Equal": np.equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Not": np.logical_not,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.round,
    "Neg": np.negative,
    "Abs": np.abs,
    "Sqrt": np.sqrt,
    "Reciprocal": np.reciprocal,
    "Exp": np.exp,
    "Where": np.where,
}
"""Elementwise operators: their output has the broadcast size of the inputs."""


def _div(node: Node, inputs: Sequence[Array]) -> Array:
    left, right = inputs
    if np.issubdtype(left.dtype, np.integer):
        quotient: Array = np.trunc(left / np.where(right == 0, 1, right)).astype(left.dtype)
        return quotient
    ratio: Array = np.asarray(left / right)
    return ratio


def _axes(node: Node, inputs: Sequence[Array], place: int) -> tuple[int, ...] | None:
    """The axes: an attribute in older files, an input in newer ones."""
    axes = node.get("axes", inputs[place] if len(inputs) > place else None)
    return None if axes is None else tuple(int(one) for one in np.asarray(axes).ravel())


def _squeeze(node: Node, inputs: Sequence[Array]) -> Array:
    return np.squeeze(inputs[0], _axes(node, inputs, 1))


def _unsqueeze(node: Node, inputs: Sequence[Array]) -> Array:
    return np.expand_dims(inputs[0], _axes(node, inputs, 1) or ())


def reshaped(shape: Sequence[int], target: Sequence[int], keeps_zero: bool = False) -> tuple[int, ...]:
    """The output sizes of a Reshape: 0 keeps a size, −1 is the remaining one."""
    sizes = [
        shape[place] if size == 0 and not keeps_zero and place < len(shape) else size
        for place, size in enumerate(target)
    ]
    rest = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and rest > 0:
        sizes[sizes.index(-1)] = prod(shape) // rest
    if any(size < 0 for size in sizes) or prod(sizes) != prod(shape):
        raise Refused(f"{tuple(shape)} cannot be reshaped to {tuple(target)}")
    return tuple(sizes)


def _reshape(node: Node, inputs: Sequence[Array]) -> Array:
    return inputs[0].reshape(
        reshaped(inputs[0].shape, [int(one) for one in inputs[1]], bool(node.get("allowzero")))
    )


def _slice(node: Node, inputs: Sequence[Array]) -> Array:
    index: list[Any] = [slice(None)] * inputs[0].ndim
    for axis, begin, end, step in slices(node, inputs):
        index[axis] = slice(begin, None if step < 0 and end < -inputs[0].shape[axis] else end, step)
    part: Array = inputs[0][tuple(index)]
    return part


def slices(node: Node, inputs: Sequence[Array | None]) -> list[tuple[int, int, int, int]]:
    """The axis, start, end and step for each axis of a Slice."""

    def one(name: str, place: int) -> list[int] | None:
        value = node.get(name, inputs[place] if len(inputs) > place else None)
        return None if value is None else [int(each) for each in np.asarray(value).ravel()]

    begins, ends = one("starts", 1) or [], one("ends", 2) or []
    axes = one("axes", 3) or list(range(len(begins)))
    steps = one("steps", 4) or [1] * len(begins)
    return list(zip(axes, begins, ends, steps, strict=True))


def _constant(node: Node, inputs: Sequence[Array]) -> Array:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            kind = {"value_float": np.float32, "value_floats": np.float32}.get(name)
            return np.asarray(node.attributes[name], kind)
    raise Refused(f"the constant {node.outputs[0]} has no value that is a number")


def _filled(node: Node, inputs: Sequence[Array]) -> Array:
    value = node.get("value")
    shape = tuple(int(one) for one in inputs[0])
    _within(prod(shape))
    return np.full(
        shape, 0.0 if value is None else value.ravel()[0], np.float32 if value is None else value.dtype
    )


def _range(node: Node, inputs: Sequence[Array]) -> Array:
    begin, end, step = (input_.item() for input_ in inputs)
    _within(max(ceil((end - begin) / step), 0) if step else MOST + 1)
    values: Array = begin + step * np.arange(max(ceil((end - begin) / step), 0))
    return values.astype(inputs[0].dtype)


def _expand(node: Node, inputs: Sequence[Array]) -> Array:
    sizes = tuple(int(one) for one in inputs[1])
    shape = np.broadcast_shapes(inputs[0].shape, sizes)
    _within(prod(shape), inputs)
    return np.broadcast_to(inputs[0], shape)


def _tile(node: Node, inputs: Sequence[Array]) -> Array:
    _within(inputs[0].size * prod(int(one) for one in inputs[1]), inputs)
    return np.tile(inputs[0], [int(one) for one in inputs[1]])


def _split(node: Node, inputs: Sequence[Array]) -> Sequence[Array]:
    axis = node.get("axis", 0)
    sizes = split_sizes(node, inputs, inputs[0].shape[axis])
    return np.split(inputs[0], np.cumsum(sizes)[:-1], axis)


def split_sizes(node: Node, inputs: Sequence[Array | None], size: int) -> list[int]:
    """The sizes of the parts of a Split."""
    sizes = node.get("split", inputs[1] if len(inputs) > 1 else None)
    if sizes is not None:
        return [int(one) for one in np.asarray(sizes).ravel()]
    parts = len(node.outputs)
    each = -(-size // parts)
    return [min(each, size - each * place) for place in range(parts)]


def _cast(node: Node, inputs: Sequence[Array]) -> Array:
    from onnx.helper import tensor_dtype_to_np_dtype

    return inputs[0].astype(tensor_dtype_to_np_dtype(node.get("to", 1)))


def _reduce(function: Callable[..., Any]) -> Folding:
    def fold(node: Node, inputs: Sequence[Array]) -> Array:
        axes = _axes(node, inputs, 1)
        return np.asarray(function(inputs[0], axis=axes, keepdims=bool(node.get("keepdims", 1))))

    return fold


def _elementwise(function: Callable[..., Any]) -> Folding:
    return lambda node, inputs: np.asarray(function(*inputs))


def _dequantized(node: Node, inputs: Sequence[Array]) -> Array:
    scale, zero = inputs[1], inputs[2] if len(inputs) > 2 else np.zeros((), inputs[0].dtype)
    if scale.ndim == 1 and scale.size > 1:
        sizes = [1] * inputs[0].ndim
        sizes[node.get("axis", 1)] = scale.size
        scale, zero = scale.reshape(sizes), zero.reshape(sizes) if zero.ndim else zero
    return np.asarray((inputs[0].astype(np.float32) - zero.astype(np.float32)) * scale)


FOLDED: dict[str, Folding] = {
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Identity": lambda node, inputs: inputs[0],
    "Cast": _cast,
    "Gather": lambda node, inputs: np.take(inputs[0], inputs[1].astype(np.int64), node.get("axis", 0)),
    "Concat": lambda node, inputs: np.concatenate(inputs, node.get("axis", 0)),
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Flatten": lambda node, inputs: inputs[0].reshape(prod(inputs[0].shape[: node.get("axis", 1)]), -1),
    "Transpose": lambda node, inputs: inputs[0].transpose(node.get("perm")),
    "Div": _div,
    "Range": _range,
    "Expand": _expand,
    "Tile": _tile,
    "Split": _split,
    "Size": lambda node, inputs: np.asarray(inputs[0].size),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "ReduceMin": _reduce(np.min),
    "ReduceMax": _reduce(np.max),
    "Min": lambda node, inputs: np.minimum.reduce(inputs),
    "Max": lambda node, inputs: np.maximum.reduce(inputs),
    "DequantizeLinear": _dequantized,
    **{name: _elementwise(function) for name, function in _NUMPY.items()},
}


class Budget:
    """The number of elements that may still be computed."""

    def __init__(self) -> None:
        self.left = ALTOGETHER

    def folded(self, node: Node, inputs: Sequence[Array]) -> Sequence[Array] | None:
        """The outputs of a node with constant inputs; None where its operator is not on the list."""
        function = FOLDED.get(node.op)
        if function is None:
            return None
        if node.op in _NUMPY or node.op in ("Div", "Min", "Max"):
            _within(prod(np.broadcast_shapes(*(input_.shape for input_ in inputs))), inputs)
        elif node.op == "Gather":
            _within(inputs[0].size // max(inputs[0].shape[node.get("axis", 0)], 1) * inputs[1].size, inputs)
        elif node.op == "Concat":
            _within(sum(input_.size for input_ in inputs), inputs)
        with np.errstate(all="ignore"):
            outputs = function(node, inputs)
        arrays = [outputs] if isinstance(outputs, np.ndarray) else list(outputs)
        self.left -= sum(array.size for array in arrays)
        if self.left < 0:
            raise Refused(f"its constants have more than {ALTOGETHER:,} numbers")
        return arrays


def _within(size: int, inputs: Sequence[Array] = ()) -> None:
    if size > MOST and all(size > input_.size for input_ in inputs):
        raise Refused(f"a constant of it would have {size:,} numbers; {MOST:,} is the limit")
