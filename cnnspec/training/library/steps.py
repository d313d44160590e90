"""What a step of training needs besides the network."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def on_device(array: np.ndarray, device: torch.device) -> Tensor:
    """An array as a tensor there. An accelerator copies it while it finishes the step
    before; nothing waits.
    """
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def parameter_groups(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay is for filters: biases and the weights of norms have one axis."""
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    filters = [one for one in trained if one.ndim > 1]
    others = [one for one in trained if one.ndim <= 1]
    return [
        {"params": filters, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """The learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def update_average(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Moves each averaged weight a little towards the weight; statistics are copied."""
    for mean, value in zip(average.parameters(), net.parameters(), strict=True):
        mean.lerp_(value, 1 - decay)
    for mean, value in zip(average.buffers(), net.buffers(), strict=True):
        mean.copy_(value)
