# Written by cnnspec 0.0.0: model UNet3D (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


def crop(x: Tensor, like: Tensor, offset: list[int] | None = None) -> Tensor:
    """The center of x (or the piece at `offset`), of the same size as `like`."""
    for axis in range(2, x.ndim):
        size = like.shape[axis]
        start = (x.shape[axis] - size) // 2 if offset is None else offset[axis - 2]
        x = x.narrow(axis, start, size)
    return x


class Double(nn.Sequential):
    def __init__(self, in_channels: int, k: int, m: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(in_channels, k, kernel_size=3)
        self.bn1 = nn.BatchNorm3d(k, affine=False)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv3d(k, m, kernel_size=3)
        self.bn2 = nn.BatchNorm3d(m, affine=False)
        self.relu2 = nn.ReLU(inplace=True)


class Up(nn.Module):
    def __init__(self, in_channels: int, skip_channels: int, k: int) -> None:
        super().__init__()
        self.u = nn.ConvTranspose3d(
            in_channels, in_channels, kernel_size=2, stride=2, bias=False
        )
        self.double_ = Double(skip_channels + in_channels, k, k)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        u = self.u(x)
        x = crop(skip, u)
        x = torch.cat([x, u], dim=1)
        return self.double_(x)


class UNet3D(nn.Module):
    """3D U-Net: Learning Dense Volumetric Segmentation from Sparse Annotation, Cicek et
    al., MICCAI 2016
    """

    def __init__(
        self,
        classes: int = 3,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.e1 = Double(3, 32, m=64)
            self.e2 = sequential(
                maxpool=nn.MaxPool3d(kernel_size=2), double_=Double(64, 64, m=128)
            )
            self.e3 = sequential(
                maxpool=nn.MaxPool3d(kernel_size=2), double_=Double(128, 128, m=256)
            )
            self.maxpool = nn.MaxPool3d(kernel_size=2)
            self.double_ = Double(256, 256, m=512)
            self.up1 = Up(512, 256, k=256)
            self.up2 = Up(256, 128, k=128)
            self.up3 = Up(128, 64, k=64)
            self.conv = nn.Conv3d(64, classes, kernel_size=1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        e1 = self.e1(x)  # 64x112x128x128
        e2 = self.e2(e1)  # 128x52x60x60
        e3 = self.e3(e2)  # 256x22x26x26
        x = self.double_(self.maxpool(e3))  # 512x7x9x9
        x = self.up1(x, e3)  # 256x10x14x14
        x = self.up2(x, e2)  # 128x16x24x24
        x = self.up3(x, e1)  # 64x28x44x44
        return self.conv(x)


def main() -> None:
    model = UNet3D().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 116, 132, 132))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
