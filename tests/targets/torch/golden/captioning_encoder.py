# Written by cnnspec 0.0.0: model CaptioningEncoder (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        for _ in range(n):
            self.append(
                sequential(
                    conv=nn.Conv2d(in_channels, k, kernel_size=3, padding=1),
                    relu=nn.ReLU(inplace=True),
                ),
            )
            in_channels = k


class CaptioningEncoderOutputs(NamedTuple):
    annotations_: Tensor
    start: Tensor


class CaptioningEncoder(nn.Module):
    """Show, Attend and Tell: Neural Image Caption Generation with Visual Attention, Xu
    et al., ICML 2015
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.stage1 = Stage(3, 64, n=2)
            self.maxpool1 = nn.MaxPool2d(kernel_size=2)
            self.stage2 = Stage(64, 128, n=2)
            self.maxpool2 = nn.MaxPool2d(kernel_size=2)
            self.stage3 = Stage(128, 256, n=4)
            self.maxpool3 = nn.MaxPool2d(kernel_size=2)
            self.stage4 = Stage(256, 512, n=4)
            self.maxpool4 = nn.MaxPool2d(kernel_size=2)
            self.annotations = Stage(512, 512, n=4)
            self.start = sequential(gap=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> CaptioningEncoderOutputs:
        x = self.maxpool1(self.stage1(x))  # 64x112x112
        x = self.maxpool2(self.stage2(x))  # 128x56x56
        x = self.maxpool3(self.stage3(x))  # 256x28x28
        x = self.maxpool4(self.stage4(x))  # 512x14x14
        annotations_ = self.annotations(x)  # 512x14x14
        start = self.start(annotations_)  # 512
        return CaptioningEncoderOutputs(annotations_, start)


def main() -> None:
    model = CaptioningEncoder().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 224, 224))
    for y in outputs:
        print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
