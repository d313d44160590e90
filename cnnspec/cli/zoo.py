"""`cnnspec zoo`: the shipped specs."""

from __future__ import annotations

import re
from typing import Any

import click

from cnnspec.cli import OK, USAGE
from cnnspec.cli.findings import show_findings
from cnnspec.cli.options import color_option, format_option
from cnnspec.cli.terminal import out, out_document
from cnnspec.diagnostics import Source

_YEAR = re.compile(r"\b(?:19|20)[0-9]{2}\b")


@click.command("zoo", short_help="the shipped specs: all, or one to start from")
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="A line a variant, not only the first of each spec.")
@format_option("text", "json")
@color_option
def command(name: str | None, every: bool, form: str, color: str) -> int:
    """List the shipped specs by family, with year, weights, MACs and receptive field; or print one.

    `zoo:NAME` stands wherever a command takes a FILE.
    """
    if name is not None:
        return _print(name, color)
    entries = _entries(every)
    if form == "json":
        out_document({"models": entries})
        return OK
    from cnnspec.cli.drawn import show

    show([_table(entries)], color)
    return OK


def _print(name: str, color: str) -> int:
    from cnnspec.files import ZOO, named, read_source

    pairs, problem = named(ZOO + name.removeprefix(ZOO))
    if problem is not None:
        show_findings([problem], Source(name, ""), color)
        return USAGE
    ((path, shown),) = pairs
    source, problem = read_source(path, name=shown)
    if problem is not None:
        show_findings([problem], source, color)
        return USAGE
    out(source.text)
    return OK


def _entries(every: bool) -> list[dict[str, Any]]:
    """What the list shows of each spec: plain values."""
    from cnnspec import resources
    from cnnspec.elaborate import variants
    from cnnspec.files import ZOO, read_source
    from cnnspec.pipeline import models

    entries = []
    for name, path in resources.zoo().items():
        source, _ = read_source(path, name=ZOO + name)
        for model in models(source, first=not every, lints=False):
            title = model.graph.title if model.graph is not None else ""
            years = _YEAR.findall(title)
            totals = model.report.totals if model.report is not None else None
            field = totals.field if totals is not None else None
            entries.append(
                {
                    "name": name,
                    "family": resources.family(path),
                    "model": model.graph.name if model.graph is not None else name,
                    "variant": model.variant,
                    "variants": list(variants(model.file)),
                    "year": int(years[-1]) if years else None,
                    "title": title,
                    "params": totals.params if totals is not None else None,
                    "macs": totals.macs if totals is not None else None,
                    "field": None if field is None else list(field),
                }
            )
    return entries


def _table(entries: list[dict[str, Any]]) -> Any:
    from cnnspec.report.amounts import exact, short
    from cnnspec.report.table import Column, Row, Table

    columns = (
        Column("name"),
        Column("variant", flexible=True),
        Column("year", right=True),
        Column("weights", right=True),
        Column("MACs", right=True),
        Column("field", right=True),
        Column("source", flexible=True),
    )
    rows = []
    family = ""
    for entry in entries:
        if entry["family"] != family:
            family = entry["family"]
            rows.append(Row((f"{family}/", *[""] * 6), "faint"))
        more = len(entry["variants"]) - 1
        variant = entry["variant"] or ""
        listed = [one for one in entries if one["name"] == entry["name"]]
        if more > 0 and len(listed) == 1:
            variant += f" +{more}"
        rows.append(
            Row(
                (
                    entry["name"],
                    variant,
                    str(entry["year"] or ""),
                    exact(entry["params"]),
                    short(entry["macs"]),
                    _field(entry["field"]),
                    entry["title"],
                )
            )
        )
    return Table(columns, rows)


def _field(field: list[Any] | None) -> str:
    """`212` for 212x212, as claims have it: the list has to find room on a terminal."""
    from cnnspec.report.amounts import field_text

    text = field_text(field)
    height, _, width = text.partition("x")
    return height if height == width else text
