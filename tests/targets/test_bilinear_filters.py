"""`init=bilinear` in both targets: the filters are FCN's own, and a deconv that starts so enlarges a map as
bilinear interpolation does.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cnnspec.ir.graph import Graph
from tests.targets.numpy.support import program
from tests.targets.torch.support import built, graph_of

Array = NDArray[Any]


def from_numpy(graph: Graph) -> tuple[dict[str, Array], Callable[[Array], Array]]:
    from cnnspec.targets.numpy import emit

    module = program(emit(graph))  # type: ignore[arg-type]
    params = module.init(0, np.float64)
    return params, lambda x: module.forward(params, x)


def from_torch(graph: Graph) -> tuple[dict[str, Array], Callable[[Array], Array]]:
    model = built(graph).double()
    params = {key: value.numpy() for key, value in model.state_dict().items()}
    return params, lambda x: model(torch.from_numpy(x)).detach().numpy()


TARGETS = pytest.mark.parametrize("target", [from_numpy, from_torch])


def upsample_filt(size: int) -> Array:
    """surgery.py of shelhamer/fcn.berkeleyvision.org, line by line."""
    factor = (size + 1) // 2
    center = factor - 1 if size % 2 == 1 else factor - 0.5
    og = np.ogrid[:size, :size]
    result: Array = (1 - abs(og[0] - center) / factor) * (1 - abs(og[1] - center) / factor)
    return result


def bilinear_filler(size: int) -> Array:
    """Caffe's BilinearFiller; right for the sizes that enlarge a whole number of times, 2f − f mod 2."""
    f = ceil(size / 2)
    c = (2 * f - 1 - f % 2) / (2 * f)
    ramp = 1 - abs(np.arange(size) / f - c)
    return np.outer(ramp, ramp)


@TARGETS
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 8, 16, 64])
def test_the_filters_are_fcns(target: Any, size: int) -> None:
    """Filter k reads channel k, and no other."""
    params, _ = target(graph_of(f"input 3x4x4\ndeconv F{size} S2 K3 init=bilinear"))
    expected = np.zeros((3, 3, size, size))
    expected[range(3), range(3)] = upsample_filt(size)
    np.testing.assert_allclose(params["deconv.weight"], expected, rtol=0, atol=1e-7)
    assert not params["deconv.bias"].any()


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8, 32])
def test_fcns_and_caffes_formulas_agree_where_they_enlarge(factor: int) -> None:
    size = 2 * factor - factor % 2
    np.testing.assert_allclose(upsample_filt(size), bilinear_filler(size), rtol=0, atol=1e-15)


@TARGETS
@pytest.mark.parametrize(
    ("layer", "own"),
    [
        ("deconv F4 S2 K6 G6", lambda k: (k, 0)),
        ("deconv F4 S2 K6 G2", lambda k: (k, k % 3)),
        ("conv F4 K6 G2", lambda k: (k, k % 3)),
        ("conv F4 K6", lambda k: (k, k)),
    ],
)
def test_in_groups_too(target: Any, layer: str, own: Callable[[int], tuple[int, int]]) -> None:
    params, _ = target(graph_of(f"input 6x5x5\n{layer} nobias init=bilinear"))
    (weight,) = params.values()
    expected = np.zeros(weight.shape)
    for k in range(6):
        expected[own(k)] = upsample_filt(4)
    np.testing.assert_allclose(weight, expected, rtol=0, atol=1e-7)


@TARGETS
def test_several_filters_of_one_channel_read_it(target: Any) -> None:
    params, _ = target(graph_of("input 2x5x5\ndwconv F3 K6 init=bilinear"))
    expected = np.broadcast_to(upsample_filt(3), (6, 1, 3, 3))
    np.testing.assert_allclose(params["dwconv.weight"], expected, rtol=0, atol=1e-7)


@TARGETS
def test_rows_and_columns_have_their_own_size(target: Any) -> None:
    params, _ = target(graph_of("input 1x5x5\ndeconv F4x3 S2x1 K1 init=bilinear"))
    ramp = {3: [0.5, 1, 0.5], 4: [0.25, 0.75, 0.75, 0.25]}
    np.testing.assert_allclose(params["deconv.weight"][0, 0], np.outer(ramp[4], ramp[3]), atol=1e-7)


@TARGETS
@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_deconv_enlarges_as_interpolation_does(target: Any, factor: int) -> None:
    """A constant stays one, a ramp one, and any map is torch's bilinear one, away from the border."""
    layer = f"deconv F{2 * factor} S{factor} P{factor // 2} K2 nobias init=bilinear"
    _, forward = target(graph_of(f"input 2x6x7\n{layer} => 2x{6 * factor}x{7 * factor}"))
    ramp = np.add.outer(np.arange(6.0), 10 * np.arange(7.0))
    rng = np.random.default_rng(0)
    for image in (np.ones((1, 2, 6, 7)), np.stack([ramp, -ramp])[None], rng.standard_normal((1, 2, 6, 7))):
        expected = torch.nn.functional.interpolate(
            torch.from_numpy(image), scale_factor=factor, mode="bilinear", align_corners=False
        )
        inside = (..., slice(factor, -factor), slice(factor, -factor))
        np.testing.assert_allclose(forward(image)[inside], expected.numpy()[inside], atol=1e-6)


@TARGETS
@pytest.mark.parametrize(("mode", "size"), [("linear", (9,)), ("trilinear", (4, 5, 6))])
def test_signals_and_volumes_are_enlarged_so_too(target: Any, mode: str, size: tuple[int, ...]) -> None:
    shape = "x".join(map(str, size))
    _, forward = target(graph_of(f"input 2x{shape}\ndeconv F4 S2 P1 K2 nobias init=bilinear"))
    image = np.random.default_rng(0).standard_normal((1, 2, *size))
    expected = torch.nn.functional.interpolate(torch.from_numpy(image), scale_factor=2, mode=mode)
    inside = (..., *(slice(2, -2) for _ in size))
    np.testing.assert_allclose(forward(image)[inside], expected.numpy()[inside], atol=1e-6)
