# Written by cnnspec 0.0.0: model Darknet53 (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, k: int, f: int, s: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, k, kernel_size=f, stride=s, padding=f // 2, bias=False
        )
        self.bn = nn.BatchNorm2d(k)
        self.leaky = nn.LeakyReLU(0.1, inplace=True)


class StageGroup(nn.Module):
    def __init__(self, k: int) -> None:
        super().__init__()
        self.unit1 = Unit(k, k // 2, f=1)
        self.unit2 = Unit(k // 2, k, f=3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.unit2(self.unit1(x))
        return x + y


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        self.unit = Unit(in_channels, k, f=3, s=2)
        self.group = nn.Sequential(*(StageGroup(k) for _ in range(n)))


class Darknet53(nn.Module):
    """YOLOv3: An Incremental Improvement, Redmon & Farhadi, arXiv 2018"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.unit = Unit(3, 32, f=3)
            self.stage1 = Stage(32, 64, n=1)
            self.stage2 = Stage(64, 128, n=2)
            self.stage3 = Stage(128, 256, n=8)
            self.stage4 = Stage(256, 512, n=8)
            self.stage5 = Stage(512, 1024, n=4)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(1024, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.unit(x)  # 32x256x256
        x = self.stage1(x)  # 64x128x128
        x = self.stage2(x)  # 128x64x64
        x = self.stage3(x)  # 256x32x32
        x = self.stage4(x)  # 512x16x16
        x = torch.flatten(self.gap(self.stage5(x)), 1)  # 1024
        return self.fc(x)


def main() -> None:
    model = Darknet53().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 256, 256))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
