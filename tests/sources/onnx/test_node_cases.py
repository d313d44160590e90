"""ONNX's own node tests of every operator that is converted: imported, built as a NumPy program and run with
the case's weights. The output is the expected one, or REASONS says why there is none.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cnnspec.sources.calls.trace import Untrue
from cnnspec.sources.calls.translate import layers_of
from cnnspec.sources.layers import Hole
from cnnspec.sources.onnx.convert import convert
from cnnspec.sources.onnx.elementwise import ELEMENTWISE
from cnnspec.sources.onnx.model import Refused, load
from cnnspec.sources.onnx.tables import TABLE
from cnnspec.structure import UnfitList, spec
from tests.sources.built import Array, computed

NUMBERS_ALONE = ("Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "Identity")
"""What changes how numbers are stored, and is no layer: a network of it alone is empty."""
REASONS = {
    "images with channels are expected": (
        "concat_1d_*", "gather_negative_indices", "l1normalization_axis_0", "matmul_1d_*",
        "split_*1d_*", "split_*_parts_default_axis_*",
    ),
    "nothing to compute": (
        "max_one_input", "mean_one_input", "min_one_input", "sum_one_input", "training_dropout_zero_ratio*",
        "reduce_sum_empty_axes_input_noop*", "transpose_all_permutations_[01]",
    ),
    "differs": ("batchnorm_*_training_mode", "training_dropout*"),
    "images and positions are exchanged": (
        "expand_dim_changed", "flatten_axis[023]", "flatten_negative_axis[124]", "reshape_one_dim", "squeeze",
        "concat_[23]d_axis_0", "concat_2d_axis_negative_2", "concat_3d_axis_negative_3",
        "reshape_reordered_all_dims",
        "reshape_negative_extended_dims", "transpose_default", "transpose_all_permutations_[2345]",
        "unsqueeze_axis_0",
    ),
    "images are split": ("logsoftmax_axis_0", "l2normalization_axis_0", "softmax_axis_0"),
    "some of the images": ("gather_0", "slice"),
    "it is over the images too": (
        "reduce_l1_default_axes_*", "reduce_log_sum_asc_axes", "reduce_log_sum_default",
        "reduce_max_default_axes_*", "reduce_mean_default_axes_*",
        "reduce_min_default_axes_*", "reduce_sum_default_axes_*", "reduce_sum_square_default_axes_*",
    ),
    "a norm over some of the dimensions": ("reduce_l2_default_axes_*",),
    "its bias differs from one image to another": ("gemm_default_matrix_bias",),
    "it is not a product of a vector with weights": ("gemm_transposeA", "gemm_all_attributes"),
    "a product with constants": ("matmul_[34]d", "matmul_bcast", "matmul_4d_1d"),
    "layer norm over": ("layer_normalization_2d_axis0", "layer_normalization_2d_axis_negative_2",
                        "layer_normalization_3d_axis0_*", "layer_normalization_3d_axis_negative_3_*",
                        "layer_normalization_4d_axis[02]", "layer_normalization_4d_axis_negative_[24]"),
    "RMS norm over several": ("rms_normalization_2d_axis0", "rms_normalization_2d_axis_negative_2",
                              "rms_normalization_3d_axis[01]_*", "rms_normalization_3d_axis_negative_[23]_*",
                              "rms_normalization_4d_axis[012]", "rms_normalization_4d_axis_negative_[234]"),
    "trained numbers are added without": ("add_bcast", "sub_bcast"),
    "is the weight `y` itself": ("div_bcast",),
    "its exponent is not a single number": ("pow", "pow_example", "pow_bcast_array", "pow_types_float32_*"),
    "its slopes have the shape": ("prelu_example", "prelu_broadcast"),
    "is above its upper one": ("clip_min_greater_than_max",),
    "the language has no such layer": ("erf",),
    "it does not divide by the length": ("l1normalization_axis_[1l]*",),
    "it gathers by a table of places": ("gather_2d_indices",),
    "it goes backwards": ("slice_neg_steps",),
    "nothing is left of it": ("slice_start_out_of_bounds",),
    "a border of 1.2": ("constant_pad*",),
    "more than half of it": ("averagepool_2d_pads", "maxpool_2d_pads"),
    "an average with dilation": ("averagepool_?d_dilations*",),
    "the places are not those of a maxpool": ("maxunpool_export_*",),
    "it has a mask": (
        "attention_*_causal", "attention_*_causal_*", "attention_*mask*", "attention_*_past_and_present*",
        "attention_local_window_[grw]*", "attention_local_window_ext*", "attention_local_window",
        "attention_3d_local_window", "attention_4d_with_qk_matmul_[bs]*",
    ),
    "it has several outputs": ("attention_4d_with_qk_matmul",),
    "it has a softcap": ("attention_*_softcap",),
    "it has left_window_size": ("attention_bidirectional_window", "attention_local_window_default"),
    "more heads than its keys": ("attention_?d_gqa", "attention_?d_gqa_scaled"),
    "positions": ("resize_downsample_scales_*", "resize_upsample_scales_linear_half_pixel_symmetric"),
    "shrinks to one position": ("resize_downsample_sizes_linear_pytorch_half_pixel",),
    "it is resized by": ("resize_upsample_scales_cubic_asymmetric", "resize_tf_crop_and_resize*"),
    "it keeps the ratio of the sides": ("resize_*_not_larger", "resize_*_not_smaller"),
    "it leaves out what is outside": ("resize_upsample_scales_cubic_A_n0p5_exclude_outside",),
    "it smooths before it shrinks": ("resize_downsample_sizes_*_antialias",),
    "it takes the nearest by": (
        "resize_upsample_sizes_nearest", "resize_upsample_sizes_nearest_[afcr]*",
        "resize_downsample_sizes_nearest",
    ),
}  # fmt: skip
"""A part of what is said → the cases of which it is said, without `test_`; the first one counts. What
differs is in training: the layer is what it must be, and in use it gives other numbers."""


def _array(value: Any) -> Array:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def _is_ours(case: Any) -> bool:
    """One operator, or what it stands for, of numbers that a network computes with."""
    nodes = case.model.graph.node
    op = nodes[0].op_type if len(nodes) == 1 else ""
    values = case.data_sets[0][0]
    if op not in TABLE or op in NUMBERS_ALONE or not values:
        return False
    if isinstance(values[0], list | dict) or values[0] is None:
        return False
    first = _array(values[0])
    return first.dtype == np.float32 and first.size > 0


@cache
def cases() -> dict[str, list[Any]]:
    """By operator. They are computed when they are collected, which takes seconds."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collected = collect_testcases(None)
    found = defaultdict(list)
    for case in filter(_is_ours, collected):
        found[case.model.graph.node[0].op_type].append(case)
    return found


