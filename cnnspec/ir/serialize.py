"""The IR as JSON and back, loss-free. `version` is the version of the format."""

from __future__ import annotations

from cnnspec.ir.graph import IR_VERSION, Graph


def graph_to_json(graph: Graph, *, indent: int | None = None) -> str:
    """A graph as JSON text: the same bytes for the same graph."""
    return graph.model_dump_json(indent=indent)


PLACES = ("span", "spans", "file")
NONE: tuple[tuple[str, object], ...] = (
    ("formula", None),
    ("layers", None),
    ("layers", {}),
    ("inner", False),
    ("arguments", []),
    ("settled", []),
    ("free", {}),
)
"""Newer fields with their empty values: they are left out, so that the fingerprint of a network does not
change."""


def fingerprint(graph: Graph) -> str:
    """The first 16 digits of the SHA-256 of a graph's JSON, without spans and file name: equal for equal
    networks, however they are laid out."""
    from hashlib import sha256
    from json import dumps

    def plain(part: object) -> object:
        if isinstance(part, dict):
            return {
                key: plain(one) for key, one in part.items() if key not in PLACES and (key, one) not in NONE
            }
        return [plain(value) for value in part] if isinstance(part, list | tuple) else part

    return sha256(dumps(plain(graph.model_dump(mode="json"))).encode()).hexdigest()[:16]


def graph_from_json(text: str | bytes) -> Graph:
    """The graph that `graph_to_json` wrote. Raises ValueError if it is not one, or of another version."""
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
