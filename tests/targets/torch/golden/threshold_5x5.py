# Written by cnnspec 0.0.0: model Threshold (IR 0)
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor, nn


def literal(layer: nn.Module, **values: list | float) -> None:
    """Weights and biases start at these numbers; one plane is used for every filter."""
    with torch.no_grad():
        for name, numbers in values.items():
            parameter = layer.get_parameter(name)
            parameter.copy_(torch.tensor(numbers, dtype=torch.float64))


def starting(layer: nn.Module, start: Callable[..., None], **how: object) -> nn.Module:
    """Marks the layer: `init_weights` calls this function on it."""
    vars(layer).setdefault("starts", []).append(partial(start, **how))
    return layer


class Threshold(nn.Module):
    """A 3x3 filter with a bias of -500 on a 5x5 image, course notes, 2017"""

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = starting(
                nn.Conv2d(1, 1, kernel_size=3),
                literal,
                weight=[[1, 0, 0], [0, 1, 0], [0, 0, 1]],
                bias=-500,
            ).requires_grad_(False)
            self.relu = nn.ReLU(inplace=True)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()
            for start in getattr(module, "starts", ()):
                start(module)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x))


def main() -> None:
    model = Threshold().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 5, 5))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
