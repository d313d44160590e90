"""ONNX's own node tests, of every operator that is converted: equal, or said to be a hole or refused with a
reason; never another function without a word.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cnnspec.sources.onnx.convert import convert
from cnnspec.sources.onnx.model import Refused, load
from cnnspec.sources.onnx.tables import TABLE
from tests.sources.onnx.by_torch import Array, holes, run

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

    CASES = {one.name: one for one in collect_testcases(None)}

TRAINS = ("batchnorm_example_training", "batchnorm_epsilon_training", "training_dropout")
"""Cases of layers in training: they are the layer, which the network has, and its numbers are of training."""
ROUNDS = ("quantizelinear", "dequantizelinear", "cast")
"""Cases of what a network has for its numbers alone, and is left out."""


def _array(value: Any) -> Array:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def _arrays(values: Any) -> list[Array] | None:
    if any(isinstance(one, list | dict) or one is None for one in values):
        return None
    return [_array(one) for one in values]


def _is_ours(case: Any) -> bool:
    graph = case.model.graph
    if (
        len(graph.node) != 1
        or graph.node[0].op_type not in TABLE
        or any(word in case.name for word in ROUNDS)
    ):
        return False
    inputs, outputs = (_arrays(values) for values in case.data_sets[0])
    return bool(inputs) and bool(outputs) and inputs[0].dtype == np.float32 and inputs[0].ndim > 1


OURS = sorted(name for name, case in CASES.items() if _is_ours(case))


def _outcome(case: Any, path: Path, inputs: list[Array], dynamic: int) -> str:
    """Of the case with the first `dynamic` inputs as the network's, the others as constants of the file."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    for entering, value in list(zip(model.graph.input, inputs, strict=True))[dynamic:]:
        model.graph.initializer.append(numpy_helper.from_array(value, entering.name))
    del model.graph.input[dynamic:]
    path.write_bytes(model.SerializeToString())
    try:
        trace, weights = convert(load(str(path)))
    except Refused as why:
        return str(why)
    if holes(trace):
        return "hole"
    entering = [one.shape for one in trace.held if one.kind == "input"]
    inputs = [
        value if value.shape == shape else np.moveaxis(value, -1, 1)  # channels last, put first
        for value, shape in zip(inputs, entering, strict=False)
    ]
    (out, *_), expected = run(trace, weights, inputs[:dynamic]), _array(case.data_sets[0][1][0])
    same = out.shape == expected.shape and np.allclose(out, expected, rtol=1e-3, atol=2e-4)
    return "equal" if same else "differs"


@pytest.mark.parametrize("name", OURS)
def test_a_node_case_is_equal_or_says_why(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    inputs = _arrays(case.data_sets[0][0])
    assert inputs is not None
    for dynamic in {1, len(inputs)}:
        outcome = _outcome(case, tmp_path / "case.onnx", inputs, dynamic)
        assert outcome != "differs" or any(word in name for word in TRAINS)


def test_most_cases_are_equal(tmp_path: Path) -> None:
    """That what is refused is the exception, in every seventh case."""
    equal, some = 0, OURS[::7]
    for name in some:
        inputs = _arrays(CASES[name].data_sets[0][0]) or []
        outcomes = (_outcome(CASES[name], tmp_path / "case.onnx", inputs, one) for one in {1, len(inputs)})
        equal += "equal" in outcomes
    assert equal >= 0.8 * len(some), (equal, len(some))
