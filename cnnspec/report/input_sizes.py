"""Which input sizes fit a model, in words: `cnnspec sizes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnspec.analyses.sizes.find import Along
from cnnspec.analyses.sizes.network import Sizes, sizes_of
from cnnspec.analyses.sizes.replay import OverWork
from cnnspec.diagnostics import Diagnostic, Severity
from cnnspec.report.amounts import shape_text

if TYPE_CHECKING:
    from cnnspec.elaborate.limits import Limits
    from cnnspec.ir.graph import Graph
    from cnnspec.ops.base import Shape
    from cnnspec.pipeline import Model

WORK = 200_000
"""The most evaluation steps for all sizes of a spec that are tried."""
MOST_TRIED = 300
LISTED = 8


class Misfit(NamedTuple):
    """A size that does not fit, with the finding and its line."""

    shape: Shape
    finding: Diagnostic
    line: int


class InputSizes(NamedTuple):
    """The input sizes that fit a model. `sizes` is None if no size fits, or if the input is a vector."""

    model: Model
    name: str
    channels: int
    sizes: Sizes | None
    misfits: tuple[Misfit, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The document's part about this model."""
        sizes, model = self.sizes, self.model
        axes, outputs = (sizes.axes, sizes.outputs) if sizes is not None else ((), ())
        return {
            "model": self.name,
            "variant": model.variant,
            "settings": dict(model.settings),
            "inputs": list(sizes.inputs) if sizes is not None else [],
            "exact": sizes is not None and sizes.exact,
            "why": sizes.why if sizes is not None else "",
            "axes": [
                {
                    "axis": axis.name,
                    "from": axis.start if axis.residues else None,
                    "modulus": axis.modulus,
                    "residues": list(axis.residues),
                    "also": list(axis.also),
                    "tried": axis.tried,
                }
                for axis in axes
            ],
            "outputs": [{"name": output.name, "shape": list(output.shape)} for output in outputs],
            "misfits": [
                {
                    "shape": list(misfit.shape),
                    "code": misfit.finding.code,
                    "line": misfit.line,
                    "message": misfit.finding.message,
                }
                for misfit in self.misfits
            ],
        }

    @property
    def title(self) -> str:
        """`ResNet50`, with the settings of the command line."""
        return ", ".join([self.name, *(f"{name} = {value}" for name, value in self.model.settings.items())])

    def lines(self) -> Iterator[str]:
        """The answer as text, without the title."""
        sizes = self.sizes
        if sizes is None:
            yield f"  no size from 1 to {MOST_TRIED} fits" if self.channels else "  no input is a map"
            return
        letters = "".join(axis.name for axis in sizes.axes).replace(" = ", "")
        named = "" if sizes.inputs == ("input",) else " " + ", ".join(sizes.inputs)
        rows = [(f"input{named}", "x".join((str(self.channels), *letters)))]
        rows += [(" and ".join(names), axis_text(axis)) for names, axis in _alike(sizes.axes)]
        for output in sizes.outputs:
            label = "output" if output.name == "output" else f"output {output.name}"
            rows.append((label, "x".join("?" if size is None else factor(size) for size in output.shape)))
        width = max(len(name) for name, _ in rows)
        yield from (f"  {name:{width}}  {text}" for name, text in rows)
        for misfit in self.misfits:
            yield f"  at {shape_text(misfit.shape)}, line {misfit.line}: {misfit.finding.message}"
        if sizes.why:
            yield f"  tried from 1 to {sizes.axes[0].tried}: {sizes.why}"


def text_of(results: list[InputSizes]) -> str:
    """The answers as text; models with the same answer are grouped."""
    titles: dict[tuple[str, ...], list[str]] = {}
    for result in results:
        titles.setdefault(tuple(result.lines()), []).append(result.title)
    parts = (
        f"{', '.join(names)}\n" + "".join(f"{line}\n" for line in lines) for lines, names in titles.items()
    )
    return "\n".join(parts)


def input_sizes(model: Model, limits: Limits) -> InputSizes:
    """The sizes of the input that fit a model, and examples of others with their findings."""
    from cnnspec.elaborate import trier
    from cnnspec.elaborate.limits import Request

    request = Request(model.file, model.source, model.variant, model.settings, limits)
    attempt = trier(request, WORK)
    graph = model.graph
    assert graph is not None
    shapes = graph.root.values[: graph.root.inputs]
    first = next((shape for shape in shapes if shape is not None and len(shape) > 1), None)
    if first is None:
        return InputSizes(model, graph.name, 0, None)
    varying = {
        name: shape[0]
        for name, shape in zip(graph.inputs, shapes, strict=True)
        if shape is not None and shape[1:] == first[1:]
    }

    def run(shape: Shape) -> tuple[Graph | None, Diagnostic | None]:
        """The network with inputs of this size, or the first finding."""
        made, sink = attempt({name: (channels, *shape[1:]) for name, channels in varying.items()})
        wrong = sorted(one for one in sink if one.severity is Severity.ERROR)
        if made is None and (not wrong or any(one.code == "E607" for one in wrong)):
            raise OverWork
        return (None, wrong[0]) if wrong else (made, None)

    try:
        fitting = run(first)[0] or _first_fitting(run, first)
    except OverWork:
        fitting = None
    sizes = None if fitting is None else sizes_of(fitting, lambda shape: run(shape)[0])
    if sizes is None:
        return InputSizes(model, graph.name, first[0], None)
    misfits: list[Misfit] = []
    for shape in examples(sizes, first):
        try:
            finding = run(shape)[1]
        except OverWork:
            break
        if finding is not None and finding.code not in [misfit.finding.code for misfit in misfits]:
            line = model.source.position(finding.span.start).line
            misfits.append(Misfit(shape, finding, line))
    return InputSizes(model, graph.name, first[0], sizes, tuple(misfits))


