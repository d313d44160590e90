"""The NumPy target: one Python file that imports numpy and nothing else, to be read from top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnspec.diagnostics import Diagnostic
    from cnnspec.ir.graph import Graph


def emit(graph: Graph) -> str | tuple[Diagnostic, ...]:
    """The text of the program, or E801 with the part of the graph that this target cannot express."""
    from cnnspec.lower.call import Unsupported
    from cnnspec.targets.numpy.program import program

    try:
        return program(graph)
    except Unsupported as fault:
        return (fault.finding(graph, "NumPy"),)