def _lifted(case: Any, inputs: list[Array]) -> tuple[onnx.ModelProto, list[Array]]:
    """A list of numbers becomes the channels of one image, where each number is by itself."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    if model.graph.node[0].op_type not in ELEMENTWISE or inputs[0].ndim != 1:
        return model, inputs
    size = inputs[0].shape
    for entering, value in zip(model.graph.input, inputs, strict=True):
        if value.shape == size:
            entering.type.tensor_type.shape.dim.insert(0, onnx.TensorShapeProto.Dimension(dim_value=1))
    return model, [value[None] if value.shape == size else value for value in inputs]


def _outcome(case: Any, path: Path, dynamic: int) -> str:
    """Of the case with the first `dynamic` inputs as the network's, the others as constants of the file."""
    model, inputs = _lifted(case, [_array(value) for value in case.data_sets[0][0]])
    for entering, value in list(zip(model.graph.input, inputs, strict=True))[dynamic:]:
        model.graph.initializer.append(numpy_helper.from_array(value, entering.name))
    del model.graph.input[dynamic:]
    path.write_bytes(model.SerializeToString())
    try:
        trace, weights = convert(load(str(path)))
        layers = layers_of(trace)
    except (Refused, Untrue) as why:
        return str(why)
    for hole in layers.layers:
        if isinstance(hole, Hole):
            return hole.why
    entering = [one.shape for one in trace.held if one.kind == "input"]
    given = [
        value if value.shape == shape else np.moveaxis(value, -1, 1)  # channels last, put first
        for value, shape in zip(inputs, entering, strict=False)
    ]
    try:
        made = spec(layers)
    except UnfitList as why:
        return str(why)
    outputs = computed(made, weights, given[:dynamic])
    expected = [_array(value) for value in case.data_sets[0][1]]
    pairs = zip(outputs, expected, strict=False)
    same = (
        one.size == other.size and np.allclose(one.ravel(), other.ravel(), rtol=1e-3, atol=2e-5)
        for one, other in pairs
    )
    return "equal" if all(same) else "differs"


@pytest.mark.parametrize("op", sorted(set(TABLE) - set(NUMBERS_ALONE)))
def test_a_case_is_equal_or_its_reason_is_listed(op: str, tmp_path: Path) -> None:
    for case in cases()[op]:
        name = case.name.removeprefix("test_")
        count = len(case.model.graph.input)
        outcomes = {_outcome(case, tmp_path / "case.onnx", dynamic) for dynamic in {1, count}}
        listed = (why for why, names in REASONS.items() if any(fnmatch(name, one) for one in names))
        reason = next(listed, "equal")
        assert any(reason in one for one in outcomes), (name, outcomes)
        assert reason == "equal" or "equal" not in outcomes, f"{name} is equal now: take it out of the list"
        assert reason == "differs" or "differs" not in outcomes, name


def test_each_name_in_the_list_is_a_case() -> None:
    names = [case.name.removeprefix("test_") for row in cases().values() for case in row]
    listed = [one for row in REASONS.values() for one in row]
    assert not [one for one in listed if not any(fnmatch(name, one) for name in names)]
