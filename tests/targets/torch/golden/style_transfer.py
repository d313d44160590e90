# Written by cnnspec 0.0.0: model StyleTransfer (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class ScaledTanh(nn.Module):
    """amp * tanh(gain * x)."""

    def __init__(self, amp: float = 1, gain: float = 1) -> None:
        super().__init__()
        self.amp, self.gain = amp, gain

    def forward(self, x: Tensor) -> Tensor:
        return self.amp * torch.tanh(self.gain * x)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(128, 128, kernel_size=3)
        self.bn1 = nn.BatchNorm2d(128)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(128, 128, kernel_size=3)
        self.bn2 = nn.BatchNorm2d(128)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.relu(self.bn1(self.conv1(x)))
        branch1 = self.bn2(self.conv2(branch1))
        branch2 = x[:, :, 2:-2, 2:-2]
        return branch1 + branch2


class StyleTransfer(nn.Module):
    """Perceptual Losses for Real-Time Style Transfer and Super-Resolution, Johnson et
    al., ECCV 2016
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.pad = nn.ReflectionPad2d(40)
            self.conv1 = nn.Conv2d(3, 32, kernel_size=9, padding=4)
            self.bn1 = nn.BatchNorm2d(32)
            self.relu1 = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(32, 64, kernel_size=3, stride=2, padding=1)
            self.bn2 = nn.BatchNorm2d(64)
            self.relu2 = nn.ReLU(inplace=True)
            self.conv3 = nn.Conv2d(64, 128, kernel_size=3, stride=2, padding=1)
            self.bn3 = nn.BatchNorm2d(128)
            self.relu3 = nn.ReLU(inplace=True)
            self.group = nn.Sequential(*(Residual() for _ in range(5)))
            self.deconv1 = nn.ConvTranspose2d(
                128, 64, kernel_size=3, stride=2, padding=1, output_padding=1
            )
            self.bn4 = nn.BatchNorm2d(64)
            self.relu4 = nn.ReLU(inplace=True)
            self.deconv2 = nn.ConvTranspose2d(
                64, 32, kernel_size=3, stride=2, padding=1, output_padding=1
            )
            self.bn5 = nn.BatchNorm2d(32)
            self.relu5 = nn.ReLU(inplace=True)
            self.conv4 = nn.Conv2d(32, 3, kernel_size=9, padding=4)
            self.tanh = ScaledTanh(amp=150)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(self.pad(x))))  # 32x336x336
        x = self.relu2(self.bn2(self.conv2(x)))  # 64x168x168
        x = self.relu3(self.bn3(self.conv3(x)))  # 128x84x84
        x = self.group(x)  # 128x64x64
        x = self.relu4(self.bn4(self.deconv1(x)))  # 64x128x128
        x = self.relu5(self.bn5(self.deconv2(x)))  # 32x256x256
        return self.tanh(self.conv4(x))


def main() -> None:
    model = StyleTransfer().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 256, 256))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
