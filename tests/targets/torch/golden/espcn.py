# Written by cnnspec 0.0.0: model ESPCN (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class ESPCN(nn.Module):
    """Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network, Shi et al., CVPR 2016
    """

    def __init__(
        self,
        r: int = 3,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(1, 64, kernel_size=5, padding=2)
            self.activation1 = nn.Tanh()
            self.conv2 = nn.Conv2d(64, 32, kernel_size=3, padding=1)
            self.activation2 = nn.Tanh()
            self.conv3 = nn.Conv2d(32, r * r, kernel_size=3, padding=1)
            self.pixelshuffle = nn.PixelShuffle(r)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 64x32x32
        x = self.activation1(x)  # 64x32x32
        x = self.conv2(x)  # 32x32x32
        x = self.activation2(x)  # 32x32x32
        return self.pixelshuffle(self.conv3(x))


def main() -> None:
    model = ESPCN().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 32, 32))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
