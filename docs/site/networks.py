"""The pages of the zoo: a network's figures, tables and text, and the questions about its size."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from cnnspec import pipeline, resources
from cnnspec.diagnostics import Source
from cnnspec.drawing.table import LAYOUTS
from cnnspec.ir.graph import Layer
from cnnspec.language import tree
from cnnspec.pipeline import Model
from cnnspec.report.amounts import bytes_text, exact, field_text, shape_text, short
from docs import zoo
from docs.site.printed import printed

LIKE = {"mobilenet_v2" if name == "mobilenet" else name: name for name in LAYOUTS}
"""Specs of the papers whose tables `table --like` knows."""


class Network(NamedTuple):
    """A spec of the zoo with its variants, and the words of the layers that are in it."""

    file: str
    name: str
    family: str
    text: str
    models: tuple[Model, ...]
    words: tuple[str, ...]


def networks() -> list[Network]:
    """All specs, family by family."""
    found = []
    for file, path in resources.zoo().items():
        text = Path(path).read_text("utf-8")
        models = tuple(pipeline.models(Source(file, text), lints=False))
        name = next(one.name for one in models[0].file.statements if isinstance(one, tree.Model))
        words = sorted({word for model in models for word in _words(model)})
        found.append(Network(file, name, resources.family(path), text, models, tuple(words)))
    return found


def _words(model: Model) -> Iterator[str]:
    assert model.graph is not None
    for body in model.graph.bodies:
        yield from (step.op.word for step in body.steps if isinstance(step, Layer))


def used(found: Iterable[Network]) -> dict[str, list[tuple[str, str]]]:
    """By layer: the networks that have it."""
    users: dict[str, list[tuple[str, str]]] = {}
    for network in found:
        for word in network.words:
            users.setdefault(word, []).append((network.file, network.name))
    return users


# The page of a network


def zoo_pages(found: Iterable[Network]) -> Iterator[tuple[str, str]]:
    """`zoo/resnet.md` and its figures, `zoo/resnet.svg` and `zoo/resnet-volumes.svg`."""
    for network in found:
        spec = f"zoo:{network.file}"
        yield f"zoo/{network.file}.svg", printed("draw", spec)
        yield f"zoo/{network.file}-volumes.svg", printed("draw", spec, "--style", "volumes")
        yield f"zoo/{network.file}.md", "\n".join(_page(network)) + "\n"


def _page(network: Network) -> Iterator[str]:
    graph = network.models[0].graph
    assert graph is not None
    spec = f"zoo:{network.file}"
    shown = f" of {network.models[0].variant}" if len(network.models) > 1 else ""
    yield from ("---", f"title: {json.dumps(network.name)}", "---", f"# {network.name}", "")
    titles = dict.fromkeys(model.graph.title for model in network.models if model.graph)
    yield "<br>\n".join(_cell(title) for title in titles)
    yield from ("", f"![{network.name}]({network.file}.svg)", "")
    yield f"The figure{shown} is what `cnnspec draw {spec}` draws."
    yield from ("", "## Numbers", "")
    yield from _numbers(network.models)
    yield from ("", "## Layers", "", printed("table", spec).rstrip(), "")
    yield f"`cnnspec table {spec}` prints this table{shown}."
    links = ", ".join(f"[`{word}`](../layers/{word}.md)" for word in network.words)
    yield from ("", f"The layers: {links}.")
    if like := LIKE.get(network.file):
        table = printed("table", spec, "--like", like, "--format", "html").rstrip()
        yield from ("", "## As in the paper", "", f'<div class="paper">\n{table}\n</div>', "")
        yield f"`cnnspec table {spec} --like {like}`, as HTML."
    yield from ("", "## The spec", "")
    yield f"`cnnspec zoo {network.file}` prints it; `{spec}` can be used wherever a command takes a file."
    yield from ("", "```cnn", network.text.rstrip(), "```", "", "## To scale", "")
    yield from (f"![{network.name}, to scale]({network.file}-volumes.svg)", "")
    yield f"`cnnspec draw {spec} --style volumes`"


def _numbers(models: Sequence[Model]) -> Iterator[str]:
    """One row per variant."""
    yield "| variant | weights | MACs | depth | field | input → output |"
    yield "| --- | ---: | ---: | ---: | ---: | --- |"
    for model in models:
        graph, totals = model.graph, model.report and model.report.totals
        assert graph is not None
        assert totals is not None
        root = graph.root
        given = ", ".join(shape_text(shape) for shape in root.values[: root.inputs])
        made = ", ".join(shape_text(root.values[number]) for number in root.outputs)
        name = model.variant or graph.name
        cells = (name, exact(totals.params), short(totals.macs), str(totals.layers), field_text(totals.field))
        yield f"| {' | '.join(cells)} | {given} → {made} |"


# How many parameters does … have?


def questions(found: Iterable[Network]) -> str:
    """A question and its answer for each model, family by family; not for the worked examples."""
    lines: list[str] = []
    for family, members in groupby(found, key=lambda network: network.family):
        if family == "notes":
            continue
        lines += [f"## {zoo.FAMILIES[family]}", ""]
        for network in members:
            for model in network.models:
                lines += [*_answer(network, model), ""]
    return "\n".join(lines)


def _answer(network: Network, model: Model) -> Iterator[str]:
    graph, totals = model.graph, model.report and model.report.totals
    assert graph is not None
    assert totals is not None
    assert totals.params is not None
    assert totals.macs is not None
    root = graph.root
    given = " and ".join(shape_text(shape) for shape in root.values[: root.inputs])
    yield f"### How many parameters does {model.variant or network.name} have?"
    yield ""
    yield (
        f"**{exact(totals.params)}** parameters, {bytes_text(4 * totals.params)} in float32; "
        f"{short(totals.macs)} multiply–accumulates ({short(2 * totals.macs)} FLOPs) for an input of "
        f"{given}. "
        f"[{network.name}](../specs/{network.family}/{network.file}.cnn)"
    )


def named(found: Iterable[Network]) -> Mapping[str, str]:
    """By the file of a spec: the page that shows it."""
    return {f"specs/{network.family}/{network.file}.cnn": f"zoo/{network.file}.md" for network in found}


def _cell(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
