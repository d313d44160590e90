"""Runs a Python module and traces the network in it: `cnnspec import --run-python`. It is the user's own code
and has all of the user's rights. Its time and memory are limited, its output goes to the error stream, and
the parent checks the result before it is used."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cnnspec.running.worker.messages import MOST, Fault, Missing
from cnnspec.running.worker.module import BY_HAND, Absent, fitting, imported, made

MOST_TRACE = 200_000_000
"""The longest trace, in characters."""


def work(job: Mapping[str, Any], folder: str) -> dict[str, Any]:
    _limit(job["seconds"], job["memory"])
    try:
        import torch
    except ImportError as error:
        raise Missing("torch", str(error)) from None
    sys.path[:0] = [job["folder"], *job["python_path"]]
    torch.set_num_threads(1)
    absent = Absent()
    with _apart():
        try:
            trace = _traced(torch, job, absent)
        except (Fault, MemoryError):
            raise
        except BaseException as error:  # from the user's code, SystemExit too
            names = ", ".join(absent.names)
            way = f"not installed here, and left out: {names}; the network may need it" if names else ""
            raise Fault(_what(error), note="\n".join(_where(error, torch.__file__)), help=way) from None
    trace["notes"] += [
        f"{name} is not installed here; the network was made without it" for name in absent.names
    ]
    if len(json.dumps(trace)) > MOST_TRACE:
        raise Fault("the network is too large to be imported")
    return trace


def _limit(seconds: int, memory: int) -> None:
    """Stops the code when it exceeds these limits."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    timer = threading.Timer(seconds, os._exit, (TOO_LONG,))
    timer.daemon = True
    timer.start()


TOO_LONG = 124
"""The exit status when the time limit is exceeded."""


@contextmanager
def _apart() -> Iterator[None]:
    """Keeps the code's output out of the channel to the parent."""
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


def _traced(torch: Any, job: Mapping[str, Any], absent: Absent) -> dict[str, Any]:
    from cnnspec.sources.torch.export import traced

    device = job["device"]
    torch.manual_seed(0)
    if device == "cpu":
        _without_starts(torch)
    with torch.device(device):
        imported_module = imported(job["module"], job["folder"], absent)
        module = made(torch, imported_module, job["module"], job["name"], job["arguments"]).to(device)
        inputs, named = _inputs(torch, job, module, device)
        way = f"`--input` for each tensor, or `--input name=…`; {BY_HAND}"
        fitting("forward", module.forward, inputs, named, way)
        if any(torch.nn.parameter.is_lazy(parameter) for parameter in module.parameters()):
            with torch.no_grad():
                module.eval()(*inputs, **named)
        return traced(module, inputs, named)


def _without_starts(torch: Any) -> None:
    """Skips the initialisation of weights, which takes most of the time for a large module and is not
    needed."""
    for name in dir(torch.nn.init):
        if name.endswith("_") and not name.startswith("_"):
            setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)


def _inputs(torch: Any, job: Mapping[str, Any], module: Any, device: str) -> tuple[list[Any], dict[str, Any]]:
    """A batch of two for each input, of the given shape or of the shape that the first convolution takes."""
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
