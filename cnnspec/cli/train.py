"""`cnnspec train`: trains a network with the settings of a recipe, by a generated program in a separate
process."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from cnnspec.cli import FOUND, INTERNAL, INTERRUPTED, OK, USAGE
from cnnspec.cli.job import failed
from cnnspec.cli.one_model import built, open_model
from cnnspec.cli.options import Choice, command, completing
from cnnspec.cli.recipe import TOML, Programs, beside, programs
from cnnspec.cli.terminal import Output, err
from cnnspec.diagnostics import Diagnostic
from cnnspec.diagnostics.printable import printable
from cnnspec.files import NOWHERE, ZOO, write_all
from cnnspec.pipeline import TARGETS

if TYPE_CHECKING:
    from subprocess import Popen

EXTRA = ("torch", "safetensors", "mlxtend", "numpy")
"""The packages of `pip install 'cnnspec[train]'`."""
CURVE = "curve.svg"
MADE = (
    "last.safetensors",
    "best.safetensors",
    "last.npz",
    "best.npz",
    "log.csv",
    "result.json",
    "model.onnx",
    CURVE,
)
"""The files of a run in its folder."""
LIBRARIES = {"torch": ("torch", "safetensors"), "numpy": ("numpy",)}
PATIENCE = 30
"""The most seconds that a program may take to end."""
LAUNCH = """\
import sys
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main
try:
    main()
except ChildFailedError as error:
    sys.exit(max(failure.exitcode for failure in error.failures.values()))
except SignalException as signal:
    sys.exit(128 + signal.sigval)
"""
"""The code that runs torchrun, with the exit status of the process that failed."""


def _of_the_recipe(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Options of other tools."""
    if value is not None:
        raise click.UsageError(
            "how to train is written in the recipe; `cnnspec explain recipe` lists its keys"
        )


@command("train", "text", "json")
@click.argument("file", shell_complete=completing("specs"))
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    default="torch",
    help="The library that the program uses.",
    show_default=True,
)
@click.option("--recipe", metavar="R.toml", help="The recipe; `cnnspec explain recipe` lists its keys.")
@click.option("-o", "--output", metavar="DIR", help="The folder of the run; default: runs/RECIPE.")
@click.option("--resume", is_flag=True, help="Continue from the last checkpoint in DIR, if there is one.")
@click.option("--force", is_flag=True, help="Start again in a folder that already contains a run.")
@click.option(
    "--processes",
    type=click.IntRange(1, 1024),
    default=1,
    metavar="N",
    help="Number of processes on this machine.",
)
@click.option(
    *("--epochs", "--lr", "--learning-rate", "--batch-size", "--optimizer", "--loss", "--dataset", "--seed"),
    hidden=True,
    help="What a recipe says; refused here.",
    expose_value=False,
    callback=_of_the_recipe,
)
def train(
    file: str,
    target: str,
    recipe: str | None,
    output: str | None,
    resume: bool,
    force: bool,
    processes: int,
    choice: Choice,
    to: Output,
) -> int:
    """Train a network with the settings of a recipe, with torch and safetensors or with NumPy.

    Writes net.py and train.py into DIR, as `build --recipe` does, and runs train.py there: log.csv has one
    line per epoch, best.safetensors (NumPy: best.npz) the weights of the best one. The exit status is 1 if
    the result is worse than the recipe expects. If a spec of the zoo comes with a recipe, it is the default.
    """
    recipe = recipe or beside(file)
    if recipe is None:
        raise click.UsageError("a recipe is missing: --recipe R.toml (`cnnspec explain recipe` shows one)")
    if resume and force:
        raise click.UsageError("--resume goes on, --force starts again: choose one")
    if processes > 1 and target == "numpy":
        raise click.UsageError("--processes needs --target torch")
    folder = output or os.path.join("runs", os.path.basename(recipe.removeprefix(ZOO)).removesuffix(TOML))
    build = built(open_model(file, choice), (target,))
    document = build.head() | {"output": folder, "result": None}
    to.findings(build.findings, build.source)
    if build.graph is None or not build.programs:
        to.document(document)
        return build.status
    training = programs(build, recipe, folder, target)
    if training.findings:
        return _refused(training, document, to)
    assert training.recipe is not None
    for package in (*LIBRARIES[target], *training.recipe.packages):
        if find_spec(package) is None:
            where = "'cnnspec[train]'" if package in EXTRA else {"PIL": "pillow"}.get(package, package)
            message = f"{package} is needed and is not installed: pip install {where}"
            return failed(message, document, to, USAGE)
    problem = _begin(folder, training, target, resume, force)
    if problem is not None:
        return to.refuse(*problem, document)
    if to.form == "text":
        err(f"{printable(os.path.join(folder, 'train.py'))}: started\n")
    status = _run(folder, resume, processes, to)
    _draw(folder, build.graph.name)
    result = _result(folder)
    if result is not None:
        status = (OK if result.get("ok") else FOUND) if build.status == OK else build.status
    elif status not in (USAGE, INTERRUPTED):
        return failed(f"train.py ended with status {status}", document, to, INTERNAL)
    to.document(document | {"ok": status == OK, "result": result})
    return status


