"""Checkpoints: safetensors, written whole or not at all, refused if not this run's."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from cnnspec.training.library.common import Refused, write_whole
from cnnspec.training.library.samples import hash_of


@dataclass
class Progress:
    """The progress of a run, which a checkpoint holds besides tensors: its steps, the
    best epoch with its result, and the number of epochs since.
    """

    step: int = 0
    epoch: int = 0
    best: dict[str, float] = field(default_factory=dict)
    stale: int = 0


def whole(tensor: Tensor) -> Tensor:
    """A copy in memory of its own, which is what safetensors can write."""
    return tensor.detach().cpu().contiguous().clone()


def weights_of(net: nn.Module) -> dict[str, Tensor]:
    """The weights and running statistics by name."""
    return {key: whole(value) for key, value in net.state_dict().items()}


def optimizer_state(net: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """The state of the optimizer for each weight, by the weight's name."""
    found = {}
    for name, parameter in net.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                found[f"{name}.{key}"] = whole(value)
    return found


def state_of(
    nets: Mapping[str, nn.Module], optimizer: Optimizer, epoch_loss: Tensor
) -> dict[str, Tensor]:
    """All that a resumed run needs; `epoch_loss` is the sum of this epoch's losses."""
    found = {"loss": whole(epoch_loss)}
    for prefix, net in nets.items():
        found |= {f"{prefix}{key}": value for key, value in weights_of(net).items()}
    kept = optimizer_state(nets["net."], optimizer)
    return found | {f"optimizer.{key}": value for key, value in kept.items()}


def save_checkpoint(
    path: Path, tensors: dict[str, Tensor], progress: Progress, identity: dict[str, str]
) -> None:
    """One key of metadata: safetensors writes several in any order."""
    tensors = dict(sorted(tensors.items()))
    about = {
        **asdict(progress),
        "hash": hash_of(*(tensor.numpy() for tensor in tensors.values())),
        "identity": identity,
    }
    write_whole(path, save(tensors, {"training": json.dumps(about)}))


def load_checkpoint(
    path: Path, identity: dict[str, str]
) -> tuple[dict[str, Tensor], Progress]:
    """The tensors and the progress of a checkpoint, if it is whole and of this run."""
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {})["training"])
            tensors = {key: file.get_tensor(key) for key in sorted(file.keys())}
        written, found = about.pop("hash"), about.pop("identity")
        progress = Progress(**about)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError):
        raise Refused(
            f"{path} is damaged, or is not a checkpoint of this program"
        ) from None
    if written != hash_of(*(tensor.numpy() for tensor in tensors.values())):
        raise Refused(f"{path} is damaged: its tensors are not those that were written")
    for what, value in identity.items():
        if not isinstance(found, dict) or found.get(what) != value:
            raise Refused(f"{path} is of another {what}: start in another folder")
    return tensors, progress


def picked(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names have this prefix, without the prefix."""
    return {
        key[len(prefix) :]: value
        for key, value in tensors.items()
        if key.startswith(prefix)
    }


def load_weights(net: nn.Module, weights: dict[str, Tensor]) -> None:
    """The inverse of `weights_of`."""
    net.load_state_dict(weights)


def load_optimizer(
    net: nn.Module, optimizer: Optimizer, kept: dict[str, Tensor]
) -> None:
    """The inverse of `optimizer_state`."""
    parameters = dict(net.named_parameters())
    for key, value in kept.items():
        name, _, what = key.rpartition(".")
        device = "cpu" if what == "step" else parameters[name].device
        optimizer.state[parameters[name]][what] = value.to(device)
