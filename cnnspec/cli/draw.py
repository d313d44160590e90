"""`cnnspec draw`: a figure of a network."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from cnnspec.cli import FOUND
from cnnspec.cli.one_model import Opened, open_model
from cnnspec.cli.options import Choice, command, completing, form_of
from cnnspec.cli.terminal import Output, err, is_terminal, out, say
from cnnspec.diagnostics import Diagnostic
from cnnspec.diagnostics.printable import printable
from cnnspec.drawing.options import LOOKS, SCENES, STYLES, TEXTS
from cnnspec.files import NOWHERE, STDIN, read_source, write_whole

if TYPE_CHECKING:
    from cnnspec.drawing.colors import Palette
    from cnnspec.drawing.draw import Picture

FORMATS = SCENES + TEXTS
ENDINGS = {
    ".svg": "svg", ".tex": "tikz", ".tikz": "tikz", ".pdf": "pdf", ".png": "png", ".mmd": "mermaid",
    ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot",
}  # fmt: skip
POINTS = {"pt": 1.0, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4, "px": 0.75}
MAX_COLORS = 10_000
READABLE, MOST_WIDTH = 5.0, 10_000
"""In points: the smallest text that is easy to read on paper, and the largest width of a figure."""


def _width(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """`3.4in`, `86mm`, in points."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,4})?) *(pt|in|cm|mm|px)", value.strip())
    if match is None or not 10 <= (points := float(match[1]) * POINTS[match[2]]) <= MOST_WIDTH:
        raise click.BadParameter(f"{value!r}: expected a width such as 3.4in, 86mm or 245pt")
    return points


