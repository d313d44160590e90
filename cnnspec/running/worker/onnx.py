"""Reads an ONNX file: `cnnspec import model.onnx`. The parent process checks the result before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from cnnspec.running.worker.messages import Fault, Missing, reading

MOST_MEMORY = 16 << 30


def work(job: Mapping[str, Any], folder: str) -> dict[str, Any]:
    from cnnspec.sources.calls.trace import plain

    with suppress(ImportError, ValueError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    with reading("E811", job["file"]):
        return plain(_read(job["file"], job["inputs"])[0])


def arrays(path: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """The weights of a file, by their names in its trace."""
    arrays_: dict[str, np.ndarray[Any, Any]] = _read(path, inputs)[1]
    return arrays_


def _read(path: str, inputs: Mapping[str, Any]) -> Any:
    try:
        from cnnspec.sources.onnx.convert import convert
        from cnnspec.sources.onnx.model import Refused, load
    except ImportError as error:
        raise Missing("onnx", str(error)) from None
    try:
        return convert(load(path), {name: tuple(shape) for name, shape in inputs.items()})
    except Refused as why:
        raise Fault(str(why), help=_HELP if "say its size" in str(why) else "") from None


_HELP = "give it: `--input 3x224x224`, or `--input NAME=3x224x224` where there are several"
