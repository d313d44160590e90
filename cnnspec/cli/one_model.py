"""The one model that a command is about: its spec found, read, and worked out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.options import Choice
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.files import NOWHERE, named, read_source

if TYPE_CHECKING:
    from cnnspec.pipeline import Model


class Opened(NamedTuple):
    """`model` is None where the spec can't be had. `errors` are all that is wrong; `status` is what they
    ask for.
    """

    path: str
    source: Source
    model: Model | None
    errors: list[Diagnostic]
    status: int


def open_model(argument: str | None, choice: Choice) -> Opened:
    """A spec's first model, or the variant chosen; None stands for the only `.cnn` of this folder."""
    found = _the_spec(argument)
    if isinstance(found, Diagnostic):
        name = os.curdir if argument is None else argument
        return Opened(name, Source(name, ""), None, [found], USAGE)
    path, name = found
    source, problem = read_source(path, choice.max_bytes, name)
    if problem is not None:
        return Opened(path, source, None, [problem], FOUND if problem.code == "E703" else USAGE)

    from cnnspec.pipeline import misuse, models

    (model,) = models(
        source,
        variant=choice.variant,
        settings=choice.settings,
        limits=choice.limits,
        first=True,
        lints=False,
    )
    errors = [finding for finding in model.findings if finding.severity is Severity.ERROR]
    return Opened(path, source, model, errors, USAGE if misuse(model) else FOUND if errors else OK)


def _the_spec(argument: str | None) -> tuple[str, str] | Diagnostic:
    """The path of the one spec that is meant, and the name that messages give it."""
    if argument is None:
        return _only_spec()
    pairs, problem = named(argument)
    if problem is not None:
        return problem
    return pairs[0] if len(pairs) == 1 else _several([path for path, _ in pairs])


def _only_spec() -> tuple[str, str] | Diagnostic:
    """The only `.cnn` of the current folder."""
    try:
        here = sorted(name for name in os.listdir(".") if name.endswith(".cnn"))
    except OSError as error:
        return Diagnostic("E701", f"the current folder cannot be read: {error.strerror}", NOWHERE)
    if len(here) == 1:
        return here[0], here[0]
    if here:
        return _several(here)
    return Diagnostic(
        "E706",
        "no .cnn file is in the current folder",
        NOWHERE,
        help="name one, or `zoo:resnet` from the zoo",
    )


def _several(paths: list[str]) -> Diagnostic:
    listed = ", ".join(paths[:20]) + (", …" if len(paths) > 20 else "")
    return Diagnostic("E706", f"{len(paths)} .cnn files are here: {listed}", NOWHERE, help="name one of them")
