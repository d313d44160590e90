"""The Python API: the commands as functions.

Each takes a spec as its path or as `zoo:name` (`Spec`), or its text as `text=`; of a spec with variants
`variant=` chooses one. `settings` replaces top-level `let`s (`{"width": "3/4"}`) and the size of an input
(`{"input": "3x256x256"}`, or `{"input left": "1x129x129"}` for the input `left`), and `limits` sets the
limits on the size of a network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Diagnostic, Source, Span
from cnnspec.elaborate.limits import Limits

if TYPE_CHECKING:
    from cnnspec.ir.graph import Graph
    from cnnspec.pipeline import Model
    from cnnspec.report.document import Document

Spec = str | os.PathLike[str]
Values = Mapping[str, object]


class SpecError(ValueError):
    """A spec that cannot be read, or has errors; a layer, page or target that does not exist. Its text shows
    all findings, or the names that exist; `diagnostics` are the findings.

    >>> try:
    ...     load(text="input 1x8x8\\nconv F9 K4\\n")
    ... except SpecError as error:
    ...     print(error.diagnostics[0].code)
    E301
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], source: Source, message: str = "") -> None:
        from cnnspec.diagnostics.text import render_text

        text = message or "\n" + "".join(render_text(finding, source) for finding in diagnostics)
        super().__init__(text.rstrip())
        self.diagnostics = tuple(diagnostics)
        self.source = source


def load(
    spec: Spec | None = None,
    *,
    text: str | None = None,
    variant: str | None = None,
    settings: Values | None = None,
    limits: Limits | None = None,
) -> Graph:
    """The network of a spec as IR: of `variant`, else of its first variant. Raises SpecError on errors.

    >>> load("zoo:lenet5").inputs
    ('input',)
    """
    return _graph(*_source(spec, text, variant), settings, limits)


def check(
    spec: Spec | None = None,
    *,
    text: str | None = None,
    variant: str | None = None,
    settings: Values | None = None,
    limits: Limits | None = None,
) -> Document:
    """The document of `cnnspec check --format json`: findings, layers, totals and claims of every variant, or
    of `variant`; for a document (`notes.md`), of all its specs. Errors in the spec are findings here;
    SpecError is raised only if it cannot be read.

    >>> model = check("zoo:resnet", variant="ResNet50").models[0]
    >>> model.ok, model.totals.params, model.rows[0].name
    (True, 25557032, 'stem.conv')
    """
    from cnnspec import __version__
    from cnnspec.pipeline import models
    from cnnspec.report.document import Document
    from cnnspec.report.entries import model_entry

    def found(source: Source, variant: str | None = variant) -> list[Model]:
        return models(source, variant=variant, settings=_texts(settings), limits=limits or Limits())

    of_document = None if spec is None or text is not None else _of_document(os.fspath(spec), found)
    checked = found(*_source(spec, text, variant)) if of_document is None else of_document
    entries = [{**entry, "rows": [*entry["rows"]]} for entry in map(model_entry, checked)]
    return Document.model_validate({"cnnspec": __version__, "models": entries})


def build(
    spec: Spec | Graph | None = None,
    *,
    target: str,
    text: str | None = None,
    variant: str | None = None,
    settings: Values | None = None,
    limits: Limits | None = None,
) -> str:
    """The text of a standalone program for `target`, "torch" or "numpy". Raises SpecError on errors.

    >>> program = build(text="input 3x8x8\\nconv F3 K4 -> relu\\n", target="torch")
    >>> "nn.Conv2d(3, 4, kernel_size=3)" in program
    True

    A graph, from `load` or `cnnspec.ir.serialize.graph_from_json`, gives the program that its spec gives.
    It is verified first, and `limits` apply to it: JSON may be untrusted.

    >>> build(load("zoo:lenet5"), target="torch") == build("zoo:lenet5", target="torch")
    True
    """
    from cnnspec.pipeline import TARGETS, program

    if target not in TARGETS:
        raise SpecError((), Source("", ""), f"there is no target {target!r}; expected {' or '.join(TARGETS)}")
    if spec is None or isinstance(spec, str | os.PathLike):
        source, variant = _source(spec, text, variant)
        graph = _graph(source, variant, settings, limits)
    else:
        if text is not None or variant is not None or settings:
            raise TypeError("a graph is built as it is: text=, variant= and settings= are for specs")
        source, graph = Source(spec.file or "<graph>", ""), spec  # its text is not available
        from cnnspec.analyses.untrusted import refusals

        if findings := refusals(graph, limits or Limits()):
            raise SpecError(findings, source)
    made = program(graph, target)
    if isinstance(made, str):
        return made
    raise SpecError(made, source)