def _first_fitting(run: Any, first: Shape) -> Graph | None:
    """The network at the first square size that fits: the sizes next to the input's own, then larger ones."""
    rank, own = len(first) - 1, max(first[1:])
    near = sorted(range(1, max(MOST_TRIED, 2 * own) + 1), key=lambda size: abs(size - own))[:MOST_TRIED]
    for size in (*near, *(1 << power for power in range(8, 14))):
        graph: Graph | None = run((first[0], *(size,) * rank))[0]
        if graph is not None:
            return graph
    return None


def examples(sizes: Sizes, first: Shape) -> list[Shape]:
    """Sizes that do not fit: the next one above the input's own, and the largest that is too small."""
    rank = len(first) - 1
    axes = sizes.axes if len(sizes.axes) == rank else sizes.axes * rank
    least = [axis.start if axis.residues else 1 for axis in axes]
    own = [max(size, start) for size, start in zip(first[1:], least, strict=True)]
    shapes = []
    for step in range(1, axes[0].modulus + 1 if sizes.exact else LISTED):
        larger = tuple(size + step for size in own)
        if not sizes.has((first[0], *larger)):
            shapes.append((first[0], *larger))
            break
    smaller = tuple(axis.start - 1 for axis in axes)
    if all(axis.residues for axis in axes) and min(smaller) >= 1 and not sizes.has((first[0], *smaller)):
        shapes.append((first[0], *smaller))
    return shapes


def _alike(axes: tuple[Along, ...]) -> Iterator[tuple[list[str], Along]]:
    """The axes; those with the same sizes are grouped."""
    left = list(axes)
    while left:
        like = _sizes_alone(left[0])
        names = [one.name for one in left if _sizes_alone(one) == like]
        yield names, left[0]
        left = [one for one in left if one.name not in names]


def _sizes_alone(axis: Along) -> Along:
    """An axis without its name and the parts that do not affect its sizes."""
    return axis._replace(name="", tried=0, period=min(axis.period, 1))


def axis_text(axis: Along) -> str:
    """`multiples of 32, from 32 on`.

    >>> axis_text(Along("H", 16, 16, (12,), 140, (), 256))
    '16k + 12: 140, 156, 172, …'
    >>> axis_text(Along("H", 1, 1, (0,), 1, (), 256)), axis_text(Along("W", 1, 1, (), 1, (227,), 256))
    ('any', 'only 227')
    >>> axis_text(Along("H", 32, 32, tuple(range(16)), 32, (8,), 256))
    '32k to 32k + 15, from 32 on; also 8'
    """
    also = _runs(axis.also, str)
    if not axis.exact:
        return also or "none"
    if not axis.residues:
        return f"only {also}"
    modulus, kept = axis.modulus, axis.residues
    if modulus == 1:
        text = "any" if axis.start == 1 else f"any from {axis.start} on"
    elif len(kept) == 1:
        steps = ", ".join(str(axis.start + modulus * k) for k in range(3))
        name = f"multiples of {modulus}" if kept == (0,) else f"{modulus}k + {kept[0]}"
        text = f"{name}: {steps}, …"
    else:
        runs = _runs(kept, lambda one: f"{modulus}k + {one}" if one else f"{modulus}k")
        text = f"{runs}, from {axis.start} on"
    return f"{text}; also {also}" if also else text


def _runs(sizes: tuple[int, ...], text: Callable[[int], str]) -> str:
    """`3, 5 to 9, 12`; of many runs the first."""
    runs: list[list[int]] = []
    for size in sizes:
        if runs and runs[-1][-1] == size - 1:
            runs[-1][1:] = [size]
        else:
            runs.append([size])
    texts = [" to ".join(map(text, run)) for run in runs]
    return ", ".join([*texts[:LISTED], *(["…"] if len(texts) > LISTED else [])])


def factor(text: str) -> str:
    """A formula as a factor of a shape: `(H − 184)`."""
    return text if text.isalnum() or (text[0] in "⌈⌊" and text.endswith(("⌉", "⌋"))) else f"({text})"
