"""The torch target: one Python file that imports torch and nothing else.

The file says what the spec says: a class per block with the block's arguments, nn.Sequential for what is a
chain, a loop where the spec repeats; and its `state_dict` has the names of the spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnspec.diagnostics import Diagnostic
    from cnnspec.ir import Graph


def emit(graph: Graph, *, fold_bn: bool = False) -> str | tuple[Diagnostic, ...]:
    """The text of the program, or the findings that say why there is none.

    `fold_bn` writes the form for inference, with batch normalisation folded into the convolutions before it.
    """
    from cnnspec.diagnostics import Diagnostic, Span
    from cnnspec.targets.torch.builder import Builder
    from cnnspec.targets.torch.place import Unsupported
    from cnnspec.targets.torch.prepare import prepared
    from cnnspec.targets.torch.render import File
    from cnnspec.targets.unify import Diverges

    pairs, by_name = None, None
    if fold_bn:
        from cnnspec.ir.flat import flat
        from cnnspec.targets.torch.fold import FOLDS, folded, rule

        whole = graph
        graph, pairs = folded(graph)
        norms = {entry.attribute for entry in flat(whole) if entry.op is not None and entry.op.word == "bn"}
        layers = {entry.attribute for entry in flat(whole) if entry.op is not None and entry.op.word in FOLDS}
        by_name = rule(pairs, norms, layers)
    graph = prepared(graph)
    try:
        return File(graph, Builder(graph), pairs=pairs, rule=by_name).text()
    except Unsupported as problem:
        return (Diagnostic("E801", problem.message, problem.step.span),)
    except Diverges as problem:
        where = graph.root.steps[0].span if graph.root.steps else Span(0, 0)
        return (Diagnostic("E801", f"the torch target cannot say {problem}", where),)