def _power(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    if value == "linear":
        return 1.0
    if not re.fullmatch(r"[01](?:\.[0-9]{1,4})?", value) or not 0 < float(value) <= 1:
        raise click.BadParameter(f"{value!r}: expected linear, or an exponent such as 0.5")
    return float(value)


def _colors(context: click.Context, parameter: click.Parameter, value: str) -> Palette:
    from cnnspec.drawing.colors import PALETTES, palette

    if value in PALETTES:
        return PALETTES[value]
    source, problem = read_source(value, MAX_COLORS)
    if problem is not None:
        raise click.BadParameter(f"{printable(value)}: {problem.message}; expected paper, grey or a file")
    colors = palette(source.text)
    if isinstance(colors, str):
        raise click.BadParameter(f"{printable(value)}: {colors}")
    return colors


@command("draw", *FORMATS, chosen=True)
@click.argument("file", required=False, shell_complete=completing("specs"))
@click.option("-o", "--output", metavar="OUT", help="The file to write; default: standard output.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--style", type=click.Choice(STYLES), default="flow", show_default=True, help="What is drawn.")
@click.option(
    "--look",
    type=click.Choice(LOOKS),
    help="For --style volumes: how volumes are drawn; default: chosen by the network.",
)
@click.option(
    "--expand",
    multiple=True,
    metavar="BLOCK|N",
    shell_complete=completing("blocks"),
    help="Draw this block in place, or the N outer levels of all.",
)
@click.option(
    "--collapse",
    multiple=True,
    metavar="BLOCK",
    shell_complete=completing("blocks"),
    help="Draw this block as one box.",
)
@click.option("--panels/--no-panels", default=True, help="For --style flow: a panel for each block, or none.")
@click.option(
    "--wrap",
    type=click.IntRange(1, 50),
    metavar="N",
    help="For --style flow: the network in N columns; default: as many as a page needs.",
)
@click.option("--width", metavar="3.4in", callback=_width, help="How wide the figure is on paper.")
@click.option(
    "--scale", "power", metavar="linear|P", callback=_power,
    help="For --style volumes: a side of length n is drawn as n, or as n to the power of P; default: "
    "by the look.",
)  # fmt: skip
@click.option(
    "--colors", default="paper", metavar="paper|grey|FILE", callback=_colors, help="Colours, or a TOML file."
)
def draw(file: str | None, output: str | None, force: bool, choice: Choice, to: Output, **how: Any) -> int:
    """Draw a figure of a spec.

    The ending of OUT chooses the format (.svg, .tex, .pdf, .png, .mmd, .dot), unless --format is given;
    default: SVG. FILE defaults to the only .cnn file of the current folder. If the spec has variants, the
    first is drawn unless --variant names another. Style `flow` shows the layers with blocks and repeats
    folded and a panel for each block, style `volumes` the tensors to scale.

    \b
    cnnspec draw zoo:resnet --variant ResNet50 -o resnet50.svg
    cnnspec draw zoo:vgg --style volumes --width 6.8in -o vgg.tex
    """
    opened = open_model(file, choice)
    Output("text", to.color).findings(opened.findings, opened.source)
    destination = None if output in (None, STDIN) else output
    form = form_of(to.form, destination, ENDINGS, "svg")
    if opened.model is None or not opened.model.buildable or opened.graph is None:
        return opened.status
    picture = _picture(opened, how, form)
    if isinstance(picture, Diagnostic):
        Output("text", to.color).findings([picture], opened.source)
        return FOUND
    err(_advice(picture.smallest, how))
    if destination is None:
        if isinstance(picture.written, str):
            out(picture.written)
        else:
            _binary(picture.written, form)
        return opened.status
    problem = write_whole(destination, picture.written, force=force, inputs=(opened.path,))
    if problem is not None:
        return Output("text", to.color).refuse(destination, problem)
    say(f"{printable(destination)}: written\n")
    return opened.status


def _advice(smallest: float | None, how: dict[str, Any]) -> str:
    """The help for a text that is too small to be read."""
    if smallest is None or smallest >= READABLE - 0.05:
        return ""
    width = how["width"] or 720.0
    wide = f"--width {width * READABLE / smallest / 72:.1f}in gives {READABLE:g} pt; "
    ways = {"volumes": "--collapse BLOCK or --style flow", "flow": "--no-panels or --wrap N"}
    return (
        f"note: the smallest text of this figure is {smallest:.1f} pt high at this width: "
        f"{wide if width * READABLE / smallest <= MOST_WIDTH else ''}{ways[how['style']]} may fit better\n"
    )


def _picture(opened: Opened, how: dict[str, Any], form: str) -> Picture | Diagnostic:
    from cnnspec.drawing.draw import picture
    from cnnspec.drawing.flow.diagram import TooLarge
    from cnnspec.drawing.options import Options

    levels = [one for one in how["expand"] if one.isdecimal()]
    options = Options(
        **how | {"expand": tuple(one for one in how["expand"] if one not in levels)},
        levels=max(map(int, levels), default=0),
    )
    graph = opened.graph
    assert graph is not None
    _known_blocks((*options.expand, *options.collapse), [block.name for block in graph.blocks])
    for missing in (f"cnnspec.drawing.writers.{form}", f"cnnspec.drawing.{options.style}"):
        if find_spec(missing) is None:
            raise click.UsageError(f"{missing.rpartition('.')[2]} cannot be drawn yet")
    try:
        return picture(graph, options, form)
    except TooLarge as much:
        advice = "--collapse BLOCK or less --expand gives fewer boxes"
        return Diagnostic("E609", f"the figure is too large: {much}", NOWHERE, help=advice)
    except ImportError as error:
        raise click.UsageError(
            f"{form} needs the package {error.name}, which is not installed: pip install 'cnnspec[draw]'"
        ) from None


def _known_blocks(names: tuple[str, ...], blocks: list[str]) -> None:
    from cnnspec.diagnostics.suggest import did_you_mean

    for name in names:
        if name not in blocks:
            known = f"there are {', '.join(blocks)}" if blocks else "the spec has no blocks"
            raise click.UsageError(
                f"there is no block {printable(name)!r}; {did_you_mean(name, blocks) or known}"
            )


def _binary(picture: bytes, form: str) -> None:
    if is_terminal(sys.stdout):
        raise click.UsageError(f"{form} is not text: name a file, -o figure.{form}")
    sys.stdout.flush()
    sys.stdout.buffer.write(picture)
