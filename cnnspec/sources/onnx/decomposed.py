"""Reassembles layers that an exporter split into several nodes: activations, layer and group normalisation.

An activation is recognised by the function that it computes, not by its nodes: each tensor is computed as a
function of an earlier tensor at a few points, and where the values are those of a known activation, a call of
that activation replaces it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import erf, sqrt
from typing import Any, NamedTuple

import numpy as np

from cnnspec.sources.calls.trace import Call, Tensor, Trace, Value
from cnnspec.sources.onnx.model import Array

POINTS = np.array([-6.0, -3.3, -1.7, -0.8, -0.1, 0.15, 0.9, 2.2, 3.4, 7.0])
DEEPEST = 8
"""The most calls that an activation consists of."""


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _erf(x: Array) -> Array:
    return np.array([erf(one) for one in x])


_TANH = sqrt(2 / np.pi)
NAMED: Sequence[tuple[str, dict[str, Value], Array]] = (
    ("silu", {}, POINTS * _sigmoid(POINTS)),
    ("gelu", {"approximate": "none"}, POINTS * (1 + _erf(POINTS / sqrt(2))) / 2),
    ("gelu", {"approximate": "tanh"}, POINTS * (1 + np.tanh(_TANH * (POINTS + 0.044715 * POINTS**3))) / 2),
    ("mish", {}, POINTS * np.tanh(np.log1p(np.exp(POINTS)))),
    ("hardswish", {}, POINTS * np.clip(POINTS + 3, 0, 6) / 6),
    ("hardsigmoid", {}, np.clip(POINTS + 3, 0, 6) / 6),
)
"""Activations with their arguments, and their values at the points."""
_UNARY: Mapping[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "erf": _erf,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "neg": np.negative,
    "reciprocal": np.reciprocal,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "hardsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
}
_BINARY: Mapping[str, Callable[[Any, Any], Array]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
_Follows = dict[int, tuple[Array, int]]
"""A tensor as a function of others: their number → its values at the points, and the number of calls."""


def together(trace: Trace) -> Trace:
    """The trace with split layers reassembled. Calls that are then unused stay; they are left out when the
    trace is read."""
    return _norms(_activations(trace))


def _activations(trace: Trace) -> Trace:
    functions: dict[int, _Follows] = {}
    calls: list[Call] = []
    number = len(trace.held)
    for call in trace.calls:
        own: _Follows = {number: (POINTS, 0)} if len(call.shapes) == 1 else {}
        followed = _followed(call, functions)
        name = next(
            (replacement for source, one in followed.items() if (replacement := _named(call, source, one))),
            None,
        )
        calls.append(call if name is None else name)
        functions[number] = own | ({} if name is not None else followed)
        number += len(call.shapes)
    return trace._replace(calls=tuple(calls))


def _of(value: Value, functions: Mapping[int, _Follows]) -> _Follows:
    if not isinstance(value, Tensor):
        return {}
    return functions.get(value.number) or {value.number: (POINTS, 0)}


def _followed(call: Call, functions: Mapping[int, _Follows]) -> _Follows:
    """A call's output as a function of each tensor that all of its operands depend on."""
    arguments = call.arguments
    one, other = _of(arguments.get("self"), functions), arguments.get("other")
    with np.errstate(all="ignore"):
        if call.op in _UNARY:
            result = {source: (_UNARY[call.op](x), deep + 1) for source, (x, deep) in one.items()}
        elif call.op == "clamp":
            low, high = arguments.get("min"), arguments.get("max")
            result = {source: (np.clip(x, low, high), deep + 1) for source, (x, deep) in one.items()}  # type: ignore[arg-type]
        elif call.op == "pow" and isinstance(arguments["exponent"], int | float):
            result = {source: (x ** arguments["exponent"], deep + 1) for source, (x, deep) in one.items()}
        elif call.op in _BINARY and isinstance(other, int | float):
            result = {source: (_BINARY[call.op](x, other), deep + 1) for source, (x, deep) in one.items()}
        elif call.op in _BINARY and isinstance(arguments["self"], int | float):
            right = _of(other, functions)
            left = arguments["self"]
            result = {source: (_BINARY[call.op](left, x), deep + 1) for source, (x, deep) in right.items()}
        elif call.op in _BINARY:
            right = _of(other, functions)
            result = {
                source: (_BINARY[call.op](x, right[source][0]), deep + right[source][1] + 1)
                for source, (x, deep) in one.items()
                if source in right
            }
        else:
            return {}
    return {source: one for source, one in result.items() if one[1] <= DEEPEST}


def _named(call: Call, source: int, function: tuple[Array, int]) -> Call | None:
    values, deep = function
    if deep < 2:
        return None
    for name, arguments, expected in NAMED:
        if np.allclose(values, expected, rtol=1e-5, atol=1e-6):
            return call._replace(op=name, arguments={"self": Tensor(source), **arguments})
    return None


class _Calls(NamedTuple):
    """The calls of a trace by the tensor that each makes."""

    trace: Trace
    made_by: Mapping[int, Call]

    def of(self, value: Value, *ops: str) -> Call | None:
        """The call that makes a tensor, if it is one of these ops."""
        call = self.made_by.get(value.number) if isinstance(value, Tensor) else None
        return call if call is not None and call.op in ops else None

    def shape(self, value: Value) -> tuple[int, ...]:
        assert isinstance(value, Tensor)
        if value.number < len(self.trace.held):
            return self.trace.held[value.number].shape
        call = self.made_by.get(value.number)
        return call.shapes[0] if call is not None else ()

    def numbers(self, value: Value) -> tuple[float, ...] | None:
        """The numbers of a small constant."""
        held = self.trace.held
        number = value.number if isinstance(value, Tensor) else len(held)
        return held[number].values if number < len(held) else None

    def is_weight(self, value: Value) -> bool:
        return isinstance(value, Tensor) and value.number < len(self.trace.held)


