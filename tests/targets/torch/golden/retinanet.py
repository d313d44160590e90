# Written by cnnspec 0.0.0: model RetinaNet (IR 0)
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


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


class Bottleneck(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(k)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(k, k, kernel_size=3, stride=s, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(k)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(k, 4 * k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * k)
        self.projection = s > 1 or in_channels != 4 * k
        if self.projection:
            self.conv4 = nn.Conv2d(
                in_channels, 4 * k, kernel_size=1, stride=s, bias=False
            )
            self.bn4 = nn.BatchNorm2d(4 * k)
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.projection:
            x = self.bn4(self.conv4(x))
        return self.relu3(y + x)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int, s: int = 2) -> None:
        super().__init__()
        for i in range(n):
            self.append(Bottleneck(in_channels, k, s if i == 0 else 1))
            in_channels = 4 * k


class Lateral(nn.Module):
    def __init__(self, finer_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(finer_channels, 256, kernel_size=1)

    def forward(self, x: Tensor, finer: Tensor) -> Tensor:
        branch1 = self.conv(finer)
        branch2 = nn.functional.interpolate(x, size=finer.shape[2:], mode="nearest")
        return branch1 + branch2


class Classes(nn.Sequential):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.group = nn.Sequential(
            *(
                sequential(
                    conv=nn.Conv2d(256, 256, kernel_size=3, padding=1),
                    relu=nn.ReLU(inplace=True),
                )
                for _ in range(4)
            ),
        )
        self.conv = starting(
            nn.Conv2d(256, 9 * classes, kernel_size=3, padding=1), literal, bias=-4.595
        )


class Boxes(nn.Sequential):
    def __init__(self) -> None:
        super().__init__()
        self.group = nn.Sequential(
            *(
                sequential(
                    conv=nn.Conv2d(256, 256, kernel_size=3, padding=1),
                    relu=nn.ReLU(inplace=True),
                )
                for _ in range(4)
            ),
        )
        self.conv = nn.Conv2d(256, 36, kernel_size=3, padding=1)


class RetinaNetOutputs(NamedTuple):
    class3: Tensor
    class4: Tensor
    class5: Tensor
    class6: Tensor
    class7: Tensor
    box3: Tensor
    box4: Tensor
    box5: Tensor
    box6: Tensor
    box7: Tensor


class RetinaNet(nn.Module):
    """Focal Loss for Dense Object Detection, Lin et al., ICCV 2017"""

    def __init__(
        self,
        classes: int = 91,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.classes = Classes(classes)
            self.boxes = Boxes()
            self.c2 = sequential(
                conv=nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),
                bn=nn.BatchNorm2d(64),
                relu=nn.ReLU(inplace=True),
                maxpool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
                stage=Stage(64, 64, n=3, s=1),
            )
            self.c3 = Stage(256, 128, n=4)
            self.c4 = Stage(512, 256, n=6)
            self.c5 = Stage(1024, 512, n=3)
            self.m5 = nn.Conv2d(2048, 256, kernel_size=1)
            self.m4 = Lateral(1024)
            self.m3 = Lateral(512)
            self.p3 = nn.Conv2d(256, 256, kernel_size=3, padding=1)
            self.p4 = nn.Conv2d(256, 256, kernel_size=3, padding=1)
            self.p5 = nn.Conv2d(256, 256, kernel_size=3, padding=1)
            self.p6 = nn.Conv2d(256, 256, kernel_size=3, stride=2, padding=1)
            self.p7 = sequential(
                relu=nn.ReLU(),
                conv=nn.Conv2d(256, 256, kernel_size=3, stride=2, padding=1),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()
            for start in getattr(module, "starts", ()):
                start(module)

    def forward(self, x: Tensor) -> RetinaNetOutputs:
        x = self.c2(x)  # 256x128x128
        c3 = self.c3(x)  # 512x64x64
        c4 = self.c4(c3)  # 1024x32x32
        x = self.c5(c4)  # 2048x16x16
        m5 = self.m5(x)  # 256x16x16
        m4 = self.m4(m5, c4)  # 256x32x32
        x = self.m3(m4, c3)  # 256x64x64
        p3 = self.p3(x)  # 256x64x64
        p4 = self.p4(m4)  # 256x32x32
        p5 = self.p5(m5)  # 256x16x16
        p6 = self.p6(p5)  # 256x8x8
        p7 = self.p7(p6)  # 256x4x4
        class3 = self.classes(p3)  # 819x64x64
        class4 = self.classes(p4)  # 819x32x32
        class5 = self.classes(p5)  # 819x16x16
        class6 = self.classes(p6)  # 819x8x8
        class7 = self.classes(p7)  # 819x4x4
        box3 = self.boxes(p3)  # 36x64x64
        box4 = self.boxes(p4)  # 36x32x32
        box5 = self.boxes(p5)  # 36x16x16
        box6 = self.boxes(p6)  # 36x8x8
        box7 = self.boxes(p7)  # 36x4x4
        return RetinaNetOutputs(
            class3, class4, class5, class6, class7, box3, box4, box5, box6, box7
        )


def main() -> None:
    model = RetinaNet().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 512, 512))
    for y in outputs:
        print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
