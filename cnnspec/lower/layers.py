"""Layers and merges: one call for all uses, and the sizes of the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from cnnspec.ir import graph as ir
from cnnspec.ir.template import LayerSite
from cnnspec.lower.call import Diverges, LayerUse, fields, unify
from cnnspec.lower.ifs import condition_for, join, when
from cnnspec.lower.program import If, Layer, Merge, Statement, Tensor, When
from cnnspec.lower.symbolic import Apply, Const, Node, apply, plain, variables
from cnnspec.lower.trace import added, out_nodes, traced_op
from cnnspec.ops.base import AXES, Op

if TYPE_CHECKING:
    from cnnspec.lower.frame import Frame


def layer(frame: Frame, site: LayerSite) -> None:
    """Lowers a layer or a merge. Where some uses pad by numbers and others by `same`, it becomes an `if` with
    two calls."""
    uses = frame.present(site)
    layers = {use: step for use in uses if isinstance(step := frame.uses[use].steps[site.site], ir.Layer)}
    op, first = layers[uses[0]].op, frame.uses[uses[0]]
    if op.operator and not op.weights(
        *(first.shape(value) for value in site.inputs if value in first.values)
    ):
        merge(frame, site, op, uses)
        return
    if (frame.number_of_template, site.site) in frame.lowering.folds:
        frame.tensors[site.output] = frame.tensors[site.inputs[0]]
        return
    try:
        _called(frame, site, layers)
    except Diverges:
        same = {use: getattr(one.op, "P", None) == "same" for use, one in layers.items()}
        padding = (
            frame.expression(site.written["P"], site.inputs[0], _values(layers, "P"))
            if "P" in site.written
            else None
        )
        if padding is None or len(set(same.values())) == 1:
            raise
        _by_padding(frame, site, layers, same, Apply("==", (padding, Const('"same"'))))


def _values(layers: Mapping[int, ir.Layer], name: str) -> dict[int, object]:
    return {use: plain(getattr(one.op, name)) for use, one in layers.items()}


def _called(frame: Frame, site: LayerSite, layers: Mapping[int, ir.Layer]) -> Tensor:
    """The layer as one call for these uses."""
    uses = list(layers)
    op, inputs = layers[uses[0]].op, _inputs(frame, site, uses)
    written: dict[str, Node] = {}
    for name, node in site.written.items():
        expression = frame.expression(node, inputs[0], _values(layers, name))
        if expression is not None:
            written[name] = expression
    known = fields(_literals([one.op for one in layers.values()]) | written)
    for number, value in enumerate(inputs):
        sizes = {
            letter: size for letter, size in frame.names(value).items() if letter in ("C", "T", "H", "W")
        }
        known |= {f"@{number}.{letter}": size for letter, size in sizes.items()}
        if number == 0:
            known |= {f"@{letter}": size for letter, size in sizes.items()}
    fresh = all(frame.lowering.overwritable(frame.uses[use], inputs[0]) for use in uses)
    ops = [_folded(frame, site, one.op) for one in layers.values()]
    sized = frozenset(
        name for name, node in site.written.items() if not frozenset(AXES).isdisjoint(variables(node))
    )
    built = []
    for use, one in zip(uses, ops, strict=True):
        entering = tuple(frame.uses[use].shape(value) for value in inputs)
        layer_use = LayerUse(one, ops, entering, frame.uses[use].shape(site.output), fresh, sized)
        built.append(frame.lowering.emit(layer_use, layers[use]))
    call = unify(
        built, known, lambda values, source: frame.number(dict(zip(uses, values, strict=True)), source)
    )
    tensors = [frame.tensors[value] for value in inputs]
    dims: list[Node | None] = []
    if not frame.lowering.runtime_shapes:
        shapes = [frame.uses[uses[0]].shape(value) for value in inputs]
        dims = out_nodes(traced_op(op, written), shapes, [tensor.dims for tensor in tensors])
    output = frame.tensor(site.output, dims)
    rank = len(frame.uses[uses[0]].shape(inputs[0]))
    frame.here.append(Layer(site.name, op, call, tensors, output, rank))
    return output


def _inputs(frame: Frame, site: LayerSite, uses: Sequence[int]) -> list[int]:
    """The values that a call takes. `Diverges` where they are not the same in all uses."""
    inputs = [value for value in site.inputs if value in frame.uses[uses[0]].values]
    for use in uses:
        if [value for value in site.inputs if value in frame.uses[use].values] != inputs:
            raise Diverges("branches that are not always there")
    return inputs


def _by_padding(
    frame: Frame, site: LayerSite, layers: Mapping[int, ir.Layer], same: Mapping[int, bool], node: Node
) -> None:
    statement: If[Statement] = If(condition_for(frame, node))
    outer = frame.here
    sides: list[Tensor] = []
    for holds in (True, False):
        frame.here = statement.side(holds)
        frame.open.append((statement.condition, holds))
        sides.append(_called(frame, site, {use: one for use, one in layers.items() if same[use] is holds}))
        frame.open.pop()
    frame.here = outer
    frame.here.append(statement)
    join(frame, statement, site.output, *sides)


def _folded(frame: Frame, site: LayerSite, op: Op) -> Op:
    """The op, with a bias where a batch norm is folded into it."""
    taken = (frame.number_of_template, site.site) in frame.lowering.takers
    return op.model_copy(update={"bias": True}) if taken else op


def _literals(ops: Sequence[Op]) -> dict[str, Node]:
    """The numbers of a layer's fields that are equal in all uses, as constants."""
    literals: dict[str, Node] = {}
    for name, value in ops[0]:
        number = isinstance(value, int | Fraction) and not isinstance(value, bool)
        if (number or isinstance(value, tuple)) and all(getattr(op, name) == value for op in ops):
            literals[name] = Const(plain(value))
    return literals


