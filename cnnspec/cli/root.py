"""`cnnspec` itself: the list of commands, each loaded when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from cnnspec import __version__

COMMANDS = {
    "check": "every finding, the layer table, totals and claims",
    "build": "a standalone PyTorch or NumPy program",
    "run": "an input through the NumPy program",
    "verify": "the torch and the NumPy program compared",
    "explain": "one layer worked out; the page of a finding or a layer",
    "fmt": "the canonical form of a spec",
    "zoo": "the shipped specs: all, or one to start from",
    "schema": "the JSON schema of `check --format json` and of the IR",
}
"""Each stands in the file of its name."""


class Commands(click.Group):
    """A group that imports a command's file only when that command is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"cnnspec.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from cnnspec.diagnostics.suggest import nearest

            near = nearest(args[0], COMMANDS)
            if near is not None:
                ctx.fail(f"No such command {args[0]!r}; did you mean {near!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cnnspec")
def root() -> None:
    """A compiler for convolutional networks.

    Write the network as the paper's table does; cnnspec checks every shape, weight count and claim, and
    builds a PyTorch or NumPy program from it.
    """
