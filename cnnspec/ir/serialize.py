"""The IR as JSON and back, loss-free. `version` says which form it is."""

from __future__ import annotations

from cnnspec.ir.graph import IR_VERSION, Graph


def graph_to_json(graph: Graph, *, indent: int | None = None) -> str:
    """A graph as JSON text: the same bytes for the same graph."""
    return graph.model_dump_json(indent=indent)


def graph_from_json(text: str | bytes) -> Graph:
    """The graph that `graph_to_json` wrote. ValueError where it is none, or one of another version."""
    import json

    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError("no graph: nested too deep") from None
    if not isinstance(document, dict) or "bodies" not in document:
        raise ValueError("no graph: an object with `version` and `bodies` is expected")
    version = document.get("version")
    if version != IR_VERSION:
        raise ValueError(f"this graph has version {version!r}; this cnnspec reads version {IR_VERSION}")
    return Graph.model_validate(document)
