"""Where an author's number may come from: common mistakes, computed for the layers that a claim is about.

A suspicion is reported only if it gives the claimed number, to the precision with which it is written, and if
this precision distinguishes it from the true number. A mistake at one layer of several is suspected only
where the claim is exact, because some layer is always near a rounded number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from cnnspec.analyses.claims import holds
from cnnspec.analyses.costs import connections, macs
from cnnspec.analyses.shapes import Shaped
from cnnspec.analyses.weights import tally
from cnnspec.ir.graph import Claim, Region
from cnnspec.ops.base import POINT, Shape, Window, axes_of, written_shape

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


class Part(NamedTuple):
    """One of the layers that a claim is about, and how often it counts."""

    layer: Shaped
    times: int


def parts(report: Report, body: int, first: int, last: int, *, once: bool) -> list[Part]:
    """The layers of the steps `first` … `last` (exclusive) of a body, each of its bodies once, in the order
    of the text. `once`: the uses of a shared block have the same weights and count as one.
    """
    bodies, times = report.graph.bodies, Counter({body: 1})
    layer_parts: list[Part] = []
    shared: set[tuple[int, str]] = set()
    for number in range(body, -1, -1):  # a body comes before the bodies that use it
        if not times[number]:
            continue
        steps = slice(first, last) if number == body else slice(None)
        layers_here = zip(bodies[number].steps[steps], report.shapes[number][steps], strict=True)
        for step, layer in layers_here:
            if layer is not None:
                layer_parts.append(Part(layer, times[number]))
            if not isinstance(step, Region):
                continue
            uses = times[number]
            if once and step.shared is not None:
                which = number if step.inner else body, step.shared
                if which in shared:
                    continue
                shared.add(which)
                uses = uses if step.inner else 1
            for one in step.passes:
                times[one.body] += uses * one.count
    return sorted(layer_parts, key=lambda part: part.layer.layer.span)


def of_shape(claimed: Shape, value: Shape, layers: Iterable[Shaped]) -> str:
    """How the author's shape may have been computed from these layers; "" where no mistake gives it."""
    C, *sizes = value
    if len(value) == len(claimed) > 1:
        axes = axes_of(value)
        form = "x".join("C" + axes)
        if claimed[0] == C and len(axes) == 2 and [*claimed[1:]] == sizes[::-1]:
            return f"{written_shape(claimed)} has rows and columns exchanged: a shape is CxHxW, rows first"
        for order, turned in ((axes, sizes), (axes[::-1], sizes[::-1])):
            if claimed == (*turned, C):
                last = "x".join(order + "C")
                return f"{written_shape(claimed)} is {last}; a shape is {form} here, channels first"
    if len(claimed) == 1 and len(value) > 1 and claimed[0] in (prod(value), C):
        if claimed[0] == C:
            return f"{C} is the number of channels; `gap` makes a vector of them"
        return f"{claimed[0]:,} = {'·'.join(map(str, value))}: `flatten` makes a vector of the map"
    for layer in layers:
        for slip in layer.op.slips(layer.inputs, layer.output, 0):
            if slip.subject == "out" and slip.value == claimed != layer.output:
                return f"{written_shape(claimed)} is the result {slip.why}"
        if claimed in layer.inputs:
            return f"{written_shape(claimed)} is the input of `{_named(layer)}`"
    return ""


class Suspicion(NamedTuple):
    """The true number with `terms` added, or `number` itself."""

    why: str
    terms: tuple[int, ...] = ()
    number: int | None = None

    def worth(self, value: int) -> int:
        return value + sum(self.terms) if self.number is None else self.number

    def sentence(self, value: int) -> str:
        """`1,792 − 64 = 1,728: without the biases`; `3,456 is the result …`."""
        if self.number is not None:
            return f"{self.number:,} is {self.why}"
        sums = "".join(f" {'−' if term < 0 else '+'} {abs(term):,}" for term in self.terms if term)
        return f"{value:,}{sums} = {self.worth(value):,}: {self.why}"


def of_number(claim: Claim, value: int, layer_parts: Sequence[Part], others: dict[str, int | None]) -> str:
    """How the author's number may have been computed; "" where no mistake gives it. `others` are the computed
    values of the other subjects.
    """
    claimed, step = Fraction(claim.number or 0), Fraction(claim.step)
    exact = step == 1 and not claim.about
    for suspicion in _suspicions(claim.subject, value, layer_parts, others, int(claimed) if exact else None):
        number = suspicion.worth(value)
        apart = abs(number - value)
        precise = apart * 5 > value if claim.about else apart >= step
        if apart and precise and holds(claimed, step, claim.about, number):
            return suspicion.sentence(value)
    return ""


