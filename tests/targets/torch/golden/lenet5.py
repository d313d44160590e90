# Written by cnnspec 0.0.0: model LeNet5 (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class SparseConv2d(nn.Module):
    """A convolution whose filter k reads the channels in table[k] (LeNet-5's C3)."""

    def __init__(
        self,
        in_channels: int,
        table: list[list[int]],
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, ...] = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        window = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        filters = [k for k, maps in enumerate(table) for _ in maps]
        self.table = table
        self.filters: Tensor
        self.maps: Tensor
        for name in ("filters", "maps"):
            places = torch.empty(len(filters), dtype=torch.long)
            self.register_buffer(name, places, persistent=False)
        self.shape = (len(table), in_channels, *window)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.weight = nn.Parameter(torch.empty(len(filters), *window))
        self.bias = nn.Parameter(torch.empty(len(table))) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        filters = [k for k, maps in enumerate(self.table) for _ in maps]
        self.filters.copy_(torch.tensor(filters))
        self.maps.copy_(torch.tensor([c for maps in self.table for c in maps]))
        bound = (len(self.table) / self.weight.numel()) ** 0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.new_zeros(self.shape)
        weight = weight.index_put((self.filters, self.maps), self.weight)
        stride, padding, dilation = self.stride, self.padding, self.dilation
        return nn.functional.conv2d(x, weight, self.bias, stride, padding, dilation)


class Subsample2d(nn.Module):
    """LeNet-5's pooling: weight * (sum of the window) + bias, for each channel."""

    def __init__(
        self,
        channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        window = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.kernel_size, self.stride = window, window if stride is None else stride
        self.numbers = torch.Size(window).numel()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, 1 / self.numbers)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) + (1,) * (x.ndim - 2)
        mean = nn.functional.avg_pool2d(x, self.kernel_size, self.stride)
        total = mean * self.numbers
        return total * self.weight.view(shape) + self.bias.view(shape)


class Rbf(nn.Module):
    """Squared distances from prototypes: y[k] = sum((x - weight[k]) ** 2)."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        self.weight.bernoulli_(0.5).mul_(2).sub_(1)

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1)[:, None] - self.weight).square().sum(2)


class ScaledTanh(nn.Module):
    """amp * tanh(gain * x)."""

    def __init__(self, amp: float = 1, gain: float = 1) -> None:
        super().__init__()
        self.amp, self.gain = amp, gain

    def forward(self, x: Tensor) -> Tensor:
        return self.amp * torch.tanh(self.gain * x)


class LeNet5(nn.Module):
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
            self.C1 = nn.Conv2d(1, 6, kernel_size=5)
            self.tanh1 = ScaledTanh(amp=1.7159, gain=2 / 3)
            self.S2 = Subsample2d(6, 2)
            self.tanh2 = ScaledTanh(amp=1.7159, gain=2 / 3)
            self.C3 = SparseConv2d(
                6,
                [
                    [0, 1, 2],
                    [1, 2, 3],
                    [2, 3, 4],
                    [3, 4, 5],
                    [0, 4, 5],
                    [0, 1, 5],
                    [0, 1, 2, 3],
                    [1, 2, 3, 4],
                    [2, 3, 4, 5],
                    [0, 3, 4, 5],
                    [0, 1, 4, 5],
                    [0, 1, 2, 5],
                    [0, 1, 3, 4],
                    [1, 2, 4, 5],
                    [0, 2, 3, 5],
                    [0, 1, 2, 3, 4, 5],
                ],
                kernel_size=5,
            )
            self.tanh3 = ScaledTanh(amp=1.7159, gain=2 / 3)
            self.S4 = Subsample2d(16, 2)
            self.tanh4 = ScaledTanh(amp=1.7159, gain=2 / 3)
            self.C5 = nn.Conv2d(16, 120, kernel_size=5)
            self.tanh5 = ScaledTanh(amp=1.7159, gain=2 / 3)
            self.F6 = nn.Linear(120, 84)
            self.tanh6 = ScaledTanh(amp=1.7159, gain=2 / 3)
            self.rbf = Rbf(84, classes).requires_grad_(False)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.tanh1(self.C1(x))  # 6x28x28
        x = self.tanh2(self.S2(x))  # 6x14x14
        x = self.tanh3(self.C3(x))  # 16x10x10
        x = self.tanh4(self.S4(x))  # 16x5x5
        x = torch.flatten(self.tanh5(self.C5(x)), 1)  # 120
        x = self.tanh6(self.F6(x))  # 84
        return self.rbf(x)


def main() -> None:
    model = LeNet5().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 32, 32))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
