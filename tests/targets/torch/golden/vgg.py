# Written by cnnspec 0.0.0: model VGG11 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, k: int, f: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=f, padding=f // 2)
        self.relu = nn.ReLU(inplace=True)


class VGG11(nn.Module):
    """Very Deep Convolutional Networks for Large-Scale Image Recognition, Simonyan &
    Zisserman, ICLR 2015
    """

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.group1 = nn.Sequential(Unit(3, 64))
            self.maxpool1 = nn.MaxPool2d(kernel_size=2)
            self.group2 = nn.Sequential(Unit(64, 128))
            self.maxpool2 = nn.MaxPool2d(kernel_size=2)
            self.group3 = nn.Sequential(Unit(128, 256), Unit(256, 256))
            self.maxpool3 = nn.MaxPool2d(kernel_size=2)
            self.group4 = nn.Sequential(Unit(256, 512), Unit(512, 512))
            self.maxpool4 = nn.MaxPool2d(kernel_size=2)
            self.group5 = nn.Sequential(*(Unit(512, 512) for _ in range(2)))
            self.maxpool5 = nn.MaxPool2d(kernel_size=2)
            self.group6 = nn.Sequential(
                sequential(
                    fc=nn.Linear(25088, 4096),
                    relu=nn.ReLU(inplace=True),
                    dropout=nn.Dropout(),
                ),
                sequential(
                    fc=nn.Linear(4096, 4096),
                    relu=nn.ReLU(inplace=True),
                    dropout=nn.Dropout(),
                ),
            )
            self.fc = nn.Linear(4096, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool1(self.group1(x))  # 64x112x112
        x = self.maxpool2(self.group2(x))  # 128x56x56
        x = self.maxpool3(self.group3(x))  # 256x28x28
        x = self.maxpool4(self.group4(x))  # 512x14x14
        x = torch.flatten(self.maxpool5(self.group5(x)), 1)  # 25088
        x = self.group6(x)  # 4096
        return self.fc(x)


def main() -> None:
    model = VGG11().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
