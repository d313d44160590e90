# Written by cnnspec 0.0.0: model BiT_R50x1 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


def plain(layer: nn.Module) -> nn.Module:
    """The layer without the normalisation of its weight, on the same numbers."""
    if not nn.utils.parametrize.is_parametrized(layer, "weight"):
        return layer
    kept = dict(layer.get_submodule("parametrizations.weight").named_parameters())
    weight = kept.get("original", kept.get("original1"))
    without: nn.Module = object.__new__(type(layer).__bases__[0])
    vars(without).update(vars(layer))
    without._parameters = {"weight": weight, **layer._parameters}
    return without


def renormalise(layer: nn.Module) -> None:
    """Initialises the parts of a normalised weight: lengths, singular vectors."""
    norms = layer.get_submodule("parametrizations.weight")
    kept = {name: weight.detach() for name, weight in norms.named_parameters()}
    if "original0" in kept:  # weight_norm's lengths
        lengths = kept["original1"].flatten(1).norm(dim=1)
        kept["original0"].copy_(lengths.view_as(kept["original0"]))
    for norm in norms.children():
        if not hasattr(norm, "_u"):
            continue
        dim, eps = vars(norm)["dim"], vars(norm)["eps"]
        matrix = kept["original"].transpose(0, dim).flatten(1)
        u, v = norm.get_buffer("_u"), norm.get_buffer("_v")
        u.normal_()
        for _ in range(15):
            v.copy_(nn.functional.normalize(u @ matrix, dim=0, eps=eps))
            u.copy_(nn.functional.normalize(matrix @ v, dim=0, eps=eps))


class Standardized(nn.Module):
    """Each filter with mean 0 and variance 1."""

    def __init__(self, eps: float, dim: int) -> None:
        super().__init__()
        self.eps = eps
        self.dim = dim

    def forward(self, weight: Tensor) -> Tensor:
        over = [axis for axis in range(weight.ndim) if axis != self.dim]
        variance, mean = torch.var_mean(weight, over, correction=0, keepdim=True)
        return (weight - mean) * (variance + self.eps).rsqrt()


def standardized(layer: nn.Module, eps: float = 1e-6, dim: int = 0) -> nn.Module:
    """The weights of each filter are used with mean 0 and variance 1.

    Qiao et al., 2019.
    """
    standard = Standardized(eps, dim)
    nn.utils.parametrize.register_parametrization(layer, "weight", standard)
    return layer


class Bottleneck(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int = 1) -> None:
        super().__init__()
        self.gn1 = nn.GroupNorm(32, in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = standardized(
            nn.Conv2d(in_channels, k, kernel_size=1, bias=False), eps=1e-8
        )
        self.gn2 = nn.GroupNorm(32, k)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = standardized(
            nn.Conv2d(k, k, kernel_size=3, stride=s, padding=1, bias=False), eps=1e-8
        )
        self.gn3 = nn.GroupNorm(32, k)
        self.relu3 = nn.ReLU(inplace=True)
        self.conv3 = standardized(
            nn.Conv2d(k, 4 * k, kernel_size=1, bias=False), eps=1e-8
        )
        self.projection = s > 1 or in_channels != 4 * k
        if self.projection:
            self.conv4 = standardized(
                nn.Conv2d(in_channels, 4 * k, kernel_size=1, stride=s, bias=False),
                eps=1e-8,
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.gn1(x))
        z = self.relu2(self.gn2(self.conv1(y)))
        z = self.relu3(self.gn3(self.conv2(z)))
        z = self.conv3(z)
        if self.projection:
            x = self.conv4(y)
        return z + x


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int, s: int = 2) -> None:
        super().__init__()
        for i in range(n):
            self.append(Bottleneck(in_channels, k, s=s if i == 0 else 1))
            in_channels = 4 * k


class BiT_R50x1(nn.Module):
    """Big Transfer (BiT): General Visual Representation Learning, Kolesnikov et al.,
    ECCV 2020
    """

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.stem = sequential(
                conv=standardized(
                    nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),
                    eps=1e-8,
                ),
                pad=nn.ZeroPad2d(1),
                maxpool=nn.MaxPool2d(kernel_size=3, stride=2),
            )
            self.body = sequential(
                stage1=Stage(64, 64, n=3, s=1),
                stage2=Stage(256, 128, n=4),
                stage3=Stage(512, 256, n=6),
                stage4=Stage(1024, 512, n=3),
            )
            self.head = sequential(
                gn=nn.GroupNorm(32, 2048),
                relu=nn.ReLU(inplace=True),
                gap=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(2048, classes),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            layer = plain(module)
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(
                    layer.weight, mode="fan_out", nonlinearity="relu"
                )
            elif isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)
            elif reset := getattr(layer, "reset_parameters", None):
                reset()
            if layer is not module:
                renormalise(module)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x56x56
        x = self.body(x)  # 2048x7x7
        return self.head(x)


def main() -> None:
    model = BiT_R50x1().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
