"""FSDP2: weights shared out over the processes; some pieces replace their namesakes."""

from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    set_model_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer

from cnnspec.training.library.processes import Team


def share_out(net: nn.Module, team: Team) -> None:
    """Each process keeps a part of every weight; layers are gathered when needed."""
    mesh = init_device_mesh(team.device.type, (team.size,))
    for part in net.children():
        lists = isinstance(part, (nn.ModuleList, nn.ModuleDict))
        if not lists and next(part.parameters(), None) is not None:
            fully_shard(part, mesh=mesh)
    fully_shard(net, mesh=mesh)


def whole(tensor: Tensor) -> Tensor:
    """A copy in memory of its own, with the parts of all processes."""
    tensor = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return tensor.detach().cpu().contiguous().clone()


def load_weights(net: nn.Module, weights: dict[str, Tensor]) -> None:
    """The inverse of `weights_of`."""
    set_model_state_dict(net, weights, options=StateDictOptions(full_state_dict=True))


def load_optimizer(
    net: nn.Module, optimizer: Optimizer, kept: dict[str, Tensor]
) -> None:
    """The inverse of `optimizer_state`."""
    parameters = dict(net.named_parameters())
    for key, value in kept.items():
        name, _, what = key.rpartition(".")
        weight = parameters[name]
        if what != "step" and isinstance(weight, DTensor):
            value = value.to(weight.device)
            value = distribute_tensor(value, weight.device_mesh, weight.placements)
        elif what != "step":
            value = value.to(weight.device)
        optimizer.state[weight][what] = value
