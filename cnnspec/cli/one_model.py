"""The single model of a command: its spec is found, read and evaluated; its programs are built."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.options import Choice
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.diagnostics.as_json import as_json
from cnnspec.documents.read import read_spec
from cnnspec.files import NOWHERE, read_one

if TYPE_CHECKING:
    from cnnspec.ir.graph import Graph
    from cnnspec.pipeline import Model


class Opened(NamedTuple):
    """`model` is None if the spec cannot be read. `findings` are the errors, and `status` is the exit status
    for them. `programs` are the texts by target, none if an error prevents one.
    """

    path: str
    source: Source
    model: Model | None
    findings: list[Diagnostic]
    status: int
    programs: Mapping[str, str] = {}

    @property
    def graph(self) -> Graph | None:
        """The network, where it is known."""
        return self.model.graph if self.model is not None else None

    def head(self) -> dict[str, Any]:
        """The first entries of a document about this model."""
        model, graph = self.model, self.graph
        return {
            "file": self.source.name,
            "model": graph.name if graph is not None else None,
            "variant": model.variant if model is not None else None,
            "settings": dict(model.settings) if model is not None else {},
            "ok": False,
            "diagnostics": [as_json(finding, self.source) for finding in self.findings],
        }


def open_model(argument: str | None, choice: Choice) -> Opened:
    """The first model of a spec, or the chosen variant; None means the only `.cnn` file of this folder."""
    if argument is None:
        path, source, problem, variant = *read_one(os.curdir, _specs_here(), choice.max_bytes), None
    else:
        path, source, problem, variant = read_spec(argument, choice.max_bytes)
    if problem is not None:
        return Opened(path, source, None, [problem], FOUND if problem.code == "E703" else USAGE)

    from cnnspec.pipeline import misuse

    choice = choice._replace(variant=choice.variant or variant)
    (model,) = choice.models(source, first=True, lints=False)
    errors = [finding for finding in model.findings if finding.severity is Severity.ERROR]
    return Opened(path, source, model, errors, USAGE if misuse(model) else FOUND if errors else OK)


def _specs_here() -> tuple[list[tuple[str, str]], Diagnostic | None]:
    """The `.cnn` files of the current folder."""
    try:
        names = sorted(name for name in os.listdir(".") if name.endswith(".cnn"))
    except OSError as error:
        return [], Diagnostic("E701", f"the current folder cannot be read: {error.strerror}", NOWHERE)
    if not names:
        hint = "name a file, or a spec of the zoo, for example `zoo:resnet`"
        return [], Diagnostic("E706", "the current folder contains no .cnn file", NOWHERE, help=hint)
    return [(name, name) for name in names], None


def built(opened: Opened, targets: tuple[str, ...], *, fold_bn: bool = False) -> Opened:
    """The same with the programs for these targets."""
    graph = opened.graph
    if graph is None or opened.model is None or not opened.model.buildable:
        return opened

    from cnnspec.pipeline import program

    programs: dict[str, str] = {}
    findings = list(opened.findings)
    for target in targets:
        text = program(graph, target, fold_bn=fold_bn)
        if isinstance(text, str):
            programs[target] = text
        else:
            findings += text
    complete = programs if len(programs) == len(targets) else {}
    return opened._replace(findings=findings, status=FOUND if findings else OK, programs=complete)
