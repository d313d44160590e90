"""What the tests of the torch target share: a spec to a graph, a graph to a running model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, wraps
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import torch

from cnnspec.diagnostics import Severity, Sink, Source
from cnnspec.elaborate import Request, elaborate, variants
from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from cnnspec.language import parse
from cnnspec.targets.torch import emit

P = ParamSpec("P")
R = TypeVar("R")

SPECS = Path(__file__).parents[3] / "specs"


def graph_of(
    text: str, variant: str | None = None, *, name: str = "spec.cnn", settings: Mapping[str, str] = {}
) -> Graph:
    source, sink = Source(name, text), Sink()
    file = parse(source, sink)
    names = variants(file)
    graph = elaborate(Request(file, source, variant or (names[0] if names else None), settings), sink)
    errors = [f"{found.code} {found.message}" for found in sink if found.severity is Severity.ERROR]
    assert not errors, errors
    assert graph is not None
    return graph


@cache
def spec(path: str, variant: str | None = None) -> Graph:
    file = SPECS / path
    return graph_of(file.read_text(encoding="utf-8"), variant, name=path)


@cache
def zoo(*, all_variants: bool = False) -> tuple[tuple[str, str | None], ...]:
    found: list[tuple[str, str | None]] = []
    for file in sorted(SPECS.rglob("*.cnn")):
        path = file.relative_to(SPECS).as_posix()
        names = variants(parse(Source(path, file.read_text(encoding="utf-8")), Sink()))
        found += [(path, name) for name in (names if all_variants else names[:1]) or (None,)]
    return tuple(found)


class Listed(NamedTuple):
    weights: int
    macs: float
    inputs: list[str]
    outputs: list[str]


@cache
def listed() -> dict[tuple[str, str | None], Listed]:
    """What docs/zoo.md, which a test keeps up to date, says of each model: known before one is elaborated."""
    found, path = {}, ""
    for line in (SPECS.parent / "docs" / "zoo.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 9 or "→" not in cells[7] or cells[1] == "name":
            continue
        if cells[1]:
            path = cells[1].partition("](../specs/")[2].removesuffix(")")
        number, unit = (cells[5][:-1], cells[5][-1]) if cells[5][-1:] in UNITS else (cells[5], "")
        given, made = cells[7].split(" → ")
        found[path, cells[2] or None] = Listed(
            int(cells[4].replace(",", "")), float(number) * UNITS[unit], given.split(", "), made.split(", ")
        )
    return found


UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def program(graph: Graph, **options: Any) -> str:
    text = emit(graph, **options)
    assert isinstance(text, str), text
    return text


def executed(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(text, "emitted", "exec"), names)
    return names


def model_class(names: Mapping[str, Any]) -> type[torch.nn.Module]:
    """The model is the last class of the file."""
    classes = [
        value
        for value in names.values()
        if isinstance(value, type) and issubclass(value, torch.nn.Module) and value.__module__ == "emitted"
    ]
    return classes[-1]


def built(graph: Graph) -> torch.nn.Module:
    return model_class(executed(program(graph)))()


def keys_of(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The state_dict that the IR says."""
    return {key: weight.shape for entry in flat(graph) for key, weight in entry.weights}


def inputs_of(graph: Graph, batch: int = 2, **options: Any) -> list[torch.Tensor]:
    root = graph.root
    return [torch.randn(batch, *(root.values[value] or ()), **options) for value in range(root.inputs)]


def outputs_of(result: Any) -> list[torch.Tensor]:
    return list(result) if isinstance(result, tuple) else [result]


def shapes_of(graph: Graph) -> list[tuple[int, ...] | None]:
    return [graph.root.values[value] for value in graph.root.outputs]


def disturb(model: torch.nn.Module) -> None:
    """Weights and statistics that are nothing special; nothing is dropped."""
    with torch.no_grad():
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_()  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
        if isinstance(getattr(module, "p", None), int | float):
            module.p = 0  # type: ignore[assignment]


def single_threaded(test: Callable[P, R]) -> Callable[P, R]:
    """Small networks lose more by torch's threads than they win, above all where tests share the cores."""

    @wraps(test)
    def run(*args: P.args, **options: P.kwargs) -> R:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return test(*args, **options)
        finally:
            torch.set_num_threads(threads)

    return run
