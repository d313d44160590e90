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


def _div(node: Node, given: Sequence[Array]) -> Array:
    left, right = given
    if np.issubdtype(left.dtype, np.integer):
        quotient: Array = np.trunc(left / np.where(right == 0, 1, right)).astype(left.dtype)
        return quotient
    ratio: Array = np.asarray(left / right)
    return ratio


def _axes(node: Node, given: Sequence[Array], place: int) -> tuple[int, ...] | None:
    """The axes: an attribute in older files, an input in newer ones."""
    said = node.get("axes", given[place] if len(given) > place else None)
    return None if said is None else tuple(int(one) for one in np.asarray(said).ravel())


def _squeeze(node: Node, given: Sequence[Array]) -> Array:
    return np.squeeze(given[0], _axes(node, given, 1))


def _unsqueeze(node: Node, given: Sequence[Array]) -> Array:
    return np.expand_dims(given[0], _axes(node, given, 1) or ())


def reshaped(shape: Sequence[int], wanted: Sequence[int], keeps_zero: bool = False) -> tuple[int, ...]:
    """The output sizes of a Reshape: 0 keeps a size, −1 is the remaining one."""
    sizes = [
        shape[place] if size == 0 and not keeps_zero and place < len(shape) else size
        for place, size in enumerate(wanted)
    ]
    rest = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and rest > 0:
        sizes[sizes.index(-1)] = prod(shape) // rest
    if any(size < 0 for size in sizes) or prod(sizes) != prod(shape):
        raise Refused(f"{tuple(shape)} cannot be reshaped to {tuple(wanted)}")
    return tuple(sizes)


def _reshape(node: Node, given: Sequence[Array]) -> Array:
    return given[0].reshape(
        reshaped(given[0].shape, [int(one) for one in given[1]], bool(node.get("allowzero")))
    )


def _slice(node: Node, given: Sequence[Array]) -> Array:
    index: list[Any] = [slice(None)] * given[0].ndim
    for axis, begin, end, step in slices(node, given):
        index[axis] = slice(begin, None if step < 0 and end < -given[0].shape[axis] else end, step)
    part: Array = given[0][tuple(index)]
    return part


def slices(node: Node, given: Sequence[Array | None]) -> list[tuple[int, int, int, int]]:
    """The axis, start, end and step for each axis of a Slice."""

    def one(name: str, place: int) -> list[int] | None:
        value = node.get(name, given[place] if len(given) > place else None)
        return None if value is None else [int(each) for each in np.asarray(value).ravel()]

    begins, ends = one("starts", 1) or [], one("ends", 2) or []
    axes = one("axes", 3) or list(range(len(begins)))
    steps = one("steps", 4) or [1] * len(begins)
    return list(zip(axes, begins, ends, steps, strict=True))


def _constant(node: Node, given: Sequence[Array]) -> Array:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            kind = {"value_float": np.float32, "value_floats": np.float32}.get(name)
            return np.asarray(node.attributes[name], kind)
    raise Refused(f"the constant {node.outputs[0]} has no value that is a number")


def _filled(node: Node, given: Sequence[Array]) -> Array:
    value = node.get("value")
    shape = tuple(int(one) for one in given[0])
    _within(prod(shape))
    return np.full(
        shape, 0.0 if value is None else value.ravel()[0], np.float32 if value is None else value.dtype
    )


def _range(node: Node, given: Sequence[Array]) -> Array:
    begin, end, step = (one.item() for one in given)
    _within(max(ceil((end - begin) / step), 0) if step else MOST + 1)
    made: Array = begin + step * np.arange(max(ceil((end - begin) / step), 0))
    return made.astype(given[0].dtype)


def _expand(node: Node, given: Sequence[Array]) -> Array:
    sizes = tuple(int(one) for one in given[1])
    shape = np.broadcast_shapes(given[0].shape, sizes)
    _within(prod(shape), given)
    return np.broadcast_to(given[0], shape)


def _tile(node: Node, given: Sequence[Array]) -> Array:
    _within(given[0].size * prod(int(one) for one in given[1]), given)
    return np.tile(given[0], [int(one) for one in given[1]])


