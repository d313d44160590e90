"""A recipe on the command line: it is read and checked against the network, and the two programs are
written."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from cnnspec.cli import FOUND, USAGE
from cnnspec.cli.one_model import Opened
from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.files import ZOO, read_source

if TYPE_CHECKING:
    from cnnspec.training.network import Network
    from cnnspec.training.read import Reading
    from cnnspec.training.recipe import Recipe

TOML = ".toml"


class Programs(NamedTuple):
    """The result of a recipe: the files of the run's folder by name, or the findings and the exit status."""

    source: Source
    findings: list[Diagnostic]
    files: dict[str, str]
    recipe: Recipe | None
    status: int


def programs(opened: Opened, path: str, folder: str, target: str) -> Programs:
    """`net.py` and `train.py` of a built network and a recipe, to be written into `folder`."""
    from cnnspec.training import numpy, program

    def files(recipe: Recipe, facts: Network, reading: Reading, data: str) -> dict[str, str]:
        graph, net = opened.graph, opened.programs[target]
        if graph is None or (target == "numpy" and numpy.refused(recipe, reading)):
            return {}
        data = os.path.relpath(data, folder) if data else ""
        emit = numpy.emit if target == "numpy" else program.emit
        return {"net.py": net, "train.py": emit(graph, facts, recipe, net, data)}

    return _made(opened, path, files)


def scoring(opened: Opened, path: str) -> Programs:
    """The program that reads a recipe's data and scores outputs (`data.py`), and the path of the data."""
    from cnnspec.training import numpy

    def files(recipe: Recipe, facts: Network, reading: Reading, data: str) -> dict[str, str]:
        if opened.graph is None:
            return {}
        return {"data.py": numpy.emit_data(opened.graph, facts, recipe), "path": data}

    return _made(opened, path, files)


def _made(
    opened: Opened, path: str, files: Callable[[Recipe, Network, Reading, str], dict[str, str]]
) -> Programs:
    """The files that `files` builds from a recipe that fits the network, or the findings about the recipe."""
    from cnnspec.training.network import network
    from cnnspec.training.read import MAX_BYTES, read

    place, problem = _place(path)
    source, unread = read_source(place, MAX_BYTES, path)
    problem = problem or unread
    if problem is not None:
        return Programs(source, [problem], {}, None, USAGE)
    recipe, reading = read(source)
    graph = opened.graph
    assert graph is not None
    facts = network(graph, recipe, reading) if recipe is not None else None
    made: dict[str, str] = {}
    if recipe is not None and facts is not None:
        data = getattr(recipe.data, "path", "")
        beside = "" if path.startswith(ZOO) else os.path.dirname(place)
        made = files(recipe, facts, reading, os.path.join(beside, data) if data else "")
    if not made:
        return Programs(source, list(reading.sink), {}, None, FOUND)
    return Programs(source, [], made, recipe, 0)


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
    recipe_name = path.removeprefix(ZOO)
    if recipe_name in recipes:
        return recipes[recipe_name], None
    near = did_you_mean(recipe_name, recipes) or f"there are {', '.join(recipes)}"
    return "", Diagnostic("E701", f"the zoo has no recipe {recipe_name}", NOWHERE, help=near)
