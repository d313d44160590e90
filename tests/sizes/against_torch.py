"""`make sizes`: what `cnnspec sizes` says of every spec and variant of the zoo, beside torch on the meta
device: all square inputs from 1 to 300, and 200 others.

A torch program is written for one size of its input. A fully connected layer after `flatten` depends on it,
and is replaced by one that takes any number of inputs; so does a `crop` to a fixed size, for which a program
for the other size is built. Batch normalisation keeps its input's shape; torch
works that out in Python, which would take most of the time, so it is told."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch

from cnnspec import pipeline, resources
from cnnspec.diagnostics import Source
from cnnspec.elaborate.limits import Limits
from cnnspec.ir.graph import Graph, Layer
from cnnspec.pipeline import Model
from cnnspec.report.input_sizes import InputSizes, input_sizes
from tests.targets.torch.support import built

SQUARES = range(1, 301)
OTHERS = 200


class Difference(NamedTuple):
    """A size for which torch and `sizes` say different things: the output's shapes, or why there is none."""

    size: tuple[int, ...]
    here: Any
    torch: Any


def models(name: str) -> Iterator[Model]:
    source = Source(f"zoo:{name}", Path(resources.zoo()[name]).read_text("utf-8"))
    yield from pipeline.models(source, lints=False)


def compare(model: Model, squares: Iterable[int], others: int) -> tuple[InputSizes, list[Difference]]:
    """The differences for these square sizes and for so many random ones."""
    found = input_sizes(model, Limits())
    sizes, graph = found.sizes, model.graph
    if sizes is None or graph is None:
        return found, []
    rank, rng = len(sizes.base) - 1, random.Random(1)
    tried = [(size,) * rank for size in squares]
    if not sizes.exact:  # a number in the program is made from the size: one program for each
        tried = [size for size in tried if size[0] <= sizes.axes[0].tried][::30]
    elif rank > 1:
        tried += [tuple(rng.randint(1, 400) for _ in range(rank)) for _ in range(others)]
        start = max(axis.start for axis in sizes.axes)
        if start > 300:  # the smallest that fits, and those around it
            tried += [(start + offset,) * rank for offset in range(-3, 31, 3)]
    words = {step.op.word for body in graph.bodies for step in body.steps if isinstance(step, Layer)}
    differences = []
    with _quick_batch_norm(), _any_vector() if "flatten" in words else nullcontext():
        module = built_on_meta(graph)
        for size in tried:
            there: Any
            if sizes.exact:
                here, there = _said(found, size), _by_torch(module, model, sizes.inputs, size)
                fixed = "crop" in words or there is None  # or a table for the positions of one size
                if here is not None and here != there and fixed:
                    there = _by_own_program(model, sizes.inputs, size)
            else:
                here, there = sizes.has((found.channels, *size)), _fits(model, sizes.inputs, size)
            if here != there and not _lenient(model, sizes.inputs, size, here, there):
                differences.append(Difference(size, here, there))
    return found, differences


def _fits(model: Model, varying: tuple[str, ...], size: tuple[int, ...]) -> bool:
    """Whether a program for this size can be built and run."""
    return _by_own_program(model, varying, size) is not None


def _by_own_program(
    model: Model, varying: tuple[str, ...], size: tuple[int, ...]
) -> list[tuple[int, ...]] | None:
    """What a program for this size gives; None where there is none."""
    other = _at(model, varying, size)
    if other.has_errors or other.graph is None:
        return None
    return _by_torch(built_on_meta(other.graph), model, varying, size)


def _at(model: Model, varying: tuple[str, ...], size: tuple[int, ...]) -> Model:
    """The model with another size of its inputs."""
    graph = model.graph
    assert graph is not None
    texts = {
        "input" if name == "input" else f"input {name}": "x".join(map(str, (shape[0], *size)))
        for name, shape in zip(graph.inputs, graph.root.values, strict=False)
        if name in varying and shape is not None
    }
    settings = {**model.settings, **texts}
    return pipeline.models(model.source, variant=model.variant, settings=settings, lints=False, first=True)[0]


