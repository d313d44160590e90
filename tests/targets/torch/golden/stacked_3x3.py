# Written by cnnspec 0.0.0: model StackedFilters (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class StackedFiltersOutputs(NamedTuple):
    two: Tensor
    five: Tensor
    three: Tensor
    seven: Tensor


class StackedFilters(nn.Module):
    """Very Deep Convolutional Networks for Large-Scale Image Recognition, Simonyan &
    Zisserman, ICLR 2015
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.two = nn.Sequential(
                *(
                    sequential(
                        conv=nn.Conv2d(64, 64, kernel_size=3, padding=1, bias=False),
                        relu=nn.ReLU(inplace=True),
                    )
                    for _ in range(2)
                ),
            )
            self.five = sequential(
                conv=nn.Conv2d(64, 64, kernel_size=5, padding=2, bias=False),
                relu=nn.ReLU(inplace=True),
            )
            self.three = nn.Sequential(
                *(
                    sequential(
                        conv=nn.Conv2d(64, 64, kernel_size=3, padding=1, bias=False),
                        relu=nn.ReLU(inplace=True),
                    )
                    for _ in range(3)
                ),
            )
            self.seven = sequential(
                conv=nn.Conv2d(64, 64, kernel_size=7, padding=3, bias=False),
                relu=nn.ReLU(inplace=True),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, map_: Tensor) -> StackedFiltersOutputs:
        two = self.two(map_)  # 64x56x56
        five = self.five(map_)  # 64x56x56
        three = self.three(map_)  # 64x56x56
        seven = self.seven(map_)  # 64x56x56
        return StackedFiltersOutputs(two, five, three, seven)


def main() -> None:
    model = StackedFilters().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 64, 56, 56))
    for y in outputs:
        print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
