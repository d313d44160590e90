# Written by cnnspec 0.0.0: model DCGANDiscriminator (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def zero_bias(layer: nn.Module) -> None:
    """Biases start at 0."""
    bias = getattr(layer, "bias", None)
    if bias is not None:
        nn.init.zeros_(bias)


def normal(layer: nn.Module, std: float, mean: float = 0) -> None:
    """Weights start as N(mean, std^2), biases at 0."""
    nn.init.normal_(layer.get_parameter("weight"), mean, std)
    zero_bias(layer)


class DCGANDiscriminator(nn.Module):
    """Unsupervised Representation Learning with Deep Convolutional Generative
    Adversarial Networks, Radford et al., ICLR 2016
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(
                3, 64, kernel_size=4, stride=2, padding=1, bias=False
            )
            self.leaky1 = nn.LeakyReLU(0.2, inplace=True)
            self.conv2 = nn.Conv2d(
                64, 128, kernel_size=4, stride=2, padding=1, bias=False
            )
            self.bn1 = nn.BatchNorm2d(128)
            self.leaky2 = nn.LeakyReLU(0.2, inplace=True)
            self.conv3 = nn.Conv2d(
                128, 256, kernel_size=4, stride=2, padding=1, bias=False
            )
            self.bn2 = nn.BatchNorm2d(256)
            self.leaky3 = nn.LeakyReLU(0.2, inplace=True)
            self.conv4 = nn.Conv2d(
                256, 512, kernel_size=4, stride=2, padding=1, bias=False
            )
            self.bn3 = nn.BatchNorm2d(512)
            self.leaky4 = nn.LeakyReLU(0.2, inplace=True)
            self.conv5 = nn.Conv2d(512, 1, kernel_size=4, bias=False)
            self.sigmoid = nn.Sigmoid()
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.02)
            elif reset := getattr(module, "reset_parameters", None):
                reset()
            if isinstance(module, nn.BatchNorm2d):
                normal(module, std=0.02, mean=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.leaky1(self.conv1(x))  # 64x32x32
        x = self.leaky2(self.bn1(self.conv2(x)))  # 128x16x16
        x = self.leaky3(self.bn2(self.conv3(x)))  # 256x8x8
        x = self.leaky4(self.bn3(self.conv4(x)))  # 512x4x4
        return self.sigmoid(self.conv5(x))


def main() -> None:
    model = DCGANDiscriminator().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 64, 64))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
