# Written by cnnspec 0.0.0: model SqueezeNet10 (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class Fire(nn.Module):
    def __init__(self, in_channels: int, squeeze: int, k: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(squeeze, k, kernel_size=1)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(squeeze, k, kernel_size=3, padding=1)
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.conv1(x))
        branch1 = self.relu2(self.conv2(x))
        branch2 = self.relu3(self.conv3(x))
        return torch.cat([branch1, branch2], dim=1)


class SqueezeNet10(nn.Module):
    """SqueezeNet: AlexNet-Level Accuracy with 50x Fewer Parameters and <0.5MB Model
    Size, Iandola et al., arXiv 2016
    """

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(3, 96, kernel_size=7, stride=2)
            self.relu1 = nn.ReLU(inplace=True)
            self.maxpool1 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.group1 = nn.Sequential(
                Fire(96, squeeze=16, k=64), Fire(128, squeeze=16, k=64)
            )
            self.fire1 = Fire(128, squeeze=32, k=128)
            self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.fire2 = Fire(256, squeeze=32, k=128)
            self.group2 = nn.Sequential(
                Fire(256, squeeze=48, k=192), Fire(384, squeeze=48, k=192)
            )
            self.fire3 = Fire(384, squeeze=64, k=256)
            self.maxpool3 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.fire4 = Fire(512, squeeze=64, k=256)
            self.dropout = nn.Dropout()
            self.conv2 = nn.Conv2d(512, classes, kernel_size=1)
            self.relu2 = nn.ReLU(inplace=True)
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
        x = self.maxpool1(self.relu1(self.conv1(x)))  # 96x54x54
        x = self.group1(x)  # 128x54x54
        x = self.maxpool2(self.fire1(x))  # 256x27x27
        x = self.fire2(x)  # 256x27x27
        x = self.group2(x)  # 384x27x27
        x = self.maxpool3(self.fire3(x))  # 512x13x13
        x = self.dropout(self.fire4(x))  # 512x13x13
        return torch.flatten(self.gap(self.relu2(self.conv2(x))), 1)


def main() -> None:
    model = SqueezeNet10().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
