"""Runs a trace with torch's own operators: what a conversion is compared by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from cnnspec.sources.calls.trace import Call, Tensor, Trace

Array = np.ndarray[Any, Any]
Arguments = dict[str, Any]


def run(trace: Trace, weights: Mapping[str, Array], inputs: Sequence[Array]) -> list[Array]:
    """The outputs of a trace; each call must give the shapes that the trace says."""
    arriving = iter(inputs)
    values = [
        torch.from_numpy(np.array(next(arriving) if one.kind == "input" else weights[one.key]))
        for one in trace.held
    ]
    for call in trace.calls:
        made = _run(call.op, {name: _given(value, values) for name, value in call.arguments.items()})
        made = made if isinstance(made, list | tuple) else [made]
        assert tuple(tuple(one.shape) for one in made) == call.shapes, call
        values += made
    return [values[one.number].numpy() for _, one in trace.outputs]


def ops_of(trace: Trace) -> list[str]:
    return [call.op for call in trace.calls]


def holes(trace: Trace) -> list[Call]:
    """Calls of what only ONNX has: its operators begin with a capital."""
    return [call for call in trace.calls if call.op[:1].isupper()]


def _given(value: Any, values: Sequence[torch.Tensor]) -> Any:
    if isinstance(value, Tensor):
        return values[value.number]
    return [_given(one, values) for one in value] if type(value) is tuple else value


def _resized(op: str, given: Arguments) -> torch.Tensor:
    corners = [given["align_corners"]] if "align_corners" in given else []
    made: torch.Tensor = getattr(torch.ops.aten, op)(given["input"], given["output_size"], *corners)
    return made


def _padded(given: Arguments) -> torch.Tensor:
    value = given["value"] if given["mode"] == "constant" else None
    return functional.pad(given["self"], given["pad"], given["mode"], value)


_SPECIAL: dict[str, Callable[[Arguments], Any]] = {
    "local_response_norm": lambda given: functional.local_response_norm(given.pop("self"), **given),
    "normalize": lambda given: functional.normalize(given.pop("self"), **given),
    "rms_norm": lambda given: functional.rms_norm(**given),
    "pad": _padded,
    "softsign": lambda given: functional.softsign(given["self"]),
    "batch_norm": lambda given: torch.batch_norm(**given, cudnn_enabled=False),
    "instance_norm": lambda given: torch.instance_norm(**given, cudnn_enabled=False),
    "group_norm": lambda given: functional.group_norm(**given),
    "layer_norm": lambda given: functional.layer_norm(**given),
    "add": lambda given: given["self"] + given["other"],
    "sub": lambda given: given["self"] - given["other"],
    "mul": lambda given: given["self"] * given["other"],
    "div": lambda given: given["self"] / given["other"],
    "pow": lambda given: given["self"] ** given["exponent"],
    "maximum": lambda given: torch.maximum(given["self"], torch.as_tensor(given["other"])),
    "minimum": lambda given: torch.minimum(given["self"], torch.as_tensor(given["other"])),
    "mean": lambda given: torch.mean(given["self"], given["dim"], given["keepdim"]),
    "sum": lambda given: torch.sum(given["self"], given["dim"], given["keepdim"]),
    "linalg_vector_norm": lambda given: torch.linalg.vector_norm(
        given["self"], 2, given["dim"], given["keepdim"]
    ),
    "dropout": lambda given: given["input"],
    "softmax": lambda given: torch.softmax(given["self"], given["dim"]),
    "log_softmax": lambda given: torch.log_softmax(given["self"], given["dim"]),
    "split_with_sizes": lambda given: torch.split(given["self"], given["split_sizes"], given["dim"]),
    "view": lambda given: given["self"].reshape(given["size"]),
}


def _run(op: str, given: Arguments) -> Any:
    if op in _SPECIAL:
        return _SPECIAL[op](given)
    return _resized(op, given) if op.startswith("upsample") else getattr(torch.ops.aten, op)(**given)