def _suspicions(
    subject: str, value: int, layer_parts: Sequence[Part], others: dict[str, int | None], exact: int | None
) -> Iterator[Suspicion]:
    """The most likely ones first. `exact` is the claimed number where it is not rounded."""
    flops = f"2·{value:,}, FLOPs that count a multiply–accumulate as two"
    for other, why in {
        "params": [("trainable", "`trainable`, without the frozen weights")],
        "trainable": [("params", "`params`, with the frozen weights")],
        "macs": [
            ("connections", "the MACs and the additions of the biases"),
            ("params", "the number of weights; each is used at every position"),
        ],
        "flops": [("macs", "the MACs: a multiply–accumulate is two FLOPs here")],
        "connections": [("macs", "the MACs, without the biases")],
        "layers": [("weighted", "`weighted`: all layers with weights, not only those of the longest path")],
        "weighted": [("layers", "`layers`: only those of the longest path")],
    }.get(subject, []):
        if (number := others.get(other)) is not None:
            yield Suspicion(why, number=number)
    if subject == "macs":
        yield Suspicion(flops, number=2 * value)
        if (number := others.get("connections")) is not None:
            yield Suspicion(f"{flops}, and the additions of the biases", number=value + number)
    if subject in ("layers", "weighted"):
        yield from _uncounted(layer_parts)
    if subject in ("params", "trainable"):
        yield from _weights(value, layer_parts, exact)
    if subject in ("params", "trainable", "macs"):
        yield from _slips("macs" if subject == "macs" else "params", value, layer_parts, exact)


def _uncounted(layer_parts: Sequence[Part]) -> Iterator[Suspicion]:
    """Layers without weights, which the depth leaves out: those with a window, and all of them."""
    rest = [part for part in layer_parts if not part.layer.op.weighted]
    sliding = [part for part in rest if any(map(POINT.__ne__, _windows(part.layer)))]
    words = " and ".join(dict.fromkeys(f"`{part.layer.op.word}`" for part in sliding))
    yield Suspicion(f"with {words}, which has no weights and does not count", (_times(sliding),))
    yield Suspicion("with all layers; only those with weights count", (_times(rest),))


def _times(layer_parts: Sequence[Part]) -> int:
    return sum(part.times for part in layer_parts)


def _windows(layer: Shaped) -> Sequence[Window]:
    return () if layer.op.ends_map else layer.op.window(layer.inputs, layer.output)


def _weights(value: int, layer_parts: Sequence[Part], exact: int | None) -> Iterator[Suspicion]:
    """Weights without biases, without norms, with running statistics, without the classifier."""
    biases = -sum(part.times * _biases(part.layer) for part in layer_parts)
    missing = sum(part.times * _missing_biases(part.layer) for part in layer_parts)
    norms = [part for part in layer_parts if not part.layer.op.weighted and _held(part)]
    words = "without the weights of " + " and ".join(
        dict.fromkeys(f"`{part.layer.op.word}`" for part in norms)
    )
    normed = -sum(map(_held, norms))
    statistics = sum(part.times * _statistics(part.layer) for part in layer_parts)
    counters = sum(part.times * _statistics(part.layer, counters=True) for part in layer_parts) - statistics
    kept = "with the running means and variances, which Keras counts among the parameters"
    added = "with a bias for each filter, which `nobias` leaves out here"
    yield Suspicion(kept, (statistics,))
    yield Suspicion("with the buffers: running means, variances and the counters", (statistics, counters))
    yield Suspicion("without the biases", (biases,))
    yield Suspicion(added, (missing,))
    yield Suspicion(words, (normed,))
    yield Suspicion(f"{added}; {words}", (missing, normed))
    yield Suspicion(f"without the biases; {words}", (biases, normed))
    yield Suspicion(f"{added}; {kept}", (missing, statistics))
    dense = [part for part in layer_parts if part.layer.op.weighted and len(part.layer.output) == 1]
    for few in (dense[-1:], dense):
        names = " and ".join(f"`{_named(part.layer)}`" for part in few[:4])
        yield Suspicion(f"without {names}", (-sum(map(_held, few)),))
    for part in layer_parts[:100] if len(layer_parts) > 1 and exact is not None else ():
        yield Suspicion(f"without `{_named(part.layer)}`", (-_held(part),))
        yield Suspicion(f"without the biases of `{_named(part.layer)}`", (-part.times * _biases(part.layer),))
    lengths = -sum(part.times * _lengths(part.layer) for part in layer_parts)
    yield Suspicion("without the trained lengths or gains of normalised weights", (lengths,))
    yield Suspicion("their bytes, four for each weight (float32)", number=4 * value)


