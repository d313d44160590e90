"""`cnnspec run`: an input through the NumPy program."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from cnnspec.cli import USAGE
from cnnspec.cli.findings import show_findings
from cnnspec.cli.one_model import Opened, built, open_model
from cnnspec.cli.options import chosen, color_option, format_option, model_options
from cnnspec.cli.terminal import out, out_document
from cnnspec.cli.unfinished import unfinished
from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.diagnostics.printable import printable
from cnnspec.files import EXISTS_ALREADY, NOWHERE, read_source, write_all

if TYPE_CHECKING:
    from cnnspec.ir import Graph
    from cnnspec.running.process import Outcome


def _number(text: str) -> float:
    """`0.485` or `1/255`; by floats, whose size has an end: 1e999999999 as a fraction would be worked out."""
    above, slash, below = text.partition("/")
    number = float(above) / float(below) if slash else float(above)
    if number - number != 0:
        raise ValueError("not finite")
    return number


def _scale(context: click.Context, parameter: click.Parameter, value: str) -> float:
    numbers = _numbers(context, parameter, value)
    if len(numbers) != 1:
        raise click.BadParameter("one number is wanted", context, parameter)
    return numbers[0]


def _numbers(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    try:
        return tuple(_number(one) for one in value.split(",")) if value else ()
    except (ValueError, ZeroDivisionError, OverflowError):
        raise click.BadParameter(
            f"{value!r}: numbers are wanted, as in 0.485,0.456,0.406 or 1/255", context, parameter
        ) from None


def _divisors(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    numbers = _numbers(context, parameter, value)
    if 0 in numbers:
        raise click.BadParameter("nothing can be divided by 0", context, parameter)
    return numbers


@click.command("run", short_help="an input through the NumPy program")
@click.argument("file")
@click.option(
    "--input",
    "given",
    multiple=True,
    metavar="[NAME=]FILE",
    help="A .npy array, a .csv (a row a line, planes apart by a blank line) or an image; NAME= where "
    "the spec has several inputs.",
)
@click.option("--random", is_flag=True, help="An input drawn from N(0, 1).")
@click.option(
    "--batch", type=click.IntRange(1, 10_000), default=1, metavar="N", help="Images to draw by --random."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Of all that is drawn.")
@click.option("--weights", metavar="FILE", help="A .safetensors file, or an .npz without pickles.")
@click.option("--resize", is_flag=True, help="Scale an image to the size that the spec wants.")
@click.option("--scale", default="1", metavar="X", callback=_scale, help="Multiply the input by X: 1/255.")
@click.option(
    "--mean", default="", metavar="A,B,C", callback=_numbers, help="Then subtract, a number a channel."
)
@click.option(
    "--std", default="", metavar="A,B,C", callback=_divisors, help="Then divide, a number a channel."
)
@click.option("--trace", is_flag=True, help="Show what every layer puts out.")
@click.option("--save-maps", metavar="DIR", help="Write every layer's feature maps as PNG sheets.")
@click.option(
    "--top", type=click.IntRange(min=1), default=5, metavar="K", help="Classes to list.", show_default=True
)
@click.option("--labels", metavar="FILE", help="The names of the classes, one a line.")
@click.option("-o", "--output", metavar="OUT", help="Write the output: .npy, or .npz for several.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@model_options
@format_option("text", "json")
@color_option
def command(file: str, form: str, color: str, **options: Any) -> int:
    """Run a spec's NumPy program on an input.

    It runs in a process of its own, in float32, without --weights on weights drawn by --seed. The numbers of
    an image are taken as they stand in the file, 0 to 255: networks trained on 0 to 1 want --scale 1/255.
    """
    choice = chosen(options)
    given, unnamed = options.pop("given"), options["random"]
    if not given and not unnamed:
        raise click.UsageError("say what goes in: --input FILE, or --random")
    if options["output"] is not None and os.path.splitext(options["output"])[1] not in (".npy", ".npz"):
        raise click.BadParameter("it ends in .npy, or in .npz", param_hint="--output")
    found = built(open_model(file, choice), ("numpy",))
    document, graph = found.head(), found.graph
    if form == "text":
        show_findings(found.findings, found.source, color)
    if graph is None or not found.programs:
        if form == "json":
            out_document(document)
        return found.status
    files = _files(given, graph, unnamed)
    if options["output"] and options["output"].endswith(".npy") and len(graph.outputs) > 1:
        raise click.UsageError(f"there are {len(graph.outputs)} outputs: -o wants an .npz for them")
    labels, problem = _labels(options["labels"], graph)
    problem = problem or _readable([*files.values(), *_given(options["weights"])])
    if problem is None and options["output"] and os.path.isfile(options["output"]) and not options["force"]:
        problem = options["output"], EXISTS_ALREADY
    if problem is not None:
        return _refuse(problem, document, form, color)
    return _run(found, graph, files, labels, document, form, color, options)


def _run(
    found: Opened,
    graph: Graph,
    files: dict[str, str],
    labels: list[str],
    document: dict[str, Any],
    form: str,
    color: str,
    options: dict[str, Any],
) -> int:
    from cnnspec.cli.progress import Progress
    from cnnspec.running.job import network
    from cnnspec.running.process import work

    weights = options["weights"]
    job = {
        **network(graph),
        "kind": "run",
        "files": {name: os.path.abspath(path) for name, path in files.items()},
        "weights_file": None if weights is None else os.path.abspath(weights),
        "smallest": _smallest(graph),
        "maps": options["save_maps"] is not None,
        **{
            name: options[name]
            for name in ("batch", "seed", "resize", "scale", "mean", "std", "trace", "top")
        },
    }
    with Progress("run") as progress, work(job, found.programs, progress) as outcome:
        if outcome.result is None:
            return unfinished(_as_given(outcome, files, weights), document, form, color)
        kept = (found.path, *files.values(), *_given(weights, options["labels"]))
        written, problem = _write(outcome, graph, options, kept)
        if problem is not None:
            return _refuse(problem, document, form, color)
    result = outcome.result
    for output in result["outputs"]:
        for image in output["top"]:
            for one in image:
                one["label"] = labels[one["class"]] if labels else None
    from cnnspec.cli.drawn import show
    from cnnspec.report.ran import as_document, as_text

    if form == "json":
        document["ok"] = not found.findings
        out_document(document | as_document(job, result, weights, written))
    else:
        show(as_text(job, result, found.source.name, graph.title, weights), color)
        for path in written:
            out(f"{printable(path)}: written\n")
    return found.status


def _files(given: Iterable[str], graph: Graph, random: bool) -> dict[str, str]:
    """The file of each input, by the input's name."""
    names = graph.inputs
    files: dict[str, str] = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not equals or (name not in names and os.path.exists(one)):
            if len(names) > 1:
                raise click.UsageError(
                    f"the spec has {len(names)} inputs: say which one {one!r} is, as in {names[0]}={one}"
                )
            name, path = names[0], one
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
        raise click.UsageError(
            f"nothing is given for the input {left[0]}: --input {left[0]}=FILE, or --random"
        )
    return files


