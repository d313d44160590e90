# Written by cnnspec 0.0.0: model PointNet (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class SharedMlp(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size=1)
        self.bn = nn.BatchNorm1d(out_channels)
        self.relu = nn.ReLU(inplace=True)


class PointNet(nn.Module):
    """PointNet: Deep Learning on Point Sets for 3D Classification and Segmentation, Qi
    et al., CVPR 2017
    """

    def __init__(
        self,
        classes: int = 40,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.shared_mlp1 = SharedMlp(3, 64)
            self.shared_mlp2 = SharedMlp(64, 64)
            self.shared_mlp3 = SharedMlp(64, 64)
            self.shared_mlp4 = SharedMlp(64, 128)
            self.shared_mlp5 = SharedMlp(128, 1024)
            self.gmp = nn.AdaptiveMaxPool1d(1)
            self.group = nn.Sequential(
                sequential(
                    flatten=nn.Flatten(),
                    fc=nn.Linear(1024, 512),
                    bn=nn.BatchNorm1d(512),
                    relu=nn.ReLU(inplace=True),
                ),
                sequential(
                    fc=nn.Linear(512, 256),
                    bn=nn.BatchNorm1d(256),
                    relu=nn.ReLU(inplace=True),
                ),
            )
            self.dropout = nn.Dropout(0.3)
            self.fc = nn.Linear(256, classes)
            self.softmax = nn.Softmax(dim=1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared_mlp1(x)  # 64x1024
        x = self.shared_mlp2(x)  # 64x1024
        x = self.shared_mlp3(x)  # 64x1024
        x = self.shared_mlp4(x)  # 128x1024
        x = self.gmp(self.shared_mlp5(x))  # 1024x1
        x = self.dropout(self.group(x))  # 256
        return self.softmax(self.fc(x))


def main() -> None:
    model = PointNet().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 1024))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
