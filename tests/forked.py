"""A process that has imported torch, and forks a process for each program that it is asked to run.

Importing torch takes seconds, most of what a small program needs. What is asked and answered is one
line of JSON each. The file is also the server's own program, and imports nothing of this project.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

SECONDS = 300
"""After so long a program is ended by a signal."""


def team(size: int) -> list[dict[str, str]]:
    """The environments that torchrun gives to so many processes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    same = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [same | {"RANK": str(rank)} for rank in range(size)]


def run(path: Path, arguments: tuple[str, ...], environments: list[dict[str, str]]) -> tuple[list[int], str]:
    """The program in a process for each environment, all at a time: their statuses, and what they printed.

    That goes through files beside the program.
    """
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    job = {"path": str(path), "arguments": arguments, "environments": environments}
    print(json.dumps(job), file=server.stdin, flush=True)
    statuses = json.loads(server.stdout.readline())
    written = [path.parent / f".{name}" for name in ("out", "err")]
    text = "".join(file.read_text() for file in written)
    for file in written:
        file.unlink()
    return statuses, text


@cache
def _server() -> subprocess.Popen[str]:
    """Each process that is forked has one thread, and cannot import cnnspec."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, "-W", "error::UserWarning:__main__", __file__],
        cwd="/",
        env={**clean, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


def _serve() -> None:
    import numpy
    import safetensors.torch
    import torch._dynamo  # the first step of an optimizer imports it

    assert all((numpy, safetensors, torch))
    sys.modules["cnnspec"] = None  # type: ignore[assignment]
    sys.path.pop(0)  # the folder of this file
    gc.freeze()
    for line in sys.stdin:
        job = json.loads(line)
        children = []
        for environment in job["environments"]:
            child = os.fork()
            if not child:
                _become(Path(job["path"]), job["arguments"], environment)
                return
            children.append(child)
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(json.dumps(statuses), flush=True)


def _become(path: Path, arguments: list[str], environment: dict[str, str]) -> None:
    """The program, as `python path arguments…` runs it; this process ends with it."""
    signal.alarm(SECONDS)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(path.parent / f".{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), descriptor)
    os.environ.update(environment)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.parent))
    runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    _serve()
