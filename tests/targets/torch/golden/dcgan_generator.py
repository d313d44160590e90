# Written by cnnspec 0.0.0: model DCGANGenerator (IR 0)
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


class DCGANGenerator(nn.Module):
    """Unsupervised Representation Learning with Deep Convolutional Generative
    Adversarial Networks, Radford et al., ICLR 2016
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.deconv1 = nn.ConvTranspose2d(100, 512, kernel_size=4, bias=False)
            self.bn1 = nn.BatchNorm2d(512)
            self.relu1 = nn.ReLU(inplace=True)
            self.deconv2 = nn.ConvTranspose2d(
                512, 256, kernel_size=4, stride=2, padding=1, bias=False
            )
            self.bn2 = nn.BatchNorm2d(256)
            self.relu2 = nn.ReLU(inplace=True)
            self.deconv3 = nn.ConvTranspose2d(
                256, 128, kernel_size=4, stride=2, padding=1, bias=False
            )
            self.bn3 = nn.BatchNorm2d(128)
            self.relu3 = nn.ReLU(inplace=True)
            self.deconv4 = nn.ConvTranspose2d(
                128, 64, kernel_size=4, stride=2, padding=1, bias=False
            )
            self.bn4 = nn.BatchNorm2d(64)
            self.relu4 = nn.ReLU(inplace=True)
            self.deconv5 = nn.ConvTranspose2d(
                64, 3, kernel_size=4, stride=2, padding=1, bias=False
            )
            self.tanh = nn.Tanh()
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02)
            elif reset := getattr(module, "reset_parameters", None):
                reset()
            if isinstance(module, nn.BatchNorm2d):
                normal(module, std=0.02, mean=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.deconv1(x)))  # 512x4x4
        x = self.relu2(self.bn2(self.deconv2(x)))  # 256x8x8
        x = self.relu3(self.bn3(self.deconv3(x)))  # 128x16x16
        x = self.relu4(self.bn4(self.deconv4(x)))  # 64x32x32
        return self.tanh(self.deconv5(x))


def main() -> None:
    model = DCGANGenerator().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 100, 1, 1))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
