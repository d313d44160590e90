"""A recipe on the command line: read, checked against the network, and the two programs that come of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cnnspec.cli import FOUND, USAGE
from cnnspec.cli.one_model import Opened
from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.files import ZOO, read_source

if TYPE_CHECKING:
    from cnnspec.training.recipe import Recipe

TOML = ".toml"


class Programs(NamedTuple):
    """What a recipe came to: the files of the run's folder by name, or what is wrong with it, and then the
    exit status."""

    source: Source
    findings: list[Diagnostic]
    files: dict[str, str]
    recipe: Recipe | None
    status: int


def programs(found: Opened, path: str, folder: str, target: str) -> Programs:
    """`net.py` and `train.py` of a built network and a recipe, to be written into `folder`."""
    from cnnspec.training import numpy, program
    from cnnspec.training.network import network
    from cnnspec.training.read import MAX_BYTES, read

    place, problem = _place(path)
    source, unread = read_source(place, MAX_BYTES, path)
    problem = problem or unread
    if problem is not None:
        return Programs(source, [problem], {}, None, USAGE)
    recipe, reading = read(source)
    graph = found.graph
    assert graph is not None
    facts = network(graph, recipe, reading) if recipe is not None else None
    if recipe is None or facts is None or (target == "numpy" and numpy.refused(recipe, facts, reading)):
        return Programs(source, list(reading.sink), {}, None, FOUND)
    net = found.programs[target]
    data = getattr(recipe.data, "path", "")
    if data:
        beside = "" if path.startswith(ZOO) else os.path.dirname(place)
        data = os.path.relpath(os.path.join(beside, data), folder)
    emit = numpy.emit if target == "numpy" else program.emit
    files = {"net.py": net, "train.py": emit(graph, facts, recipe, net, data)}
    return Programs(source, [], files, recipe, 0)


def beside(argument: str) -> str | None:
    """The recipe that ships beside a spec of the zoo."""
    path, problem = _place(argument) if argument.startswith(ZOO) else ("", None)
    return argument if path and problem is None else None


def _place(path: str) -> tuple[str, Diagnostic | None]:
    """Where a recipe is; `zoo:NAME` is the one beside that spec."""
    if not path.startswith(ZOO):
        return path, None
    from cnnspec.diagnostics.suggest import did_you_mean
    from cnnspec.files import NOWHERE
    from cnnspec.resources import zoo

    recipes = {
        name: stem + TOML
        for name, spec in zoo().items()
        if os.path.isfile((stem := os.path.splitext(spec)[0]) + TOML)
    }
    wanted = path.removeprefix(ZOO)
    if wanted in recipes:
        return recipes[wanted], None
    near = did_you_mean(wanted, recipes) or f"there are {', '.join(recipes)}"
    return "", Diagnostic("E701", f"the zoo has no recipe {wanted}", NOWHERE, help=near)
