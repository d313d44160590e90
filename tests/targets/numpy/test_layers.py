"""The runtime library at every number of axes: each layer's function and its gradients against torch's, in
float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from cnnspec.targets.numpy.layers import activation, conv, dense, local, merge, norm, pool, resample
from cnnspec.targets.numpy.layers.net import Net, inside, outside
from cnnspec.targets.numpy.layers.windows import same

torch.set_num_threads(1)  # several threads wait for each other where tests share a machine

RANKS = (1, 2, 3)
SIZES = {1: (11,), 2: (9, 7), 3: (5, 7, 6)}
AXES = {1: (2,), 2: (2, 3), 3: (2, 3, 4)}


def at(rank: int, name: str) -> Callable[..., torch.Tensor]:
    """torch's function of that rank: `conv` is conv1d, conv2d or conv3d."""
    return getattr(functional, f"{name}{rank}d")


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def check(
    layer: Callable[..., Any],
    backward: Callable[..., Any],
    reference: Callable[..., torch.Tensor],
    *inputs: np.ndarray,
    merges: bool = False,
    training: bool = False,
    masks: dict[str, Any] | None = None,
    **arguments: Any,
) -> Net:
    """Output and gradients of a layer with random weights beside those of `reference`, which gets torch's
    inputs and the weights by name. A second input that the layer only looks at gets no gradient."""
    params: dict[str, Any] = {}
    given = [inside(x) for x in inputs]

    def called(net: Net) -> Any:
        return layer(net, *given, **arguments) if merges else layer(given[0], net, *given[1:], **arguments)

    called(Net(params, rng=np.random.default_rng(0), draw=np.float64))
    rng = np.random.default_rng(1)
    params.update({k: rng.standard_normal(v.shape) for k, v in params.items() if "running" not in k})
    net = Net(params, training, keep=True, masks=masks)
    y = outside(called(net))
    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    weights = {k: torch.tensor(v) for k, v in params.items()}
    for key in net.trained:
        weights[key].requires_grad_()
    expected = reference(*tensors, **weights)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=0, atol=1e-10)
    dy = drawn(2, *y.shape)
    if expected.requires_grad:
        expected.backward(torch.tensor(dy))
    dx = backward(inside(dy), net)
    for ours, theirs in zip(dx if merges else [dx], tensors, strict=False):
        slope = np.zeros(theirs.shape) if theirs.grad is None else theirs.grad.numpy()
        np.testing.assert_allclose(outside(ours), slope, rtol=0, atol=1e-10)
    assert set(net.grads) == set(net.trained)
    for key, slope in net.grads.items():
        np.testing.assert_allclose(slope, weights[key].grad.numpy(), rtol=0, atol=1e-9, err_msg=key)
    return net


def maps(rank: int, channels: int = 4, seed: int = 3, more: int = 0) -> np.ndarray:
    return drawn(seed, 2, channels, *(size + more for size in SIZES[rank]))


def zeros_around(x: torch.Tensor, ends: tuple[tuple[int, int], ...], value: float = 0) -> torch.Tensor:
    return functional.pad(x, [one for pair in reversed(ends) for one in pair], value=value)


# --- windows with weights ---------------------------------------------------------------------------------

WINDOWS = (
    {"F": 3},
    {"F": 1},
    {"F": 3, "S": 2, "P": 1},
    {"F": 3, "P": 2, "D": 2},
    {"F": 2, "S": 3, "D": 2, "bias": False},
    {"F": (3, 1, 2), "S": (1, 2, 1), "P": (1, 0, 2), "D": (1, 1, 2)},
)


