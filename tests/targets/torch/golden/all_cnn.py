# Written by cnnspec 0.0.0: model AllCNNC (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        channels = in_channels
        self.group = nn.Sequential()
        for i in range(3):
            self.group.append(
                sequential(
                    conv=nn.Conv2d(
                        channels, k, kernel_size=3, stride=2 if i == 2 else 1, padding=1
                    ),
                    relu=nn.ReLU(inplace=True),
                ),
            )
            channels = k
        self.dropout = nn.Dropout()


class AllCNNC(nn.Module):
    """Striving for Simplicity: The All Convolutional Net, Springenberg et al., ICLR
    2015
    """

    def __init__(
        self,
        classes: int = 10,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.dropout = nn.Dropout(0.2)
            self.stage1 = Stage(3, 96)
            self.stage2 = Stage(96, 192)
            self.conv1 = nn.Conv2d(192, 192, kernel_size=3)
            self.relu1 = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(192, 192, kernel_size=1)
            self.relu2 = nn.ReLU(inplace=True)
            self.conv3 = nn.Conv2d(192, classes, kernel_size=1)
            self.relu3 = nn.ReLU(inplace=True)
            self.gap = nn.AdaptiveAvgPool2d(1)
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
        x = self.stage1(self.dropout(x))  # 96x16x16
        x = self.stage2(x)  # 192x8x8
        x = self.relu1(self.conv1(x))  # 192x6x6
        x = self.relu2(self.conv2(x))  # 192x6x6
        return torch.flatten(self.gap(self.relu3(self.conv3(x))), 1)


def main() -> None:
    model = AllCNNC().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 32, 32))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
