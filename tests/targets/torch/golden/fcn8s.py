# Written by cnnspec 0.0.0: model FCN8s (IR 0)
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


def zero_bias(layer: nn.Module) -> None:
    """Biases start at 0."""
    bias = getattr(layer, "bias", None)
    if bias is not None:
        nn.init.zeros_(bias)


def bilinear(layer: nn.Module) -> None:
    """Filter k starts as bilinear interpolation of channel k (Long et al., 2015)."""
    weight = layer.get_parameter("weight")
    filters, channels, *sizes = weight.shape
    start = torch.eye(channels, device=weight.device).repeat(filters // channels, 1)
    for size in sizes:
        places = torch.arange(size, device=weight.device) - (size - 1) / 2
        taps = 1 - places.abs() / ((size + 1) // 2)
        start = start[..., None] * taps
    with torch.no_grad():
        weight.copy_(start)
    zero_bias(layer)


class Fuse4(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(512, classes, kernel_size=1)

    def forward(self, pool4: Tensor, up2: Tensor) -> Tensor:
        x = self.conv(pool4)
        x = crop(x, up2, [5, 5])
        return up2 + x


class Fuse3(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(256, classes, kernel_size=1)

    def forward(self, pool3: Tensor, up4: Tensor) -> Tensor:
        x = self.conv(pool3)
        x = crop(x, up4, [9, 9])
        return up4 + x


class FCN8s(nn.Module):
    """Fully Convolutional Networks for Semantic Segmentation, Long et al., CVPR 2015"""

    def __init__(
        self,
        classes: int = 21,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.pad = nn.ZeroPad2d(100)
            self.conv1 = nn.Conv2d(3, 64, kernel_size=3)
            self.relu1 = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(64, 64, kernel_size=3, padding=1)
            self.relu2 = nn.ReLU(inplace=True)
            self.maxpool1 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
            self.group1 = nn.Sequential(
                sequential(
                    conv=nn.Conv2d(64, 128, kernel_size=3, padding=1),
                    relu=nn.ReLU(inplace=True),
                ),
                sequential(
                    conv=nn.Conv2d(128, 128, kernel_size=3, padding=1),
                    relu=nn.ReLU(inplace=True),
                ),
            )
            self.maxpool2 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
            self.pool3 = sequential(
                group=nn.Sequential(
                    sequential(
                        conv=nn.Conv2d(128, 256, kernel_size=3, padding=1),
                        relu=nn.ReLU(inplace=True),
                    ),
                    *(
                        sequential(
                            conv=nn.Conv2d(256, 256, kernel_size=3, padding=1),
                            relu=nn.ReLU(inplace=True),
                        )
                        for _ in range(2)
                    ),
                ),
                maxpool=nn.MaxPool2d(kernel_size=2, ceil_mode=True),
            )
            self.pool4 = sequential(
                group=nn.Sequential(
                    sequential(
                        conv=nn.Conv2d(256, 512, kernel_size=3, padding=1),
                        relu=nn.ReLU(inplace=True),
                    ),
                    *(
                        sequential(
                            conv=nn.Conv2d(512, 512, kernel_size=3, padding=1),
                            relu=nn.ReLU(inplace=True),
                        )
                        for _ in range(2)
                    ),
                ),
                maxpool=nn.MaxPool2d(kernel_size=2, ceil_mode=True),
            )
            self.group2 = nn.Sequential(
                *(
                    sequential(
                        conv=nn.Conv2d(512, 512, kernel_size=3, padding=1),
                        relu=nn.ReLU(inplace=True),
                    )
                    for _ in range(3)
                ),
            )
            self.maxpool3 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
            self.fc6 = sequential(
                conv=nn.Conv2d(512, 4096, kernel_size=7),
                relu=nn.ReLU(inplace=True),
                dropout=nn.Dropout(),
            )
            self.fc7 = sequential(
                conv=nn.Conv2d(4096, 4096, kernel_size=1),
                relu=nn.ReLU(inplace=True),
                dropout=nn.Dropout(),
            )
            self.score = nn.Conv2d(4096, classes, kernel_size=1)
            self.up2 = nn.ConvTranspose2d(
                classes, classes, kernel_size=4, stride=2, bias=False
            ).requires_grad_(False)
            self.fuse4 = Fuse4(classes)
            self.up4 = nn.ConvTranspose2d(
                classes, classes, kernel_size=4, stride=2, bias=False
            ).requires_grad_(False)
            self.fuse3 = Fuse3(classes)
            self.deconv = nn.ConvTranspose2d(
                classes, classes, kernel_size=16, stride=8, bias=False
            ).requires_grad_(False)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                bilinear(module)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.conv1(self.pad(x)))  # 64x698x698
        x = self.maxpool1(self.relu2(self.conv2(x)))  # 64x349x349
        x = self.maxpool2(self.group1(x))  # 128x175x175
        pool3 = self.pool3(x)  # 256x88x88
        pool4 = self.pool4(pool3)  # 512x44x44
        x = self.maxpool3(self.group2(pool4))  # 512x22x22
        x = self.fc6(x)  # 4096x16x16
        x = self.fc7(x)  # 4096x16x16
        x = self.score(x)  # 21x16x16
        up2 = self.up2(x)  # 21x34x34
        x = self.fuse4(pool4, up2)  # 21x34x34
        up4 = self.up4(x)  # 21x70x70
        x = self.fuse3(pool3, up4)  # 21x70x70
        x = self.deconv(x)  # 21x568x568
        return x[:, :, 31:531, 31:531]


def main() -> None:
    model = FCN8s().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 500, 500))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
