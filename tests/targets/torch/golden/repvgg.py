# Written by cnnspec 0.0.0: model RepVGG_A0 (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=3, stride=s, padding=1)
        self.relu = nn.ReLU(inplace=True)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        for i in range(n):
            self.append(Unit(in_channels, k, s=2 if i == 0 else 1))
            in_channels = k


class RepVGG_A0(nn.Module):
    """RepVGG: Making VGG-style ConvNets Great Again, Ding et al., CVPR 2021"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.unit = Unit(3, 48, s=2)
            self.stage1 = Stage(48, 48, n=2)
            self.stage2 = Stage(48, 96, n=4)
            self.stage3 = Stage(96, 192, n=14)
            self.stage4 = Stage(192, 1280, n=1)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(1280, classes)
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
        x = self.unit(x)  # 48x112x112
        x = self.stage1(x)  # 48x56x56
        x = self.stage2(x)  # 96x28x28
        x = self.stage3(x)  # 192x14x14
        x = torch.flatten(self.gap(self.stage4(x)), 1)  # 1280
        return self.fc(x)


def main() -> None:
    model = RepVGG_A0().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
