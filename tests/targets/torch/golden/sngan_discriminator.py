# Written by cnnspec 0.0.0: model SNGAN (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


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


class Residual(nn.Module):
    down: Final[bool]

    def __init__(self, k: int, down: bool = False) -> None:
        super().__init__()
        self.relu1 = nn.ReLU()
        self.conv1 = spectral_norm(nn.Conv2d(128, k, kernel_size=3, padding=1))
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = spectral_norm(nn.Conv2d(k, k, kernel_size=3, padding=1))
        self.down = down
        if self.down:
            self.avgpool1 = nn.AvgPool2d(kernel_size=2)
            self.conv3 = spectral_norm(nn.Conv2d(128, k, kernel_size=1))
            self.avgpool2 = nn.AvgPool2d(kernel_size=2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu2(self.conv1(self.relu1(x)))
        y = self.conv2(y)
        if self.down:
            y = self.avgpool1(y)
            x = self.avgpool2(self.conv3(x))
        return y + x


class SNGAN(nn.Module):
    """Spectral Normalization for Generative Adversarial Networks, Miyato et al., ICLR
    2018
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = spectral_norm(nn.Conv2d(3, 128, kernel_size=3, padding=1))
            self.relu1 = nn.ReLU(inplace=True)
            self.conv2 = spectral_norm(nn.Conv2d(128, 128, kernel_size=3, padding=1))
            self.avgpool1 = nn.AvgPool2d(kernel_size=2)
            self.avgpool2 = nn.AvgPool2d(kernel_size=2)
            self.conv3 = spectral_norm(nn.Conv2d(3, 128, kernel_size=1))
            self.residual1 = Residual(128, down=True)
            self.residual2 = Residual(128)
            self.residual3 = Residual(128)
            self.relu2 = nn.ReLU()
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = spectral_norm(nn.Linear(128, 1))
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            layer = plain(module)
            if reset := getattr(layer, "reset_parameters", None):
                reset()
            if layer is not module:
                renormalise(module)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.relu1(self.conv1(x))  # 128x32x32
        branch1 = self.avgpool1(self.conv2(branch1))  # 128x16x16
        branch2 = self.conv3(self.avgpool2(x))  # 128x16x16
        x = self.residual1(branch1 + branch2)  # 128x8x8
        x = self.residual2(x)  # 128x8x8
        x = self.gap(self.relu2(self.residual3(x)))  # 128x1x1
        return self.fc(torch.flatten(64 * x, 1))


def main() -> None:
    model = SNGAN().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 32, 32))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
