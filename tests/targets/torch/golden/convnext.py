# Written by cnnspec 0.0.0: model ConvNeXtTiny (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.movedim(1, -1)
        shape = self.normalized_shape
        x = nn.functional.layer_norm(x, shape, self.weight, self.bias, self.eps)
        return x.movedim(x.ndim - 1, 1)


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


class Scale(nn.Module):
    """A learned factor per channel, or one for all; `bias` adds a learned summand."""

    def __init__(self, channels: int, init: float = 1, bias: bool = False) -> None:
        super().__init__()
        self.init = float(init)
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, self.init)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) + (1,) * (x.ndim - 2)
        y = x * self.weight.view(shape)
        return y if self.bias is None else y + self.bias.view(shape)


class Unit(nn.Module):
    def __init__(self, in_channels: int, rate: float) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(
            in_channels, in_channels, kernel_size=7, padding=3, groups=in_channels
        )
        self.ln = LayerNorm2d(in_channels, eps=1e-6)
        self.conv1 = nn.Conv2d(in_channels, 4 * in_channels, kernel_size=1)
        self.gelu = nn.GELU()
        self.conv2 = nn.Conv2d(4 * in_channels, in_channels, kernel_size=1)
        self.scale = Scale(in_channels, init=1e-6)
        self.droppath = DropPath(rate)

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln(self.dwconv(x))
        y = self.gelu(self.conv1(y))
        y = self.droppath(self.scale(self.conv2(y)))
        return y + x


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, n: int, first: int) -> None:
        super().__init__(*(Unit(in_channels, 0.1 * (first + i) / 17) for i in range(n)))


class Down(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.ln = LayerNorm2d(in_channels, eps=1e-6)
        self.conv = nn.Conv2d(in_channels, 2 * in_channels, kernel_size=2, stride=2)


class ConvNeXtTiny(nn.Module):
    """A ConvNet for the 2020s, Liu et al., CVPR 2022"""

    def __init__(
        self,
        classes: int = 1000,
        k: int = 96,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = nn.Conv2d(3, k, kernel_size=4, stride=4)
            self.ln1 = LayerNorm2d(k, eps=1e-6)
            self.stage1 = Stage(k, n=3, first=0)
            self.down1 = Down(k)
            self.stage2 = Stage(2 * k, n=3, first=3)
            self.down2 = Down(2 * k)
            self.stage3 = Stage(4 * k, n=9, first=6)
            self.down3 = Down(4 * k)
            self.stage4 = Stage(8 * k, n=3, first=15)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.ln2 = LayerNorm2d(8 * k, eps=1e-6)
            self.fc = nn.Linear(8 * k, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.ln1(self.conv(x))  # 96x56x56
        x = self.stage1(x)  # 96x56x56
        x = self.down1(x)  # 192x28x28
        x = self.stage2(x)  # 192x28x28
        x = self.down2(x)  # 384x14x14
        x = self.stage3(x)  # 384x14x14
        x = self.down3(x)  # 768x7x7
        x = torch.flatten(self.ln2(self.gap(self.stage4(x))), 1)  # 768
        return self.fc(x)


def main() -> None:
    model = ConvNeXtTiny().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