def on(rank: int, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments for this many axes: the last ones of three."""
    return {k: v[-rank:] if isinstance(v, tuple) else v for k, v in arguments.items()}


def torchs(arguments: dict[str, Any]) -> dict[str, Any]:
    names = {"S": "stride", "P": "padding", "D": "dilation", "G": "groups", "extra": "output_padding"}
    return {names[k]: v for k, v in arguments.items() if k in names}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("arguments", WINDOWS, ids=str)
def test_convolutions(rank: int, arguments: dict[str, Any]) -> None:
    arguments = on(rank, arguments)

    def reference(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        groups = x.shape[1] // weight.shape[1]
        return at(rank, "conv")(x, weight, bias, **torchs(arguments), groups=groups)

    x = maps(rank)
    for K in (6, 1):  # with more filters than channels the gradient goes tap by tap
        check(conv.conv, conv.conv_backward, reference, x, K=K, **arguments)
    check(conv.conv_groups, conv.conv_groups_backward, reference, x, K=6, G=2, **arguments)
    for K in (None, 8):
        check(conv.dwconv, conv.dwconv_backward, reference, x, K=K, **arguments)


@pytest.mark.parametrize("rank", RANKS)
def test_depthwise_convolution_in_blocks(rank: int) -> None:
    """So many channels that a row is several blocks."""

    def reference(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return at(rank, "conv")(x, weight, bias, stride=2, padding=1, groups=x.shape[1])

    x = maps(rank, 20_000)[:1]
    check(conv.dwconv, conv.dwconv_backward, reference, x, F=3, S=2, P=1)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("arguments", WINDOWS, ids=str)
def test_same_padding(rank: int, arguments: dict[str, Any]) -> None:
    """⌈N/S⌉ positions, the odd zero after the map."""
    arguments = {k: v for k, v in on(rank, arguments).items() if k != "P"}
    x = maps(rank)
    P = same(inside(x), *(arguments.get(letter, 1) for letter in "FSD"))

    def reference(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        return at(rank, "conv")(zeros_around(x, P), weight, bias, **torchs(arguments))

    check(conv.conv, conv.conv_backward, reference, x, K=3, P=P, **arguments)
    y = conv.conv(inside(x), Net({}, draw=np.float64), K=3, P=P, **arguments)
    steps = np.broadcast_to(arguments.get("S", 1), rank)
    assert y.shape[1:-1] == tuple(-(-N // s) for N, s in zip(x.shape[2:], steps, strict=True))


@pytest.mark.parametrize("rank", RANKS)
def test_convolution_by_a_table(rank: int) -> None:
    table = [[0, 1], [2], [0, 2, 3]]

    def reference(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        filters = x.new_zeros(3, 4, *weight.shape[1:])
        entries = [(k, c) for k, row in enumerate(table) for c in row]
        filters = filters.index_put(tuple(torch.tensor(entries).T), weight)
        return at(rank, "conv")(x, filters, bias, padding=1)

    check(conv.conv_table, conv.conv_table_backward, reference, maps(rank), table=table, F=3, P=1)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize(
    "arguments",
    [
        {"F": 3},
        {"F": 2, "S": 2, "bias": False},
        {"F": 3, "S": 2, "P": 1, "extra": 1},
        {"F": (2, 4, 3), "S": (1, 2, 3), "P": (0, 1, 0), "extra": (0, 1, 2)},
        {"F": 3, "D": 2, "G": 2, "P": 1},
    ],
    ids=str,
)
def test_transposed_convolutions(rank: int, arguments: dict[str, Any]) -> None:
    arguments = on(rank, arguments)

    def reference(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        return at(rank, "conv_transpose")(x, weight, bias, **torchs(arguments))

    check(conv.deconv, conv.deconv_backward, reference, maps(rank), K=6, **arguments)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("F", [1, 2, 3, 5])
def test_transposed_convolution_to_n_times_s(rank: int, F: int) -> None:
    x, S = maps(rank), 3

    def reference(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        y = at(rank, "conv_transpose")(x, weight, stride=S)
        for axis in AXES[rank]:
            most = x.shape[axis] * S
            y = y.narrow(axis, max(F - S, 0) // 2, min(most, y.shape[axis]))
        return functional.pad(y, [0, max(S - F, 0)] * rank)

    P = conv.cut_to_same(inside(x), F, S)
    check(conv.deconv, conv.deconv_backward, reference, x, K=3, F=F, S=S, P=P, bias=False)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("arguments", WINDOWS, ids=str)
def test_locally_connected_layers(rank: int, arguments: dict[str, Any]) -> None:
    arguments = on(rank, arguments)
    steps = {k: np.broadcast_to(arguments.get(k, 1), rank) for k in "FSD"}
    P = tuple((int(p), int(p)) for p in np.broadcast_to(arguments.get("P", 0), rank))

    def reference(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        seen = zeros_around(x, P)
        for axis in range(rank):
            reach = steps["D"][axis] * (steps["F"][axis] - 1) + 1
            seen = seen.unfold(2 + axis, int(reach), int(steps["S"][axis]))
        seen = seen[(..., *(slice(None, None, d) for d in steps["D"]))]
        letters, taps = "hwt"[:rank], "abc"[:rank]
        y = torch.einsum(f"nx{letters}{taps},kx{taps}{letters}->nk{letters}", seen, weight)
        return y if bias is None else y + bias

    check(local.local, local.local_backward, reference, maps(rank), K=3, **arguments)


# --- pooling ----------------------------------------------------------------------------------------------

POOLS = (
    {"F": 2},
    {"F": 3, "S": 2, "P": 1},
    {"F": 3, "S": 2, "ceil": True},
    {"F": 3, "S": 3, "P": 1, "ceil": True},
    {"F": (2, 1, 3), "S": (2, 2, 1), "P": (1, 0, 1)},
)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("arguments", [*POOLS, {"F": 2, "S": 1, "D": 2}], ids=str)
def test_max_pooling(rank: int, arguments: dict[str, Any]) -> None:
    arguments = on(rank, arguments)
    F = arguments["F"]
    theirs = {"stride": F} | torchs(arguments) | {"ceil_mode": arguments.get("ceil", False)}

    def reference(x: torch.Tensor) -> torch.Tensor:
        return at(rank, "max_pool")(x, F, **theirs)

    x = maps(rank).round(1)  # with equal numbers
    check(pool.maxpool, pool.maxpool_backward, reference, x, **arguments)

    def back(x: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        _, places = at(rank, "max_pool")(before, F, **theirs, return_indices=True)
        zeros = before.new_zeros(before.shape).flatten(2)
        return zeros.scatter(2, places.flatten(2), x.flatten(2)).view_as(before)

    if (
        theirs["stride"] == F or rank == 1
    ):  # else two windows may have one maximum, whose order torch leaves open
        after = reference(torch.tensor(x)).shape
        if theirs["stride"] == F and not theirs.get("padding"):
            check(pool.unpool, pool.unpool_backward, back, drawn(5, *after), x, **arguments)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("arguments", POOLS, ids=str)
@pytest.mark.parametrize("exclude_pad", [False, True])
def test_average_pooling(rank: int, arguments: dict[str, Any], exclude_pad: bool) -> None:
    arguments = on(rank, arguments)
    F = arguments["F"]
    theirs = {"stride": F} | torchs(arguments) | {"ceil_mode": arguments.get("ceil", False)}

    def reference(x: torch.Tensor) -> torch.Tensor:
        return at(rank, "avg_pool")(x, F, **theirs, count_include_pad=not exclude_pad)

    x = maps(rank)
    ours = pool.avgpool_counted, pool.avgpool_counted_backward
    check(*ours, reference, x, exclude_pad=exclude_pad, **arguments)
    if not exclude_pad and "ceil" not in arguments:
        check(pool.avgpool, pool.avgpool_backward, reference, x, **arguments)


@pytest.mark.parametrize("rank", RANKS)
def test_subsampling(rank: int) -> None:
    def reference(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        shape = (-1, *[1] * rank)
        return at(rank, "avg_pool")(x, 2) * 2**rank * weight.view(shape) + bias.view(shape)

    check(pool.subsample, pool.subsample_backward, reference, maps(rank), F=2)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("out", [1, 3, (2, 5, 4)])
def test_adaptive_pooling(rank: int, out: Any) -> None:
    out = on(rank, {"out": out})["out"]
    theirs = lambda name: lambda x: at(rank, f"adaptive_{name}_pool")(x, out)  # noqa: E731
    x = maps(rank).round(1)
    check(pool.avgpool_to, pool.avgpool_to_backward, theirs("avg"), x, out=out)
    check(pool.maxpool_to, pool.maxpool_to_backward, theirs("max"), maps(rank), out=out)
    if out == 1:
        check(pool.gap, pool.gap_backward, theirs("avg"), x)
        check(pool.gmp, pool.gmp_backward, theirs("max"), maps(rank))


@pytest.mark.parametrize("rank", RANKS)
def test_unpooling_of_adaptive_pooling(rank: int) -> None:
    before = maps(rank)
    out = tuple(size // 2 for size in before.shape[2:])
    wide = drawn(4, 2, 4, *(2 * size for size in out))

    def back(x: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        _, places = at(rank, "adaptive_max_pool")(before, out, return_indices=True)
        return at(rank, "max_unpool")(x, places, 2)

    check(pool.unpool_to, pool.unpool_to_backward, back, drawn(5, 2, 4, *out), wide)


@pytest.mark.parametrize("rank", RANKS)
def test_over_channels(rank: int) -> None:
    check(pool.cmean, pool.cmean_backward, lambda x: x.mean(1, keepdim=True), maps(rank))
    check(pool.cmax, pool.cmax_backward, lambda x: x.max(1, keepdim=True).values, maps(rank))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize(
    "arguments", [{"F": 3, "P": 1}, {"F": (2, 3, 4), "S": (1, 3, 2), "P": (0, 1, 2)}], ids=str
)
def test_blur(rank: int, arguments: dict[str, Any]) -> None:
    arguments = on(rank, arguments)
    rows = {1: [1.0], 2: [1 / 2, 1 / 2], 3: [1 / 4, 1 / 2, 1 / 4], 4: [1 / 8, 3 / 8, 3 / 8, 1 / 8]}

    def reference(x: torch.Tensor) -> torch.Tensor:
        kernel = torch.ones((), dtype=x.dtype)
        for F in np.broadcast_to(arguments["F"], rank):
            kernel = kernel[..., None] * torch.tensor(rows[F], dtype=x.dtype)
        kernel = kernel.expand(x.shape[1], 1, *kernel.shape)
        return at(rank, "conv")(x, kernel, groups=x.shape[1], **torchs(arguments))

    check(pool.blur, pool.blur_backward, reference, maps(rank), **arguments)


# --- normalisation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("training", [False, True])
def test_batch_normalisation(rank: int, training: bool) -> None:
    def reference(x: torch.Tensor, weight: Any = None, bias: Any = None, **stats: Any) -> torch.Tensor:
        known = stats["running_mean"], stats["running_var"]
        return functional.batch_norm(x, *known, weight, bias, training=training)

    for affine in (True, False):
        check(norm.bn, norm.bn_backward, reference, maps(rank), training=training, affine=affine)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("training", [False, True])
def test_instance_normalisation(rank: int, training: bool) -> None:
    def reference(x: torch.Tensor, weight: Any = None, bias: Any = None, **stats: Any) -> torch.Tensor:
        mean, var = stats.get("running_mean"), stats.get("running_var")
        own = training or mean is None
        return functional.instance_norm(x, mean, var, weight, bias, use_input_stats=own)

    plain = norm.instance_norm, norm.instance_norm_backward
    running = norm.instance_norm_running, norm.instance_norm_running_backward
    for affine in (True, False):
        check(*plain, reference, maps(rank), training=training, affine=affine)
        net = check(*running, reference, maps(rank), training=training, affine=affine)
    x = torch.tensor(maps(rank))
    mean, var = torch.zeros(4, dtype=x.dtype), torch.ones(4, dtype=x.dtype)
    functional.instance_norm(x, mean, var)
    if training:
        np.testing.assert_allclose(net.stats["running_mean"], mean)
        np.testing.assert_allclose(net.stats["running_var"], var)


@pytest.mark.parametrize("rank", RANKS)
def test_layer_and_group_normalisation(rank: int) -> None:
    x, last = maps(rank), (0, *range(2, rank + 2), 1)

    def ln(x: torch.Tensor, weight: Any = None, bias: Any = None) -> torch.Tensor:
        return functional.layer_norm(x.permute(last), (4,), weight, bias).movedim(-1, 1)

    def rms(x: torch.Tensor, weight: Any = None) -> torch.Tensor:
        return functional.rms_norm(x.permute(last), (4,), weight, 1e-6).movedim(-1, 1)

    def ln_all(x: torch.Tensor, weight: Any = None, bias: Any = None) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[1:], weight, bias)

    def gn(x: torch.Tensor, weight: Any = None, bias: Any = None) -> torch.Tensor:
        return functional.group_norm(x, 2, weight, bias)

    for affine in (True, False):
        check(norm.gn, norm.gn_backward, gn, x, G=2, affine=affine)
        check(norm.rms, norm.rms_backward, rms, x, affine=affine)
        for bias in (True, False):
            check(norm.ln, norm.ln_backward, ln, x, affine=affine, bias=bias)
            check(norm.ln_all, norm.ln_all_backward, ln_all, x, affine=affine, bias=bias)


@pytest.mark.parametrize("rank", RANKS)
def test_responses(rank: int) -> None:
    def grn(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        size = torch.linalg.vector_norm(x, dim=AXES[rank], keepdim=True)
        shape = (-1, *[1] * rank)
        return x + weight.view(shape) * x * size / (size.mean(1, keepdim=True) + 1e-6) + bias.view(shape)

    x = maps(rank)
    check(norm.grn, norm.grn_backward, grn, x)
    check(norm.l2norm, norm.l2norm_backward, functional.normalize, x)
    for size in (2, 3):
        theirs = lambda x: functional.local_response_norm(x, size, 0.1, 0.5, 2)  # noqa: B023, E731
        check(norm.lrn, norm.lrn_backward, theirs, x, size=size, alpha=0.1, beta=0.5, k=2.0)


# --- other sizes, other positions -------------------------------------------------------------------------


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("out", [10, (3, 14, 16), 1])
def test_upsampling(rank: int, out: Any) -> None:
    out = on(rank, {"out": out})["out"]
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
    ours = getattr(resample, mode), getattr(resample, f"{mode}_backward")

    def to(x: torch.Tensor, mode: str, **options: Any) -> torch.Tensor:
        return functional.interpolate(x, out, mode=mode, **options)

    x = maps(rank)
    check(resample.upsample, resample.upsample_backward, lambda x: to(x, "nearest"), x, out=out)
    for corners in (False, True):
        check(*ours, lambda x: to(x, mode, align_corners=corners), x, out=out, corners=corners)  # noqa: B023
        if rank == 2:
            check(
                resample.bicubic,
                resample.bicubic_backward,
                lambda x: to(x, "bicubic", align_corners=corners),  # noqa: B023
                x,
                out=out,
                corners=corners,
            )


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("P", [1, (0, 2, 1), ((1, 0), (0, 2), (2, 1))], ids=str)
def test_padding(rank: int, P: Any) -> None:
    P = P[-rank:] if isinstance(P, tuple) else (P,) * rank
    ends = [one if isinstance(one, tuple) else (one, one) for one in P]
    flat = [one for pair in reversed(ends) for one in pair]
    x = maps(rank)
    for channels in (0, (1, 2)):
        around = [*flat, *(channels or (0, 0))]
        zeros = lambda x: functional.pad(x, around)  # noqa: B023, E731
        with_weights = lambda x, net, channels=channels: resample.pad(x, net, *P, channels=channels)  # noqa: E731
        check(with_weights, resample.pad_backward, zeros, x)
    for ours, theirs in (("reflect", "reflect"), ("edge", "replicate")):
        mirrored = lambda x, net: resample.pad_mirrored(x, net, *P, mode=ours)  # noqa: B023, E731
        check(mirrored, resample.pad_mirrored_backward, lambda x: functional.pad(x, flat, theirs), x)  # noqa: B023


@pytest.mark.parametrize("rank", RANKS)
def test_cropping(rank: int) -> None:
    x, size = maps(rank), (2, 4, 3)[-rank:]
    first = [(N - n) // 2 for N, n in zip(x.shape[2:], size, strict=True)]

    def middle(x: torch.Tensor) -> torch.Tensor:
        return x[(..., *(slice(at, at + n) for at, n in zip(first, size, strict=True)))]

    def moved(x: torch.Tensor) -> torch.Tensor:
        return x[(..., *(slice(1, 1 + n) for n in size))]

    check(resample.crop, resample.crop_backward, middle, x, size=size)
    check(resample.crop, resample.crop_backward, moved, x, size=size, offset=1)
    channels = resample.channels, resample.channels_backward
    check(*channels, lambda x: x[:, 1:3], x, first=1, last=3)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("factor", [2, (3, 1, 2)])
def test_pixel_shuffling(rank: int, factor: Any) -> None:
    """There and back is nothing; torch has it for two equal axes."""
    factor = on(rank, {"factor": factor})["factor"]
    cells = int(np.prod(np.broadcast_to(factor, rank)))
    small = maps(rank, 3 * cells)
    net = Net({}, keep=True)
    large = resample.pixelshuffle(inside(small), net, factor)
    np.testing.assert_array_equal(outside(resample.pixelshuffle_backward(large, net)), small)
    np.testing.assert_array_equal(outside(resample.pixelunshuffle(large, net, factor)), small)
    np.testing.assert_array_equal(resample.pixelunshuffle_backward(inside(small), net), large)
    place = (0,) * rank
    steps = np.broadcast_to(factor, rank)
    for number, cell in enumerate(np.ndindex(*steps)):
        assert outside(large)[(1, 2, *cell)] == small[(1, 2 * cells + number, *place)]
    if rank == 2 and factor == 2:
        check(
            resample.pixelshuffle,
            resample.pixelshuffle_backward,
            lambda x: functional.pixel_shuffle(x, 2),
            small,
            factor=2,
        )
        check(
            resample.pixelunshuffle,
            resample.pixelunshuffle_backward,
            lambda x: functional.pixel_unshuffle(x, 2),
            outside(large),
            factor=2,
        )


@pytest.mark.parametrize("rank", RANKS)
def test_coordinates(rank: int) -> None:
    def reference(x: torch.Tensor) -> torch.Tensor:
        rulers = [torch.linspace(-1, 1, n, dtype=x.dtype) for n in x.shape[2:]]
        maps = torch.stack(torch.meshgrid(*rulers, indexing="ij")[::-1])
        return maps.expand(len(x), *maps.shape)

    check(resample.coords, resample.coords_backward, reference, maps(rank))


@pytest.mark.parametrize("rank", RANKS)
def test_orders(rank: int) -> None:
    x, size = maps(rank), SIZES[rank]
    check(resample.shuffle, resample.shuffle_backward, lambda x: functional.channel_shuffle(x, 2), x, G=2)
    check(dense.flatten, dense.flatten_backward, lambda x: x.flatten(1), x)
    to = (2, 2 * size[0], *size[1:])
    reshaped = lambda x, net: dense.reshape(x, net, *to)  # noqa: E731
    check(reshaped, dense.reshape_backward, lambda x: x.reshape(2, *to), x)


# --- number by number, merges -----------------------------------------------------------------------------


@pytest.mark.parametrize("rank", RANKS)
def test_softmax(rank: int) -> None:
    x = maps(rank)
    check(activation.softmax, activation.softmax_backward, lambda x: x.softmax(1), x)
    check(activation.logsoftmax, activation.logsoftmax_backward, lambda x: x.log_softmax(1), x)
    grouped = lambda x: x.unflatten(1, (2, -1)).softmax(2).flatten(1, 2)  # noqa: E731
    check(activation.softmax_groups, activation.softmax_groups_backward, grouped, x, G=2)
    over = lambda x: x.flatten(2).softmax(2).view_as(x)  # noqa: E731
    check(activation.softmax_positions, activation.softmax_positions_backward, over, x)


@pytest.mark.parametrize("rank", RANKS)
def test_trained_factors(rank: int) -> None:
    x, shape = maps(rank), (-1, *[1] * rank)
    prelu = activation.prelu, activation.prelu_backward
    for one in (False, True):
        check(*prelu, lambda x, weight: functional.prelu(x, weight), x, one=one)
        factor = lambda x, weight, bias: x * weight.view(shape) + bias.view(shape)  # noqa: E731
        check(dense.scale, dense.scale_backward, factor, x, one=one, bias=True)
    check(
        activation.prelu_positions,
        activation.prelu_positions_backward,
        lambda x, weight: torch.where(x > 0, x, weight * x),
        x,
    )


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("maps_", [False, True])
def test_dropout(rank: int, maps_: bool) -> None:
    x = maps(rank)
    mask = drawn(7, 2, 4, *([1] * rank if maps_ else SIZES[rank])) > 0
    theirs = lambda x: x * torch.tensor(mask) / 0.75  # noqa: E731
    masks = {"": mask}
    check(dense.dropout, dense.dropout_backward, theirs, x, p=0.25, maps=maps_, training=True, masks=masks)
    dropped = dense.dropout(inside(x), Net({}, training=True, rng=np.random.default_rng(0)), 0.5, maps_)
    kept = outside(dropped) != 0
    assert 0 < kept.mean() < 1
    if maps_:
        assert (kept.all(AXES[rank]) | ~kept.any(AXES[rank])).all()


@pytest.mark.parametrize("rank", RANKS)
def test_merges(rank: int) -> None:
    x, y, vector, gate = maps(rank), maps(rank, seed=8), drawn(9, 2, 4), maps(rank, 1, seed=10)
    row = drawn(11, 2, 4, *[1] * (rank - 1), SIZES[rank][-1])

    def spread(v: torch.Tensor) -> torch.Tensor:
        return v if v.ndim > 2 else v.view(*v.shape, *[1] * rank)

    def mul(*xs: torch.Tensor) -> torch.Tensor:
        return torch.stack(torch.broadcast_tensors(*map(spread, xs))).prod(0)

    def div(first: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        return first / mul(*others)

    for xs in ((x, y), (x, vector), (x, gate, row), (x, vector, gate)):
        check(merge.mul, merge.mul_backward, mul, *xs, merges=True)
        positive = [np.abs(x) + 1 for x in xs]
        check(merge.div, merge.div_backward, div, *positive, merges=True)
    check(merge.add, merge.add_backward, lambda x, y: x + y, x, y, merges=True)
    check(merge.sub, merge.sub_backward, lambda x, y: x - y, x, y, merges=True)
    check(merge.concat, merge.concat_backward, lambda *xs: torch.cat(xs, 1), x, gate, merges=True)
    check(merge.maximum, merge.maximum_backward, torch.maximum, x, y, merges=True)
