"""Findings of an import: layers that the language does not have, and weights that no layer has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnspec.diagnostics import Diagnostic
from cnnspec.diagnostics.diagnostic import WHOLE_FILE
from cnnspec.ops.base import written_shape
from cnnspec.sources.calls.trace import Trace
from cnnspec.sources.layers import Hole, LayerList, Rearranged

MOST_FINDINGS = 50


def findings_of(layers: LayerList, tool: str = "torch") -> list[Diagnostic]:
    """A finding for each hole: the tool's name for it, its place, and why it cannot be translated."""
    findings: list[Diagnostic] = []
    for hole in layers.layers:
        if not isinstance(hole, Hole) or len(findings) >= MOST_FINDINGS:
            continue
        module = ".".join(filter(None, (hole.scopes[-1].path if hole.scopes else "", hole.name)))
        where = " at ".join(filter(None, (f"in {module}" if module else "", hole.place)))
        findings.append(
            Diagnostic(
                "E812",
                f"{tool}'s `{hole.what}` cannot be written in a spec: {hole.why}",
                WHOLE_FILE,
                note=f"{where}; its output is {written_shape(hole.shape)}".removeprefix("; "),
                help="write it with layers of the language, if that is possible (`cnnspec explain layers`)",
            )
        )
    return findings


def unused_of(trace: Trace, keys: Mapping[str, str], rearranged: Mapping[str, Rearranged]) -> list[str]:
    """Weights of the module that no layer has, without counters of batches."""
    used = {rearranged[its].key if its in rearranged else its for its in keys.values()}
    return [key for key in trace.keys if key not in used and not key.endswith("num_batches_tracked")]


def map_of(text: str, keys: Mapping[str, str], layers: LayerList, unused: Sequence[str]) -> dict[str, Any]:
    """The origin of each weight of the program, with its shape; weights that are split into several or are
    numbers in the spec; weights on one side only."""
    shapes, counters = shapes_of(text)
    several: dict[str, list[str]] = {}
    for our, its in keys.items():
        several.setdefault(its, []).append(our)
    return {
        "weights": {our: {"from": its, "shape": list(shapes[our])} for our, its in keys.items()},
        "several": {its: ours for its, ours in several.items() if len(ours) > 1},
        "numbers in the spec": [our for our in shapes if our not in keys and not counters[our]],
        "not in the spec": list(unused),
        "notes": list(layers.notes),
    }


def shapes_of(text: str) -> tuple[dict[str, tuple[int, ...]], dict[str, bool]]:
    """The shape of each weight of a spec by its key, and whether it is a counter of batches."""
    from cnnspec.diagnostics import Source
    from cnnspec.ir.flat import flat
    from cnnspec.pipeline import models

    graph = models(Source("model.cnn", text), lints=False)[0].graph
    assert graph is not None
    weights = {key: weight for entry in flat(graph) for key, weight in entry.weights}
    counters = {key: weight.role == "buffer" and not weight.shape for key, weight in weights.items()}
    return {key: weight.shape for key, weight in weights.items()}, counters