def _given(*paths: str | None) -> list[str]:
    """Those that were given; an empty one (`--weights "$MISSING"`) is one that cannot be read."""
    return [path for path in paths if path is not None]


def _readable(paths: Iterable[str]) -> tuple[str, Diagnostic] | None:
    """Whether these are files; what is in them, the child finds out."""
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return path, Diagnostic("E701", f"this file cannot be read: {reason}", NOWHERE)
        if not stat.S_ISREG(mode):
            return path, Diagnostic("E702", "this is not a file to read", NOWHERE)
        if not os.access(path, os.R_OK):
            return path, Diagnostic("E701", "this file cannot be read: Permission denied", NOWHERE)
    return None


def _labels(path: str | None, graph: Graph) -> tuple[list[str], tuple[str, Diagnostic] | None]:
    if path is None:
        return [], None
    source, problem = read_source(path)
    if problem is not None:
        return [], (path, problem)
    labels = [line.strip() for line in source.text.splitlines() if line.strip()]
    root = graph.root
    shapes = [shape for value in root.outputs if (shape := root.values[value]) is not None]
    classes = {shape[0] for shape in shapes if shape[1:] in ((), (1, 1))}
    if classes and classes != {len(labels)}:
        wanted = " and ".join(map(str, sorted(classes)))
        return [], (
            path,
            Diagnostic("E708", f"these are {len(labels)} labels, for {wanted} classes", NOWHERE),
        )
    return labels, None


def _smallest(graph: Graph) -> list[bool]:
    """Of each output whether its numbers are distances."""
    from cnnspec.ir.flat import flat, flat_outputs

    ops = {entry.output: entry.op for entry in flat(graph)}
    return [getattr(ops.get(value), "smallest_wins", False) for value in flat_outputs(graph)]


def _as_given(outcome: Outcome, files: dict[str, str], weights: str | None) -> Outcome:
    """Messages name a file as it was given on the command line."""
    for path in (*files.values(), *_given(weights)):
        if os.path.abspath(path) == outcome.about:
            return outcome._replace(about=path)
    return outcome


def _write(
    outcome: Outcome, graph: Graph, options: dict[str, Any], kept: tuple[str, ...]
) -> tuple[list[str], tuple[str, Diagnostic] | None]:
    """The files that were asked for, all of them or none; never over one that was read (`kept`)."""
    assert outcome.result is not None
    contents: dict[str, bytes] = {}
    if options["output"]:
        arrays = {
            name: _bytes(outcome.folder, f"output{number}.npy") for number, name in enumerate(graph.outputs)
        }
        single = options["output"].endswith(".npy")
        contents[options["output"]] = arrays[graph.outputs[0]] if single else _npz(arrays)
    sheets = outcome.result["sheets"]
    folder = options["save_maps"]
    if folder is not None:
        for name in sheets:
            contents[os.path.join(folder, name)] = _bytes(outcome.folder, "maps", name)
    problem = write_all(contents, folder=folder, force=options["force"], inputs=kept)
    if problem is not None:
        return [], problem
    written = [options["output"]] if options["output"] else []
    if folder is not None:
        written.append(f"{os.path.join(folder, '')} ({len(sheets)} sheets)")
    return written, None


def _bytes(*path: str) -> bytes:
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def _npz(arrays: dict[str, bytes]) -> bytes:
    import io
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return made.getvalue()


def _refuse(problem: tuple[str, Diagnostic], document: dict[str, Any], form: str, color: str) -> int:
    path, finding = problem
    if form == "json":
        from cnnspec.diagnostics.as_json import as_json

        document["diagnostics"].append(as_json(finding, Source(path, "")))
        out_document(document)
    else:
        show_findings([finding], Source(path, ""), color)
    return USAGE