def built_on_meta(graph: Graph) -> torch.nn.Module:
    with torch.device("meta"):
        return built(graph).eval()


def _said(found: InputSizes, size: tuple[int, ...]) -> list[tuple[int, ...]] | None:
    """The shapes of the outputs; None where the size does not fit."""
    sizes = found.sizes
    assert sizes is not None
    if not sizes.has((found.channels, *size)):
        return None
    letters = "".join(axis.name for axis in sizes.axes).replace(" = ", "")
    values = dict(zip(letters, size, strict=True))
    return [tuple(_value(text, values) for text in one.shape) for one in sizes.outputs]


def _value(text: str | None, values: dict[str, int]) -> int:
    """A formula's value: `16·⌊(H + 4)/16⌋ − 188`; -1 where there is none."""
    if text is None:
        return -1
    python = re.sub(r"⌈([^⌉]*)/(\d+)⌉", r"(-(-(\1)//\2))", text)
    python = re.sub(r"⌊([^⌋]*)/(\d+)⌋", r"((\1)//\2)", python)
    return int(eval(python.replace("·", "*").replace("−", "-"), {}, dict(values)))


def _by_torch(
    module: torch.nn.Module, model: Model, varying: tuple[str, ...], size: tuple[int, ...]
) -> list[tuple[int, ...]] | None:
    graph = model.graph
    assert graph is not None
    inputs = []
    for name, shape in zip(graph.inputs, graph.root.values, strict=False):
        assert shape is not None
        inputs.append(torch.empty(1, shape[0], *(size if name in varying else shape[1:]), device="meta"))
    try:
        made = module(*inputs)
    except (RuntimeError, ValueError, IndexError):
        return None
    return [tuple(one.shape[1:]) for one in (made if isinstance(made, tuple) else (made,))]


def _lenient(model: Model, varying: tuple[str, ...], size: tuple[int, ...], here: Any, there: Any) -> bool:
    """Whether torch goes on only as it broadcasts a map of one row or column, which `add` here refuses, or
    as a slice of a tensor ends where the tensor does, which is a `crop` that does not fit here."""
    if here is not None or there is None:
        return False
    findings = _at(model, varying, size).findings
    if any(one.code == "E307" and "does not fit in a map" in one.message for one in findings):
        return True
    return any(re.search(r"\d+x(1x|\d+x1\b)", one.message) for one in findings if one.code == "E304")


@contextmanager
def _any_vector() -> Iterator[None]:
    """F.linear as one that takes vectors of any length."""
    kept = torch.nn.functional.linear

    def linear(input: torch.Tensor, weight: torch.Tensor, bias: Any = None) -> torch.Tensor:
        return input.new_empty((*input.shape[:-1], weight.shape[0]))

    torch.nn.functional.linear = linear
    try:
        yield
    finally:
        torch.nn.functional.linear = kept


@contextmanager
def _quick_batch_norm() -> Iterator[None]:
    """F.batch_norm as one that gives a tensor of its input's shape: what it does to any map, in eval()."""
    kept = torch.nn.functional.batch_norm

    def batch_norm(input: torch.Tensor, mean: torch.Tensor, *_: Any) -> torch.Tensor:
        if mean is not None and len(mean) != input.shape[1]:
            raise RuntimeError(f"{len(mean)} running means, {input.shape[1]} channels")
        return input.new_empty(input.shape)

    torch.nn.functional.batch_norm = batch_norm
    try:
        yield
    finally:
        torch.nn.functional.batch_norm = kept


def main(names: list[str]) -> int:
    wrong = 0
    for name in names or resources.zoo():
        for model in models(name):
            found, differences = compare(model, SQUARES, OTHERS)
            exact = found.sizes is not None and found.sizes.exact
            print(
                f"{found.title:40} {'exact' if exact else 'tried':6} {len(differences)} differences",
                flush=True,
            )
            for one in differences[:3]:
                print("   ", one)
            wrong += bool(differences)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
