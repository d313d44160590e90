# Written by cnnspec 0.0.0: model DepthwiseSeparable (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class DepthwiseSeparable(nn.Module):
    """Rigid-Motion Scattering for Image Classification, Sifre, PhD thesis 2014"""

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.depthwise = nn.Conv2d(
                32, 32, kernel_size=3, padding=1, groups=32, bias=False
            )
            self.pointwise = nn.Conv2d(32, 64, kernel_size=1, bias=False)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.depthwise(x)  # 32x112x112
        return self.pointwise(x)


def main() -> None:
    model = DepthwiseSeparable().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 32, 112, 112))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
