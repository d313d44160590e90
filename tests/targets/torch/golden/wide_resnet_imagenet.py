# Written by cnnspec 0.0.0: model WideResNet50_2 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Bottleneck(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int, w: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, w * k, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(w * k)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            w * k, w * k, kernel_size=3, stride=s, padding=1, bias=False
        )
        self.bn2 = nn.BatchNorm2d(w * k)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(w * k, 4 * k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * k)
        self.projection = s > 1 or in_channels != 4 * k
        if self.projection:
            self.conv4 = nn.Conv2d(
                in_channels, 4 * k, kernel_size=1, stride=s, bias=False
            )
            self.bn4 = nn.BatchNorm2d(4 * k)
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.projection:
            x = self.bn4(self.conv4(x))
        return self.relu3(y + x)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int, w: int, s: int = 2) -> None:
        super().__init__()
        for i in range(n):
            self.append(Bottleneck(in_channels, k, s if i == 0 else 1, w))
            in_channels = 4 * k


class WideResNet50_2(nn.Module):
    """Wide Residual Networks, Zagoruyko & Komodakis, BMVC 2016"""

    def __init__(
        self,
        classes: int = 1000,
        w: int = 2,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.stem = sequential(
                conv=nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),
                bn=nn.BatchNorm2d(64),
                relu=nn.ReLU(inplace=True),
                maxpool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            )
            self.body = sequential(
                stage1=Stage(64, 64, n=3, w=w, s=1),
                stage2=Stage(256, 128, n=4, w=w),
                stage3=Stage(512, 256, n=6, w=w),
                stage4=Stage(1024, 512, n=3, w=w),
            )
            self.head = sequential(
                gap=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(2048, classes),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x56x56
        x = self.body(x)  # 2048x7x7
        return self.head(x)


def main() -> None:
    model = WideResNet50_2().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
