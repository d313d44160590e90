# Written by cnnspec 0.0.0: model NASNetALarge (IR 0)
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext

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


class AvgPool2dSame(nn.Module):
    """Average pooling with ceil(N / stride) outputs."""

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = listed(kernel_size, axes=2)
        self.stride = self.kernel_size if stride is None else listed(stride, axes=2)
        self.count_include_pad = count_include_pad

    def mean(self, x: Tensor) -> Tensor:
        x = same_padding(x, self.kernel_size, self.stride, [1])
        return nn.functional.avg_pool2d(x, self.kernel_size, self.stride)

    def forward(self, x: Tensor) -> Tensor:
        if self.count_include_pad:
            return self.mean(x)
        return self.mean(x) / self.mean(torch.ones_like(x[:1, :1]))


class Crop(nn.Module):
    """From a start up to a stop along each axis, as a slice; a stop of 0 is the end."""

    def __init__(self, *bounds: int) -> None:
        super().__init__()
        self.bounds = bounds

    def forward(self, x: Tensor) -> Tensor:
        for axis, size in enumerate(x.shape[2:]):
            start, stop = self.bounds[2 * axis], self.bounds[2 * axis + 1]
            start, stop = start % size, stop if stop > 0 else size + stop
            x = x.narrow(2 + axis, start, stop - start)
        return x


class Fit(nn.Sequential):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(k, eps=0.001)


