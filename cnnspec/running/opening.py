"""A model in a file as a layer list: ONNX files are read in the child process, text formats in this one.

Nothing in a file is executed, and torch is not needed."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cnnspec.diagnostics import Diagnostic
from cnnspec.diagnostics.diagnostic import WHOLE_FILE
from cnnspec.files import read_bytes, unreadable
from cnnspec.ops.base import Shape
from cnnspec.running.process import Progress, work
from cnnspec.running.tracing import Traced
from cnnspec.sources.calls.trace import Trace, Untrue, read
from cnnspec.sources.calls.translate import NeedsValues, layers_of

SECONDS = 600
LARGEST = 50_000_000
"""The largest size of a text file, or of a zip file of which a text is read, in bytes."""
ONNX, HDF5, KERAS, TEXT = (".onnx",), (".h5", ".hdf5"), (".json", ".keras"), (".cfg", ".prototxt")
_PICKLE = (
    "it is a pickle, which can run code; `cnnspec import --run-python MODULE:NAME` imports the model's code"
)
WEIGHTS = ".safetensors"
OTHERWISE = {
    ".pt": _PICKLE,
    ".pth": _PICKLE,
    ".py": "`cnnspec import --run-python FILE.py:NAME` runs it and imports the module NAME of it",
    ".caffemodel": "it has the weights; the network is in the .prototxt: "
    "`cnnspec import NET.prototxt --weights NET.caffemodel --weights-out ours.safetensors`",
    ".weights": "it has the weights; the network is in the .cfg: "
    "`cnnspec import NET.cfg --weights NET.weights --weights-out ours.safetensors`",
    ".pb": "export it as ONNX (tf2onnx), or save its Keras configuration",
    ".tflite": "export the model that it was made from as ONNX, or save its Keras configuration",
    ".cnn": "this file is a spec already",
}
"""The solution for each other kind of file."""


def opened(path: str, inputs: Sequence[tuple[str, Shape]], progress: Progress) -> Traced:
    """The network in a file."""
    ending = os.path.splitext(path)[1].lower()
    if (problem := unreadable(path)) is not None:
        return Traced(finding=problem)
    if ending in ONNX:
        return _onnx(path, inputs, progress)
    if ending in HDF5:
        return _hdf5(path, inputs, progress)
    if ending == WEIGHTS:
        return _weights(path, progress)
    if ending not in KERAS + TEXT:
        known = "formats: .onnx, .keras, .h5, Keras's .json, Darknet's .cfg, Caffe's .prototxt"
        return _refused(
            f"a file {ending or 'without an ending'} cannot be imported", OTHERWISE.get(ending, known)
        )
    data = _configuration(path) if ending == ".keras" else read_bytes(path, LARGEST)
    if isinstance(data, Diagnostic):
        return Traced(finding=data)
    name = os.path.splitext(os.path.basename(path))[0]
    return (
        _keras(data, inputs)
        if ending in KERAS
        else _text(data, ending, name, inputs[0][1] if inputs else None)
    )


def _configuration(path: str) -> bytes | Diagnostic:
    """The configuration in a .keras file, which may be large."""
    from cnnspec.sources.keras.config import Refused, unzipped

    try:
        return unzipped(path)
    except Refused as why:
        return Diagnostic("E811", str(why), WHOLE_FILE)


def _onnx(path: str, inputs: Sequence[tuple[str, Shape]], progress: Progress) -> Traced:
    job = {
        "kind": "onnx",
        "file": os.path.abspath(path),
        "inputs": {name: list(size) for name, size in inputs},
    }
    progress(os.path.basename(path), 0, 1)
    with work(job, {}, progress, seconds=SECONDS) as outcome:
        if outcome.finding is not None or outcome.result is None:
            return Traced(finding=outcome.finding, outcome=None if outcome.finding is not None else outcome)
        plain = outcome.result
    try:
        return _listed(read(plain))
    except Untrue as error:
        return _refused(f"what was read of it is not a network: {error}")


def _hdf5(path: str, inputs: Sequence[tuple[str, Shape]], progress: Progress) -> Traced:
    job = {"kind": "keras", "file": os.path.abspath(path)}
    progress(os.path.basename(path), 0, 1)
    with work(job, {}, progress, seconds=SECONDS) as outcome:
        if outcome.finding is not None or outcome.result is None:
            return Traced(finding=outcome.finding, outcome=None if outcome.finding is not None else outcome)
        return _keras(str(outcome.result["config"]).encode(), inputs)


def _listed(trace: Trace) -> Traced:
    try:
        return Traced(layers_of(trace), trace)
    except (NeedsValues, Untrue) as reason:
        return _refused(str(reason))


def _keras(data: bytes, inputs: Sequence[tuple[str, Shape]]) -> Traced:
    from cnnspec.sources.keras.config import Refused, load
    from cnnspec.sources.keras.convert import convert

    try:
        return _listed(convert(load(data), inputs[0][1] if inputs else None))
    except Refused as why:
        return _refused(str(why), "give it: `--input 3x224x224`" if "say it" in str(why) else "")


def _text(data: bytes, ending: str, name: str, size: Shape | None) -> Traced:
    from cnnspec.sources import caffe, darknet

    try:
        text = data.decode("utf-8-sig")
        trace = darknet.convert(text, name, size) if ending == ".cfg" else caffe.convert(text, size)
        return _listed(trace)
    except UnicodeDecodeError:
        return _refused("it is not UTF-8", "save it as UTF-8")
    except (darknet.Refused, caffe.Refused) as why:
        return _refused(str(why), "give it: `--input 3x224x224`" if "say it" in str(why) else "")


def _weights(path: str, progress: Progress) -> Traced:
    """A file with weights only has no network; the finding names the models of the zoo that it may belong
    to."""
    from cnnspec.sources.candidates import Refused, candidates, shapes_in

    progress("the zoo's networks", 0, 1)
    try:
        models = candidates(shapes_in(path))
    except Refused as why:
        return _refused(str(why))
    message, note = "a file of weights has no network in it", "\n".join(map(str, models))
    if not models:
        return _refused(message, "no network of the zoo has weights of these shapes: import the model's code")
    best = models[0]
    variant = f" --variant {best.variant}" if best.variant else ""
    whole = "is the network" if best.share == 1 else "is the nearest"
    way = f"by its shapes, `zoo:{best.name}{variant}` {whole}"
    return Traced(finding=Diagnostic("E811", message, WHOLE_FILE, note=note, help=way))


def _refused(message: str, help: str = "") -> Traced:
    return Traced(finding=Diagnostic("E811", message, WHOLE_FILE, help=help))
