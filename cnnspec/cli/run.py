"""`cnnspec run`: an input through the NumPy program."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from cnnspec.cli.job import Progress, unfinished
from cnnspec.cli.one_model import built, open_model
from cnnspec.cli.options import Choice, command
from cnnspec.cli.terminal import Output, say
from cnnspec.diagnostics import Diagnostic
from cnnspec.diagnostics.printable import printable
from cnnspec.files import EXISTS_ALREADY, NOWHERE, read_source, unreadable, write_all

if TYPE_CHECKING:
    from cnnspec.ir.graph import Graph
    from cnnspec.running.process import Outcome


def _number(text: str) -> float:
    """`0.485` or `1/255`; by floats, whose size has an end: 1e999999999 as a fraction would be worked out."""
    above, slash, below = text.partition("/")
    number = float(above) / float(below) if slash else float(above)
    if number - number != 0:
        raise ValueError("not finite")
    return number


def _numbers(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    try:
        numbers = tuple(_number(one) for one in value.split(",")) if value else ()
    except (ValueError, ZeroDivisionError, OverflowError):
        raise click.BadParameter(
            f"{value!r}: numbers are wanted, as in 0.485,0.456,0.406 or 1/255", context, parameter
        ) from None
    if parameter.name == "scale" and len(numbers) != 1:
        raise click.BadParameter("one number is wanted", context, parameter)
    if parameter.name == "std" and 0 in numbers:
        raise click.BadParameter("nothing can be divided by 0", context, parameter)
    return numbers


@command("run", "text", "json")
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
@click.option("--scale", default="1", metavar="X", callback=_numbers, help="Multiply the input by X: 1/255.")
@click.option(
    "--mean", default="", metavar="A,B,C", callback=_numbers, help="Then subtract, a number a channel."
)
@click.option(
    "--std", default="", metavar="A,B,C", callback=_numbers, help="Then divide, a number a channel."
)
@click.option("--trace", is_flag=True, help="Show what every layer puts out.")
@click.option("--save-maps", metavar="DIR", help="Write every layer's feature maps as PNG sheets.")
@click.option(
    "--top", type=click.IntRange(min=1), default=5, metavar="K", help="Classes to list.", show_default=True
)
@click.option("--labels", metavar="FILE", help="The names of the classes, one a line.")
@click.option("-o", "--output", metavar="OUT", help="Write the output: .npy, or .npz for several.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def run(
    file: str,
    given: tuple[str, ...],
    random: bool,
    labels: str | None,
    weights: str | None,
    output: str | None,
    save_maps: str | None,
    force: bool,
    choice: Choice,
    to: Output,
    **options: Any,
) -> int:
    """Run a spec's NumPy program on an input.

    It runs in a process of its own, in float32, without --weights on weights drawn by --seed. The numbers of
    an image are taken as they stand in the file, 0 to 255: networks trained on 0 to 1 want --scale 1/255.
    """
    if not given and not random:
        raise click.UsageError("say what goes in: --input FILE, or --random")
    if output is not None and os.path.splitext(output)[1] not in (".npy", ".npz"):
        raise click.BadParameter("it ends in .npy, or in .npz", param_hint="--output")
    found = built(open_model(file, choice), ("numpy",))
    document, graph = found.head(), found.graph
    to.findings(found.findings, found.source)
    if graph is None or not found.programs:
        to.document(document)
        return found.status
    files = _files(given, graph, random)
    if output and output.endswith(".npy") and len(graph.outputs) > 1:
        raise click.UsageError(f"there are {len(graph.outputs)} outputs: -o wants an .npz for them")
    names, problem = _labels(labels, graph)
    read = [path for path in (*files.values(), weights) if path is not None]
    for path in read:
        finding = unreadable(path)
        if problem is None and finding is not None:
            problem = path, finding
    if problem is None and output and os.path.isfile(output) and not force:
        problem = output, EXISTS_ALREADY
    if problem is not None:
        return to.refuse(*problem, document)

    from cnnspec.report.ran import as_document, as_text
    from cnnspec.running.job import network
    from cnnspec.running.process import work

    job = {
        **network(graph),
        "kind": "run",
        "files": files,
        "weights_file": weights,
        "smallest": _smallest(graph),
        "maps": save_maps is not None,
        **options,
        "scale": options["scale"][0],
    }
    with Progress("run") as progress, work(job, found.programs, progress) as outcome:
        if outcome.result is None:
            return unfinished(outcome, document, to)
        kept = (found.path, *read, *([] if labels is None else [labels]))
        contents, sheets = _contents(outcome, graph, output, save_maps)
        problem = write_all(contents, folder=save_maps, force=force, inputs=kept)
        if problem is not None:
            return to.refuse(*problem, document)
    written = [output] if output else []
    if save_maps is not None:
        written.append(f"{os.path.join(save_maps, '')} ({sheets} sheets)")
    result = outcome.result
    for one in (one for found in result["outputs"] for image in found["top"] for one in image):
        one["label"] = names[one["class"]] if names else None
    document["ok"] = not found.findings
    to.document(document | as_document(job, result, weights, written))
    if to.form == "text":
        to.show(as_text(job, result, found.source.name, graph.title, weights))
        say("".join(f"{printable(path)}: written\n" for path in written))
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


def _contents(
    outcome: Outcome, graph: Graph, output: str | None, folder: str | None
) -> tuple[dict[str, bytes], int]:
    """The files that are asked for, by their paths, and how many sheets of maps are among them."""
    assert outcome.result is not None
    contents: dict[str, bytes] = {}
    if output:
        arrays = {
            name: _bytes(outcome.folder, f"output{number}.npy") for number, name in enumerate(graph.outputs)
        }
        contents[output] = arrays[graph.outputs[0]] if output.endswith(".npy") else _npz(arrays)
    sheets = outcome.result["sheets"] if folder is not None else []
    for name in sheets:
        contents[os.path.join(folder or "", name)] = _bytes(outcome.folder, "maps", name)
    return contents, len(sheets)


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
