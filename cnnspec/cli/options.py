"""Options that several commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cnnspec.cli.terminal import Output
from cnnspec.diagnostics.printable import printable
from cnnspec.elaborate.limits import DEEPEST, RECURSION, Limits
from cnnspec.files import MAX_BYTES

if TYPE_CHECKING:
    from cnnspec.diagnostics import Source
    from cnnspec.pipeline import Model

BUDGETS = {
    "layers": "layers, with all repeats unrolled",
    "weights": "weights of the network",
    "dimension": "the size of one dimension",
    "work": "evaluation steps (a repeated body counts once)",
    "digits": "digits of a number in an expression",
    "depth": "nesting of blocks, at most 200",
}
"""The fields of `Limits`, each with an option `--max-…`."""


class Choice(NamedTuple):
    """The choice of a model in a file, and its limits."""

    variant: str | None
    settings: dict[str, str]
    limits: Limits
    max_bytes: int

    def models(self, source: Source, **how: Any) -> list[Model]:
        """The chosen models of a spec."""
        from cnnspec.pipeline import models

        return models(source, variant=self.variant, settings=self.settings, limits=self.limits, **how)

    def limit_options(self) -> list[str]:
        """The limits as options of another command."""
        limits = {"bytes": self.max_bytes, **self.limits._asdict()}
        return [f"--max-{name}={value}" for name, value in limits.items()]


def _setting(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for value in values:
        name, _, expression = value.partition("=")
        if not name.strip() or not expression.strip():
            raise click.BadParameter(
                f"{value!r}: expected name=value, for example --set a=3/4", context, parameter
            )
        settings[name.strip()] = expression.strip()
    return settings


def _sizes(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """`--size` as entries of the settings: `input`, or `input left` where the input is named."""
    sizes: dict[str, str] = {}
    for value in values:
        name, _, size = value.rpartition("=")
        if not all(part.strip().isdecimal() for part in size.split("x")):
            raise click.BadParameter(
                f"{value!r}: expected a size such as 3x256x256, or name=size", context, parameter
            )
        sizes[f"input {name.strip()}".strip()] = "x".join(part.strip() for part in size.split("x"))
    return sizes


def codes(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    """The codes of lints; `W203,W204` is two codes."""
    if not values:
        return frozenset()
    from cnnspec.diagnostics import pages

    known_codes = frozenset(
        code.strip().upper() for value in values for code in value.split(",") if code.strip()
    )
    for code in sorted(known_codes):
        if code.startswith("E"):
            problem = f"{code} is an error; only lints (W…) can be ignored"
        elif not (len(code) == 4 and code[0] == "W" and code[1:].isdigit()):
            problem = f"{code!r} is not a code; a code looks like W203"
        elif pages.page(code) is None:
            problem = f"there is no code {code}; `cnnspec explain codes` lists all codes"
        else:
            continue
        raise click.BadParameter(problem, context, parameter)
    return known_codes


def completing(what: str) -> Callable[[click.Context, click.Parameter, str], list[Any]]:
    """A shell completion by the name of its function in completion.py, which is imported only when a shell
    asks for completions."""

    def complete(*asked: Any) -> list[Any]:
        from cnnspec.cli import completion

        items: list[Any] = getattr(completion, what)(*asked)
        return items

    return complete


MODEL = (
    click.Option(
        ["--variant"], metavar="NAME", help="The variant to use.", shell_complete=completing("variants")
    ),
    click.Option(
        ["--set", "settings"],
        multiple=True,
        metavar="NAME=VALUE",
        callback=_setting,
        help="Set a knob (a top-level `let`) to an expression. Claims are then not checked.",
    ),
    click.Option(
        ["--size", "sizes"],
        multiple=True,
        metavar="[NAME=]CxHxW",
        callback=_sizes,
        help="Use another input size than the spec's. Claims are then not checked.",
    ),
    click.Option(
        ["--max-bytes"],
        type=click.IntRange(min=1),
        metavar="N",
        default=MAX_BYTES,
        help="Limit: bytes of a spec.",
    ),
    *(
        click.Option(
            [f"--max-{name}"],
            type=click.IntRange(1, DEEPEST if name == "depth" else None),
            metavar="N",
            help=f"Limit: {what}.",
        )
        for name, what in BUDGETS.items()
    ),
)
COLOR = click.Option(
    ["--color"],
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    help="When to use colours; auto: on a terminal.",
)


def command(
    name: str, *formats: str, model: bool = True, chosen: bool = False
) -> Callable[[Callable[..., int]], click.Command]:
    """A command with the common options: `--format` (the first is the default, unless the command has
    `chosen` one by other options) and `--color`, passed as `to`; and those that choose a `model` and its
    limits, passed as `choice`."""
    form = click.Option(
        ["--format", "form"],
        type=click.Choice(formats),
        default=None if chosen else formats[0],
        help="Output format.",
        show_default=not chosen,
    )

    def decorate(function: Callable[..., int]) -> click.Command:
        @wraps(function)
        def run(form: str, color: str, **options: Any) -> int:
            if model:
                options["choice"] = _chosen(options)
            return function(to=Output(form, color), **options)

        command_ = click.command(name)(run)
        command_.params += [*(MODEL if model else ()), form, COLOR]
        return command_

    return decorate


def adding(options: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """A decorator that adds options to a command, in this order."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def form_of(name: str | None, destination: str | None, endings: Mapping[str, str], usual: str) -> str:
    """The format of `--format`, or that of the file's extension."""
    if name is not None or destination is None:
        return name or usual
    ending = os.path.splitext(destination)[1].lower()
    if ending not in endings:
        raise click.UsageError(
            f"no format has the ending of {printable(destination)}: use {', '.join(endings)}, or --format"
        )
    return endings[ending]


def _chosen(options: dict[str, Any]) -> Choice:
    """Take what `MODEL` adds out of a command's options."""
    budgets = {name: options.pop(f"max_{name}") for name in BUDGETS}
    if budgets["depth"] is not None:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 1000 + RECURSION * budgets["depth"]))
    return Choice(
        variant=options.pop("variant"),
        settings=options.pop("settings") | options.pop("sizes"),
        limits=Limits(**{name: value for name, value in budgets.items() if value is not None}),
        max_bytes=options.pop("max_bytes"),
    )