def _refused(training: Programs, document: dict[str, Any], to: Output) -> int:
    from cnnspec.diagnostics.as_json import as_json

    to.findings(training.findings, training.source)
    document["diagnostics"] += [as_json(finding, training.source) for finding in training.findings]
    to.document(document)
    return training.status


def _begin(
    folder: str, training: Programs, target: str, resume: bool, force: bool
) -> tuple[str, Diagnostic] | None:
    """Write the programs; the files of an earlier run stay only if this one resumes it."""
    import shutil

    if (other := _foreign(folder)) is not None:
        message = f"this folder contains {other}, which train.py could import"
        return folder, Diagnostic("E704", message, NOWHERE, help="choose another -o")
    checkpoint = "last.safetensors" if target == "numpy" else "last.npz"
    if resume and os.path.exists(os.path.join(folder, checkpoint)):
        message = f"{checkpoint} is of a run with the other target"
        return folder, Diagnostic("E705", message, NOWHERE, help="--force starts again, or choose another -o")
    files = {os.path.join(folder, name): text for name, text in training.files.items()}
    problem = write_all(files, folder=folder, force=resume or force, inputs=(training.source.name,))
    if problem is not None:
        if problem[1].code == "E705":
            hint = "--resume goes on from its last checkpoint, --force starts again"
            problem = folder, Diagnostic("E705", "this folder has a run", NOWHERE, help=hint)
        return problem
    shutil.rmtree(os.path.join(folder, "__pycache__"), ignore_errors=True)
    for name in ("result.json",) if resume else MADE:
        try:
            os.unlink(os.path.join(folder, name))
        except FileNotFoundError:
            pass
        except OSError as error:
            return os.path.join(folder, name), Diagnostic(
                "E704", f"cannot remove it: {error.strerror}", NOWHERE
            )
    return None


def _foreign(folder: str) -> str | None:
    """A foreign module in the folder, which train.py would import in place of the installed one."""
    if not os.path.isdir(folder):
        return None
    for name in sorted(os.listdir(folder)):
        inside = os.path.join(folder, name)
        module = os.path.isfile(inside) and name.endswith((".py", ".pyc", ".so", ".pyd"))
        package = os.path.isdir(inside) and any(
            one.startswith("__init__.") for one in os.listdir(inside) if name != "__pycache__"
        )
        if package or (module and name not in ("net.py", "train.py")):
            return name
    return None


def _run(folder: str, resume: bool, processes: int, to: Output) -> int:
    """Run the training program until it ends or this process is interrupted; returns its exit status."""
    import subprocess

    line = [sys.executable, "-B", "-X", "utf8"]
    if processes > 1:
        line += ["-P", "-c", LAUNCH, "--standalone", f"--nproc-per-node={processes}"]
    line += [os.path.join(folder, "train.py"), *(["--resume"] if resume else [])]
    sys.stdout.flush()
    child = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=2 if to.form == "json" else None)
    try:
        return child.wait()
    except KeyboardInterrupt:  # the terminal interrupts the child, too
        return _ended(child, INTERRUPTED)
    finally:
        if child.poll() is None:
            child.terminate()
            _ended(child, INTERRUPTED)


def _ended(child: Popen[bytes], status: int) -> int:
    import subprocess

    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    return status


def _draw(folder: str, name: str) -> None:
    """Draw the curve of the log, if it can be read; a run is complete without it."""
    import csv

    from cnnspec.drawing.curve import curve
    from cnnspec.drawing.writers import svg

    try:
        with open(os.path.join(folder, "log.csv"), newline="", encoding="utf-8") as file:
            scene = curve(list(csv.DictReader(file)), f"Training of {name}")
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return
    write_all({os.path.join(folder, CURVE): svg.write(scene)}, folder=folder, force=True, inputs=())


def _result(folder: str) -> dict[str, Any] | None:
    try:
        with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
            result = json.load(file)
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) else None
