"""`cnnspec import`: the spec of an existing model."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.job import Progress, unfinished
from cnnspec.cli.options import command
from cnnspec.cli.run_inputs import problem_of
from cnnspec.cli.terminal import Output, err, out, say
from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.diagnostics.diagnostic import WHOLE_FILE
from cnnspec.diagnostics.printable import printable
from cnnspec.files import STDIN, write_all

if TYPE_CHECKING:
    from cnnspec.ops.base import Shape
    from cnnspec.running.tracing import Traced
    from cnnspec.sources.layers import Rearranged
    from cnnspec.structure import Spec

WITH_WEIGHTS = (".onnx", ".keras", ".h5", ".hdf5")
"""Formats whose files also contain the weights."""
MOST_LISTED = 8
"""The most unused weights of the source that are named."""


def _module(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, str] | None:
    if value is None:
        return None
    module, colon, name = value.rpartition(":")
    if not colon or not re.fullmatch(r"[A-Za-z_][\w.]*", name) or not module:
        raise click.BadParameter(
            f"{value!r}: expected a module and a name, as in my.nets:ResNet", context, parameter
        )
    if not module.endswith(".py") and not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module):
        raise click.BadParameter(f"{module!r}: expected a Python module, as in my.nets", context, parameter)
    return module, name


def _arguments(context: click.Context, parameter: click.Parameter, value: str) -> Any:
    try:
        arguments = json.loads(value)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict | list):
        raise click.BadParameter(
            f"{value!r}: expected JSON, as in '{{\"depth\": 50}}' or '[50]'", context, parameter
        )
    return arguments


def _inputs(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, Shape], ...]:
    inputs = []
    for value in values:
        name, _, size = value.rpartition("=")
        parts = size.split("x")
        if not 1 <= len(parts) <= 4 or not all(
            part.isdecimal() and 0 < int(part[:12]) < 10**6 for part in parts
        ):
            raise click.BadParameter(
                f"{value!r}: expected a size without the batch, as in 3x224x224, or name=size",
                context,
                parameter,
            )
        inputs.append((name, tuple(map(int, parts))))
    return tuple(inputs)


class Files(NamedTuple):
    """The files that are read and written."""

    output: str | None
    weights: str | None
    weights_out: str | None
    map: str | None
    force: bool


@command("import", "text", "json", model=False)
@click.argument("file", metavar="[FILE]", required=False)
@click.option(
    "--run-python",
    "module",
    metavar="MODULE:NAME",
    callback=_module,
    help="Run this Python module (or file.py) and import its nn.Module NAME: a class or a function that "
    "makes one, or an nn.Module that the module contains.",
)
@click.option("--args", "arguments", metavar="JSON", default="{}", callback=_arguments,
              help="Arguments of NAME: '{\"depth\": 50}' or '[50]'.")  # fmt: skip
@click.option("--input", "inputs", metavar="[NAME=]CxHxW", multiple=True, callback=_inputs,
              help="The size of an input without the batch axis; default: 224x224 with the channels of "
              "the first convolution.")  # fmt: skip
@click.option("-o", "--output", metavar="OUT", help="The spec to write; default: standard output.")
@click.option(
    "--weights",
    metavar="FILE",
    help="The weights of the model: .safetensors (of Keras: .h5, .keras; of Caffe: .caffemodel; of "
    "Darknet: .weights).",
)
@click.option(
    "--weights-out", metavar="FILE", help="Write the weights with the keys of the emitted torch program."
)
@click.option(
    "--map", "map_file", metavar="FILE", help="Write where each weight of the program comes from as JSON."
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("--max-seconds", type=click.IntRange(min=1), default=600, metavar="N",
              help="Limit: seconds that the module may run.")  # fmt: skip
@click.option("--max-memory", type=click.IntRange(min=1), default=16, metavar="GB",
              help="Limit: memory that the module may use.")  # fmt: skip
def import_(
    file: str | None,
    module: tuple[str, str] | None,
    arguments: Any,
    inputs: tuple[tuple[str, Shape], ...],
    output: str | None,
    weights: str | None,
    weights_out: str | None,
    map_file: str | None,
    force: bool,
    max_seconds: int,
    max_memory: int,
    to: Output,
) -> int:
    """Write the spec of a model that you have: FILE, or a PyTorch module.

    FILE is a model in ONNX (.onnx), of Keras (.keras, .h5, or `model.to_json()` in a .json file), of Darknet
    (.cfg) or of Caffe (.prototxt). Files are read; no code in them is run.

    --run-python RUNS the module, which can do whatever you can do: use it only for code that you trust. The
    module runs in a separate process, where its network is exported with torch.export in evaluation mode. An
    operation that the language does not have is reported and left open in the spec; the exit status is then
    1.

    \b
    cnnspec import model.onnx -o model.cnn --weights-out model.safetensors
    cnnspec import --run-python my.nets:ResNet --args '{"depth": 50}' -o resnet.cnn
    cnnspec import --run-python my.nets:Net --weights theirs.safetensors --weights-out ours.safetensors
    """
    if (file is None) == (module is None):
        raise click.UsageError("expected a FILE, or --run-python MODULE:NAME")
    if file is not None and file.lower().endswith(WITH_WEIGHTS) and weights_out is not None:
        weights = weights or file
    if (weights is None) != (weights_out is None):
        raise click.UsageError("--weights and --weights-out belong together")
    files = Files(None if output == STDIN else output, weights, weights_out, map_file, force)
    name = file if file is not None else ":".join(module or ())
    document: dict[str, Any] = {"source": name, "ok": False, "spec": None, "output": files.output,
                                "weights": {}, "unused": [], "notes": [], "diagnostics": []}  # fmt: skip
    if weights is not None and (problem := problem_of([weights])) is not None:
        return to.refuse(*problem, document)
    with Progress("import") as progress:
        if file is not None:
            from cnnspec.running.opening import opened

            traced_ = opened(file, inputs, progress)
        else:
            from cnnspec.running.tracing import TraceRequest, traced

            assert module is not None
            traced_ = traced(TraceRequest(*module, arguments, inputs, max_seconds, max_memory), progress)
    if traced_.outcome is not None:
        return unfinished(traced_.outcome, document, to)
    if traced_.finding is not None or traced_.layers is None:
        return _found_wrong(traced_, document, to)
    return _written(traced_, files, inputs, document, to)


def _found_wrong(traced: Traced, document: dict[str, Any], to: Output) -> int:
    assert traced.finding is not None
    to.refuse(document["source"], traced.finding, document)
    return FOUND


def _written(
    traced: Traced, files: Files, sizes: Sequence[tuple[str, Shape]], document: dict[str, Any], to: Output
) -> int:
    from cnnspec.diagnostics.as_json import as_json
    from cnnspec.sources.findings import findings_of, map_of, unused_of
    from cnnspec.structure import UnfitList, spec

    assert traced.layers is not None
    source = Source(document["source"], "")
    wrong = [*traced.wrong, *findings_of(traced.layers, _tool(document["source"]))]
    try:
        written = spec(traced.layers)
    except UnfitList as error:
        wrong = [Diagnostic("E811", f"the network cannot be written as a spec: {error}", WHOLE_FILE)]
        to.findings(wrong, source)
        to.document(document | {"diagnostics": [as_json(one, source) for one in wrong]})
        return FOUND
    unused = (
        unused_of(traced.trace, written.keys, traced.layers.rearranged) if traced.trace is not None else []
    )
    document |= {
        "ok": not wrong,
        "weights": dict(written.keys),
        "unused": unused,
        "notes": list(traced.layers.notes),
        "diagnostics": [as_json(one, source) for one in wrong],
    }
    contents: dict[str, str | bytes] = {} if files.output is None else {files.output: written.text}
    if files.map is not None:
        where = map_of(written.text, written.keys, traced.layers, unused)
        contents[files.map] = json.dumps(where, indent=1, ensure_ascii=False) + "\n"
    if files.weights is not None and files.weights_out is not None:
        moved = _moved(written, traced.layers.rearranged, files.weights, sizes, document, to)
        if isinstance(moved, int):
            return moved
        contents[files.weights_out] = moved
    inputs = () if files.weights is None else (files.weights,)
    problem = write_all(contents, force=files.force, inputs=inputs)
    to.findings(wrong, source)
    if problem is not None:
        return to.refuse(*problem, document | {"ok": False})
    to.document(document | {"spec": written.text if files.output is None else None})
    if to.form == "text":
        _tell(written, files, document, contents)
    return FOUND if wrong else OK


def _tool(source: str) -> str:
    """The tool whose operations the holes are named after."""
    tools = {".onnx": "ONNX", ".cfg": "Darknet", ".prototxt": "Caffe"}
    return (tools | dict.fromkeys((".json", ".keras", ".h5", ".hdf5"), "Keras")).get(
        os.path.splitext(source)[1].lower(), "torch"
    )


def _tell(written: Spec, files: Files, document: dict[str, Any], contents: Any) -> None:
    if files.output is None:
        out(written.text)
    say("".join(f"{printable(path)}: written\n" for path in contents))
    for note in document["notes"]:
        err(f"note: {printable(note)}\n")
    unused = document["unused"]
    if unused:
        more = ", …" if len(unused) > MOST_LISTED else ""
        names = printable(", ".join(unused[:MOST_LISTED]))
        err(f"note: {len(unused)} weights of the module are not in the spec: {names}{more}\n")


def _moved(
    written: Spec,
    rearranged: Mapping[str, Rearranged],
    weights: str,
    sizes: Sequence[tuple[str, Shape]],
    document: dict[str, Any],
    to: Output,
) -> bytes | int:
    """Write the file of weights with the program's keys; returns its path or the exit status."""
    from cnnspec.running.process import work
    from cnnspec.sources.findings import shapes_of

    shapes, counters = shapes_of(written.text)
    job = {
        "kind": "move",
        "weights": os.path.abspath(weights),
        "model": os.path.abspath(document["source"]),
        "inputs": {name: list(size) for name, size in sizes},
        "keys": dict(written.keys),
        "rearranged": dict(rearranged),
        "shapes": shapes,
        "counters": counters,
    }
    with Progress("import") as progress, work(job, {}, progress) as outcome:
        if outcome.result is None:
            status = unfinished(outcome, document, to)
            return FOUND if outcome.finding is not None else status or USAGE
        document["prefix"] = outcome.result["prefix"]
        with open(f"{outcome.folder}/weights.safetensors", "rb") as file:
            return file.read()
