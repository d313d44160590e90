# Written by cnnspec 0.0.0: model EDSR_X2 (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class Times(nn.Module):
    """A constant factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class Group(nn.Module):
    def __init__(self, k: int, share: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(k, k, kernel_size=3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(k, k, kernel_size=3, padding=1)
        self.times = Times(share)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.conv1(x))
        y = self.times(self.conv2(y))
        return y + x


class EDSR_X2(nn.Module):
    """Enhanced Deep Residual Networks for Single Image Super-Resolution, Lim et al.,
    CVPR Workshops 2017
    """

    def __init__(
        self,
        k: int = 256,
        share: float = 0.1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.first = nn.Conv2d(3, k, kernel_size=3, padding=1)
            self.group = nn.Sequential(*(Group(k, share) for _ in range(32)))
            self.conv1 = nn.Conv2d(k, k, kernel_size=3, padding=1)
            self.conv2 = nn.Conv2d(k, 4 * k, kernel_size=3, padding=1)
            self.pixelshuffle = nn.PixelShuffle(2)
            self.conv3 = nn.Conv2d(k, 3, kernel_size=3, padding=1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)  # 256x48x48
        x = self.group(first)  # 256x48x48
        x = self.conv1(x)  # 256x48x48
        x = self.pixelshuffle(self.conv2(x + first))  # 256x96x96
        return self.conv3(x)


def main() -> None:
    model = EDSR_X2().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 48, 48))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
