# Written by cnnspec 0.0.0: model NINImageNet (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class Mlpconv(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        k: int = 0,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
        )
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=1)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(
            out_channels, out_channels if k == 0 else k, kernel_size=1
        )
        self.relu3 = nn.ReLU(inplace=True)


class NINImageNet(nn.Module):
    """Network in Network, Lin et al., ICLR 2014"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.mlpconv1 = Mlpconv(3, 96, kernel_size=11, stride=4)
            self.maxpool1 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.mlpconv2 = Mlpconv(96, 256, kernel_size=5, padding=2)
            self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.mlpconv3 = Mlpconv(256, 384, kernel_size=3, padding=1)
            self.maxpool3 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.dropout = nn.Dropout()
            self.mlpconv4 = Mlpconv(384, 1024, kernel_size=3, padding=1, k=classes)
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
        x = self.maxpool1(self.mlpconv1(x))  # 96x27x27
        x = self.maxpool2(self.mlpconv2(x))  # 256x13x13
        x = self.dropout(self.maxpool3(self.mlpconv3(x)))  # 384x6x6
        return torch.flatten(self.gap(self.mlpconv4(x)), 1)


def main() -> None:
    model = NINImageNet().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 227, 227))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
