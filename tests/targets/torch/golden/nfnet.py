# Written by cnnspec 0.0.0: model NFNet_F0 (IR 0)
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


class Scaled(Standardized):
    """Standardized, times a constant and a trained gain per filter."""

    def __init__(self, weight: Tensor, gamma: float, eps: float, dim: int) -> None:
        super().__init__(eps, dim)
        filters = weight.shape[dim]
        self.scale = gamma * (weight.numel() // filters) ** -0.5
        sizes = [filters if axis == dim else 1 for axis in range(weight.ndim)]
        self.gain = nn.Parameter(torch.empty(sizes))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.gain)

    def forward(self, weight: Tensor) -> Tensor:
        return super().forward(weight) * (self.gain * self.scale)


def scaled(
    layer: nn.Module, gamma: float = 1.0, eps: float = 1e-6, dim: int = 0
) -> nn.Module:
    """As standardized, over the root of fan_in, with a trained gain per filter.

    Brock et al., 2021.
    """
    gain = Scaled(layer.get_parameter("weight"), gamma, eps, dim)
    nn.utils.parametrize.register_parametrization(layer, "weight", gain)
    return layer


class Times(nn.Module):
    """A constant factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class Residual(nn.Module):
    projection: Final[bool]
    pooling: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int, beta: float) -> None:
        super().__init__()
        channels = k // 2
        self.gelu1 = nn.GELU()
        self.times1 = Times(beta)
        self.conv1 = scaled(
            nn.Conv2d(in_channels, channels, kernel_size=1),
            gamma=1.7015043497085571,
            eps=1e-5,
        )
        self.gelu2 = nn.GELU()
        self.conv2 = scaled(
            nn.Conv2d(
                channels, channels, kernel_size=3, stride=s, padding=1, groups=k // 256
            ),
            gamma=1.7015043497085571,
            eps=1e-5,
        )
        self.gelu3 = nn.GELU()
        self.conv3 = scaled(
            nn.Conv2d(channels, channels, kernel_size=3, padding=1, groups=k // 256),
            gamma=1.7015043497085571,
            eps=1e-5,
        )
        self.gelu4 = nn.GELU()
        self.conv4 = scaled(
            nn.Conv2d(channels, k, kernel_size=1), gamma=1.7015043497085571, eps=1e-5
        )
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.conv5 = nn.Conv2d(k, channels, kernel_size=1)
        self.relu = nn.ReLU(inplace=True)
        self.conv6 = nn.Conv2d(channels, k, kernel_size=1)
        self.sigmoid = nn.Sigmoid()
        self.projection = s > 1 or in_channels != k
        if self.projection:
            self.pooling = s > 1
            if self.pooling:
                self.avgpool = nn.AvgPool2d(kernel_size=2)
            self.conv7 = scaled(
                nn.Conv2d(in_channels, k, kernel_size=1),
                gamma=1.7015043497085571,
                eps=1e-5,
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.times1(self.gelu1(x))
        z = self.gelu2(self.conv1(y))
        z = self.gelu3(self.conv2(z))
        z = self.gelu4(self.conv3(z))
        z = self.conv4(z)
        gate = self.relu(self.conv5(self.gap(z)))
        gate = self.sigmoid(self.conv6(gate))
        z = z * gate
        z = 0.4 * z
        if self.projection:
            if self.pooling:
                y = self.avgpool(y)
            x = self.conv7(y)
        return z + x


class Stage(nn.Sequential):
    def __init__(
        self, in_channels: int, k: int, n: int, beta: float, s: int = 2
    ) -> None:
        super().__init__()
        betas = (
            1,
            0.9805806756909202,
            0.9622504486493763,
            0.944911182523068,
            0.9284766908852594,
            0.9128709291752769,
        )
        for i in range(n):
            self.append(
                Residual(
                    in_channels, k, s if i == 0 else 1, beta if i == 0 else betas[i]
                ),
            )
            in_channels = k


class NFNet_F0(nn.Module):
    """High-Performance Large-Scale Image Recognition Without Normalization, Brock et
    al., ICML 2021
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
                conv1=scaled(
                    nn.Conv2d(3, 16, kernel_size=3, stride=2, padding=1),
                    gamma=1.7015043497085571,
                    eps=1e-5,
                ),
                gelu1=nn.GELU(),
                conv2=scaled(
                    nn.Conv2d(16, 32, kernel_size=3, padding=1),
                    gamma=1.7015043497085571,
                    eps=1e-5,
                ),
                gelu2=nn.GELU(),
            )
            self.conv1 = scaled(
                nn.Conv2d(32, 64, kernel_size=3, padding=1),
                gamma=1.7015043497085571,
                eps=1e-5,
            )
            self.gelu = nn.GELU()
            self.conv2 = scaled(
                nn.Conv2d(64, 128, kernel_size=3, stride=2, padding=1),
                gamma=1.7015043497085571,
                eps=1e-5,
            )
            self.body = sequential(
                stage1=Stage(128, 256, n=1, beta=1.0, s=1),
                stage2=Stage(256, 512, n=2, beta=0.9805806756909202),
                stage3=Stage(512, 1536, n=6, beta=0.9622504486493763),
            )
            self.stage = Stage(1536, 1536, n=3, beta=0.8980265101338746)
            self.head = sequential(
                conv=scaled(
                    nn.Conv2d(1536, 3072, kernel_size=1),
                    gamma=1.7015043497085571,
                    eps=1e-5,
                ),
                gelu=nn.GELU(),
                gap=nn.AdaptiveAvgPool2d(1),
                dropout=nn.Dropout(0.2),
                flatten=nn.Flatten(),
                fc=nn.Linear(3072, classes),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            layer = plain(module)
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)
            elif reset := getattr(layer, "reset_parameters", None):
                reset()
            if layer is not module:
                renormalise(module)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32x96x96
        x = self.gelu(self.conv1(x))  # 64x96x96
        x = self.conv2(x)  # 128x48x48
        x = self.body(x)  # 1536x12x12
        x = self.stage(x)  # 1536x6x6
        return self.head(x)


def main() -> None:
    model = NFNet_F0().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 192, 192))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