def explain(
    spec_or_topic: Spec | None = None,
    layer: str | None = None,
    *,
    text: str | None = None,
    variant: str | None = None,
    settings: Values | None = None,
    limits: Limits | None = None,
) -> str:
    """A layer or a part of a spec worked out, `explain("lenet.cnn", "C1")`; the whole network,
    `explain("lenet.cnn")`; or a page, `explain("E301")`, `explain("conv")`. Raises SpecError if there is no
    such layer or page.

    >>> print(explain(text="input 3x8x8\\na: conv F3 K4\\n", layer="a").splitlines()[5])
      W' = H' = (W − F + 2P)/S + 1 = (8 − 3 + 0)/1 + 1 = 6
    """
    from cnnspec.diagnostics.suggest import did_you_mean
    from cnnspec.files import ZOO
    from cnnspec.report.layer_names import no_layer
    from cnnspec.report.pages import LISTED, page, topics
    from cnnspec.report.worked_out import worked_out
    from cnnspec.report.worksheet import as_text

    if layer is None and text is None:
        topic = os.fspath(spec_or_topic or "")
        if (page_text := page(topic)) is not None:
            return page_text
        if not (topic.startswith(ZOO) or topic.endswith(".cnn") or os.path.exists(topic)):
            near = did_you_mean(topic, topics()) or LISTED
            raise SpecError((), Source(topic, ""), f"there is no page {topic!r}; {near}")
    source, variant = _source(spec_or_topic, text, variant)
    worked = worked_out(_first(source, variant, settings, limits), layer)
    if isinstance(worked, list):
        raise SpecError((), source, no_layer(source.name, layer, worked))
    return as_text(worked)


def fmt(spec: Spec | None = None, *, text: str | None = None) -> str:
    """The canonical form of a spec, as `cnnspec fmt` writes it; no file is changed. Raises SpecError if the
    text has syntax errors.

    >>> fmt(text="input 3x8x8\\nconv K4 F3->relu\\n")
    'input 3x8x8\\nconv F3 K4 -> relu\\n'
    """
    from cnnspec.diagnostics import Sink
    from cnnspec.language import parse
    from cnnspec.language.formatter import format_file

    (source, _), sink = _source(spec, text), Sink()
    file = parse(source, sink)
    if sink.has_errors:
        raise SpecError(tuple(sink), source)
    return format_file(source, file)


def _source(spec: Spec | None, text: str | None, variant: str | None = None) -> tuple[Source, str | None]:
    """The text of a spec, and the chosen variant: the argument, or the part after `#` for a document."""
    from cnnspec.documents.read import read_spec

    if (spec is None) == (text is None):
        raise TypeError("give a spec's path (or zoo:name), or its text=")
    if text is not None:
        return Source("<text>", text), variant
    assert spec is not None
    argument = os.fspath(spec)
    if "\n" in argument or re.match(r"\s*(input|model|block|let)\s", argument):
        message = "this is the text of a spec, not its path"
        finding = Diagnostic("E701", message, Span(0, 0), help="pass it as text=: check(text=…)")
        raise SpecError((finding,), Source("<text>", ""))
    _, source, problem, named = read_spec(argument)
    if problem is not None:
        raise SpecError((problem,), source)
    return source, variant or named


def _of_document(argument: str, models_of: Callable[[Source], list[Model]]) -> list[Model] | None:
    """The models of all specs of a document; None if one spec is named, or the document cannot be read."""
    from cnnspec.files import document_named

    document = document_named(argument)
    if document is None or document[1]:
        return None
    from cnnspec.documents.checked import checked_specs
    from cnnspec.documents.read import open_document

    opened = open_document(argument)
    if any(part.findings for part in opened.parts):
        return None
    return [model for spec in checked_specs(opened.specs, models_of) for model in spec.models]


def _graph(source: Source, variant: str | None, settings: Values | None, limits: Limits | None) -> Graph:
    graph = _first(source, variant, settings, limits).graph
    assert graph is not None
    return graph


def _first(source: Source, variant: str | None, settings: Values | None, limits: Limits | None) -> Model:
    from cnnspec.pipeline import models

    (model,) = models(
        source,
        variant=variant,
        settings=_texts(settings),
        limits=limits or Limits(),
        first=True,
        lints=False,
    )
    if not model.buildable:
        raise SpecError([finding for finding in model.findings if finding.severity == "error"], source)
    return model


def _texts(settings: Values | None) -> dict[str, str]:
    return {name: str(value) for name, value in (settings or {}).items()}
