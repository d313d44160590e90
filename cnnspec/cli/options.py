"""Options that several commands share, and what they become."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from cnnspec.elaborate.limits import Limits

Command = TypeVar("Command", bound=Callable[..., Any])

BUDGETS = {
    "layers": "layers after all repeats",
    "weights": "weights in all",
    "dimension": "the size of a dimension",
    "work": "steps worked out, whatever is repeated",
    "digits": "digits of a number that an expression makes",
    "depth": "blocks within blocks, at most 200",
}
"""The fields of `Limits`, each with an option `--max-…`."""


class Choice(NamedTuple):
    """Which model of a file is meant, and how far it may go."""

    variant: str | None
    settings: dict[str, str]
    limits: Limits
    max_bytes: int


def _setting(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for value in values:
        name, equals, expression = value.partition("=")
        if not equals or not name.strip() or not expression.strip():
            raise click.BadParameter(
                f"{value!r}: write it as name=value, as in --set a=3/4", context, parameter
            )
        settings[name.strip()] = expression.strip()
    return settings


def _codes(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    codes = frozenset(code.strip().upper() for value in values for code in value.split(",") if code.strip())
    for code in sorted(codes):
        if code.startswith("E"):
            raise click.BadParameter(
                f"{code} is an error; only lints (W…) can be ignored", context, parameter
            )
        if not (len(code) == 4 and code[0] == "W" and code[1:].isdigit()):
            raise click.BadParameter(f"{code!r} is no code; they look like W203", context, parameter)
        from cnnspec.diagnostics import pages

        if pages.page(code) is None:
            raise click.BadParameter(
                f"there is no {code}; `cnnspec explain codes` lists them", context, parameter
            )
    return codes


def model_options(command: Command) -> Command:
    """`--variant`, `--set` and the budgets; the command gets them as `choice` by `chosen`."""
    from cnnspec.elaborate.limits import DEEPEST
    from cnnspec.files import MAX_BYTES

    for option in (
        *(
            click.option(
                f"--max-{name}",
                type=click.IntRange(1, DEEPEST if name == "depth" else None),
                metavar="N",
                help=f"Budget: {what}.",
            )
            for name, what in reversed(BUDGETS.items())
        ),
        click.option(
            "--max-bytes",
            type=click.IntRange(min=1),
            metavar="N",
            default=MAX_BYTES,
            help="Budget: bytes of a spec.",
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="NAME=VALUE",
            callback=_setting,
            help="Set a knob, a top-level `let`; VALUE is an expression. Claims are not checked then.",
        ),
        click.option("--variant", metavar="NAME", help="The variant of the spec to take."),
    ):
        command = option(command)
    return command


def lint_options(command: Command) -> Command:
    """`--ignore`, `--advice`, `--strict`."""
    for option in (
        click.option("--strict", is_flag=True, help="Exit with 1 on a warning too."),
        click.option("--advice", is_flag=True, help="Show the advice, not only how much there is."),
        click.option(
            "--ignore",
            multiple=True,
            metavar="CODE",
            callback=_codes,
            help="Leave out a lint (W203); may be repeated, or W203,W204.",
        ),
    ):
        command = option(command)
    return command


def format_option(*formats: str) -> Callable[[Command], Command]:
    """`--format`, the first being what is taken without it."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        default=formats[0],
        help="How to put it.",
        show_default=True,
    )


def color_option(command: Command) -> Command:
    """`--color auto|always|never`."""
    return click.option(
        "--color",
        type=click.Choice(("auto", "always", "never")),
        default="auto",
        help="Colours; auto: on a terminal.",
    )(command)


def chosen(options: dict[str, Any]) -> Choice:
    """Take what `model_options` added out of a command's options."""
    import sys

    from cnnspec.elaborate.limits import RECURSION, Limits

    budgets = {name: options.pop(f"max_{name}") for name in BUDGETS}
    if budgets["depth"] is not None:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 1000 + RECURSION * budgets["depth"]))
    return Choice(
        variant=options.pop("variant"),
        settings=options.pop("settings"),
        limits=Limits(**{name: value for name, value in budgets.items() if value is not None}),
        max_bytes=options.pop("max_bytes"),
    )
