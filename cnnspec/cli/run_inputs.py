"""What a network is run on: input files or numbers drawn by chance, and weights. The options of `run` and of
`explain --at`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cnnspec.cli.options import adding
from cnnspec.diagnostics import Diagnostic
from cnnspec.files import STDIN, unreadable

if TYPE_CHECKING:
    from cnnspec.ir.graph import Graph
    from cnnspec.running.process import Outcome


def _number(text: str) -> float:
    """`0.485` or `1/255`; a float has a limit; 1e999999999 as a fraction has a billion digits."""
    above, slash, below = text.partition("/")
    number = float(above) / float(below) if slash else float(above)
    if number - number != 0:
        raise ValueError("not finite")
    return number


def _numbers(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    try:
        numbers = tuple(_number(one) for one in value.split(",")) if value else ()
    except (ValueError, ZeroDivisionError, OverflowError):
        raise click.BadParameter(
            f"{value!r}: expected numbers, as in 0.485,0.456,0.406 or 1/255", context, parameter
        ) from None
    if parameter.name == "scale" and len(numbers) != 1:
        raise click.BadParameter("expected one number", context, parameter)
    if parameter.name == "std" and 0 in numbers:
        raise click.BadParameter("a divisor cannot be 0", context, parameter)
    return numbers


OPTIONS = (
    click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="[NAME=]FILE",
        help="A .npy array, a .csv (one line per row, a blank line between planes) or an image; NAME= if the "
        "spec has several inputs; `-` is standard input.",
    ),
    click.option("--random", is_flag=True, help="Draw the input from N(0, 1)."),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="Seed of random numbers.",
    ),
    click.option("--weights", metavar="FILE", help="Weights: .safetensors, or .npz without pickles."),
    click.option("--resize", is_flag=True, help="Scale an image to the spec's input size."),
    click.option(
        "--scale", default="1", metavar="X", callback=_numbers, help="Multiply the input by X: 1/255."
    ),
    click.option(
        "--mean",
        default="",
        metavar="A,B,C",
        callback=_numbers,
        help="Then subtract A,B,C, one number per channel.",
    ),
    click.option(
        "--std",
        default="",
        metavar="A,B,C",
        callback=_numbers,
        help="Then divide by A,B,C, one number per channel.",
    ),
)


class RunInputs(NamedTuple):
    """The inputs, weights and scaling that these options name; `job` is that part of a job."""

    files: dict[str, str]
    weights: str | None
    job: dict[str, Any]

    @property
    def read(self) -> list[str]:
        """The files that are read."""
        inputs = [path for path in self.files.values() if path != STDIN]
        return inputs if self.weights is None else [*inputs, self.weights]

    @contextmanager
    def stored(self) -> Iterator[dict[str, str]]:
        """The input files; standard input, which the child cannot read, is copied to one."""
        if not reads_stdin(self.files.values()):
            yield self.files
            return
        import tempfile

        with tempfile.TemporaryDirectory(prefix="cnnspec-") as folder:
            data = sys.stdin.buffer.read() if sys.stdin is not None else b""
            suffix = next((suffix for begin, suffix in BEGINNINGS.items() if data.startswith(begin)), ".csv")
            path = os.path.join(folder, COPY + suffix)
            with open(path, "wb") as file:
                file.write(data)
            yield {
                name: path if stored_path == STDIN else stored_path
                for name, stored_path in self.files.items()
            }

    def named(self, outcome: Outcome) -> Outcome:
        """A finding about the copy of standard input is about `<stdin>`."""
        copied = os.path.basename(outcome.about).startswith(COPY) and outcome.about not in self.files.values()
        return outcome._replace(about="<stdin>") if copied else outcome


def problem_of(paths: Iterable[str]) -> tuple[str, Diagnostic] | None:
    """The first of these files that cannot be read."""
    findings = ((path, unreadable(path)) for path in paths)
    return next(((path, finding) for path, finding in findings if finding is not None), None)


COPY = "cnnspec-standard-input"
BEGINNINGS = {b"\x93NUMPY": ".npy", b"\x89PNG": ".png", b"\xff\xd8": ".jpg", b"BM": ".bmp", b"GIF8": ".gif"}
"""How a file begins, and the suffix of its format; what begins otherwise is a table (.csv)."""


def reads_stdin(inputs: Iterable[str]) -> bool:
    """Whether one of the `--input`s is standard input."""
    from_stdin = [input_ for input_ in inputs if input_.rpartition("=")[2] == STDIN]
    if len(from_stdin) > 1:
        raise click.UsageError("standard input can be read only once")
    return bool(from_stdin)


takes_inputs = adding(OPTIONS)
"""Adds these options to a command."""


def run_inputs(options: dict[str, Any], graph: Graph) -> RunInputs:
    """Take these options out of a command's; wrong use of them ends the command."""
    random, weights = options.pop("random"), options.pop("weights")
    files = _files(options.pop("inputs"), graph.inputs, random)
    names = ("seed", "resize", "scale", "mean", "std")
    job = {"batch": 1, "files": files, "weights_file": weights} | {name: options.pop(name) for name in names}
    return RunInputs(files, weights, job | {"scale": job["scale"][0]})


def _files(values: Iterable[str], names: tuple[str, ...], random: bool) -> dict[str, str]:
    """The file of each input, by the input's name."""
    files: dict[str, str] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not equals or (name not in names and os.path.exists(value)):
            if len(names) > 1:
                raise click.UsageError(
                    f"the spec has {len(names)} inputs: name the one for {value!r}, as in {names[0]}={value}"
                )
            name, path = names[0], value
        if name not in names:
            from cnnspec.diagnostics.suggest import did_you_mean

            near = (
                did_you_mean(name, names) or f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}"
            )
            raise click.UsageError(f"the spec has no input {name!r}; {near}")
        if name in files:
            raise click.UsageError(f"the input {name} is given twice")
        files[name] = path
    left = [name for name in names if name not in files]
    if left and not random:
        if len(names) == 1:
            raise click.UsageError("an input is missing: --input FILE, or --random")
        raise click.UsageError(f"the input {left[0]} is missing: --input {left[0]}=FILE, or --random")
    return files
