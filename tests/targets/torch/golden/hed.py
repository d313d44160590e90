# Written by cnnspec 0.0.0: model HED (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        for _ in range(n):
            self.append(
                sequential(
                    conv=nn.Conv2d(in_channels, k, kernel_size=3, padding=1),
                    relu=nn.ReLU(inplace=True),
                ),
            )
            in_channels = k


class Side(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 1, kernel_size=1)
        self.upsample = nn.Upsample(size=256, mode="bilinear")


class Fused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(5, 1, kernel_size=1)
        self.sigmoid = nn.Sigmoid()

    def forward(
        self, d1: Tensor, d2: Tensor, d3: Tensor, d4: Tensor, d5: Tensor
    ) -> Tensor:
        x = torch.cat([d1, d2, d3, d4, d5], dim=1)
        return self.sigmoid(self.conv(x))


class HEDOutputs(NamedTuple):
    fused: Tensor
    edge1: Tensor
    edge2: Tensor
    edge3: Tensor
    edge4: Tensor
    edge5: Tensor


class HED(nn.Module):
    """Holistically-Nested Edge Detection, Xie & Tu, ICCV 2015"""

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.s1 = Stage(3, 64, n=2)
            self.s2 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2), stage=Stage(64, 128, n=2)
            )
            self.s3 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2), stage=Stage(128, 256, n=3)
            )
            self.s4 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2), stage=Stage(256, 512, n=3)
            )
            self.s5 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2), stage=Stage(512, 512, n=3)
            )
            self.d1 = Side(64)
            self.d2 = Side(128)
            self.d3 = Side(256)
            self.d4 = Side(512)
            self.d5 = Side(512)
            self.fused = Fused()
            self.edge1 = nn.Sigmoid()
            self.edge2 = nn.Sigmoid()
            self.edge3 = nn.Sigmoid()
            self.edge4 = nn.Sigmoid()
            self.edge5 = nn.Sigmoid()
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> HEDOutputs:
        s1 = self.s1(x)  # 64x256x256
        s2 = self.s2(s1)  # 128x128x128
        s3 = self.s3(s2)  # 256x64x64
        s4 = self.s4(s3)  # 512x32x32
        s5 = self.s5(s4)  # 512x16x16
        d1 = self.d1(s1)  # 1x256x256
        d2 = self.d2(s2)  # 1x256x256
        d3 = self.d3(s3)  # 1x256x256
        d4 = self.d4(s4)  # 1x256x256
        d5 = self.d5(s5)  # 1x256x256
        fused = self.fused(d1, d2, d3, d4, d5)  # 1x256x256
        edge1 = self.edge1(d1)  # 1x256x256
        edge2 = self.edge2(d2)  # 1x256x256
        edge3 = self.edge3(d3)  # 1x256x256
        edge4 = self.edge4(d4)  # 1x256x256
        edge5 = self.edge5(d5)  # 1x256x256
        return HEDOutputs(fused, edge1, edge2, edge3, edge4, edge5)


def main() -> None:
    model = HED().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 256, 256))
    for y in outputs:
        print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
