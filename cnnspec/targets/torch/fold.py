"""The inference form: batch normalisation folded into the layer before it. An IR pass, the keys that it
moves, and what the emitted file does to a trained network's weights.

In evaluation y = γ·(Wx + b − μ)/√(σ² + eps) + β is a convolution again, with W' = γ/√(σ² + eps)·W and
b' = (b − μ)·γ/√(σ² + eps) + β. A `bn` goes where it alone reads what a conv, dwconv or fc of its own body
puts out; every other one stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Body, Graph, Layer, Region, Step
from cnnspec.ir.walk import places
from cnnspec.targets.torch.renumber import renumbered

FOLDS = frozenset({"conv", "dwconv", "fc"})

FOLD_BODY = """
    state = dict(state)
    for norm, conv, eps in pairs:
        variance = state.pop(f"{norm}.running_var")
        mean = state.pop(f"{norm}.running_mean")
        state.pop(f"{norm}.num_batches_tracked", None)
        gain = state.pop(f"{norm}.weight", torch.ones_like(mean))
        scale = gain / (variance + eps).sqrt()
        shift = state.pop(f"{norm}.bias", torch.zeros_like(mean))
        weight, bias = state[f"{conv}.weight"], state.get(f"{conv}.bias", 0)
        state[f"{conv}.weight"] = weight * scale.view(-1, *[1] * (weight.ndim - 1))
        state[f"{conv}.bias"] = (bias - mean) * scale + shift
    return state
""".strip("\n")


@dataclass(frozen=True, slots=True)
class Pair:
    """The path of a batch norm, that of the layer which took it in, and its eps."""

    norm: str
    layer: str
    eps: float


def folded(graph: Graph) -> tuple[Graph, tuple[Pair, ...]]:
    """The graph without the batch norms that fold, and which they were, in the order of the forward pass."""
    found = [_pairs(body) for body in graph.bodies]
    bodies = tuple(
        _without(body, pairs) if pairs else body for body, pairs in zip(graph.bodies, found, strict=True)
    )
    moved: dict[str, Pair] = {}
    for entry in flat(graph):
        pairs = found[entry.body]
        if entry.step not in pairs:
            continue
        body = graph.bodies[entry.body]
        norm, layer = body.steps[entry.step], body.steps[pairs[entry.step]]
        assert isinstance(norm, Layer)
        scope = entry.attribute[: len(entry.attribute) - len(norm.name)]
        moved.setdefault(entry.attribute, Pair(entry.attribute, scope + layer.name, float(norm.op.eps)))  # type: ignore[attr-defined]
    return graph.model_copy(update={"bodies": bodies}), tuple(moved.values())


def _pairs(body: Body) -> dict[int, int]:
    """The indices of the batch norms that fold, with those of their layers."""
    makers = {place.output: place for place in places(body)}
    readers: dict[int, int] = {}
    for step in body.steps:
        for value in step.inputs:
            readers[value] = readers.get(value, 0) + 1
    for value in body.outputs:
        readers[value] = readers.get(value, 0) + 1
    pairs: dict[int, int] = {}
    for index, step in enumerate(body.steps):
        if not isinstance(step, Layer) or step.op.word != "bn":
            continue
        maker = makers.get(step.inputs[0])
        if maker is None or readers[step.inputs[0]] != 1 or not _takes(maker.step):
            continue
        if maker.step.guards == step.guards and maker.step.name and step.name:
            pairs[index] = maker.index
    return pairs


def _takes(step: Step) -> bool:
    """Whether a layer can take a batch norm in: its weights are torch's own, and none is a literal."""
    if not isinstance(step, Layer) or step.op.word not in FOLDS:
        return False
    op = step.op
    return all(getattr(op, field, None) is None for field in ("connect", "weight_values", "bias_values"))


def _without(body: Body, pairs: dict[int, int]) -> Body:
    """The body without these batch norms; the layers before them have a bias."""
    number = {value: value for value in range(body.inputs)}
    values = list(body.values[: body.inputs])
    steps: list[Step] = []
    where: list[int] = []
    layers = set(pairs.values())
    old = body.inputs
    for index, step in enumerate(body.steps):
        where.append(len(steps))
        if index in pairs:
            number[old] = number[step.inputs[0]]
            old += 1
            continue
        update: dict[str, object] = {"inputs": tuple(number[value] for value in step.inputs)}
        if isinstance(step, Layer):
            update["arms"] = tuple(
                arm if arm.value is None else arm.model_copy(update={"value": number[arm.value]})
                for arm in step.arms
            )
            if index in layers:
                update["op"] = step.op.model_copy(update={"bias": True})
        steps.append(step.model_copy(update=update))
        for _ in range(step.outputs if isinstance(step, Region) else 1):
            number[old] = len(values)
            values.append(body.values[old])
            old += 1
    where.append(len(steps))
    return renumbered(body, steps, values, number, where)


def rule(pairs: tuple[Pair, ...], norms: set[str], layers: set[str]) -> dict[str, str] | None:
    """The pairs by the last level of their names (`bn1` goes into `conv1`), where that says exactly the same
    for this network's batch norms and layers; else None."""
    last: dict[str, str] = {}
    for pair in pairs:
        norm, layer = pair.norm.rpartition(".")[2], pair.layer.rpartition(".")[2]
        if last.setdefault(norm, layer) != layer:
            return None
    meant = {pair.norm for pair in pairs}
    for norm in norms:
        scope, dot, name = norm.rpartition(".")
        folds = name in last and scope + dot + last[name] in layers
        if folds != (norm in meant):
            return None
    return last
