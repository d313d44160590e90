# Written by cnnspec 0.0.0: model WaveNet10 (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class PadChannels(nn.Module):
    """Adds channels of zeros before and after those of the input."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        around = (0, 0) * (x.ndim - 2) + (self.before, self.after)
        return nn.functional.pad(x, around)


class Causal(nn.Sequential):
    def __init__(self, in_channels: int, d: int, r: int) -> None:
        super().__init__()
        self.pad = nn.ZeroPad1d((d, 0))
        self.conv = nn.Conv1d(in_channels, r, kernel_size=2, dilation=d)


class Layer(nn.Module):
    def __init__(self, in_channels: int, d: int, r: int, s: int) -> None:
        super().__init__()
        self.r = r
        self.high = 2 * r
        self.causal1 = Causal(r, d, r)
        self.tanh = nn.Tanh()
        self.causal2 = Causal(r, d, r)
        self.sigmoid = nn.Sigmoid()
        self.conv1 = nn.Conv1d(r, r, kernel_size=1)
        self.conv2 = nn.Conv1d(r, s, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        y = x[:, : self.r]
        branch1 = self.tanh(self.causal1(y))
        branch2 = self.sigmoid(self.causal2(y))
        y = branch1 * branch2
        y = torch.cat([y, x], dim=1)
        branch1 = self.conv1(y[:, : self.r])
        branch2 = y[:, self.r : self.high]
        branch1 = branch1 + branch2
        x = self.conv2(y[:, : self.r])
        branch2 = y[:, self.high :]
        x = x + branch2
        return torch.cat([branch1, x], dim=1)


class WaveNet10(nn.Module):
    """WaveNet: A Generative Model for Raw Audio, van den Oord et al., 2016"""

    def __init__(
        self,
        r: int = 32,
        s: int = 256,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.r = r
            self.conv1 = nn.Conv1d(256, r, kernel_size=1)
            self.pad = PadChannels(0, s)
            self.group = nn.Sequential(
                nn.Sequential(*(Layer(r + s, 2**j, r, s) for j in range(10)))
            )
            self.relu1 = nn.ReLU()
            self.conv2 = nn.Conv1d(s, 256, kernel_size=1)
            self.relu2 = nn.ReLU(inplace=True)
            self.conv3 = nn.Conv1d(256, 256, kernel_size=1)
            self.softmax = nn.Softmax(dim=1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.pad(self.conv1(x))  # 288x16000
        x = self.group(x)  # 288x16000
        x = self.relu2(self.conv2(self.relu1(x[:, self.r :])))  # 256x16000
        return self.softmax(self.conv3(x))


def main() -> None:
    model = WaveNet10().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 256, 16000))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