class Sep(nn.Sequential):
    def __init__(self, in_channels: int, kernel_size: int, stride: int, k: int) -> None:
        super().__init__()
        self.relu1 = nn.ReLU()
        self.dwconv1 = Conv2dSame(
            in_channels,
            in_channels,
            kernel_size=kernel_size,
            stride=stride,
            groups=in_channels,
            bias=False,
        )
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(k, eps=0.001)
        self.relu2 = nn.ReLU(inplace=True)
        self.dwconv2 = nn.Conv2d(
            k, k, kernel_size=kernel_size, padding="same", groups=k, bias=False
        )
        self.conv2 = nn.Conv2d(k, k, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(k, eps=0.001)


class ReductionA(nn.Module):
    def __init__(self, k: int, value: int) -> None:
        super().__init__()
        self.sep1 = Sep(k, kernel_size=5, stride=2, k=k)
        self.sep2 = Sep(value, kernel_size=7, stride=2, k=k)

    def forward(self, x: Tensor, p: Tensor) -> Tensor:
        branch1 = self.sep1(x)
        branch2 = self.sep2(p)
        return branch1 + branch2


class ReductionB(nn.Module):
    def __init__(self, value: int, k: int) -> None:
        super().__init__()
        self.maxpool = MaxPool2dSame(kernel_size=3, stride=2)
        self.sep = Sep(value, kernel_size=7, stride=2, k=k)

    def forward(self, x: Tensor, p: Tensor) -> Tensor:
        branch1 = self.maxpool(x)
        branch2 = self.sep(p)
        return branch1 + branch2


class Avg(AvgPool2dSame):
    def __init__(self, stride: int = 1) -> None:
        super().__init__(kernel_size=3, stride=stride, count_include_pad=False)


class ReductionC(nn.Module):
    def __init__(self, value: int, k: int) -> None:
        super().__init__()
        self.avg = Avg(stride=2)
        self.sep = Sep(value, kernel_size=5, stride=2, k=k)

    def forward(self, x: Tensor, p: Tensor) -> Tensor:
        branch1 = self.avg(x)
        branch2 = self.sep(p)
        return branch1 + branch2


class ReductionD(nn.Module):
    def __init__(self, k: int) -> None:
        super().__init__()
        self.sep = Sep(k, kernel_size=3, stride=1, k=k)
        self.maxpool = MaxPool2dSame(kernel_size=3, stride=2)

    def forward(self, a: Tensor, x: Tensor) -> Tensor:
        branch1 = self.sep(a)
        branch2 = self.maxpool(x)
        return branch1 + branch2


class Reduction(nn.Module):
    def __init__(
        self,
        in_channels: int,
        prev_channels: int,
        value: int,
        k: int,
        adjust: Callable[..., nn.Module],
    ) -> None:
        super().__init__()
        self.x = Fit(in_channels, k)
        self.p = adjust(prev_channels)
        self.a = ReductionA(k, value)
        self.b = ReductionB(value, k)
        self.c = ReductionC(value, k)
        self.d = ReductionD(k)
        self.avg = Avg()

    def forward(self, x: Tensor, prev: Tensor) -> Tensor:
        x2 = self.x(x)
        p = self.p(prev)
        a = self.a(x2, p)
        b = self.b(x2, p)
        c = self.c(x2, p)
        d = self.d(a, x2)
        x = self.avg(a)
        branch3 = x + b
        return torch.cat([b, c, branch3, d], dim=1)


class Halve(nn.Module):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.x = nn.ReLU()
        self.moved = sequential(pad=nn.ZeroPad2d((0, 1, 0, 1)), crop=Crop(1, 0, 1, 0))
        self.avgpool1 = nn.AvgPool2d(kernel_size=1, stride=2)
        self.conv1 = nn.Conv2d(in_channels, k // 2, kernel_size=1, bias=False)
        self.avgpool2 = nn.AvgPool2d(kernel_size=1, stride=2)
        self.conv2 = nn.Conv2d(in_channels, k // 2, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(2 * (k // 2), eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        x2 = self.x(x)
        moved = self.moved(x2)
        branch1 = self.conv1(self.avgpool1(x2))
        branch2 = self.conv2(self.avgpool2(moved))
        x = torch.cat([branch1, branch2], dim=1)
        return self.bn(x)


class NormalA(nn.Module):
    def __init__(self, k: int, value: int) -> None:
        super().__init__()
        self.sep1 = Sep(k, kernel_size=5, stride=1, k=k)
        self.sep2 = Sep(value, kernel_size=3, stride=1, k=k)

    def forward(self, x: Tensor, p: Tensor) -> Tensor:
        branch1 = self.sep1(x)
        branch2 = self.sep2(p)
        return branch1 + branch2


class NormalB(nn.Module):
    def __init__(self, value: int, k: int) -> None:
        super().__init__()
        self.sep1 = Sep(value, kernel_size=5, stride=1, k=k)
        self.sep2 = Sep(value, kernel_size=3, stride=1, k=k)

    def forward(self, p: Tensor) -> Tensor:
        branch1 = self.sep1(p)
        branch2 = self.sep2(p)
        return branch1 + branch2


class NormalC(nn.Module):
    def __init__(self, k: int) -> None:
        super().__init__()
        self.sep = Sep(k, kernel_size=3, stride=1, k=k)

    def forward(self, x: Tensor) -> Tensor:
        return self.sep(x) + x


class NormalY(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.avg1 = Avg()
        self.avg2 = Avg()
        self.avg3 = Avg()

    def forward(self, p: Tensor, a: Tensor, b: Tensor, x: Tensor, c: Tensor) -> Tensor:
        x = self.avg1(x)
        branch4 = x + p
        branch1 = self.avg2(p)
        branch2 = self.avg3(p)
        branch5 = branch1 + branch2
        return torch.cat([p, a, b, branch4, branch5, c], dim=1)


class Normal(nn.Module):
    def __init__(
        self,
        in_channels: int,
        prev_channels: int,
        value: int,
        k: int,
        adjust: Callable[..., nn.Module],
    ) -> None:
        super().__init__()
        self.p = adjust(prev_channels)
        self.x = Fit(in_channels, k)
        self.a = NormalA(k, value)
        self.b = NormalB(value, k)
        self.c = NormalC(k)
        self.y = NormalY()

    def forward(self, x: Tensor, prev: Tensor) -> tuple[Tensor, Tensor]:
        p = self.p(prev)
        x2 = self.x(x)
        a = self.a(x2, p)
        b = self.b(p)
        c = self.c(x2)
        y = self.y(p, a, b, x2, c)
        return y, x


class Stage(nn.Module):
    def __init__(
        self, in_channels: int, prev_channels: int, value: int, value2: int, k: int
    ) -> None:
        super().__init__()
        self.normal = Normal(
            in_channels, prev_channels, value, k, lambda channels: Halve(channels, k)
        )
        channels2 = in_channels
        self.group = nn.ModuleList()
        for _ in range(5):
            self.group.append(
                Normal(value2, channels2, value, k, lambda channels: Fit(channels, k))
            )
            channels2 = value2

    def forward(self, x: Tensor, prev: Tensor) -> tuple[Tensor, Tensor]:
        x, z = self.normal(x, prev)
        y, before = x, z
        for layer in self.group:
            y, before = layer(y, before)
        return y, before


class Next(nn.Module):
    def __init__(
        self, in_channels: int, prev_channels: int, value: int, value2: int, k: int
    ) -> None:
        super().__init__()
        self.reduction = Reduction(
            in_channels, prev_channels, value, k, lambda channels: Fit(channels, k)
        )
        self.stage = Stage(4 * k, prev_channels, value, value2, k)

    def forward(self, x: Tensor, prev: Tensor) -> tuple[Tensor, Tensor]:
        x = self.reduction(x, prev)
        y, before = self.stage(x, prev)
        return y, before


class NASNetALarge(nn.Module):
    """Learning Transferable Architectures for Scalable Image Recognition, Zoph et al.,
    CVPR 2018
    """

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.c = sequential(
                conv=nn.Conv2d(3, 96, kernel_size=3, stride=2, bias=False),
                bn=nn.BatchNorm2d(96, eps=0.001),
            )
            self.s = Reduction(96, 96, 96, k=42, adjust=lambda _: nn.Identity())
            self.t = Reduction(
                168, 96, 84, k=84, adjust=lambda channels: Halve(channels, 84)
            )
            self.stage = Stage(336, 168, 168, 1008, k=168)
            self.next1 = Next(1008, 1008, 336, 2016, k=336)
            self.next2 = Next(2016, 2016, 672, 4032, k=672)
            self.relu = nn.ReLU()
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.dropout = nn.Dropout()
            self.fc = nn.Linear(4032, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        c = self.c(x)  # 96x165x165
        s = self.s(c, c)  # 168x83x83
        t = self.t(s, c)  # 336x42x42
        y, before = self.stage(t, s)
        y, before = self.next1(y, before)
        y, before = self.next2(y, before)
        x = torch.flatten(self.dropout(self.gap(self.relu(y))), 1)  # 4032
        return self.fc(x)


def main() -> None:
    model = NASNetALarge().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 331, 331))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
