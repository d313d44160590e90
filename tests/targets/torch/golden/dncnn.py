# Written by cnnspec 0.0.0: model DnCNN (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class DnCNN(nn.Module):
    """Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising,
    Zhang et al., TIP 2017
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = nn.Conv2d(1, 64, kernel_size=3, padding=1)
            self.relu = nn.ReLU(inplace=True)
            self.group = nn.Sequential(
                *(
                    sequential(
                        conv=nn.Conv2d(64, 64, kernel_size=3, padding=1, bias=False),
                        bn=nn.BatchNorm2d(64),
                        relu=nn.ReLU(inplace=True),
                    )
                    for _ in range(15)
                ),
            )
            self.noise = nn.Conv2d(64, 1, kernel_size=3, padding=1)
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

    def forward(self, noisy: Tensor) -> Tensor:
        x = self.relu(self.conv(noisy))  # 64x64x64
        x = self.group(x)  # 64x64x64
        noise = self.noise(x)  # 1x64x64
        return noisy - noise


def main() -> None:
    model = DnCNN().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 64, 64))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
