# Written by cnnspec 0.0.0: model R2plus1D_18 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Filters(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int, between: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(
            in_channels,
            between,
            kernel_size=(1, 3, 3),
            stride=(1, s, s),
            padding=(0, 1, 1),
            bias=False,
        )
        self.bn = nn.BatchNorm3d(between)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv3d(
            between,
            k,
            kernel_size=(3, 1, 1),
            stride=(s, 1, 1),
            padding=(1, 0, 0),
            bias=False,
        )


class Residual(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__()
        between = 27 * in_channels * k // (9 * in_channels + 3 * k)
        self.filters1 = Filters(in_channels, k, s, between)
        self.bn1 = nn.BatchNorm3d(k)
        self.relu1 = nn.ReLU(inplace=True)
        self.filters2 = Filters(k, k, s=1, between=between)
        self.bn2 = nn.BatchNorm3d(k)
        self.projection = in_channels != k
        if self.projection:
            self.conv = nn.Conv3d(in_channels, k, kernel_size=1, stride=s, bias=False)
            self.bn3 = nn.BatchNorm3d(k)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.filters1(x)))
        y = self.bn2(self.filters2(y))
        if self.projection:
            x = self.bn3(self.conv(x))
        return self.relu2(y + x)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__()
        self.residual1 = Residual(in_channels, k, s)
        self.residual2 = Residual(k, k, s=1)


class R2plus1D_18(nn.Module):
    """A Closer Look at Spatiotemporal Convolutions for Action Recognition, Tran et al.,
    CVPR 2018
    """

    def __init__(
        self,
        classes: int = 400,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.stem = sequential(
                conv1=nn.Conv3d(
                    3,
                    45,
                    kernel_size=(1, 7, 7),
                    stride=(1, 2, 2),
                    padding=(0, 3, 3),
                    bias=False,
                ),
                bn1=nn.BatchNorm3d(45),
                relu1=nn.ReLU(inplace=True),
                conv2=nn.Conv3d(
                    45, 64, kernel_size=(3, 1, 1), padding=(1, 0, 0), bias=False
                ),
                bn2=nn.BatchNorm3d(64),
                relu2=nn.ReLU(inplace=True),
            )
            self.body = sequential(
                stage1=Stage(64, 64, s=1),
                stage2=Stage(64, 128, s=2),
                stage3=Stage(128, 256, s=2),
                stage4=Stage(256, 512, s=2),
            )
            self.head = sequential(
                gap=nn.AdaptiveAvgPool3d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(512, classes),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x16x56x56
        x = self.body(x)  # 512x2x7x7
        return self.head(x)


def main() -> None:
    model = R2plus1D_18().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 16, 112, 112))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
