"""The network in a Python module as a layer list. The module runs in the child process, first on the meta
device, which needs little memory and time, then on the CPU, each time in a new process."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from cnnspec.diagnostics import Diagnostic
from cnnspec.diagnostics.diagnostic import WHOLE_FILE
from cnnspec.ops.base import Shape
from cnnspec.running.process import Outcome, Progress, work
from cnnspec.sources.calls.trace import Trace, Untrue, read
from cnnspec.sources.calls.translate import NeedsValues, layers_of
from cnnspec.sources.layers import LayerList

SECONDS = 600
GIGABYTES = 16


class TraceRequest(NamedTuple):
    """`--run-python my.nets:ResNet --args … --input …`. arguments: a list, or by name."""

    module: str
    name: str
    arguments: list[Any] | Mapping[str, Any]
    inputs: tuple[tuple[str, Shape], ...]
    seconds: int = SECONDS
    memory: int = GIGABYTES


class Traced(NamedTuple):
    """The network, with the findings about it; or, without one, the finding or outcome that is the reason."""

    layers: LayerList | None = None
    trace: Trace | None = None
    finding: Diagnostic | None = None
    outcome: Outcome | None = None
    wrong: tuple[Diagnostic, ...] = ()


def traced(request: TraceRequest, progress: Progress) -> Traced:
    """The network of a module, from the first device on which it can be exported."""
    result = Traced()
    for device in ("meta", "cpu"):
        result = _tried(request, device, progress)
        if result.layers is not None or (result.outcome is not None and result.outcome.missing is not None):
            return result
    return result


def _tried(request: TraceRequest, device: str, progress: Progress) -> Traced:
    job = {
        "kind": "trace",
        "module": request.module,
        "name": request.name,
        "arguments": request.arguments,
        "inputs": [[name, list(shape)] for name, shape in request.inputs],
        "device": device,
        "folder": os.getcwd(),
        "python_path": [
            os.path.abspath(one) for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one
        ],
        "seconds": request.seconds,
        "memory": request.memory << 30,
    }
    progress(f"{request.name} on {device}", 0, 1)
    start = time.monotonic()
    with work(job, {}, progress, seconds=request.seconds + 10) as outcome:
        if outcome.finding is not None:
            return Traced(finding=outcome.finding._replace(code="E811"))
        if outcome.result is None:
            return _stopped(request, outcome, time.monotonic() - start)
        plain = outcome.result
    try:
        trace = read(plain)
        return Traced(layers_of(trace), trace)
    except NeedsValues as reason:
        return Traced(finding=_finding(f"the code failed: {reason}"))
    except Untrue as error:
        return Traced(finding=_finding(f"what the code gave back is not a network: {error}"))


def _stopped(request: TraceRequest, outcome: Outcome, seconds: float) -> Traced:
    if outcome.missing is not None:
        return Traced(outcome=outcome)
    if seconds >= request.seconds:
        return Traced(
            finding=_finding(
                f"the code was stopped after {request.seconds} seconds",
                f"`--max-seconds {2 * request.seconds}` gives it more time",
            )
        )
    if outcome.memory:
        return Traced(
            finding=_finding(
                f"the code was stopped: not enough memory ({request.memory} GB are allowed)",
                f"a smaller --input, or `--max-memory {2 * request.memory}`",
            )
        )
    return Traced(finding=_finding(f"the code ended without a result: {outcome.failed}"))


def _finding(message: str, help: str = "") -> Diagnostic:
    return Diagnostic("E811", message, WHOLE_FILE, help=help)
