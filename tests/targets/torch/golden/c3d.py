# Written by cnnspec 0.0.0: model C3D (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Convs(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        for _ in range(n):
            self.append(
                sequential(
                    conv=nn.Conv3d(in_channels, k, kernel_size=3, padding=1),
                    relu=nn.ReLU(inplace=True),
                ),
            )
            in_channels = k


class C3D(nn.Module):
    """Learning Spatiotemporal Features with 3D Convolutional Networks, Tran et al.,
    ICCV 2015
    """

    def __init__(
        self,
        classes: int = 101,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.convs1 = Convs(3, 64, n=1)
            self.maxpool1 = nn.MaxPool3d(kernel_size=(1, 2, 2))
            self.convs2 = Convs(64, 128, n=1)
            self.maxpool2 = nn.MaxPool3d(kernel_size=2)
            self.convs3 = Convs(128, 256, n=2)
            self.maxpool3 = nn.MaxPool3d(kernel_size=2)
            self.convs4 = Convs(256, 512, n=2)
            self.maxpool4 = nn.MaxPool3d(kernel_size=2)
            self.convs5 = Convs(512, 512, n=2)
            self.maxpool5 = nn.MaxPool3d(kernel_size=2, padding=(0, 1, 1))
            self.group = nn.Sequential(
                sequential(
                    fc=nn.Linear(8192, 4096),
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
            if isinstance(module, (nn.Conv3d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool1(self.convs1(x))  # 64x16x56x56
        x = self.maxpool2(self.convs2(x))  # 128x8x28x28
        x = self.maxpool3(self.convs3(x))  # 256x4x14x14
        x = self.maxpool4(self.convs4(x))  # 512x2x7x7
        x = torch.flatten(self.maxpool5(self.convs5(x)), 1)  # 8192
        x = self.group(x)  # 4096
        return self.fc(x)


def main() -> None:
    model = C3D().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 16, 112, 112))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
