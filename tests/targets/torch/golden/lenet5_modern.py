# Written by cnnspec 0.0.0: model LeNet5Modern (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class LeNet5Modern(nn.Module):
    """Gradient-Based Learning Applied to Document Recognition, LeCun et al., Proc. IEEE
    1998
    """

    def __init__(
        self,
        classes: int = 10,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.C1 = sequential(conv=nn.Conv2d(1, 6, kernel_size=5), tanh=nn.Tanh())
            self.S2 = nn.AvgPool2d(kernel_size=2)
            self.C3 = sequential(conv=nn.Conv2d(6, 16, kernel_size=5), tanh=nn.Tanh())
            self.S4 = nn.AvgPool2d(kernel_size=2)
            self.C5 = sequential(conv=nn.Conv2d(16, 120, kernel_size=5), tanh=nn.Tanh())
            self.F6 = sequential(
                flatten=nn.Flatten(), fc=nn.Linear(120, 84), tanh=nn.Tanh()
            )
            self.fc = nn.Linear(84, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.S2(self.C1(x))  # 6x14x14
        x = self.S4(self.C3(x))  # 16x5x5
        x = self.C5(x)  # 120x1x1
        x = self.F6(x)  # 84
        return self.fc(x)


def main() -> None:
    model = LeNet5Modern().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 32, 32))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
