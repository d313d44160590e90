"""What an input of the fuzzer goes through besides a spec's own text: whole commands, documents, recipes, and
the files of other tools. Its first byte is the way. cnnspec is imported late, when its branches are watched.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import tempfile
from collections.abc import Iterable
from pathlib import Path

FOLDER = tempfile.mkdtemp(prefix="cnnspec-fuzz-")
BUDGETS = ("--max-work", "300", "--max-layers", "2000", "--max-weights", "1000000")
FORMS = (
    ("check",),
    ("check", "--all", "--columns", "all"),
    ("check", "--format", "json"),
    ("check", "--format", "github"),
    ("check", "--advice", "--color", "always"),
    ("check", "--fix"),
    ("check", "--size", "3x40x40"),
    ("build", "--target", "torch"),
    ("build", "--target", "torch", "--fold-bn"),
    ("build", "--target", "numpy"),
    ("build", "--target", "numpy", "--format", "json"),
    ("sizes",),
    ("sizes", "--format", "json"),
    ("explain",),
    ("explain", "--format", "markdown"),
    ("explain", "--format", "latex"),
    ("explain", "--format", "json"),
    ("explain", "conv"),
    ("draw",),
    ("draw", "--expand", "3", "--wrap", "2"),
    ("draw", "--format", "tikz"),
    ("draw", "--format", "mermaid", "--expand", "9"),
    ("draw", "--format", "dot", "--no-panels"),
    ("draw", "--style", "volumes", "--look", "sheets"),
    ("draw", "--style", "volumes", "--look", "levels", "--format", "tikz"),
    ("draw", "--format", "pdf", "-o", f"{FOLDER}/drawn.pdf", "--force"),
    ("draw", "--format", "png", "-o", f"{FOLDER}/drawn.png", "--force"),
    ("table", "--cells", "bracket"),
    ("table", "--rows", "layer", "--format", "latex"),
    ("table", "--rows", "size", "--format", "html"),
    ("table", "--like", "resnet", "--format", "csv"),
    ("table", "--like", "mobilenet", "--format", "typst"),
    ("table", "--rows", "stage", "--format", "json"),
    ("diff", "zoo:lenet5"),
    ("diff", "zoo:lenet5", "--format", "markdown"),
    ("diff", "zoo:lenet5", "--format", "json"),
    ("fmt",),
    ("fmt", "--diff"),
    ("fmt", "--check"),
)
DOCUMENT_FORMS = (
    ("check",),
    ("check", "--format", "json"),
    ("check", "--fix"),
    ("check", "--update"),
    ("fmt",),
    ("table",),
    ("draw",),
    ("explain",),
)
ENDINGS = ("md", "tex", "ipynb")
CFG = """[net]
width=4
height=4
channels=1
[convolutional]
batch_normalize=1
filters=2
flipped=1
[local]
filters=1
[connected]
output=2
batch_normalize=1
"""
NUMBERS = 98
"""Of the weights of this network."""
DOORS = ("prototxt", "cfg", "json", "onnx", "caffemodel", "weights")


def execute(command: str, name: str, *options: str) -> int:
    """A whole command on a file of the folder: a status of 0, 1 or 2, and nothing raised."""
    from cnnspec import cli

    os.environ["CNNSPEC_DEBUG"] = "1"  # what is no finding is raised
    budgets = () if command in ("fmt", "import") or name == "made.cnn" else BUDGETS
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        status = cli.execute([command, f"{FOLDER}/{name}", *options, *budgets])
    assert status in (0, 1, 2), (command, options, status)
    return status


def written(name: str, data: bytes) -> str:
    Path(FOLDER, name).write_bytes(data)
    return name


def command(data: bytes) -> None:
    chosen, *options = FORMS[data[0] % len(FORMS)] if data else FORMS[0]
    execute(chosen, written("any.cnn", data[1:]), *options)


def document(data: bytes) -> None:
    way = data[0] if data else 0
    chosen, *options = DOCUMENT_FORMS[way // len(ENDINGS) % len(DOCUMENT_FORMS)]
    execute(chosen, written(f"any.{ENDINGS[way % len(ENDINGS)]}", data[1:]), *options)


def imported(data: bytes) -> None:
    """A file of another tool is refused, or the spec that is written of it is right, but for its holes."""
    door = DOORS[data[0] % len(DOORS)] if data else DOORS[0]
    name = written(f"any.{door}", data[1:])
    if door == "onnx":
        onnx_file(f"{FOLDER}/{name}")
    elif door in ("caffemodel", "weights"):
        weights(f"{FOLDER}/{name}", door)
    elif execute("import", name, "-o", f"{FOLDER}/made.cnn", "--force") == 0:
        assert execute("check", "made.cnn") == 0, Path(FOLDER, "made.cnn").read_text()


def onnx_file(path: str) -> None:
    """In this process, where the command reads it in another one."""
    from cnnspec.sources.calls.trace import Untrue, plain, read
    from cnnspec.sources.calls.translate import NeedsValues, layers_of
    from cnnspec.sources.onnx.convert import convert
    from cnnspec.sources.onnx.model import Refused, load
    from cnnspec.structure import UnfitList, spec

    with contextlib.suppress(Refused, NeedsValues, Untrue, UnfitList):
        spec(layers_of(read(plain(convert(load(path))[0]))))


def weights(path: str, door: str) -> None:
    """The weights of a network of Caffe or Darknet: refused, or each has as many numbers as its shape."""
    from cnnspec.running.worker.binary import TEXTS, stored
    from cnnspec.running.worker.messages import Fault
    from tests.sources.test_stored import PROTOTXT

    texts = {"caffemodel": PROTOTXT, "weights": CFG}
    model = Path(FOLDER, f"stored{TEXTS[f'.{door}']}")
    model.write_text(texts[door])
    with contextlib.suppress(Fault):
        found = stored({"weights": path, "model": str(model), "inputs": {}})
        for key, shape in found.shapes.items():
            assert found.read(key).shape == tuple(shape)


def recipe(data: bytes) -> None:
    """A recipe ends in findings with a place, or in a program that compiles."""
    from cnnspec.api import build, load
    from cnnspec.diagnostics import Source
    from cnnspec.training.network import network
    from cnnspec.training.program import emit
    from cnnspec.training.read import read

    source = Source("r.toml", data.decode("utf-8-sig"))
    found, reading = read(source)
    graph = load(text="input 1x8x8\nconv F3 K4 -> relu\ngap\nfc 10\n")
    facts = network(graph, found, reading) if found is not None else None
    findings = list(reading.sink)
    for one in findings:
        assert 0 <= one.span.start <= one.span.end <= len(source.text)
    if found is None or facts is None:
        assert findings
        return
    compile(emit(graph, facts, found, build(graph, target="torch"), "r.toml"), "train.py", "exec")


def each_form(texts: Iterable[bytes], count: int) -> list[bytes]:
    """Each text with one of the ways, in turn."""
    return [bytes([number % count]) + text for number, text in enumerate(texts)]


def documents() -> list[bytes]:
    from tests.properties.test_commands import document as drawn

    found = []
    for seed in range(120):
        ending = ENDINGS[seed % len(ENDINGS)]
        text = drawn(seed, "md" if ending == "ipynb" else ending)
        if ending == "ipynb":
            cells = [{"cell_type": "markdown", "metadata": {}, "source": text}]
            cells += [{"cell_type": "code", "metadata": {}, "source": f"%%cnn\n{text}", "outputs": []}]
            text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
        found.append(bytes([seed % (len(ENDINGS) * len(DOCUMENT_FORMS))]) + text.encode("utf-8", "ignore"))
    return found


def files() -> list[bytes]:
    from tests.cli.test_import_files import CFG, KERAS, PROTOTXT
    from tests.sources.test_mutants import changed_json, changed_text
    from tests.sources.test_stored import FORMS, HEADERS, NORM, field

    found = [b"\4" + form + field(100, NORM) for form in FORMS.values()]
    found += [b"\5" + header + bytes(4 * NUMBERS) for header, _ in HEADERS.values()]
    for seed in range(60):
        chance = random.Random(seed)
        found.append(b"\0" + changed_text(PROTOTXT, chance).encode())
        found.append(b"\1" + changed_text(CFG, chance).encode())
        found.append(b"\2" + json.dumps(changed_json(KERAS, chance)).encode())
    with contextlib.suppress(ImportError):
        from tests.sources.onnx.test_hostile import model

        found.append(b"\3" + model().SerializeToString())
    return found


def recipes() -> list[bytes]:
    from cnnspec.training.page import EXAMPLE
    from tests.training.test_recipe import GOOD
    from tests.training.test_wrong_recipes import CASES

    found = [path.read_text("utf-8") for path in Path(__file__).parents[2].glob("specs/*/*.toml")]
    found += [GOOD, EXAMPLE]
    found += [GOOD.replace(old, new) if old else GOOD + new for old, new, _, _ in CASES]
    return [text.encode() for text in found]
