# Written by cnnspec 0.0.0: model EfficientDetD0 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


def listed(sizes: int | tuple[int, ...], axes: int = 1) -> list[int]:
    """A number for each axis."""
    return [sizes] * axes if isinstance(sizes, int) else list(sizes)


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


class MaxPool2dSame(nn.Module):
    """Max pooling with ceil(N / stride) outputs."""

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        dilation: int | tuple[int, ...] = 1,
    ) -> None:
        super().__init__()
        self.kernel_size = listed(kernel_size, axes=2)
        self.stride = self.kernel_size if stride is None else listed(stride, axes=2)
        self.dilation = listed(dilation, axes=2)

    def forward(self, x: Tensor) -> Tensor:
        size, step, gap = self.kernel_size, self.stride, self.dilation
        x = same_padding(x, size, step, gap, value=float("-inf"))
        return nn.functional.max_pool2d(x, size, step, 0, gap)


class DropPath(nn.Module):
    """Stochastic depth: in training, sets the whole image to 0 with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * kept / (1 - self.p) if self.p < 1 else x * 0


class WeightedAdd(nn.Module):
    """The sum of tensors, each times its share relu(w) / (eps + the sum of relu(w))."""

    def __init__(self, count: int, eps: float = 1e-4) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(count))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)

    def forward(self, *xs: Tensor) -> Tensor:
        weight = self.weight.relu()
        return torch.stack(xs, dim=-1) @ (weight / (weight.sum() + self.eps))


class Inverted(nn.Module):
    expansion: Final[bool]
    residual: Final[bool]

    def __init__(
        self, in_channels: int, t: int, f: int, k: int, s: int, rate: float
    ) -> None:
        super().__init__()
        channels = t * in_channels
        self.expansion = t != 1
        if self.expansion:
            self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=1, bias=False)
            self.bn1 = nn.BatchNorm2d(channels, eps=0.001, momentum=0.01)
            self.silu1 = nn.SiLU()
        self.dwconv = Conv2dSame(
            channels, channels, kernel_size=f, stride=s, groups=channels, bias=False
        )
        self.bn2 = nn.BatchNorm2d(channels, eps=0.001, momentum=0.01)
        self.silu2 = nn.SiLU()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.conv2 = nn.Conv2d(channels, in_channels // 4, kernel_size=1)
        self.silu3 = nn.SiLU()
        self.conv3 = nn.Conv2d(in_channels // 4, channels, kernel_size=1)
        self.sigmoid = nn.Sigmoid()
        self.conv4 = nn.Conv2d(channels, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k, eps=0.001, momentum=0.01)
        self.residual = s == 1 and in_channels == k
        if self.residual:
            self.droppath = DropPath(rate)

    def forward(self, x: Tensor) -> Tensor:
        y = self.silu1(self.bn1(self.conv1(x))) if self.expansion else x
        y = self.silu2(self.bn2(self.dwconv(y)))
        gate = self.silu3(self.conv2(self.gap(y)))
        gate = self.sigmoid(self.conv3(gate))
        y = self.bn3(self.conv4(y * gate))
        if self.residual:
            y = self.droppath(y)
            y = y + x
        return y


class Stage(nn.Sequential):
    def __init__(
        self, in_channels: int, t: int, f: int, k: int, n: int, s: int, first: int
    ) -> None:
        super().__init__()
        for i in range(n):
            self.append(
                Inverted(
                    in_channels,
                    t=t,
                    f=f,
                    k=k,
                    s=s if i == 0 else 1,
                    rate=0.2 * (first + i) / 16,
                ),
            )
            in_channels = k


class Smooth(nn.Sequential):
    def __init__(self) -> None:
        super().__init__()
        self.silu = nn.SiLU()
        self.dwconv = nn.Conv2d(64, 64, kernel_size=3, padding=1, groups=64, bias=False)
        self.conv = nn.Conv2d(64, 64, kernel_size=1)
        self.bn = nn.BatchNorm2d(64, eps=0.001, momentum=0.01)


class CellAdd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.add = WeightedAdd(2)
        self.smooth = Smooth()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        z = nn.functional.interpolate(y, size=x.shape[2:], mode="nearest")
        x = self.add(x, z)
        return self.smooth(x)


class CellN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.maxpool = MaxPool2dSame(kernel_size=3, stride=2)
        self.add = WeightedAdd(3)
        self.smooth = Smooth()

    def forward(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        x2 = self.maxpool(z)
        x = self.add(x, y, x2)
        return self.smooth(x)


class CellN7(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.maxpool = MaxPool2dSame(kernel_size=3, stride=2)
        self.add = WeightedAdd(2)
        self.smooth = Smooth()

    def forward(self, p7: Tensor, n6: Tensor) -> Tensor:
        x = self.maxpool(n6)
        x = self.add(p7, x)
        return self.smooth(x)


class Cell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.m6 = CellAdd()
        self.m5 = CellAdd()
        self.m4 = CellAdd()
        self.n3 = CellAdd()
        self.n4 = CellN()
        self.n5 = CellN()
        self.n6 = CellN()
        self.n7 = CellN7()

    def forward(
        self,
        p3: Tensor,
        p4: Tensor,
        q4: Tensor,
        p5: Tensor,
        q5: Tensor,
        p6: Tensor,
        p7: Tensor,
    ) -> tuple[Tensor, ...]:
        m6 = self.m6(p6, p7)
        m5 = self.m5(p5, m6)
        m4 = self.m4(p4, m5)
        n3 = self.n3(p3, m4)
        n4 = self.n4(q4, m4, n3)
        n5 = self.n5(q5, m5, n4)
        n6 = self.n6(p6, m6, n5)
        n7 = self.n7(p7, n6)
        return n3, n4, n5, n6, n7


class HeadGroup(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(64, eps=0.001, momentum=0.01)
        self.silu = nn.SiLU()

    def forward(self, x: Tensor, separable2: nn.Module) -> Tensor:
        return self.silu(self.bn(separable2(x)))


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.group = nn.ModuleList([HeadGroup() for _ in range(3)])

    def forward(
        self,
        x: Tensor,
        separable: nn.Module,
        separable_2: nn.Module,
        separable_3: nn.Module,
        separable_4: nn.Module,
    ) -> Tensor:
        for layer, separable2 in zip(
            self.group, (separable, separable_2, separable_3), strict=True
        ):
            x = layer(x, separable2)
        return separable_4(x)


class Separable(nn.Sequential):
    def __init__(self, k: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(64, 64, kernel_size=3, padding=1, groups=64, bias=False)
        self.conv = nn.Conv2d(64, k, kernel_size=1)


class EfficientDetD0Outputs(NamedTuple):
    class3: Tensor
    class4: Tensor
    class5: Tensor
    class6: Tensor
    class7: Tensor
    box3: Tensor
    box4: Tensor
    box5: Tensor
    box6: Tensor
    box7: Tensor


class EfficientDetD0(nn.Module):
    """EfficientDet: Scalable and Efficient Object Detection, Tan et al., CVPR 2020"""

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.separable = Separable(64)
            self.separable_2 = Separable(64)
            self.separable_3 = Separable(64)
            self.separable_5 = Separable(64)
            self.separable_6 = Separable(64)
            self.separable_7 = Separable(64)
            self.separable_4 = Separable(810)
            self.separable_8 = Separable(36)
            self.conv = Conv2dSame(3, 32, kernel_size=3, stride=2, bias=False)
            self.bn = nn.BatchNorm2d(32, eps=0.001, momentum=0.01)
            self.silu = nn.SiLU()
            self.c3 = sequential(
                stage1=Stage(32, t=1, f=3, k=16, n=1, s=1, first=0),
                stage2=Stage(16, t=6, f=3, k=24, n=2, s=2, first=1),
                stage3=Stage(24, t=6, f=5, k=40, n=2, s=2, first=3),
            )
            self.c4 = sequential(
                stage1=Stage(40, t=6, f=3, k=80, n=3, s=2, first=5),
                stage2=Stage(80, t=6, f=5, k=112, n=3, s=1, first=8),
            )
            self.c5 = sequential(
                stage1=Stage(112, t=6, f=5, k=192, n=4, s=2, first=11),
                stage2=Stage(192, t=6, f=3, k=320, n=1, s=1, first=15),
            )
            self.p6 = sequential(
                conv=nn.Conv2d(320, 64, kernel_size=1),
                bn=nn.BatchNorm2d(64, eps=0.001, momentum=0.01),
                maxpool=MaxPool2dSame(kernel_size=3, stride=2),
            )
            self.p7 = MaxPool2dSame(kernel_size=3, stride=2)
            self.p3 = sequential(
                conv=nn.Conv2d(40, 64, kernel_size=1),
                bn=nn.BatchNorm2d(64, eps=0.001, momentum=0.01),
            )
            self.p4 = sequential(
                conv=nn.Conv2d(112, 64, kernel_size=1),
                bn=nn.BatchNorm2d(64, eps=0.001, momentum=0.01),
            )
            self.q4 = sequential(
                conv=nn.Conv2d(112, 64, kernel_size=1),
                bn=nn.BatchNorm2d(64, eps=0.001, momentum=0.01),
            )
            self.p5 = sequential(
                conv=nn.Conv2d(320, 64, kernel_size=1),
                bn=nn.BatchNorm2d(64, eps=0.001, momentum=0.01),
            )
            self.q5 = sequential(
                conv=nn.Conv2d(320, 64, kernel_size=1),
                bn=nn.BatchNorm2d(64, eps=0.001, momentum=0.01),
            )
            self.cell1 = Cell()
            self.cell2 = Cell()
            self.cell3 = Cell()
            self.class3 = Head()
            self.class4 = Head()
            self.class5 = Head()
            self.class6 = Head()
            self.class7 = Head()
            self.box3 = Head()
            self.box4 = Head()
            self.box5 = Head()
            self.box6 = Head()
            self.box7 = Head()
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> EfficientDetD0Outputs:
        x = self.silu(self.bn(self.conv(x)))  # 32x256x256
        c3 = self.c3(x)  # 40x64x64
        c4 = self.c4(c3)  # 112x32x32
        c5 = self.c5(c4)  # 320x16x16
        p6 = self.p6(c5)  # 64x8x8
        p7 = self.p7(p6)  # 64x4x4
        p3 = self.p3(c3)  # 64x64x64
        p4 = self.p4(c4)  # 64x32x32
        q4 = self.q4(c4)  # 64x32x32
        p5 = self.p5(c5)  # 64x16x16
        q5 = self.q5(c5)  # 64x16x16
        d3, d4, d5, d6, d7 = self.cell1(p3, p4, q4, p5, q5, p6, p7)
        e3, e4, e5, e6, e7 = self.cell2(d3, d4, d4, d5, d5, d6, d7)
        f3, f4, f5, f6, f7 = self.cell3(e3, e4, e4, e5, e5, e6, e7)
        class3 = self.class3(
            f3,
            self.separable,
            self.separable_2,
            self.separable_3,
            self.separable_4,
        )  # 810x64x64
        class4 = self.class4(
            f4,
            self.separable,
            self.separable_2,
            self.separable_3,
            self.separable_4,
        )  # 810x32x32
        class5 = self.class5(
            f5,
            self.separable,
            self.separable_2,
            self.separable_3,
            self.separable_4,
        )  # 810x16x16
        class6 = self.class6(
            f6,
            self.separable,
            self.separable_2,
            self.separable_3,
            self.separable_4,
        )  # 810x8x8
        class7 = self.class7(
            f7,
            self.separable,
            self.separable_2,
            self.separable_3,
            self.separable_4,
        )  # 810x4x4
        box3 = self.box3(
            f3,
            self.separable_5,
            self.separable_6,
            self.separable_7,
            self.separable_8,
        )  # 36x64x64
        box4 = self.box4(
            f4,
            self.separable_5,
            self.separable_6,
            self.separable_7,
            self.separable_8,
        )  # 36x32x32
        box5 = self.box5(
            f5,
            self.separable_5,
            self.separable_6,
            self.separable_7,
            self.separable_8,
        )  # 36x16x16
        box6 = self.box6(
            f6,
            self.separable_5,
            self.separable_6,
            self.separable_7,
            self.separable_8,
        )  # 36x8x8
        box7 = self.box7(
            f7,
            self.separable_5,
            self.separable_6,
            self.separable_7,
            self.separable_8,
        )  # 36x4x4
        return EfficientDetD0Outputs(
            class3, class4, class5, class6, class7, box3, box4, box5, box6, box7
        )


def main() -> None:
    model = EfficientDetD0().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 512, 512))
    for y in outputs:
        print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
