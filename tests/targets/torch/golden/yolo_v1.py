# Written by cnnspec 0.0.0: model YOLO (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Reshape(nn.Module):
    """The same numbers in another shape."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, k: int, f: int, s: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=f, stride=s, padding=f // 2)
        self.leaky = nn.LeakyReLU(0.1, inplace=True)


class YOLO(nn.Module):
    """You Only Look Once: Unified, Real-Time Object Detection, Redmon et al., CVPR 2016"""

    def __init__(
        self,
        classes: int = 20,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.unit1 = Unit(3, 64, f=7, s=2)
            self.maxpool1 = nn.MaxPool2d(kernel_size=2)
            self.unit2 = Unit(64, 192, f=3)
            self.maxpool2 = nn.MaxPool2d(kernel_size=2)
            self.unit3 = Unit(192, 128, f=1)
            self.unit4 = Unit(128, 256, f=3)
            self.unit5 = Unit(256, 256, f=1)
            self.unit6 = Unit(256, 512, f=3)
            self.maxpool3 = nn.MaxPool2d(kernel_size=2)
            self.group1 = nn.Sequential(
                *(
                    sequential(unit1=Unit(512, 256, f=1), unit2=Unit(256, 512, f=3))
                    for _ in range(4)
                ),
            )
            self.unit7 = Unit(512, 512, f=1)
            self.unit8 = Unit(512, 1024, f=3)
            self.maxpool4 = nn.MaxPool2d(kernel_size=2)
            self.group2 = nn.Sequential(
                *(
                    sequential(unit1=Unit(1024, 512, f=1), unit2=Unit(512, 1024, f=3))
                    for _ in range(2)
                ),
            )
            self.unit9 = Unit(1024, 1024, f=3)
            self.unit10 = Unit(1024, 1024, f=3, s=2)
            self.group3 = nn.Sequential(*(Unit(1024, 1024, f=3) for _ in range(2)))
            self.fc1 = nn.Linear(50176, 4096)
            self.leaky = nn.LeakyReLU(0.1, inplace=True)
            self.dropout = nn.Dropout()
            self.fc2 = nn.Linear(4096, 49 * (10 + classes))
            self.reshape = Reshape(10 + classes, 7, 7)
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
        x = self.maxpool1(self.unit1(x))  # 64x112x112
        x = self.maxpool2(self.unit2(x))  # 192x56x56
        x = self.unit3(x)  # 128x56x56
        x = self.unit4(x)  # 256x56x56
        x = self.unit5(x)  # 256x56x56
        x = self.maxpool3(self.unit6(x))  # 512x28x28
        x = self.group1(x)  # 512x28x28
        x = self.unit7(x)  # 512x28x28
        x = self.maxpool4(self.unit8(x))  # 1024x14x14
        x = self.group2(x)  # 1024x14x14
        x = self.unit9(x)  # 1024x14x14
        x = self.unit10(x)  # 1024x7x7
        x = torch.flatten(self.group3(x), 1)  # 50176
        x = self.dropout(self.leaky(self.fc1(x)))  # 4096
        return self.reshape(self.fc2(x))


def main() -> None:
    model = YOLO().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 448, 448))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
