"""`cnnspec zoo`: the shipped specs."""

from __future__ import annotations

import re
from typing import Any

import click

from cnnspec import resources
from cnnspec.cli import OK
from cnnspec.cli.options import command, completing
from cnnspec.cli.terminal import Output, out
from cnnspec.files import ZOO, named, read_source
from cnnspec.report.amounts import exact, field_text, short
from cnnspec.report.table import Column, Row, Table

_YEAR = re.compile(r"\b(?:19|20)[0-9]{2}\b")
COLUMNS = (
    Column("name"),
    Column("variant", cut=2),
    Column("year", right=True, drop=3),
    Column("weights", right=True, drop=5),
    Column("MACs", right=True, drop=4),
    Column("field", right=True, drop=2),
    Column("source", cut=1, drop=1, least=16),
)


@command("zoo", "text", "json", model=False)
@click.argument("name", required=False, shell_complete=completing("zoo_names"))
@click.option("--all", "every", is_flag=True, help="One line per variant, not only the first of each spec.")
def zoo(name: str | None, every: bool, to: Output) -> int:
    """List the shipped specs by family, with year, weights, MACs and receptive field; or print one.

    `zoo:NAME` can be used wherever a command takes a FILE.
    """
    if name is not None:
        return _print(name, to)
    entries = _entries(every)
    to.document({"models": entries})
    if to.form == "text":
        to.show([Table(COLUMNS, _rows(entries, every))])
    return OK


def _print(name: str, to: Output) -> int:
    pairs, problem = named(ZOO + name.removeprefix(ZOO))
    if problem is not None:
        return to.refuse(name, problem)
    source, problem = read_source(pairs[0][0], name=pairs[0][1])
    if problem is not None:
        return to.refuse(source.name, problem)
    out(source.text)
    return OK


def _entries(every: bool) -> list[dict[str, Any]]:
    """The rows of the list, one per spec, as plain values."""
    from cnnspec.elaborate import variants
    from cnnspec.pipeline import models

    entries = []
    for name, path in resources.zoo().items():
        source, _ = read_source(path, name=ZOO + name)
        for model in models(source, first=not every, lints=False):
            graph, report = model.graph, model.report
            assert graph is not None
            assert report is not None
            years = _YEAR.findall(graph.title)
            totals = report.totals
            entries.append(
                {
                    "name": name,
                    "family": resources.family(path),
                    "model": graph.name,
                    "variant": model.variant,
                    "variants": list(variants(model.file)),
                    "year": int(years[-1]) if years else None,
                    "title": graph.title,
                    "params": totals.params,
                    "macs": totals.macs,
                    "field": totals.field and list(totals.field),
                }
            )
    return entries


def _rows(entries: list[dict[str, Any]], every: bool) -> list[Row]:
    rows = []
    family = ""
    for entry in entries:
        if entry["family"] != family:
            family = entry["family"]
            rows.append(Row((f"{family}/", *[""] * 6), "faint"))
        more = 0 if every else len(entry["variants"]) - 1
        field = field_text(entry["field"])
        sides = {*field.split("x")}
        cells = (
            entry["name"],
            (entry["variant"] or "") + (f" +{more}" if more > 0 else ""),
            str(entry["year"] or ""),
            exact(entry["params"]),
            short(entry["macs"]),
            # `212` for 212x212, as in claims: the list has to fit on a terminal
            sides.pop() if len(sides) == 1 else field,
            entry["title"],
        )
        rows.append(Row(cells))
    return rows