# --- merges -----------------------------------------------------------------------------------------------


def merge(frame: Frame, site: LayerSite, op: Op, uses: list[int]) -> None:
    """Lowers a merge, with every branch that at least one use has."""
    arms: list[tuple[Tensor, When, int]] = []
    for value in site.inputs:
        having = [use for use in uses if value in frame.uses[use].values]
        if not having:
            continue
        condition = None if len(having) == len(uses) else when(frame, frame.optional[value])
        ranks = {len(frame.uses[use].shape(value)) for use in having}
        if len(ranks) != 1:
            raise Diverges("a vector and a map")
        arms.append((frame.tensors[value], condition, ranks.pop()))
    channels = {use: frame.uses[use].shape(site.output)[0] for use in uses}
    output = frame.tensor(site.output, _merged_sizes(frame, op, arms, channels))
    frame.here.append(Merge(site.name, op, arms, output))


def _merged_sizes(
    frame: Frame, op: Op, arms: Sequence[tuple[Tensor, When, int]], channels: Mapping[int, int]
) -> Sequence[Node | None]:
    """The output sizes of a merge: for `concat` the sum of the channels, otherwise the sizes of the largest
    branch."""
    if op.word == "concat":
        total: Node | None = Const(0)
        for tensor, existing, _ in arms:
            size = tensor.dims[0]
            if size is not None and existing is not None:
                condition, side = existing
                size = apply("if", condition.node, *((size, Const(0)) if side else (Const(0), size)))
            total = None if total is None or size is None else added(total, size)
        return [total, *arms[0][0].dims[1:]]
    largest = max(arms, key=lambda arm: arm[2])[0]
    for tensor in (largest, *(tensor for tensor, _, _ in arms)):
        if len(tensor.dims) == len(largest.dims) and (node := tensor.dims[0]) is not None:
            if frame.right(node, channels):
                return [node, *largest.dims[1:]]
    return largest.dims
