"""Modules as strangers write them, imported: the spec's program with their weights gives their numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnspec.sources.layers import Hole
from cnnspec.structure import spec
from tests.sources.support import LIMIT, beside, imported, listed, with_numbers
from tests.targets.torch.support import single_threaded


class Residual(nn.Module):
    """A basic block with an option for the shortcut."""

    def __init__(self, c: int, k: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c, k, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(k, eps=1e-3)
        self.conv2 = nn.Conv2d(k, k, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(k, momentum=0.01)
        self.relu = nn.ReLU(inplace=True)
        self.down = (
            None if stride == 1 and c == k else nn.Sequential(nn.Conv2d(c, k, 1, stride), nn.BatchNorm2d(k))
        )

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.down is None else self.down(x)
        return self.relu(out)


class SmallResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 7, 2, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        self.body = nn.Sequential(Residual(8, 8), Residual(8, 16, 2), Residual(16, 16))
        self.fc = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(self.stem(x))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class Excite(nn.Module):
    """Squeeze and excitation with linear layers and a view."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.fc = nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.conv(x))
        b, c, _, _ = x.size()
        y = x.mean((2, 3)).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)


class TwoGates(nn.Module):
    """A gate of the channels and one of the positions, both expanded before they are multiplied."""

    def __init__(self) -> None:
        super().__init__()
        self.channels, self.positions = nn.Linear(4, 4), nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        channels = self.channels(x.mean((2, 3)))[:, :, None, None].expand_as(x)
        return x * (1 + torch.sigmoid(channels * self.positions(x).expand_as(x)))


class ByHand(nn.Module):
    """Norms that are computed step by step, and a bias that is added by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, bias=False)
        self.weight, self.bias, self.shift = (nn.Parameter(torch.zeros(4)) for _ in range(3))

    def pixels(self, x: Tensor) -> Tensor:
        return x / torch.sqrt(torch.mean(x**2, dim=1, keepdim=True) + 1e-8)

    def channels(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]

    def maps(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True).mean((2, 3), keepdim=True)
        variance = ((x - mean) ** 2).mean((1, 2, 3), keepdim=True)
        return self.shift.view(1, -1, 1, 1) * (x - mean) * torch.rsqrt(variance + 1e-8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x) + self.shift.view(1, -1, 1, 1)
        length = x.pow(2).sum(1, keepdim=True).sqrt()
        return self.maps(
            self.channels(self.pixels(x)) + self.weight.view(1, -1, 1, 1).expand_as(x) * (x / length)
        )


class Repeated(nn.Module):
    """Copies, zeros beside a map, and limits that 0 is not between."""

    def forward(self, x: Tensor) -> Tensor:
        zeros = torch.zeros(x.size(0), 2, x.size(2), x.size(3))
        y = torch.cat([x.repeat_interleave(2, dim=1).repeat(1, 2, 1, 1), zeros.to(x)], 1)
        y = F.pad(y, (0, 1)).repeat_interleave(2, dim=2)
        mean = x.mean((2, 3), keepdim=True).repeat(1, 1, *y.shape[2:])
        return torch.cat([torch.log(y.clamp(min=1e-2)), mean - x.mean((1, 2, 3), keepdim=True)], 1)


class ShuffleUnit(nn.Module):
    """Chunks, a channel shuffle by views, a depthwise convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=1)
        x = torch.cat((left, self.conv(right)), dim=1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)


