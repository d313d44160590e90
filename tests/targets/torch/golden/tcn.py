# Written by cnnspec 0.0.0: model TCN (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


class Causal(nn.Sequential):
    def __init__(self, in_channels: int, k: int, d: int, f: int) -> None:
        super().__init__()
        self.pad = nn.ZeroPad1d(((f - 1) * d, 0))
        self.conv = nn.Conv1d(in_channels, k, kernel_size=f, dilation=d)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.05)


class Level(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int, d: int, f: int) -> None:
        super().__init__()
        channels = in_channels
        self.group = nn.Sequential()
        for _ in range(2):
            self.group.append(Causal(channels, k, d, f))
            channels = k
        self.projection = in_channels != k
        if self.projection:
            self.conv = nn.Conv1d(in_channels, k, kernel_size=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.group(x)
        if self.projection:
            x = self.conv(x)
        return self.relu(y + x)


class TCN(nn.Module):
    """An Empirical Evaluation of Generic Convolutional and Recurrent Networks for
    Sequence Modeling, Bai et al., 2018
    """

    def __init__(
        self,
        classes: int = 10,
        f: int = 7,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            channels = 1
            self.group = nn.Sequential()
            for i in range(8):
                self.group.append(Level(channels, 25, 2**i, f))
                channels = 25
            self.fc = nn.Linear(25, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.group(x)  # 25x784
        return self.fc(torch.flatten(x[:, :, -1:], 1))


def main() -> None:
    model = TCN().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 784))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
