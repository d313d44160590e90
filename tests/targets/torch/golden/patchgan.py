# Written by cnnspec 0.0.0: model PatchGAN (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class PatchGAN(nn.Module):
    """Image-to-Image Translation with Conditional Adversarial Networks, Isola et al.,
    CVPR 2017
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(6, 64, kernel_size=4, stride=2, padding=1)
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
            self.conv4 = nn.Conv2d(256, 512, kernel_size=4, padding=1, bias=False)
            self.bn3 = nn.BatchNorm2d(512)
            self.leaky4 = nn.LeakyReLU(0.2, inplace=True)
            self.conv5 = nn.Conv2d(512, 1, kernel_size=4, padding=1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.leaky1(self.conv1(x))  # 64x128x128
        x = self.leaky2(self.bn1(self.conv2(x)))  # 128x64x64
        x = self.leaky3(self.bn2(self.conv3(x)))  # 256x32x32
        x = self.leaky4(self.bn3(self.conv4(x)))  # 512x31x31
        return self.conv5(x)


def main() -> None:
    model = PatchGAN().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 6, 256, 256))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
