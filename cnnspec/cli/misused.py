"""Options and their values as other tools have them: which one was meant here."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from cnnspec.diagnostics.suggest import fold, nearest

_OPTIONS = {
    **dict.fromkeys(("input", "inputsize", "inputshape", "shape", "imgsize", "imagesize", "imgsz"), "--size"),
    **dict.fromkeys(("verbose", "layers", "full", "details", "unfold", "expand"), "--all"),
    **dict.fromkeys(("out", "outfile", "save", "saveto", "dest", "to"), "--output"),
    **dict.fromkeys(("overwrite", "yes", "replace"), "--force"),
    **dict.fromkeys(("framework", "backend", "language"), "--target"),
    **dict.fromkeys(("model", "arch", "config", "version"), "--variant"),
    **dict.fromkeys(("param", "define", "override", "var", "knob"), "--set"),
    **dict.fromkeys(("werror", "error", "failonwarning"), "--strict"),
    **dict.fromkeys(("disable", "skip", "exclude", "noqa", "nolint"), "--ignore"),
    **dict.fromkeys(("outputformat", "type", "as"), "--format"),
    **dict.fromkeys(("nocolor", "nocolour", "colour", "ansi"), "--color"),
    **dict.fromkeys(("lints", "hints", "suggestions"), "--advice"),
    **dict.fromkeys(("batchsize", "bs", "n"), "--batch"),
    **dict.fromkeys(("gradients", "backward", "gradient"), "--grad"),
    **dict.fromkeys(("checkpoint", "ckpt", "statedict", "pretrained"), "--weights"),
}
"""Options of other tools, and what they are here in the commands that have it."""
_VALUES = {"pytorch": "torch", "pt": "torch", "np": "numpy", "md": "markdown", "tex": "latex", "txt": "text"}
_CHOICE = re.compile(r"'(.*)' is not one of '")


def with_what_was_meant(error: click.ClickException) -> click.ClickException:
    """An error of the command line, with the option or the value that was most likely meant."""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        near = [f"'{option}'" for option in _options(error.option_name, error.ctx.command)]
        way = f"; did you mean {' or '.join(near)}?" if near else "."
        text = error.message  # click's, not a finding's
        return click.UsageError(f"{text.rstrip('.')}{way}", error.ctx)
    if isinstance(error, click.BadParameter) and error.param is not None:
        text = error.message
        kind, written = error.param.type, _CHOICE.match(text)
        if isinstance(kind, click.Choice) and written is not None:
            value = nearest(written[1], kind.choices, _VALUES)
            message = f"{text.rstrip('.')}; did you mean '{value}'?"
            return error if value is None else click.BadParameter(message, error.ctx, error.param)
    return error


def _options(written: str, command: click.Command) -> Iterator[str]:
    """The options of a command, at most three, that one which it does not have was meant for."""
    name = written.lstrip("-")
    own = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    longs = {long: one for one in own for long in one.opts if long.startswith("--")}
    if len(name) == 1:
        yield from [long for long in longs if long[2] == name.lower()][:3]
        return
    for long, option in longs.items():  # `--json`
        if isinstance(option.type, click.Choice):
            values = [_VALUES.get(fold(name), name.lower()), name]
            choice = next((value for value in values if value in option.type.choices), None)
            if choice is not None:
                yield f"{long} {choice}"
                return
    if _OPTIONS.get(fold(name)) in longs:
        yield _OPTIONS[fold(name)]
    elif (near := nearest(name, [long[2:] for long in longs])) is not None:
        yield f"--{near}"
