"""The processes of a run."""

import hashlib
import os
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn


class Team(NamedTuple):
    """The processes of a run, and the rank of this one."""

    rank: int
    size: int
    device: torch.device


def join_team() -> Team:
    """torchrun sets RANK and the like; without them there is one process."""
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if "RANK" not in os.environ:
        return Team(0, 1, device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Team(dist.get_rank(), dist.get_world_size(), device)


def seed_from(*parts: int | str) -> int:
    """A seed for one purpose at one step: a resumed run draws the same numbers."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def average_over_processes(team: Team, tensors: list[Tensor]) -> None:
    """Replaces each tensor by its mean over all processes."""
    if team.size > 1:
        for tensor in tensors:
            dist.all_reduce(tensor)
            tensor /= team.size


def running_statistics(net: nn.Module) -> list[Tensor]:
    """The buffers that each process updates from its own images."""
    return [buffer for buffer in net.buffers() if buffer.is_floating_point()]
