"""`cnnspec` itself: the list of commands, each loaded when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from keyword import iskeyword

import click

from cnnspec import __version__
from cnnspec.cli.terminal import width_of, wrapped

COMMANDS = {
    "check": "report findings, the layer table, totals and claims",
    "build": "write a standalone PyTorch or NumPy program",
    "run": "run an input through the NumPy program",
    "train": "train a network with the settings of a recipe",
    "verify": "compare the PyTorch and the NumPy program",
    "explain": "show how numbers are computed, or the page of a code or a word",
    "sizes": "list the input sizes that fit, and the output size as a formula",
    "draw": "draw a figure of a spec: SVG, TikZ, PDF, PNG, Mermaid or dot",
    "diff": "show what changed between two specs",
    "table": "print a network as the table of a paper",
    "import": "write the spec of a PyTorch module that you have",
    "fmt": "rewrite specs in their canonical form",
    "zoo": "list the shipped specs, or print one to start from",
    "schema": "print the JSON schema of `check --format json` or of the IR, or cnnspec.sty",
}
"""Each is a function in the file of its name (`import`, a keyword of Python, in `import_`)."""

ELSEWHERE = {
    **dict.fromkeys(("compile", "export", "generate", "emit"), "build"),
    **dict.fromkeys(("lint", "summary", "show", "validate", "info"), "check"),
    **dict.fromkeys(("plot", "figure", "visualize", "render"), "draw"),
    **dict.fromkeys(("convert", "load", "parse"), "import"),
    **dict.fromkeys(("fit", "learn"), "train"),
    **dict.fromkeys(("predict", "eval", "forward", "infer"), "run"),
    **dict.fromkeys(("format",), "fmt"),
    **dict.fromkeys(("list", "models"), "zoo"),
    **dict.fromkeys(("compare",), "diff"),
}
"""Commands of other tools."""


def named(command: str) -> str:
    """The name of a command's file and function."""
    return f"{command}_" if iskeyword(command) else command


class Help(click.HelpFormatter):
    """Help as wide as the terminal, at most 80 columns; an example that is wider is wrapped."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None):
        self.room = min(width_of(sys.stdout) or 80, 80)
        super().__init__(indent_increment, max(self.room - 2, 16), max_width)

    def getvalue(self) -> str:
        return "\n".join(wrapped(line, self.room) for line in super().getvalue().split("\n"))


click.Context.formatter_class = Help


class Commands(click.Group):
    """A group that imports a command's file only when that command is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = named(cmd_name)
        command = getattr(import_module(f"cnnspec.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from cnnspec.diagnostics.suggest import nearest
            from cnnspec.files import ZOO, document_named

            near = ELSEWHERE.get(args[0].lower()) or nearest(args[0], COMMANDS)
            if args[0].startswith(ZOO) or args[0].endswith(".cnn") or document_named(args[0]) is not None:
                near = f"check {args[0]}"
            elif args[0] in ("help", "version"):
                near = f"--{args[0]}"
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

    Write a network as the table of a paper does. cnnspec checks every shape, weight count and claim, and
    builds a PyTorch or NumPy program from it.
    """
