"""A Python module is run, and the network in it traced: `cnnspec import --run-python`. It is the user's own
code, which may do anything that they may do; its time and memory are limited, what it prints goes to the
error stream, and what is given back is checked before it is used."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module, util
from typing import Any

from cnnspec.running.worker.tell import MOST, Fault, Missing

MOST_TRACE = 200_000_000
"""Characters of a trace."""


def work(job: Mapping[str, Any], folder: str) -> dict[str, Any]:
    _limit(job["seconds"], job["memory"])
    try:
        import torch
    except ImportError as error:
        raise Missing("torch", str(error)) from None
    sys.path[:0] = [job["folder"], *job["python_path"]]
    torch.set_num_threads(1)
    with _apart():
        try:
            made = _traced(torch, job)
        except (Fault, MemoryError):
            raise
        except BaseException as error:  # of the user's code, SystemExit too
            raise Fault(_what(error), note="\n".join(_where(error, torch.__file__))) from None
    if len(json.dumps(made)) > MOST_TRACE:
        raise Fault("the network is too large to be imported")
    return made


def _limit(seconds: int, memory: int) -> None:
    """The code is stopped when it needs more."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    timer = threading.Timer(seconds, os._exit, (TOO_LONG,))
    timer.daemon = True
    timer.start()


TOO_LONG = 124
"""The exit status when the time is over."""


@contextmanager
def _apart() -> Iterator[None]:
    """What the code prints does not reach our own channel."""
    ours = os.dup(1)
    before = sys.stdout
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        before.flush()
        os.dup2(ours, 1)
        os.close(ours)
        sys.stdout = before


def _traced(torch: Any, job: Mapping[str, Any]) -> dict[str, Any]:
    from cnnspec.sources.torch.export import traced

    device = job["device"]
    torch.manual_seed(0)
    if device == "cpu":
        _without_starts(torch)
    with torch.device(device):
        module = _module(torch, job).to(device)
        inputs, named = _inputs(torch, job, module, device)
        if any(torch.nn.parameter.is_lazy(one) for one in module.parameters()):
            with torch.no_grad():
                module.eval()(*inputs, **named)
        return traced(module, inputs, named)


def _without_starts(torch: Any) -> None:
    """How weights start takes most of the time in which a large module is made, and is not needed."""
    for name in dir(torch.nn.init):
        if name.endswith("_") and not name.startswith("_"):
            setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)


def _module(torch: Any, job: Mapping[str, Any]) -> Any:
    """The module of `my.nets:ResNet`: a class or a function is called with the arguments."""
    source, name = job["module"], job["name"]
    if source.endswith(".py"):
        spec = util.spec_from_file_location(
            os.path.basename(source)[:-3], os.path.join(job["folder"], source)
        )
        if spec is None or spec.loader is None or not os.path.isfile(spec.origin or ""):
            raise Fault(f"there is no file {source}")
        found: Any = util.module_from_spec(spec)
        sys.modules[spec.name] = found
        sys.path.insert(0, os.path.dirname(os.path.abspath(spec.origin or "")))
        spec.loader.exec_module(found)
    else:
        found = import_module(source)
    for part in name.split("."):
        if not hasattr(found, part):
            names = [
                one
                for one, value in vars(found).items()
                if isinstance(value, type) and issubclass(value, torch.nn.Module)
            ]
            raise Fault(
                f"{source} has no {name}", help=f"its modules are {', '.join(names[:20])}" if names else ""
            )
        found = getattr(found, part)
    if not isinstance(found, torch.nn.Module):
        given = job["arguments"]
        found = found(*given) if isinstance(given, list) else found(**given)
    if not isinstance(found, torch.nn.Module):
        raise Fault(f"{name} gives {type(found).__name__}, not an nn.Module")
    return found


def _inputs(torch: Any, job: Mapping[str, Any], module: Any, device: str) -> tuple[list[Any], dict[str, Any]]:
    """A batch of two for each input: those that were given, or what the first convolution takes."""
    plain, named = [], {}
    for name, shape in job["inputs"] or [["", _guess(torch, module)]]:
        one = torch.randn(2, *shape, device=device)
        if name:
            named[name] = one
        else:
            plain.append(one)
    return plain, named


def _guess(torch: Any, module: Any) -> list[int]:
    for one in module.modules():
        if isinstance(one, torch.nn.Conv2d):
            return [one.in_channels, 224, 224]
        if isinstance(one, torch.nn.Linear | torch.nn.Conv1d | torch.nn.Conv3d):
            break
    raise Fault("the size of its input is not known", help="give it: --input 3x224x224")


def _what(error: BaseException) -> str:
    kind, text = type(error).__name__, " ".join(str(error).split())
    if "DataDependent" in kind or "data-dependent" in text:
        return "the code branches on the numbers of a tensor, and a spec has no such branches"
    return f"the code failed: {kind}: {text}"[:MOST]


def _where(error: BaseException, torch_file: str) -> list[str]:
    """The innermost lines of the user's own code."""
    own = (
        os.path.dirname(torch_file) + os.sep,
        os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        + os.sep
        + "cnnspec"
        + os.sep,
    )
    frames = [
        f"{os.path.basename(one.filename)}:{one.lineno}, in {one.name}: {one.line}"[:200]
        for one in traceback.extract_tb(error.__traceback__)
        if not one.filename.startswith((*own, "<"))
    ]
    return frames[:-4:-1]
