"""One of the processes that torchrun starts: trains an emitted program, which it imports from a file.

    torchrun --standalone --nproc-per-node 2 distributed_worker.py FOLDER CASE …

A case is `ddp`, `fsdp2` (both: FOLDER/plain.py) or `ddp_bn`, `fsdp2_bn` (FOLDER/bn.py). Rank 0 writes
FOLDER/CASE.pt: the state_dict, whole, and the losses, each the mean over the global batch. The test itself
uses `train` for the process that is alone.
"""

from __future__ import annotations

import os
import runpy
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

STEPS = {"plain": 6, "bn": 50}
BATCH = 32


def load(file: Path) -> nn.Module:
    """The emitted model, the same in every process."""
    torch.manual_seed(0)
    names = runpy.run_path(str(file))
    model: nn.Module = names["Net"]().double()
    return model


def train(
    model: nn.Module, images: Tensor, labels: Tensor, steps: int, rank: int = 0, world: int = 1
) -> list[float]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    share = BATCH // world
    for step in range(steps):
        start = step * BATCH + rank * share
        loss = cross_entropy(model(images[start : start + share]), labels[start : start + share])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mean = loss.detach().clone()
        if world > 1:
            dist.all_reduce(mean)
        losses.append(float(mean / world))
    return losses


def wrapped(model: nn.Module, how: str) -> nn.Module:
    if how == "ddp":
        return nn.parallel.DistributedDataParallel(model)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    for child in model.children():  # a block, a chain or a layer of the program is a unit
        if any(True for _ in child.parameters()):
            fully_shard(child, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return model


def main(folder: Path, cases: list[str]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(seconds=90))
    try:
        rank, world = dist.get_rank(), dist.get_world_size()
        images, labels = torch.load(folder / "images.pt")
        for case in cases:
            how, _, norm = case.partition("_")
            which = norm or "plain"
            model = load(folder / f"{which}.py")
            parallel = wrapped(model, how)
            losses = train(parallel, images, labels, STEPS[which], rank, world)
            whole = {}
            for key, value in model.state_dict().items():
                whole[key] = value.full_tensor() if hasattr(value, "full_tensor") else value
            if rank == 0:
                torch.save((whole, losses), folder / f"{case}.pt")
        dist.barrier()
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
    # all is written and the group is gone: torch's own threads, torn down at Python's end, now and then abort
    # a process on a busy machine ("terminate called without an active exception")
    sys.stdout.flush()
    os._exit(0)
