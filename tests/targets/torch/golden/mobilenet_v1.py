# Written by cnnspec 0.0.0: model MobileNet_100_224 (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class Separable(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int = 1) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(
            in_channels,
            in_channels,
            kernel_size=3,
            stride=s,
            padding=1,
            groups=in_channels,
            bias=False,
        )
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(k)
        self.relu2 = nn.ReLU(inplace=True)


class MobileNet_100_224(nn.Module):
    """MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
    Applications, Howard et al., arXiv 2017
    """

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1, bias=False)
            self.bn = nn.BatchNorm2d(32)
            self.relu = nn.ReLU(inplace=True)
            self.separable1 = Separable(32, 64)
            self.separable2 = Separable(64, 128, s=2)
            self.separable3 = Separable(128, 128)
            self.separable4 = Separable(128, 256, s=2)
            self.separable5 = Separable(256, 256)
            self.separable6 = Separable(256, 512, s=2)
            self.group = nn.Sequential(*(Separable(512, 512) for _ in range(5)))
            self.separable7 = Separable(512, 1024, s=2)
            self.separable8 = Separable(1024, 1024)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(1024, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn(self.conv(x)))  # 32x112x112
        x = self.separable1(x)  # 64x112x112
        x = self.separable2(x)  # 128x56x56
        x = self.separable3(x)  # 128x56x56
        x = self.separable4(x)  # 256x28x28
        x = self.separable5(x)  # 256x28x28
        x = self.separable6(x)  # 512x14x14
        x = self.group(x)  # 512x14x14
        x = self.separable7(x)  # 1024x7x7
        x = torch.flatten(self.gap(self.separable8(x)), 1)  # 1024
        return self.fc(x)


def main() -> None:
    model = MobileNet_100_224().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
