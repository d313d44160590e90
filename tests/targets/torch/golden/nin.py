# Written by cnnspec 0.0.0: model NIN (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class Mlpconv(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        padding: int = 0,
        a: int = 192,
        b: int = 192,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, out_channels, kernel_size=kernel_size, padding=padding
        )
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_channels, a, kernel_size=1)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(a, b, kernel_size=1)
        self.relu3 = nn.ReLU(inplace=True)


class NIN(nn.Module):
    """Network in Network, Lin et al., ICLR 2014"""

    def __init__(
        self,
        classes: int = 10,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.mlpconv1 = Mlpconv(3, 192, kernel_size=5, padding=2, a=160, b=96)
            self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.dropout1 = nn.Dropout()
            self.mlpconv2 = Mlpconv(96, 192, kernel_size=5, padding=2)
            self.avgpool = nn.AvgPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.dropout2 = nn.Dropout()
            self.mlpconv3 = Mlpconv(192, 192, kernel_size=3, padding=1, b=classes)
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
        x = self.dropout1(self.maxpool(self.mlpconv1(x)))  # 96x16x16
        x = self.dropout2(self.avgpool(self.mlpconv2(x)))  # 192x8x8
        return torch.flatten(self.gap(self.mlpconv3(x)), 1)


def main() -> None:
    model = NIN().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 32, 32))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
