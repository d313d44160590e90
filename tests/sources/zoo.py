"""Specs of the zoo, built and imported again: the same weights and multiplications.

make import                               all variants; ends with status 1 where one differs
python -m tests.sources.zoo [PATH…]       some of it
"""

from __future__ import annotations

import json
import sys

import torch

from cnnspec import pipeline
from cnnspec.diagnostics import Source
from cnnspec.ir.graph import Graph
from cnnspec.sources.calls.translate import NeedsValues
from cnnspec.sources.layers import Hole, LayerList
from cnnspec.structure import spec
from tests.sources.support import listed
from tests.targets.torch import support


def totals(text: str, variant: str | None = None) -> tuple[int, int, int]:
    """Weights, multiply–accumulates and buffers."""
    (model, *_) = pipeline.models(Source("model.cnn", text), variant=variant, lints=False, first=True)
    assert model.report is not None, model.findings
    found = model.report.totals
    return found.params, found.macs, found.buffers


def there_and_back(path: str, variant: str | None = None) -> tuple[str, list[str]]:
    """The text of a spec that was built and imported; what could not be said."""
    graph = support.spec(path, variant or next(iter(_variants(path)), None))
    try:
        layers = _layers(graph, "meta")
    except NeedsValues:
        layers = _layers(graph, "cpu")
    holes = [f"{one.what}: {one.why}" for one in layers.layers if isinstance(one, Hole)]
    return spec(layers).text, holes


def _layers(graph: Graph, device: str) -> LayerList:
    with torch.device(device):
        module = support.model_class(support.executed(support.program(graph)))()
        inputs = [torch.empty(2, *(shape or ())) for shape in graph.root.values[: graph.root.inputs]]
    return listed(module, *inputs)[1]


def _variants(path: str) -> list[str]:
    return [name for one, name in support.zoo() if one == path and name is not None]


def main() -> None:
    asked = sys.argv[1:]
    rows = [(path, variant) for path, variant in support.zoo(all_variants=True) if not asked or path in asked]
    bad = []
    for path, variant in rows:
        try:
            text, holes = there_and_back(path, variant)
            before, after = totals((support.SPECS / path).read_text("utf-8"), variant), totals(text)
            good = before == after and not holes
            found = json.dumps([holes[:4], before, after])
        except Exception as error:
            good, found = False, f"{type(error).__name__} {' '.join(str(error).split())[:300]}"
        print(path, variant or "", "ok" if good else "--", found, flush=True)
        bad += [] if good else [path]
    print(f"{len(rows) - len(bad)} of {len(rows)}; not: {', '.join(sorted(set(bad))) or 'none'}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
