# Written by cnnspec 0.0.0: model FSRCNN (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class FSRCNN(nn.Module):
    """Accelerating the Super-Resolution Convolutional Neural Network, Dong et al., ECCV
    2016
    """

    def __init__(
        self,
        d: int = 56,
        s: int = 12,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(1, d, kernel_size=5, padding=2)
            self.prelu1 = nn.PReLU(d)
            self.conv2 = nn.Conv2d(d, s, kernel_size=1)
            self.prelu2 = nn.PReLU(s)
            self.group = nn.Sequential(
                *(
                    sequential(
                        conv=nn.Conv2d(s, s, kernel_size=3, padding=1),
                        prelu=nn.PReLU(s),
                    )
                    for _ in range(4)
                ),
            )
            self.conv3 = nn.Conv2d(s, d, kernel_size=1)
            self.prelu3 = nn.PReLU(d)
            self.deconv = nn.ConvTranspose2d(
                d, 1, kernel_size=9, stride=3, padding=4, output_padding=2
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.prelu1(self.conv1(x))  # 56x33x33
        x = self.prelu2(self.conv2(x))  # 12x33x33
        x = self.group(x)  # 12x33x33
        x = self.prelu3(self.conv3(x))  # 56x33x33
        return self.deconv(x)


def main() -> None:
    model = FSRCNN().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 33, 33))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
