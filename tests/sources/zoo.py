"""Specs of the zoo, built and imported again: the same weights and multiplications.

python -m tests.sources.zoo [PATH…]       all of the zoo, or some of it
"""

from __future__ import annotations

import json
import sys

import torch

from cnnspec import pipeline
from cnnspec.diagnostics import Source
from cnnspec.sources.layers import Hole
from cnnspec.structure import spec
from tests.sources.support import listed
from tests.targets.torch import support


def totals(text: str) -> tuple[int, int, int]:
    """Weights, multiply–accumulates and buffers."""
    (model, *_) = pipeline.models(Source("model.cnn", text), lints=False, first=True)
    assert model.report is not None, model.findings
    found = model.report.totals
    return found.params, found.macs, found.buffers


def there_and_back(path: str) -> tuple[str, list[str]]:
    """The text of a spec that was built and imported; what could not be said."""
    graph = support.spec(path, None) if not _variants(path) else support.spec(path, _variants(path)[0])
    with torch.device("meta"):
        module = support.model_class(support.executed(support.program(graph)))()
    inputs = [
        torch.empty(2, *(shape or ()), device="meta") for shape in graph.root.values[: graph.root.inputs]
    ]
    _, layers = listed(module, *inputs)
    holes = [f"{one.what}: {one.why}" for one in layers.layers if isinstance(one, Hole)]
    return spec(layers).text, holes


def _variants(path: str) -> list[str]:
    return [name for one, name in support.zoo() if one == path and name is not None]


def main() -> None:
    paths = sys.argv[1:] or [path for path, _ in support.zoo()]
    good = 0
    for path in paths:
        try:
            text, holes = there_and_back(path)
            before, after = totals((support.SPECS / path).read_text("utf-8")), totals(text)
            good += before == after and not holes
            print(
                path,
                "ok" if before == after and not holes else "--",
                json.dumps([holes[:4], before, after]),
                flush=True,
            )
        except Exception as error:
            print(path, "--", type(error).__name__, " ".join(str(error).split())[:300], flush=True)
    print(f"{good} of {len(paths)}")


if __name__ == "__main__":
    main()
