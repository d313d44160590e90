# Written by cnnspec 0.0.0: model ZFNet (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class ZFNet(nn.Module):
    """Visualizing and Understanding Convolutional Networks, Zeiler & Fergus, ECCV 2014"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(3, 96, kernel_size=7, stride=2, padding=1)
            self.relu1 = nn.ReLU(inplace=True)
            self.maxpool1 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.lrn1 = nn.LocalResponseNorm(5, alpha=0.0005, k=2.0)
            self.conv2 = nn.Conv2d(96, 256, kernel_size=5, stride=2)
            self.relu2 = nn.ReLU(inplace=True)
            self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.lrn2 = nn.LocalResponseNorm(5, alpha=0.0005, k=2.0)
            self.conv3 = nn.Conv2d(256, 384, kernel_size=3, padding=1)
            self.relu3 = nn.ReLU(inplace=True)
            self.conv4 = nn.Conv2d(384, 384, kernel_size=3, padding=1)
            self.relu4 = nn.ReLU(inplace=True)
            self.conv5 = nn.Conv2d(384, 256, kernel_size=3, padding=1)
            self.relu5 = nn.ReLU(inplace=True)
            self.maxpool3 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.group = nn.Sequential(
                sequential(
                    fc=nn.Linear(9216, 4096),
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
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.lrn1(self.maxpool1(self.relu1(self.conv1(x))))  # 96x55x55
        x = self.lrn2(self.maxpool2(self.relu2(self.conv2(x))))  # 256x13x13
        x = self.relu3(self.conv3(x))  # 384x13x13
        x = self.relu4(self.conv4(x))  # 384x13x13
        x = torch.flatten(self.maxpool3(self.relu5(self.conv5(x))), 1)  # 9216
        x = self.group(x)  # 4096
        return self.fc(x)


def main() -> None:
    model = ZFNet().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
