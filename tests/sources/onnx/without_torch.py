"""An ONNX file imported, built and run where torch cannot be imported, as where it is not installed.

python -m tests.sources.onnx.without_torch FOLDER     net.onnx and x.npz → net.cnn and y.npz
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def imported(path: Path, inputs: list[Array]) -> tuple[str, list[Array]]:
    """The spec of an ONNX file, and what its NumPy program gives."""
    import cnnspec
    from cnnspec.ir.flat import flat
    from cnnspec.sources.calls.translate import layers_of
    from cnnspec.sources.layers import Hole
    from cnnspec.sources.onnx.convert import convert
    from cnnspec.sources.onnx.model import load
    from cnnspec.structure import spec

    trace, weights = convert(load(str(path)))
    layers = layers_of(trace)
    assert not [one for one in layers.layers if isinstance(one, Hole)]
    made = spec(layers)
    given: dict[str, Array] = {}
    graph = cnnspec.load(text=made.text)
    for entry in flat(graph):
        for key, weight in entry.weights:
            counter = weight.shape == () and key not in made.keys
            given[key] = np.zeros((), np.int64) if counter else weights[made.keys[key]].reshape(weight.shape)
    named: Any = inputs[0] if len(inputs) == 1 else dict(zip(graph.inputs, inputs, strict=True))
    out = cnnspec.run(text=made.text, input=named, weights=given)
    return made.text, list(out.values()) if isinstance(out, dict) else [out]


def imported_apart(path: Path, inputs: list[Array]) -> tuple[str, list[Array]]:
    """The same in a process of its own without torch."""
    folder = path.parent
    np.savez(folder / "x.npz", *inputs)
    command = [sys.executable, "-m", "tests.sources.onnx.without_torch", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(folder / "y.npz") as found:
        return (folder / "net.cnn").read_text("utf-8"), [*found.values()]


def main() -> None:
    sys.modules["torch"] = None  # type: ignore[assignment]
    folder = Path(sys.argv[1])
    with np.load(folder / "x.npz") as given:
        text, found = imported(folder / "net.onnx", [*given.values()])
    (folder / "net.cnn").write_text(text, "utf-8")
    np.savez(folder / "y.npz", *found)


if __name__ == "__main__":
    main()
