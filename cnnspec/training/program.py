"""A recipe and a network → `train.py`, for use beside the emitted `net.py`."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from cnnspec import __version__
from cnnspec.ir.graph import Graph
from cnnspec.lower.library import Piece, needed
from cnnspec.lower.names import escaped
from cnnspec.lower.writer import Group, Writer
from cnnspec.training.data import put_augmented, put_data, put_prepared
from cnnspec.training.learning import put_learning
from cnnspec.training.library import pieces
from cnnspec.training.main import put_main, put_run
from cnnspec.training.network import Network
from cnnspec.training.plan import Plan
from cnnspec.training.recipe import Recipe
from cnnspec.training.settings import put_settings

STANDARD = {
    "argparse": "import argparse",
    "copy": "import copy",
    "csv": "import csv",
    "hashlib": "import hashlib",
    "io": "import io",
    "itertools": "import itertools",
    "json": "import json",
    "math": "import math",
    "os": "import os",
    "random": "import random",
    "shutil": "import shutil",
    "sys": "import sys",
    "time": "import time",
}
STANDARD_FROM = {
    "deque": ("collections", "deque"),
    "Callable": ("collections.abc", "Callable"),
    "Iterable": ("collections.abc", "Iterable"),
    "Iterator": ("collections.abc", "Iterator"),
    "Mapping": ("collections.abc", "Mapping"),
    "Sequence": ("collections.abc", "Sequence"),
    "ThreadPoolExecutor": ("concurrent.futures", "ThreadPoolExecutor"),
    "nullcontext": ("contextlib", "nullcontext"),
    "asdict": ("dataclasses", "asdict"),
    "dataclass": ("dataclasses", "dataclass"),
    "field": ("dataclasses", "field"),
    "Path": ("pathlib", "Path"),
    "NormalDist": ("statistics", "NormalDist"),
    "IO": ("typing", "IO"),
    "Any": ("typing", "Any"),
    "NamedTuple": ("typing", "NamedTuple"),
    "is_zipfile": ("zipfile", "is_zipfile"),
}
LIBRARIES = {
    "np": "import numpy as np",
    "torch": "import torch",
    "dist": "import torch.distributed as dist",
    "F": "import torch.nn.functional as F",
}
LIBRARIES_FROM = {
    "SafetensorError": ("safetensors", "SafetensorError"),
    "safe_open": ("safetensors", "safe_open"),
    "load_file": ("safetensors.torch", "load_file"),
    "save": ("safetensors.torch", "save"),
    "Tensor": ("torch", "Tensor"),
    "nn": ("torch", "nn"),
    "StateDictOptions": ("torch.distributed.checkpoint.state_dict", "StateDictOptions"),
    "set_model_state_dict": ("torch.distributed.checkpoint.state_dict", "set_model_state_dict"),
    "init_device_mesh": ("torch.distributed.device_mesh", "init_device_mesh"),
    "fully_shard": ("torch.distributed.fsdp", "fully_shard"),
    "DTensor": ("torch.distributed.tensor", "DTensor"),
    "distribute_tensor": ("torch.distributed.tensor", "distribute_tensor"),
    "DistributedDataParallel": ("torch.nn.parallel", "DistributedDataParallel"),
    "Optimizer": ("torch.optim", "Optimizer"),
    "SummaryWriter": ("torch.utils.tensorboard", "SummaryWriter"),
}
"""The module of each name that a program may import; it imports only those that it uses."""


def emit(graph: Graph, network: Network, recipe: Recipe, net: str, path: str) -> str:
    """The text of train.py. `net` is the torch program of the network, `path` the path of the data from the
    program's folder."""
    head = escaped(f"Trains {graph.name} (net.py)")
    plan = Plan(network, recipe, model_class(net), path, head, graph.inputs[0])
    body = Writer()
    put_data(body, plan, typed=True)
    body.gap(2)
    put_prepared(body, plan)
    body.gap(2)
    if plan.chances:
        images = "images: Tensor, labels: Tensor" if plan.maps_move else "images: Tensor"
        result = "tuple[Tensor, Tensor]" if plan.maps_move else "Tensor"
        put_augmented(body, plan, f"{images}, chance: Tensor", f" -> {result}")
        body.gap(2)
    put_learning(body, plan)
    put_main(body, plan)
    settings, ending = Writer(), Writer()
    put_settings(settings, plan)
    put_run(ending, ("if dist.is_initialized():", "    dist.destroy_process_group()"))
    known = pieces(recipe.run.parallel == "fsdp")
    return assembled(DOC.format(plan.head), f"from net import {plan.model}", settings, body, ending, known)


def assembled(
    doc: str, net: str, settings: Writer, body: Writer, ending: Writer, known: Mapping[str, Piece]
) -> str:
    """The whole file: docstring, imports, constants, the program's own code, and the pieces that it uses."""
    own = f"{settings}\n{body}\n{ending}"
    copied = needed(own, known)
    whole = Writer()
    whole.line(f"# Written by cnnspec {__version__}")
    whole.text(doc)
    whole.gap(1)
    whole.line("from __future__ import annotations")
    whole.gap(1)
    _imports(whole, copied.names)
    whole.line(net)
    whole.gap(1)
    whole.extend(settings.written)
    whole.gap(2)
    whole.extend(body.written)
    whole.gap(2)
    whole.line("# What follows is the same for all networks and recipes.")
    whole.gap(2)
    for piece in copied.texts:
        whole.text(piece)
        whole.gap(2)
    whole.extend(ending.written)
    whole.gap(0)
    return str(whole)


def model_class(net: str) -> str:
    """The class of the network in a torch program: the last one, after its blocks."""
    return [node.name for node in ast.parse(net).body if isinstance(node, ast.ClassDef)][-1]


DOC = '''\
"""{}.

    python train.py                       one process
    torchrun --nproc-per-node 4 train.py  four
    python train.py --resume              goes on from the last checkpoint

Writes log.csv, best.safetensors (the weights of the best epoch) and last.safetensors
(all that is needed to go on; the run is then the one that was not interrupted).
"""
'''


def _imports(writer: Writer, names: set[str]) -> None:
    for plain, parts in ((STANDARD, STANDARD_FROM), (LIBRARIES, LIBRARIES_FROM)):
        for name, statement in plain.items():
            if name in names:
                writer.line(statement)
        modules: dict[str, list[str]] = {}
        for name, (module, part) in parts.items():
            if name in names:
                modules.setdefault(module, []).append(part)
        for module, imported in sorted(modules.items()):
            line = f"from {module} import {', '.join(imported)}"
            if len(line) <= writer.room:
                writer.line(line)
            else:
                writer.put(f"from {module} import ", Group("(", tuple(imported)))
        writer.gap(1)