def _slips(subject: str, value: int, layer_parts: Sequence[Part], exact: int | None) -> Iterator[Suspicion]:
    """A common mistake at one layer, or the same mistake at all layers."""
    everywhere: Counter[str] = Counter()
    weighted = [part for part in layer_parts if part.layer.op.weighted][:100]
    for layer, times in weighted:
        own = _cost(subject, Part(layer, 1))
        rest = value - own * times
        at = f" (in `{_named(layer)}`)" if len(weighted) > 1 else ""
        for slip in layer.op.slips(layer.inputs, layer.output, (exact or rest) - rest if times == 1 else 0):
            if slip.subject == subject and isinstance(slip.value, int):
                if exact is not None or not at:
                    yield Suspicion(f"the result {slip.why}{at}", number=rest + slip.value * times)
                everywhere[slip.why] += (slip.value - own) * times
    for why, difference in everywhere.items():
        yield Suspicion(f"the result {why}", number=value + difference)


def _named(layer: Shaped) -> str:
    return f"{layer.op.word} {layer.op.written()}".rstrip()


def _held(part: Part) -> int:
    """The number of weights of a layer."""
    return _cost("params", part)


def _biases(layer: Shaped) -> int:
    """One bias per filter, where the layer has biases."""
    if not layer.op.weighted:
        return 0
    return sum(prod(weight.shape) for weight in layer.op.weights(*layer.inputs) if weight.name == "bias")


def _lengths(layer: Shaped) -> int:
    """What normalised weights have in addition: a trained length or gain of each filter."""
    if getattr(layer.op, "normalised", None) not in ("weight", "scaled"):
        return 0
    op = layer.op.model_copy(update={"normalised": None})
    plain = layer._replace(layer=layer.layer.model_copy(update={"op": op}))
    return _cost("params", Part(layer, 1)) - _cost("params", Part(plain, 1))


def _missing_biases(layer: Shaped) -> int:
    """One bias per filter, where `nobias` leaves them out."""
    return layer.output[0] if getattr(layer.op, "bias", True) is False and not _biases(layer) else 0


def _statistics(layer: Shaped, *, counters: bool = False) -> int:
    """The number of buffers of a layer. `counters`: with the number of batches, a buffer of shape ()."""
    held = (weight.shape for weight in layer.op.weights(*layer.inputs) if weight.role == "buffer")
    return sum(prod(shape) for shape in held if shape or counters)


def terms(subject: str, layer_parts: Iterable[Part]) -> Iterator[str]:
    """The terms of a number: the formula of a single layer, or the sum for each kind of layer."""
    costs = [(part, _cost(subject, part)) for part in layer_parts]
    named = [(part, cost) for part, cost in costs if cost]
    if len(named) == 1:
        layer, times = named[0][0]
        name = {"macs": "MACs", "connections": "connections"}.get(subject, "weights")
        for formula in layer.op.formulas(layer.inputs, layer.output):
            if formula.name == name:
                yield formula.line() + (f"; {times} times: {named[0][1]:,}" if times > 1 else "")
        return
    kinds: Counter[str] = Counter()
    for part, cost in named:
        biases = part.times * _biases(part.layer) if subject in ("params", "trainable") else 0
        kinds[part.layer.op.word] += cost - biases
        kinds["biases"] += biases
    if len(named) > 1:
        total = " + ".join(f"{kind} {count:,}" for kind, count in kinds.items() if count)
        yield f"{total} = {sum(kinds.values()):,}"


def counted(value: int, layer_parts: Iterable[Part]) -> Iterator[str]:
    """Which layers make up a depth; nothing where some are not on the longest path."""
    kinds: Counter[str] = Counter()
    for layer, times in layer_parts:
        kinds[layer.op.word] += times * layer.op.weighted
    if len(+kinds) > 1 and sum(kinds.values()) == value:
        yield " + ".join(f"{kind} {count:,}" for kind, count in kinds.items() if count) + f" = {value:,}"


def _cost(subject: str, part: Part) -> int:
    layer = part.layer
    match subject:
        case "params" | "trainable":
            return part.times * int(getattr(tally(layer.op.weights(*layer.inputs)), subject))
        case "macs":
            return part.times * macs(layer)
        case "connections":
            return part.times * connections(layer)
    return 0
