"""The torch target: one Python file that imports torch and nothing else.

The file has the structure of the spec: a class per block with the block's arguments, nn.Sequential for a
chain of layers, a loop for a repeat. The keys of its `state_dict` are the names of the spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnspec.diagnostics import Diagnostic
    from cnnspec.ir.graph import Graph


def emit(graph: Graph, *, fold_bn: bool = False) -> str | tuple[Diagnostic, ...]:
    """The text of the program, or E801 with what this target cannot express.

    `fold_bn` writes the form for inference, with batch normalisation folded into the convolutions before it.
    """
    from cnnspec.lower.call import Unsupported
    from cnnspec.targets.torch.file import text

    try:
        return text(graph, fold_bn)
    except Unsupported as fault:
        return (fault.finding(graph, "torch"),)
