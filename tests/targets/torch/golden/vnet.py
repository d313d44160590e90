# Written by cnnspec 0.0.0: model VNet (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class L1Group(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, x], dim=1)


class L1(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(1, 16, kernel_size=5, padding=2)
        self.group = nn.Sequential(*(L1Group() for _ in range(4)))
        self.prelu = nn.PReLU(16)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.conv(x)
        branch2 = self.group(x)
        return self.prelu(branch1 + branch2)


class Residual(nn.Module):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        self.group = nn.Sequential(
            *(
                sequential(
                    conv=nn.Conv3d(in_channels, k, kernel_size=5, padding=2),
                    prelu=nn.PReLU(k),
                )
                for _ in range(n - 1)
            ),
        )
        self.conv = nn.Conv3d(k, k, kernel_size=5, padding=2)
        self.prelu = nn.PReLU(k)

    def forward(self, x: Tensor) -> Tensor:
        y = self.group(x)
        y = self.conv(y)
        return self.prelu(y + x)


class Down(nn.Sequential):
    def __init__(self, in_channels: int, n: int) -> None:
        super().__init__()
        channels = 2 * in_channels
        self.conv = nn.Conv3d(in_channels, channels, kernel_size=2, stride=2)
        self.prelu = nn.PReLU(channels)
        self.residual = Residual(channels, channels, n)


class Up(nn.Module):
    def __init__(self, in_channels: int, skip_channels: int, k: int, n: int) -> None:
        super().__init__()
        self.deconv = nn.ConvTranspose3d(in_channels, k // 2, kernel_size=2, stride=2)
        self.prelu = nn.PReLU(k // 2)
        self.residual = Residual(k // 2 + skip_channels, k, n)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.prelu(self.deconv(x))
        x = torch.cat([x, skip], dim=1)
        return self.residual(x)


class VNet(nn.Module):
    """V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image
    Segmentation, Milletari et al., 3DV 2016
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.l1 = L1()
            self.l2 = Down(16, 2)
            self.l3 = Down(32, 3)
            self.l4 = Down(64, 3)
            self.down = Down(128, 3)
            self.up1 = Up(256, 128, k=256, n=3)
            self.up2 = Up(256, 64, k=128, n=3)
            self.up3 = Up(128, 32, k=64, n=2)
            self.up4 = Up(64, 16, k=32, n=1)
            self.conv = nn.Conv3d(32, 2, kernel_size=1)
            self.softmax = nn.Softmax(dim=1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        l1 = self.l1(x)  # 16x64x128x128
        l2 = self.l2(l1)  # 32x32x64x64
        l3 = self.l3(l2)  # 64x16x32x32
        l4 = self.l4(l3)  # 128x8x16x16
        x = self.down(l4)  # 256x4x8x8
        x = self.up1(x, l4)  # 256x8x16x16
        x = self.up2(x, l3)  # 128x16x32x32
        x = self.up3(x, l2)  # 64x32x64x64
        x = self.up4(x, l1)  # 32x64x128x128
        return self.softmax(self.conv(x))


def main() -> None:
    model = VNet().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 64, 128, 128))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
