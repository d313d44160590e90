# Written by cnnspec 0.0.0: model VDSR (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class VDSR(nn.Module):
    """Accurate Image Super-Resolution Using Very Deep Convolutional Networks, Kim et
    al., CVPR 2016
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.group = nn.Sequential(
                sequential(
                    conv=nn.Conv2d(1, 64, kernel_size=3, padding=1, bias=False),
                    relu=nn.ReLU(inplace=True),
                ),
                *(
                    sequential(
                        conv=nn.Conv2d(64, 64, kernel_size=3, padding=1, bias=False),
                        relu=nn.ReLU(inplace=True),
                    )
                    for _ in range(18)
                ),
            )
            self.details = nn.Conv2d(64, 1, kernel_size=3, padding=1, bias=False)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, blurred: Tensor) -> Tensor:
        x = self.group(blurred)  # 64x41x41
        details = self.details(x)  # 1x41x41
        return blurred + details


def main() -> None:
    model = VDSR().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 41, 41))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
