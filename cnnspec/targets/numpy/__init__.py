"""A NumPy program: one file that imports numpy and nothing else, to be read from top to
bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnspec.diagnostics import Diagnostic
    from cnnspec.ir.graph import Graph


def emit(graph: Graph) -> str | tuple[Diagnostic, ...]:
    """The program's text; or the layers that this target cannot say, E801."""
    from cnnspec.diagnostics import Diagnostic
    from cnnspec.lower.call import Diverges
    from cnnspec.lower.lowering import Unsupported
    from cnnspec.targets.numpy.program import program

    try:
        return program(graph)
    except Unsupported as fault:
        step = fault.step or graph.root.steps[0]
        return (Diagnostic("E801", fault.message, step.span),)
    except Diverges as fault:
        return (Diagnostic("E801", f"the NumPy target cannot express {fault}", graph.root.steps[0].span),)
