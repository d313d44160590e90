# Written by cnnspec 0.0.0: model UNet (IR 0)
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
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__(
            sequential(
                conv=nn.Conv2d(in_channels, k, kernel_size=3),
                relu=nn.ReLU(inplace=True),
            ),
            sequential(conv=nn.Conv2d(k, k, kernel_size=3), relu=nn.ReLU(inplace=True)),
        )


class Up(nn.Module):
    def __init__(self, in_channels: int, skip_channels: int, k: int) -> None:
        super().__init__()
        self.u = nn.ConvTranspose2d(in_channels, k, kernel_size=2, stride=2)
        self.double_ = Double(skip_channels + k, k)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        u = self.u(x)
        x = crop(skip, u)
        x = torch.cat([x, u], dim=1)
        return self.double_(x)


class UNet(nn.Module):
    """U-Net: Convolutional Networks for Biomedical Image Segmentation, Ronneberger et
    al., MICCAI 2015
    """

    def __init__(
        self,
        width: int = 64,
        classes: int = 2,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.e1 = Double(1, width)
            self.e2 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2), double_=Double(width, 2 * width)
            )
            self.e3 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2),
                double_=Double(2 * width, 4 * width),
            )
            self.e4 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2),
                double_=Double(4 * width, 8 * width),
                dropout=nn.Dropout(),
            )
            self.maxpool = nn.MaxPool2d(kernel_size=2)
            self.double_ = Double(8 * width, 16 * width)
            self.dropout = nn.Dropout()
            self.up1 = Up(16 * width, 8 * width, 8 * width)
            self.up2 = Up(8 * width, 4 * width, 4 * width)
            self.up3 = Up(4 * width, 2 * width, 2 * width)
            self.up4 = Up(2 * width, width, width)
            self.conv = nn.Conv2d(width, classes, kernel_size=1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        e1 = self.e1(x)  # 64x568x568
        e2 = self.e2(e1)  # 128x280x280
        e3 = self.e3(e2)  # 256x136x136
        e4 = self.e4(e3)  # 512x64x64
        x = self.dropout(self.double_(self.maxpool(e4)))  # 1024x28x28
        x = self.up1(x, e4)  # 512x52x52
        x = self.up2(x, e3)  # 256x100x100
        x = self.up3(x, e2)  # 128x196x196
        x = self.up4(x, e1)  # 64x388x388
        return self.conv(x)


def main() -> None:
    model = UNet().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 572, 572))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