class LastBlock(nn.Module):
    """ConvNeXt's block: channels last between two permutations, a parameter as layer scale."""

    def __init__(self, c: int = 8) -> None:
        super().__init__()
        self.dw = nn.Conv2d(c, c, 7, padding=3, groups=c)
        self.norm = nn.LayerNorm(c, eps=1e-6)
        self.up = nn.Linear(c, 4 * c)
        self.down = nn.Linear(4 * c, c)
        self.gamma = nn.Parameter(torch.full((c,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dw(x).permute(0, 2, 3, 1))
        y = self.gamma * self.down(F.gelu(self.up(y)))
        return x + y.permute(0, 3, 1, 2)


class UNet(nn.Module):
    """Skips, transposed convolutions, bilinear upsampling, and two outputs in a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(1, 8, 3, padding=1)
        self.b = nn.Conv2d(8, 16, 3, padding=1)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.out = nn.Conv2d(16, 2, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        a = F.leaky_relu(self.a(x), 0.2)
        b = F.elu(self.b(F.max_pool2d(a, 2)))
        y = self.out(torch.cat([self.up(b), a], 1))
        return {"map": y, "small": F.interpolate(b, size=(5, 7), mode="bilinear", align_corners=True)}


class NonLocal(nn.Module):
    """Attention written out with three views and two products."""

    def __init__(self) -> None:
        super().__init__()
        self.theta, self.phi, self.g = (nn.Conv2d(6, 4, 1) for _ in range(3))
        self.back = nn.Conv2d(4, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        theta = self.theta(x).view(n, 4, -1).permute(0, 2, 1)
        phi = F.max_pool2d(self.phi(x), 2).flatten(2)
        g = F.max_pool2d(self.g(x), 2).flatten(2).transpose(1, 2)
        y = torch.matmul(F.softmax(torch.matmul(theta, phi), dim=-1), g)
        return x + self.back(y.permute(0, 2, 1).reshape(n, 4, h, w))


class Heads(nn.Module):
    """Attention over positions with heads, as in vision transformers and MobileViT."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)
        self.proj = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        y = self.norm(x.flatten(2).transpose(1, 2))
        q, k, v = self.qkv(y).reshape(n, h * w, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, h * w, c)
        return x + self.proj(y).transpose(1, 2).reshape(n, c, h, w)


class Tokens(nn.Module):
    """Positions as a signal beside the flattened map."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv1d(6, 6, 3, padding=1)
        self.out = nn.Conv2d(6, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        t = x.flatten(2)
        return self.out((t + self.mix(t)).view(x.shape).relu())


class Windows(nn.Module):
    """Attention inside windows, as products with letters; then heads that have the same keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(4, 12)
        self.mix = nn.Parameter(torch.zeros(8, 4))
        self.q, self.kv = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        x = x.reshape(n, c, 2, h // 2, 2, w // 2).permute(0, 2, 4, 3, 5, 1).reshape(n, 4, h * w // 4, c)
        q, k, v = self.qkv(x).reshape(n, 4, h * w // 4, 6, 2).chunk(3, dim=3)
        scores = torch.einsum("B W I H D, B W J H D -> B W H I J", q, k / 2**0.5).softmax(-1)
        x = torch.einsum("BWHIJ,BWJHD->BWIHD", scores, v).reshape(n, 2, 2, h // 2, w // 2, c)
        x = x.permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)
        x = torch.einsum("bchw,kc->bhwk", x, self.mix).reshape(n, h * w, 8)
        q, kv = self.q(x).reshape(n, h * w, 2, 4).transpose(1, 2), self.kv(x).unsqueeze(1)
        return F.scaled_dot_product_attention(q, kv, kv.expand(n, 2, h * w, 4)).transpose(1, 2)


class Hard(nn.Module):
    """Activations written out by hand, and numbers in between."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=2, padding="valid")
        self.prelu = nn.PReLU(6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x * 2 - 1)
        x = x * F.relu6(x + 3) / 6 + x * torch.sigmoid(x)
        x = self.prelu(x) * 0.5 - x.abs().sqrt() / 3
        return F.pad(x, (1, 2, 0, 1), mode="reflect")[:, 1:5, ::2, 1:]


class Signal(nn.Module):
    """One axis, groups, dilation, instance and group norm."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(2, 8, 5, dilation=2, groups=2), nn.GroupNorm(2, 8), nn.Tanh(),
            nn.AvgPool1d(3, 2, 1, count_include_pad=False), nn.InstanceNorm1d(8, affine=True), nn.Softplus(),
            nn.Conv1d(8, 4, 1), nn.BatchNorm1d(4), nn.Flatten(), nn.Linear(4 * 14, 3), nn.LogSoftmax(1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Volume(nn.Module):
    """Three axes, and one module that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(2, 2, (1, 3, 3), padding=(0, 1, 1))
        self.pool = nn.AdaptiveMaxPool3d((2, 2, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.conv(F.relu(self.conv(x))))


class Siamese(nn.Module):
    """Two inputs, one tower."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return (self.tower(left) - self.tower(right)).abs()


class Local(nn.Module):
    """AlexNet's norm, a scale to length 1, and torch's own attention with the positions first."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LocalResponseNorm(3, alpha=1e-2, k=2)
        self.attention = nn.MultiheadAttention(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.normalize(self.norm(x), dim=1)
        y = x.flatten(2).permute(2, 0, 1)
        y, _ = self.attention(y, y, y, need_weights=False)
        return x + y.permute(1, 2, 0).reshape(x.shape)


class Context(nn.Module):
    """A global context block: positions weighted by a softmax, a blur whose filter is a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.mask = nn.Conv2d(6, 1, 1)
        self.mlp = nn.Conv2d(6, 6, 1)
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("filter", (row[:, None] * row).expand(6, 1, 3, 3), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        weights = self.mask(x).reshape(n, 1, h * w).softmax(-1).unsqueeze(3)
        context = torch.matmul(x.reshape(n, c, h * w).unsqueeze(1), weights).view(n, c, 1, 1)
        context = context * self.mask(x)  # each number of a vector, at each position (FocalNet)
        return F.conv2d(x + self.mlp(context), self.filter.to(x), stride=2, padding=1, groups=6)


class Respond(nn.Module):
    """ConvNeXt V2's global response normalisation, channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, 6))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, 6))

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        g = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        n = g / (g.mean(dim=-1, keepdim=True) + 1e-6)
        return (self.gamma * (x * n) + self.beta + x).permute(0, 3, 1, 2)


class Deviations(nn.Module):
    """Divided by the deviation of groups of channels, and of each position's channels (EvoNorm); a norm with
    no bias; a sum of two groups of channels that are not those that were joined."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(6))

    def forward(self, x: Tensor) -> Tensor:
        x = F.group_norm(x, 3, self.weight)
        both = torch.cat((x[:, :2].abs(), x), 1).view(x.shape[0], 2, 4, 4, 5).sum(1)
        x = torch.cat((both, x[:, :2]), 1)
        groups = x.reshape(x.shape[0], 2, 3, 4, 5)
        deviation = groups.var(dim=(2, 3, 4), unbiased=False, keepdim=True).add(1e-3).sqrt()
        y = x.permute(0, 2, 3, 1)
        y = y * torch.rsqrt(torch.var(y, dim=-1, keepdim=True) + 1e-2)
        x = x / deviation.expand(groups.shape).reshape(x.shape) + x / x.std((2, 3), keepdim=True)
        return x + y.permute(0, 3, 1, 2)


class Normalised(nn.Module):
    """Weights that are normalised: torch's parametrizations, and a convolution that standardizes its own."""

    class Standardized(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            weight = F.batch_norm(
                self.weight.reshape(1, self.out_channels, -1),
                None,
                None,
                training=True,
                momentum=0.0,
                eps=1e-5,
            ).reshape_as(self.weight)
            return F.conv2d(x, weight, self.bias, self.stride, self.padding)

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
        self.b = nn.utils.parametrizations.spectral_norm(nn.Conv2d(4, 4, 3))
        self.c = self.Standardized(4, 5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.c(self.b(self.a(x)))


STRANGERS: list[tuple[Any, list[tuple[int, ...]]]] = [
    (SmallResNet, [(3, 32, 32)]),
    (Excite, [(3, 9, 8)]),
    (TwoGates, [(4, 6, 5)]),
    (ByHand, [(4, 6, 5)]),
    (Repeated, [(3, 4, 5)]),
    (ShuffleUnit, [(8, 6, 5)]),
    (LastBlock, [(8, 6, 5)]),
    (UNet, [(1, 8, 12)]),
    (NonLocal, [(6, 4, 6)]),
    (Heads, [(8, 4, 3)]),
    (Tokens, [(6, 4, 5)]),
    (Windows, [(4, 4, 6)]),
    (Hard, [(3, 11, 12)]),
    (Signal, [(2, 36)]),
    (Volume, [(2, 4, 6, 5)]),
    (Local, [(8, 4, 5)]),
    (Context, [(6, 5, 7)]),
    (Respond, [(6, 4, 5)]),
    (Deviations, [(6, 4, 5)]),
    (Normalised, [(3, 9, 9)]),
    (Siamese, [(1, 8, 8), (1, 8, 8)]),
]


@pytest.mark.parametrize(("make", "shapes"), STRANGERS, ids=lambda one: getattr(one, "__name__", ""))
@single_threaded
def test_the_program_of_an_import_gives_the_numbers_of_the_module(
    make: Any, shapes: list[tuple[int, ...]]
) -> None:
    module = with_numbers(make())
    inputs = [torch.randn(2, *shape, dtype=torch.float64) for shape in shapes]
    found = imported(module, *inputs)
    assert found.unused == []
    differences = beside(found, *inputs)
    assert max(differences) < LIMIT, (differences, found.spec.text)


@single_threaded
def test_a_change_of_the_module_shows() -> None:
    """Controls: another activation, another eps, two weights exchanged are not equal any more."""
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    module = with_numbers(SmallResNet())
    found = imported(module, x)
    assert max(beside(found, x)) < LIMIT
    assert isinstance(module, SmallResNet)
    block = module.body[0]
    block.relu, kept = nn.ELU(), block.relu
    assert max(beside(found, x)) > 1e-4
    block.relu, block.bn1.eps = kept, 2e-3
    assert max(beside(found, x)) > 1e-6
    block.bn1.eps = 1e-3
    keys = dict(found.spec.keys)
    first, second = (key for key, its in keys.items() if its in ("body.0.bn1.weight", "body.0.bn2.weight"))
    keys[first], keys[second] = keys[second], keys[first]
    exchanged = found._replace(spec=found.spec._replace(keys=keys))
    assert max(beside(found, x)) < LIMIT < 1e-4 < max(beside(exchanged, x))


def test_a_hole_may_have_the_name_of_a_layer() -> None:
    class Own(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.weight.abs().cumsum(0), self.bias)

    _, layers = listed(nn.Sequential(Own(3, 4, 3), nn.ReLU()), torch.empty(2, 3, 8, 8))
    assert "unknown_conv2d() => 4x6x6" in " ".join(spec(layers).text.split())


def test_what_is_computed_of_constants_is_not_forgotten() -> None:
    """A mask of attention that no rule reads: not attention without a mask."""

    class Masked(Heads):
        def forward(self, x: Tensor) -> Tensor:
            q = x.flatten(2).transpose(1, 2).unsqueeze(1)
            mask = torch.ones(12, 12, dtype=torch.bool).tril()
            return F.scaled_dot_product_attention(q, q, q, attn_mask=mask)

    _, layers = listed(Masked(), torch.empty(2, 8, 4, 3))
    assert [one.what for one in layers.layers if isinstance(one, Hole)] == ["scaled_dot_product_attention"]


def test_repeated_numbers_that_are_rearranged_are_a_hole() -> None:
    class Tiled(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            mean = x.view(2, 2, 4, 5, 5).mean((2, 3, 4), keepdim=True).expand(2, 2, 4, 5, 5)
            return x - mean.transpose(1, 2).reshape(2, 8, 5, 5)

    _, layers = listed(Tiled(), torch.empty(2, 8, 5, 5))
    assert any(isinstance(one, Hole) for one in layers.layers)


def test_what_the_language_cannot_say_is_a_hole_with_its_place() -> None:
    class Warp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(torch.cumsum(self.conv(x)[:, :3], dim=2))

    _, layers = listed(Warp(), torch.empty(2, 3, 8, 8))
    hole = next(one for one in layers.layers if isinstance(one, Hole))
    assert (hole.what, hole.shape) == ("cumsum", (3, 8, 8))
    assert hole.place.startswith("test_torch.py:") or "test_torch.py:" in hole.place
    assert not isinstance(layers.layers[-1], Hole)


def test_a_hole_reads_what_was_put_off() -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cumsum(torch.relu(x) * 2, 1)

    _, layers = listed(Net(), torch.zeros(2, 3, 8, 8))
    assert [getattr(one, "what", "") or one.op.word for one in layers.layers] == ["relu", "times", "cumsum"]  # type: ignore[union-attr]
    assert layers.layers[-1].inputs == (2,)


def test_what_moves_numbers_belongs_to_the_module_that_moved_them() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = torch.cat([self.one(x).relu(), self.other(x)], 1)
            return y.view(-1, 2, 2, 8, 8).transpose(1, 2).reshape(-1, 4, 8, 8)

    model = nn.Sequential(Mixed(), Mixed(), nn.ReLU(), Mixed(), nn.Conv2d(4, 3, 1))
    text = imported(model, torch.zeros(2, 4, 8, 8)).spec.text
    assert text.count("shuffle G2") == 1
    assert "mixed() -> conv F1 K3" in text


class Embedding(nn.Sequential):
    """Vectors of length 1, as face recognisers divide by the norm."""

    def __init__(self, eps: float = 1e-5) -> None:
        super().__init__(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, eps), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        return x / torch.norm(x, 2, 1, True)


def test_a_quotient_by_the_length_is_a_norm() -> None:
    found = imported(with_numbers(Embedding()), torch.randn(2, 3, 8, 8, dtype=torch.float64))
    assert "gap -> l2norm" in found.spec.text
    differences = beside(found, torch.randn(2, 3, 8, 8, dtype=torch.float64))
    assert max(differences) < LIMIT


def test_an_eps_that_was_meant_for_another_argument() -> None:
    """`BatchNorm2d(8, False)` has an eps of 0."""
    _, layers = listed(Embedding(False), torch.randn(2, 3, 8, 8))
    (hole,) = [one for one in layers.layers if isinstance(one, Hole)]
    assert "its eps is 0" in hole.why


def test_norms_by_hand_are_the_layers() -> None:
    text = imported(ByHand(), torch.zeros(2, 4, 6, 5)).spec.text
    norms = (
        "add [ rms eps=1e-8 noaffine -> ln eps=1e-6 | l2norm -> scale ] -> gn G1 eps=1e-8 noaffine -> scale"
    )
    assert norms in text


def test_sizes_that_depend_on_numbers_are_refused() -> None:
    class Chosen(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[x > 0]

    with pytest.raises(ValueError, match=r"a size depends on the numbers of a tensor \(.*test_torch.py:\d+"):
        listed(Chosen(), torch.zeros(2, 3, 8, 8))


def test_weights_that_forward_limits_stay_as_they_are() -> None:
    class Limited(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            self.weight.data = torch.renorm(self.weight.data, p=2, dim=0, maxnorm=1)
            return super().forward(x)

    found = imported(nn.Sequential(Limited(3, 4, 3)), torch.zeros(2, 3, 8, 8))
    assert "conv F3 K4" in found.spec.text
    assert found.layers.notes[0].startswith("forward sets the numbers of weights")


def test_a_pool_and_what_undoes_it_in_other_modules() -> None:
    """ENet: modules that contain one of the two are no blocks; the others are one, with any activation."""

    class Down(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x, places = F.max_pool2d(x.relu(), 2, return_indices=True)
            return x.tanh(), places

    class Up(nn.Module):
        def forward(self, x: Tensor, places: Tensor) -> Tensor:
            return F.max_unpool2d(x.sigmoid(), places, 2).relu()

    class Side(nn.Module):
        def __init__(self, act: nn.Module) -> None:
            super().__init__()
            self.one, self.other, self.act = nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1), act

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.act(x + self.other(self.one(x).relu()))
            return y

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.up = Down(), Up()
            self.sides = nn.ModuleList([Side(nn.PReLU()), Side(nn.ReLU()), Side(nn.PReLU())])

        def forward(self, x: Tensor) -> Tensor:
            x, one = self.down(self.sides[0](x))
            x, two = self.down(self.sides[1](x))
            y: Tensor = self.up(self.sides[2](self.up(x, two)), one)
            return y

    found = imported(Net(), torch.zeros(2, 4, 8, 8))
    assert found.spec.form == "blocks", found.spec.text
    assert "block side(act=[prelu one])" in found.spec.text, found.spec.text
    assert "side(act=relu)" in found.spec.text


class Twice(nn.Module):
    """The same layers under two names, as where a block also has its parts by name."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4)
        self.net = nn.Sequential(self.conv, self.norm, nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.net(x)
        return made


def test_a_weight_with_two_names_is_used_under_one() -> None:
    found = imported(Twice(), torch.zeros(2, 3, 8, 8))
    assert not found.unused
    assert set(found.spec.keys.values()) == set(found.trace.keys)


def test_a_random_slope_is_its_mean() -> None:
    found = imported(nn.Sequential(nn.Conv2d(3, 4, 1), nn.RReLU(0.1, 0.3)), torch.zeros(2, 3, 8, 8))
    assert "leaky 0.2" in found.spec.text
    assert "rrelu has its slope in evaluation" in found.layers.notes[0]
    assert not beside(found, torch.randn(2, 3, 8, 8, dtype=torch.float64), train=False).outputs


@pytest.mark.filterwarnings("ignore:The tensor attribute self.0.weight was assigned during export")
def test_the_older_spectral_norm_has_another_order_in_training() -> None:
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    found = imported(with_numbers(nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(3, 4, 3)))), x)
    assert found.layers.notes[0].startswith("torch.nn.utils.spectral_norm updates v before u in training")
    assert beside(found, x, train=False).outputs < LIMIT


def test_an_up_step_of_a_u_net_reads_as_in_the_paper() -> None:
    class Up(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.up = nn.ConvTranspose2d(width, width // 2, 2, 2)
            self.conv = nn.Conv2d(width, width // 2, 3, padding=1)

        def forward(self, x: Tensor, skip: Tensor) -> Tensor:
            x = self.up(x)
            rows, columns = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
            x = F.pad(x, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
            return self.conv(torch.cat([skip, x], 1)).relu()

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.three = (nn.Conv2d(c, 2 * c, 3, 2, 1) for c in (2, 4, 8))
            self.up1, self.up2 = Up(16), Up(8)

        def forward(self, x: Tensor) -> Tensor:
            one = self.one(x)
            two = self.two(one)
            y: Tensor = self.up2(self.up1(self.three(two), two), one)
            return y

    text = imported(Net(), torch.zeros(2, 2, 16, 16)).spec.text
    assert "concat [ @skip | deconv F2 S2 K=C//2 ] -> conv F3 P1 K=C//2 -> relu" in text
    assert "up(@two)" in text
    assert "up(@one)" in text


def test_windows_of_a_map_are_cut_and_put_together_as_pixels_are() -> None:
    class Mix(nn.Module):
        def __init__(self, channels: int, size: int) -> None:
            super().__init__()
            self.size = size
            self.positions, self.channels = nn.Linear(size * size, size * size), nn.Linear(channels, channels)

        def forward(self, x: Tensor) -> Tensor:
            n, c, h, w = x.shape
            p = self.size
            x = x.reshape(n, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1).reshape(n, -1, p * p, c)
            x = x + self.positions(x.transpose(2, 3)).transpose(2, 3)
            x = x + self.channels(x).relu()
            x = x.reshape(n, h // p, w // p, p, p, c).permute(0, 5, 1, 3, 2, 4)
            return x.reshape(n, c, h, w)

    x = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    found = imported(with_numbers(nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), Mix(8, 4), Mix(8, 4))), x)
    assert "pixelunshuffle 4" in found.spec.text
    assert "pixelshuffle 4" in found.spec.text
    assert max(beside(found, x, train=True)) < LIMIT