def _split(node: Node, given: Sequence[Array]) -> Sequence[Array]:
    axis = node.get("axis", 0)
    sizes = split_sizes(node, given, given[0].shape[axis])
    return np.split(given[0], np.cumsum(sizes)[:-1], axis)


def split_sizes(node: Node, given: Sequence[Array | None], size: int) -> list[int]:
    """The sizes of the parts of a Split."""
    said = node.get("split", given[1] if len(given) > 1 else None)
    if said is not None:
        return [int(one) for one in np.asarray(said).ravel()]
    parts = len(node.outputs)
    each = -(-size // parts)
    return [min(each, size - each * place) for place in range(parts)]


def _cast(node: Node, given: Sequence[Array]) -> Array:
    from onnx.helper import tensor_dtype_to_np_dtype

    return given[0].astype(tensor_dtype_to_np_dtype(node.get("to", 1)))


def _reduce(function: Callable[..., Any]) -> Folding:
    def fold(node: Node, given: Sequence[Array]) -> Array:
        axes = _axes(node, given, 1)
        return np.asarray(function(given[0], axis=axes, keepdims=bool(node.get("keepdims", 1))))

    return fold


def _elementwise(function: Callable[..., Any]) -> Folding:
    return lambda node, given: np.asarray(function(*given))


def _dequantized(node: Node, given: Sequence[Array]) -> Array:
    scale, zero = given[1], given[2] if len(given) > 2 else np.zeros((), given[0].dtype)
    if scale.ndim == 1 and scale.size > 1:
        sizes = [1] * given[0].ndim
        sizes[node.get("axis", 1)] = scale.size
        scale, zero = scale.reshape(sizes), zero.reshape(sizes) if zero.ndim else zero
    return np.asarray((given[0].astype(np.float32) - zero.astype(np.float32)) * scale)


FOLDED: dict[str, Folding] = {
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Identity": lambda node, given: given[0],
    "Cast": _cast,
    "Gather": lambda node, given: np.take(given[0], given[1].astype(np.int64), node.get("axis", 0)),
    "Concat": lambda node, given: np.concatenate(given, node.get("axis", 0)),
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Flatten": lambda node, given: given[0].reshape(prod(given[0].shape[: node.get("axis", 1)]), -1),
    "Transpose": lambda node, given: given[0].transpose(node.get("perm")),
    "Div": _div,
    "Range": _range,
    "Expand": _expand,
    "Tile": _tile,
    "Split": _split,
    "Size": lambda node, given: np.asarray(given[0].size),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "ReduceMin": _reduce(np.min),
    "ReduceMax": _reduce(np.max),
    "Min": lambda node, given: np.minimum.reduce(given),
    "Max": lambda node, given: np.maximum.reduce(given),
    "DequantizeLinear": _dequantized,
    **{name: _elementwise(function) for name, function in _NUMPY.items()},
}


class Budget:
    """The number of elements that may still be computed."""

    def __init__(self) -> None:
        self.left = ALTOGETHER

    def folded(self, node: Node, given: Sequence[Array]) -> Sequence[Array] | None:
        """The outputs of a node with constant inputs; None where its operator is not on the list."""
        function = FOLDED.get(node.op)
        if function is None:
            return None
        if node.op in _NUMPY or node.op in ("Div", "Min", "Max"):
            _within(prod(np.broadcast_shapes(*(one.shape for one in given))), given)
        elif node.op == "Gather":
            _within(given[0].size // max(given[0].shape[node.get("axis", 0)], 1) * given[1].size, given)
        elif node.op == "Concat":
            _within(sum(one.size for one in given), given)
        with np.errstate(all="ignore"):
            made = function(node, given)
        arrays = [made] if isinstance(made, np.ndarray) else list(made)
        self.left -= sum(one.size for one in arrays)
        if self.left < 0:
            raise Refused(f"its constants have more than {ALTOGETHER:,} numbers")
        return arrays


def _within(size: int, given: Sequence[Array] = ()) -> None:
    if size > MOST and all(size > one.size for one in given):
        raise Refused(f"a constant of it would have {size:,} numbers; {MOST:,} is the limit")
