# Written by cnnspec 0.0.0: model DDPM (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


def same_padding(
    x: Tensor,
    kernel_size: list[int],
    stride: list[int],
    dilation: list[int],
    value: float = 0,
) -> Tensor:
    """Pads x for ceil(N / stride) windows; the odd zero goes after the map."""
    ends: list[int] = []
    for axis in range(x.ndim - 3, -1, -1):
        size = kernel_size[axis % len(kernel_size)]
        step = stride[axis % len(stride)]
        gap = dilation[axis % len(dilation)]
        length = x.shape[2 + axis]
        places = (length + step - 1) // step
        zeros = max((places - 1) * step + gap * (size - 1) + 1 - length, 0)
        ends += [zeros // 2, zeros - zeros // 2]
    return nn.functional.pad(x, ends, value=value)


class Conv2dSame(nn.Conv2d):
    """A convolution with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        stride, dilation = list(self.stride), list(self.dilation)
        x = same_padding(x, list(self.kernel_size), stride, dilation)
        weight, bias, groups = self.weight, self.bias, self.groups
        return nn.functional.conv2d(x, weight, bias, stride, 0, dilation, groups)


class Attention(nn.Module):
    """softmax(q^T k * scale) v over the positions of maps, in heads of the channels.

    The scale is 1 / sqrt(d), with d channels per head, unless it is given.
    """

    def __init__(self, heads: int = 1, scale: float | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.scale = None if scale is None else float(scale)

    def split(self, x: Tensor) -> Tensor:
        """Heads, positions, channels of the head."""
        return x.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)

    def offsets(self, q: Tensor, scale: float) -> Tensor | None:
        """What is added to the scores."""
        return None

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        size = q.shape[2:]
        q, k, v = self.split(q), self.split(k), self.split(v)
        scale = q.shape[-1] ** -0.5 if self.scale is None else self.scale
        added = self.offsets(q, scale)
        y = nn.functional.scaled_dot_product_attention(q, k, v, added, scale=scale)
        return y.transpose(2, 3).flatten(1, 2).unflatten(2, size)


class Residual(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.gn1 = nn.GroupNorm(32, in_channels, eps=1e-6)
        self.silu1 = nn.SiLU()
        self.h = nn.Conv2d(in_channels, k, kernel_size=3, padding=1)
        self.fc = nn.Linear(512, k)
        self.gn2 = nn.GroupNorm(32, k, eps=1e-6)
        self.silu2 = nn.SiLU()
        self.dropout = nn.Dropout(0.1)
        self.conv1 = nn.Conv2d(k, k, kernel_size=3, padding=1)
        self.projection = in_channels != k
        if self.projection:
            self.conv2 = nn.Conv2d(in_channels, k, kernel_size=1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h = self.h(self.silu1(self.gn1(x)))
        y = self.fc(t)
        y = self.silu2(self.gn2(h + y[:, :, None, None]))
        y = self.conv1(self.dropout(y))
        if self.projection:
            x = self.conv2(x)
        return y + x


class Down(Conv2dSame):
    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels, in_channels, kernel_size=3, stride=2)


class Attend(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gn = nn.GroupNorm(32, 256, eps=1e-6)
        self.conv1 = nn.Conv2d(256, 256, kernel_size=1)
        self.conv2 = nn.Conv2d(256, 256, kernel_size=1)
        self.conv3 = nn.Conv2d(256, 256, kernel_size=1)
        self.attention = Attention()
        self.conv4 = nn.Conv2d(256, 256, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.gn(x)
        q = self.conv1(y)
        k = self.conv2(y)
        v = self.conv3(y)
        y = self.attention(q, k, v)
        y = self.conv4(y)
        return y + x


class B1(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.residual = Residual(128, 256)
        self.attend = Attend()

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        x = self.residual(x, t)
        return self.attend(x)


class B2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.residual = Residual(256, 256)
        self.attend = Attend()

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        x = self.residual(x, t)
        return self.attend(x)


class Up(nn.Module):
    def __init__(self, in_channels: int, skip_channels: int, k: int) -> None:
        super().__init__()
        self.residual = Residual(in_channels + skip_channels, k)

    def forward(self, x: Tensor, skip: Tensor, t: Tensor) -> Tensor:
        x = torch.cat([x, skip], dim=1)
        return self.residual(x, t)


class Larger(nn.Sequential):
    def __init__(self) -> None:
        super().__init__()
        self.upsample = nn.Upsample(scale_factor=2)
        self.conv = nn.Conv2d(256, 256, kernel_size=3, padding=1)


class DDPM(nn.Module):
    """Denoising Diffusion Probabilistic Models, Ho et al., NeurIPS 2020"""

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.t = sequential(
                fc1=nn.Linear(128, 512),
                silu1=nn.SiLU(),
                fc2=nn.Linear(512, 512),
                silu2=nn.SiLU(),
            )
            self.a0 = nn.Conv2d(3, 128, kernel_size=3, padding=1)
            self.a1 = Residual(128, 128)
            self.a2 = Residual(128, 128)
            self.b0 = Down(128)
            self.b1 = B1()
            self.b2 = B2()
            self.c0 = Down(256)
            self.c1 = Residual(256, 256)
            self.c2 = Residual(256, 256)
            self.d0 = Down(256)
            self.d1 = Residual(256, 256)
            self.d2 = Residual(256, 256)
            self.residual1 = Residual(256, 256)
            self.attend1 = Attend()
            self.residual2 = Residual(256, 256)
            self.up1 = Up(256, 256, k=256)
            self.up2 = Up(256, 256, k=256)
            self.up3 = Up(256, 256, k=256)
            self.larger1 = Larger()
            self.up4 = Up(256, 256, k=256)
            self.up5 = Up(256, 256, k=256)
            self.up6 = Up(256, 256, k=256)
            self.larger2 = Larger()
            self.up7 = Up(256, 256, k=256)
            self.attend2 = Attend()
            self.up8 = Up(256, 256, k=256)
            self.attend3 = Attend()
            self.up9 = Up(256, 128, k=256)
            self.attend4 = Attend()
            self.larger3 = Larger()
            self.up10 = Up(256, 128, k=128)
            self.up11 = Up(128, 128, k=128)
            self.up12 = Up(128, 128, k=128)
            self.noise = sequential(
                gn=nn.GroupNorm(32, 128, eps=1e-6),
                silu=nn.SiLU(),
                conv=nn.Conv2d(128, 3, kernel_size=3, padding=1),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        t = self.t(time)  # 512
        a0 = self.a0(x)  # 128x32x32
        a1 = self.a1(a0, t)  # 128x32x32
        a2 = self.a2(a1, t)  # 128x32x32
        b0 = self.b0(a2)  # 128x16x16
        b1 = self.b1(b0, t)  # 256x16x16
        b2 = self.b2(b1, t)  # 256x16x16
        c0 = self.c0(b2)  # 256x8x8
        c1 = self.c1(c0, t)  # 256x8x8
        c2 = self.c2(c1, t)  # 256x8x8
        d0 = self.d0(c2)  # 256x4x4
        d1 = self.d1(d0, t)  # 256x4x4
        d2 = self.d2(d1, t)  # 256x4x4
        x = self.residual1(d2, t)  # 256x4x4
        x = self.attend1(x)  # 256x4x4
        x = self.residual2(x, t)  # 256x4x4
        x = self.up1(x, d2, t)  # 256x4x4
        x = self.up2(x, d1, t)  # 256x4x4
        x = self.up3(x, d0, t)  # 256x4x4
        x = self.larger1(x)  # 256x8x8
        x = self.up4(x, c2, t)  # 256x8x8
        x = self.up5(x, c1, t)  # 256x8x8
        x = self.up6(x, c0, t)  # 256x8x8
        x = self.larger2(x)  # 256x16x16
        x = self.up7(x, b2, t)  # 256x16x16
        x = self.attend2(x)  # 256x16x16
        x = self.up8(x, b1, t)  # 256x16x16
        x = self.attend3(x)  # 256x16x16
        x = self.up9(x, b0, t)  # 256x16x16
        x = self.attend4(x)  # 256x16x16
        x = self.larger3(x)  # 256x32x32
        x = self.up10(x, a2, t)  # 128x32x32
        x = self.up11(x, a1, t)  # 128x32x32
        x = self.up12(x, a0, t)  # 128x32x32
        return self.noise(x)


def main() -> None:
    model = DDPM().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 32, 32), torch.randn(2, 128))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
