"""Shell completions: specs, variants, layers, codes, columns. click calls these functions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, add_completion_class

from cnnspec.diagnostics import Source
from cnnspec.files import MAX_BYTES, ZOO, document_named, named, read_source

MOST_LAYERS = 2000


def zoo_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shipped specs."""
    from cnnspec import resources

    return _matching(resources.zoo(), incomplete)


def specs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, and once a `z` is typed the shipped specs as `zoo:NAME`."""
    from cnnspec import resources

    shipped = _matching((ZOO + name for name in resources.zoo()), incomplete) if incomplete else []
    return shipped if incomplete.startswith(ZOO) else [*shipped, CompletionItem(incomplete, type="file")]


def topics(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completions for the first argument of `explain`: specs and names of pages."""
    from cnnspec.report.pages import topics

    return [*_matching([*topics(), "recipe"], incomplete), *specs(context, parameter, incomplete)]


def variants(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The variants of the spec on the command line."""
    from cnnspec.diagnostics import Sink
    from cnnspec.elaborate import variants
    from cnnspec.language import parse

    source = _spec_on_the_line()
    names = [] if source is None else [*variants(parse(source, Sink()))]
    return (
        _after_comma((*names, "all"), incomplete)
        if parameter.name == "variants"
        else _matching(names, incomplete)
    )


def layers(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The layers and parts of the spec on the command line."""
    from itertools import islice

    from cnnspec.pipeline import models

    source = _spec_on_the_line()
    if source is None:
        return []
    (model,) = models(source, variant=context.params.get("variant"), first=True, lints=False)
    rows = model.report.rows() if model.report is not None else iter(())
    paths = [row.entry.path.split(".") for row in islice(rows, MOST_LAYERS)]
    levels = (".".join(path[:depth]) for path in paths for depth in range(1, len(path) + 1))
    return _matching(dict.fromkeys(levels), incomplete)


def codes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The lints, after a comma too."""
    from cnnspec.diagnostics import pages

    return _after_comma((code for code in pages.codes() if code.startswith("W")), incomplete.upper())


def columns(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The columns of the table, after a comma or `+` too."""
    from cnnspec.report.columns import COLUMNS

    return _after_comma((*COLUMNS, "all"), incomplete)


def table_columns(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The columns of `cnnspec table`, after a comma too."""
    from cnnspec.drawing.table.columns import COLUMNS, TOTALS

    return _after_comma(dict.fromkeys((*COLUMNS, *TOTALS)), incomplete)


def blocks(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The blocks of the spec on the command line."""
    from cnnspec.diagnostics import Sink
    from cnnspec.language import parse, tree

    source = _spec_on_the_line()
    statements = () if source is None else parse(source, Sink()).statements
    return _matching(
        (statement.name for statement in statements if isinstance(statement, tree.Block)), incomplete
    )


def _spec_on_the_line() -> Source | None:
    """The spec on the command line; click has not parsed it where an option's value is completed."""
    for word in _joined(os.environ.get("COMP_WORDS", "")).split()[2:]:
        if word.startswith(ZOO) or word.endswith(".cnn"):
            (path, name), *_ = named(word)[0] or [(word, word)]
            source, problem = read_source(path, MAX_BYTES, name)
            return source if problem is None else None
        if document_named(word) is not None:
            from cnnspec.documents.read import read_spec

            opened = read_spec(word)
            return opened.source if opened.problem is None else None
    return None


def _joined(words: str) -> str:
    """Joins what bash splits at a colon: `zoo:resnet` is one word."""
    return re.sub(rf"\b{ZOO[:-1]} : ?", ZOO, words)


def _matching(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _after_comma(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    before = re.split(r"[^,+]*$", incomplete)[0]
    return _matching((before + word for word in words), incomplete)


class Bash(BashComplete):
    """Completion for bash, which splits `zoo:resnet` at the colon: only the part after the colon is
    inserted."""

    def get_completion_args(self) -> tuple[list[str], str]:
        words, incomplete = super().get_completion_args()
        line = " ".join([*words, incomplete])
        *words, incomplete = _joined(line).split(" ")
        self.broken = incomplete.startswith(ZOO) and not line.endswith(incomplete)
        return words, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        if self.broken and item.type == "plain":
            item.value = item.value.removeprefix(ZOO)
        return super().format_completion(item)


class Fish(FishComplete):
    """fish gets a type, a comma and a value, which may have commas itself (`name,weights`)."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split -m 1 ","')


add_completion_class(Bash, "bash")
add_completion_class(Fish, "fish")