def _norms(trace: Trace) -> Trace:
    calls = list(trace.calls)
    numbers: list[int] = []
    number = len(trace.held)
    for call in calls:
        numbers.append(number)
        number += len(call.shapes)
    made_by = dict(zip(numbers, calls, strict=True))
    for place, own in enumerate(numbers):
        norm = _layer_norm(_Calls(trace, made_by), calls[place]) or _group_norm(
            _Calls(trace, made_by), calls[place]
        )
        norm = norm or _with_weights(_Calls(trace, made_by), calls[place])
        if norm is not None:
            calls[place] = made_by[own] = norm
    return trace._replace(calls=tuple(calls))


def _layer_norm(calls: _Calls, call: Call) -> Call | None:
    """(x − mean(x)) / √(mean((x − mean(x))²) + eps), without weights."""
    if call.op != "div":
        return None
    less, root = calls.of(call.arguments["self"], "sub"), calls.of(call.arguments["other"], "sqrt")
    sum_ = calls.of(root.arguments["self"], "add") if root is not None else None
    mean = calls.of(sum_.arguments["self"], "mean") if sum_ is not None else None
    square = calls.of(mean.arguments["self"], "pow", "mul") if mean is not None else None
    if less is None or sum_ is None or mean is None or square is None:
        return None
    middle = calls.of(less.arguments["other"], "mean")
    inner = calls.of(square.arguments["self"], "sub")
    eps, x = sum_.arguments["other"], less.arguments["self"]
    twice = (
        square.arguments.get("exponent", 2) == 2
        if square.op == "pow"
        else (square.arguments["self"] == square.arguments["other"])
    )
    if (
        middle is None
        or inner is None
        or not twice
        or not isinstance(eps, float)
        or inner.arguments != less.arguments
    ):
        return None
    dims, rank = middle.arguments["dim"], len(calls.shape(x))
    if middle.arguments["self"] != x or dims != mean.arguments["dim"] or not isinstance(dims, tuple):
        return None
    if dims != tuple(range(rank - len(dims), rank)):
        return None
    shape = calls.shape(x)[rank - len(dims) :]
    arguments: dict[str, Value] = {
        "input": x,
        "normalized_shape": shape,
        "weight": None,
        "bias": None,
        "eps": eps,
    }
    return call._replace(op="layer_norm", arguments=arguments)


def _group_norm(calls: _Calls, call: Call) -> Call | None:
    """An instance norm whose channels are the groups, between two views, without weights of its own."""
    if call.op != "view":
        return None
    inner = calls.of(call.arguments["self"], "instance_norm")
    outer = calls.of(inner.arguments["input"], "view") if inner is not None else None
    if inner is None or outer is None or calls.shape(outer.arguments["self"]) != call.shapes[0]:
        return None
    ones, zeros = (calls.numbers(inner.arguments[name]) for name in ("weight", "bias"))
    groups = outer.shapes[0][1]
    if ones is None or zeros is None or set(ones) != {1.0} or set(zeros) != {0.0} or len(call.shapes[0]) < 3:
        return None
    if call.shapes[0][1] % groups:
        return None
    arguments: dict[str, Value] = {"input": outer.arguments["self"], "num_groups": groups, "weight": None,
                                   "bias": None, "eps": inner.arguments["eps"]}  # fmt: skip
    return call._replace(op="group_norm", arguments=arguments)


def _with_weights(calls: _Calls, call: Call) -> Call | None:
    """A norm without weights, times a weight, and then plus a bias; or a product with weights, plus a
    bias."""
    one, other = call.arguments.get("self"), call.arguments.get("other")
    if call.op not in ("mul", "add") or calls.is_weight(one) == calls.is_weight(other):
        return None
    weight, x = (one, other) if calls.is_weight(one) else (other, one)
    norm = calls.of(x, "layer_norm", "group_norm")
    if norm is None or not isinstance(weight, Tensor):
        return _with_bias(calls, call, x, weight)
    name, missing = (
        ("weight", norm.arguments["weight"]) if call.op == "mul" else ("bias", norm.arguments["bias"])
    )
    complete = call.op == "mul" or norm.arguments["weight"] is not None
    if (
        missing is not None
        or not complete
        or call.shapes != norm.shapes
        or not _for_each(calls, norm, weight)
    ):
        return None
    return call._replace(op=norm.op, arguments={**norm.arguments, name: weight})


def _with_bias(calls: _Calls, call: Call, x: Value, weight: Value) -> Call | None:
    """A product with weights, plus a number for each output."""
    product = calls.of(x, "linear")
    if product is None or call.op != "add" or product.arguments["bias"] is not None:
        return None
    if calls.shape(weight) != product.shapes[0][-1:] or call.shapes != product.shapes:
        return None
    return call._replace(op="linear", arguments={**product.arguments, "bias": weight})


def _for_each(calls: _Calls, norm: Call, weight: Tensor) -> bool:
    """Whether a weight has the shape for a norm: one number for each normalised number, or for each
    channel."""
    shape = calls.shape(weight)
    if norm.op == "layer_norm":
        return shape == norm.arguments["normalized_shape"]
    C = norm.shapes[0][1]
    rest = tuple(1 for _ in norm.shapes[0][2:])
    return shape in ((C, *rest), (1, C, *rest))
