# Written by cnnspec 0.0.0: model SRCNN_915 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class SRCNN_915(nn.Module):
    """Image Super-Resolution Using Deep Convolutional Networks, Dong et al., TPAMI 2016"""

    def __init__(
        self,
        f2: int = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.extract = sequential(
                conv=nn.Conv2d(1, 64, kernel_size=9), relu=nn.ReLU(inplace=True)
            )
            self.map = sequential(
                conv=nn.Conv2d(64, 32, kernel_size=f2), relu=nn.ReLU(inplace=True)
            )
            self.rebuild = nn.Conv2d(32, 1, kernel_size=5)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.extract(x)  # 64x25x25
        x = self.map(x)  # 32x25x25
        return self.rebuild(x)


def main() -> None:
    model = SRCNN_915().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 33, 33))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
