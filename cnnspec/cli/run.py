"""`cnnspec run`: runs an input through the NumPy program."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from cnnspec.cli.by_hand import asked, shows_sums
from cnnspec.cli.job import Progress, unfinished
from cnnspec.cli.one_model import built, open_model
from cnnspec.cli.options import Choice, command, completing
from cnnspec.cli.run_inputs import problem_of, reads_stdin, run_inputs, takes_inputs
from cnnspec.cli.score import misused, scored
from cnnspec.cli.terminal import Output, say
from cnnspec.diagnostics import Diagnostic
from cnnspec.diagnostics.printable import printable
from cnnspec.files import EXISTS_ALREADY, NOWHERE, STDIN, read_source, write_all

if TYPE_CHECKING:
    from cnnspec.ir.graph import Graph
    from cnnspec.running.process import Outcome


@command("run", "text", "json")
@click.argument("file", shell_complete=completing("specs"))
@takes_inputs
@click.option(
    "--batch", type=click.IntRange(1, 10_000), default=1, metavar="N", help="Number of images for --random."
)
@click.option(
    "--dataset",
    metavar="R.toml",
    help="A recipe: score the weights on its held-out images; -o is .html, .svg (wrong answers) or .csv.",
)
@click.option("--trace", is_flag=True, help="Show the output of every layer.")
@click.option("--save-maps", metavar="DIR", help="Write the feature maps of every layer as PNG sheets.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=5,
    metavar="K",
    help="Number of classes to list.",
    show_default=True,
)
@click.option("--labels", metavar="FILE", help="The names of the classes, one per line.")
@shows_sums
@click.option("-o", "--output", metavar="OUT", help="Write the output: .npy, or .npz for several outputs.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def run(
    file: str,
    labels: str | None,
    batch: int,
    dataset: str | None,
    output: str | None,
    save_maps: str | None,
    force: bool,
    choice: Choice,
    to: Output,
    **options: Any,
) -> int:
    """Run a spec's NumPy program on an input, or score it on a data set.

    The program runs in a separate process, in float32, with random weights unless --weights is given. The
    pixels of an image are used as stored, 0 to 255: a network trained on 0 to 1 needs --scale 1/255.
    """
    _check_usage(file, dataset, output, options)
    build = built(open_model(file, choice), ("numpy",))
    document, graph = build.head(), build.graph
    to.findings(build.findings, build.source)
    if graph is None or not build.programs:
        to.document(document)
        return build.status
    if dataset is not None:
        names, problem = _labels(labels, graph)
        problem = problem or problem_of([options["weights"]])
        if problem is not None:
            return to.refuse(*problem, document)
        return scored(build, dataset, options["weights"], names, output, force, document, to)
    on, sums = run_inputs(options, graph), asked(options, graph, build.source.name)
    if output and output.endswith(".npy") and len(graph.outputs) > 1:
        raise click.UsageError(f"the network has {len(graph.outputs)} outputs; -o must be an .npz file")
    names, problem = _labels(labels, graph)
    read = [*on.read, *([sums["grad"]["target"]] if sums["grad"] and sums["grad"]["target"] else [])]
    problem = problem or problem_of(read)
    if problem is None and output and os.path.isfile(output) and not force:
        problem = output, EXISTS_ALREADY
    if problem is not None:
        return to.refuse(*problem, document)

    from cnnspec.report.gradients import sums_as_text
    from cnnspec.report.ran import as_document, as_text
    from cnnspec.running.job import network
    from cnnspec.running.process import work

    job = {
        **network(graph),
        "kind": "run",
        **on.job,
        "batch": batch,
        "smallest": _smallest(graph),
        "maps": save_maps is not None,
        **options,
        **sums,
    }
    with (
        Progress("run") as progress,
        on.stored() as job["files"],
        work(job, build.programs, progress) as outcome,
    ):
        if outcome.result is None:
            return unfinished(on.named(outcome), document, to)
        kept = (build.path, *read, *([] if labels is None else [labels]))
        contents, sheets = _contents(outcome, graph, output, save_maps)
        problem = write_all(contents, folder=save_maps, force=force, inputs=kept)
        if problem is not None:
            return to.refuse(*problem, document)
    written = [output] if output else []
    written += [] if save_maps is None else [f"{os.path.join(save_maps, '')} ({sheets} sheets)"]
    result = outcome.result
    _name_classes(result, names)
    document["ok"] = not build.findings
    to.document(document | as_document(job, result, on.weights, written))
    if to.form == "text":
        to.show(as_text(job, result, build.source.name, graph.title, on.weights))
        to.show(sums_as_text(job, result))
        say("".join(f"{printable(path)}: written\n" for path in written))
    return build.status


def _name_classes(result: dict[str, Any], names: list[str]) -> None:
    """Puts the names of the classes, if there are any, beside the highest scores."""
    for output in result["outputs"]:
        for image in output["top"]:
            for score in image:
                score["label"] = names[score["class"]] if names else None


def _check_usage(file: str, dataset: str | None, output: str | None, options: dict[str, Any]) -> None:
    """Raises click's UsageError where the options do not go together."""
    if dataset is not None:
        others = ("inputs", "random", "trace", "grad", "im2col", "resize", "mean", "std")
        misused(dataset, options["weights"], output, {name: options.get(name) for name in others})
    elif not options["inputs"] and not options["random"]:
        raise click.UsageError("an input is missing: --input FILE, or --random")
    if file == STDIN and reads_stdin(options["inputs"]):
        raise click.UsageError("standard input can be read only once")
    if dataset is None and output is not None and os.path.splitext(output)[1] not in (".npy", ".npz"):
        raise click.BadParameter("expected a file name that ends in .npy or .npz", param_hint="--output")


def _labels(path: str | None, graph: Graph) -> tuple[list[str], tuple[str, Diagnostic] | None]:
    if path is None:
        return [], None
    source, problem = read_source(path)
    if problem is not None:
        return [], (path, problem)
    labels = [line.strip() for line in source.text.splitlines() if line.strip()]
    root = graph.root
    shapes = [shape for value in root.outputs if (shape := root.values[value]) is not None]
    classes = {shape[0] for shape in shapes if all(size == 1 for size in shape[1:])}
    if classes and classes != {len(labels)}:
        expected = " and ".join(map(str, sorted(classes)))
        return [], (
            path,
            Diagnostic("E708", f"expected {expected} labels, one per class, found {len(labels)}", NOWHERE),
        )
    return labels, None


def _smallest(graph: Graph) -> list[bool]:
    """For each output, whether its numbers are distances."""
    from cnnspec.ir.flat import flat, flat_outputs

    ops = {entry.output: entry.op for entry in flat(graph)}
    return [getattr(ops.get(value), "smallest_wins", False) for value in flat_outputs(graph)]


def _contents(
    outcome: Outcome, graph: Graph, output: str | None, folder: str | None
) -> tuple[dict[str, bytes], int]:
    """The files to write, by path, and the number of sheets of maps among them."""
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

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()
