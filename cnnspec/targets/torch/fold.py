"""The inference form: batch normalisation folded into the layer before it. Which batch norms fold, which keys
of the state_dict change, and the function that converts a trained network's weights.

In evaluation y = γ·(Wx + b − μ)/√(σ² + eps) + β is a convolution again, with W' = γ/√(σ² + eps)·W and b' = (b
− μ)·γ/√(σ² + eps) + β. A `bn` folds if it is the only reader of the output of a conv, dwconv or fc in its own
template; every other one stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph, Layer
from cnnspec.ir.template import IfSite, LayerSite, RegionSite, Site, SlotSite, Template

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
    """The path of a batch norm, the path of the layer that it is folded into, and its eps."""

    norm: str
    layer: str
    eps: float


@dataclass(frozen=True, slots=True)
class Folds:
    """The batch norms that fold: their templates and sites, with the sites of the layers that they are folded
    into; the pairs of paths, in the order of the forward pass; and the last levels of these paths, where
    these alone determine the pairs (else None)."""

    sites: dict[tuple[int, int], int]
    pairs: tuple[Pair, ...]
    rule: dict[str, str] | None


def folded(graph: Graph) -> Folds:
    """The batch norms of a graph that fold."""
    kept = {
        (body.template, step.site)
        for body in graph.bodies
        for step in body.steps
        if isinstance(step, Layer) and step.op.word in FOLDS and not _takes(step)
    }
    sites = {
        (number, norm.site): layer.site
        for number, template in enumerate(graph.templates)
        for norm, layer in _pairs(template)
        if (number, layer.site) not in kept
    }
    moved: dict[str, Pair] = {}
    norms: set[str] = set()
    layers: set[str] = set()
    for entry in flat(graph):
        if entry.op is None:
            continue
        if entry.op.word in FOLDS:
            layers.add(entry.attribute)
        if entry.op.word != "bn":
            continue
        norms.add(entry.attribute)
        body = graph.bodies[entry.body]
        norm = body.steps[entry.step]
        taker = sites.get((body.template, norm.site)) if isinstance(norm, Layer) else None
        if taker is None:
            continue
        layer = next(step for step in body.steps if isinstance(step, Layer) and step.site == taker)
        scope = entry.attribute[: len(entry.attribute) - len(norm.name)]
        eps = float(entry.op.eps)  # type: ignore[attr-defined]
        moved.setdefault(entry.attribute, Pair(entry.attribute, scope + layer.name, eps))
    pairs = tuple(moved.values())
    return Folds(sites, pairs, rule(pairs, norms, layers))


def _pairs(template: Template) -> Iterator[tuple[LayerSite, LayerSite]]:
    """The batch norms that are the only readers of the layer before them, under the same conditions."""
    reads = Counter(template.outputs)
    makers: dict[int, tuple[LayerSite, int]] = {}
    norms: list[tuple[LayerSite, int]] = []

    def walk(sites: Iterable[Site], side: int) -> None:
        for site in sites:
            if isinstance(site, IfSite):
                for join in site.joins.values():
                    reads.update(value for value in (join.then, join.otherwise) if value is not None)
                walk(site.then, id(site.then))
                walk(site.otherwise, id(site.otherwise))
            elif isinstance(site, LayerSite | RegionSite | SlotSite):
                reads.update(site.inputs)
                if isinstance(site, LayerSite) and site.name:
                    makers[site.output] = site, side
                    if site.word == "bn":
                        norms.append((site, side))

    walk(template.sites, 0)
    for norm, side in norms:
        layer, other = makers.get(norm.inputs[0], (norm, -1))
        if layer.word in FOLDS and other == side and reads[norm.inputs[0]] == 1:
            yield norm, layer


def _takes(step: Layer) -> bool:
    """Whether a batch norm can be folded into a layer: its weights are torch's own, and none is a literal."""
    op = step.op
    own = all(getattr(op, field, None) is None for field in ("connect", "weight_values", "bias_values"))
    return own and getattr(op, "normalised", None) in (None, "plain")


def rule(pairs: tuple[Pair, ...], norms: set[str], layers: set[str]) -> dict[str, str] | None:
    """The pairs by the last level of their names (`bn1` folds into `conv1`), where this gives exactly the
    same pairs among this network's batch norms and layers; else None."""
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
