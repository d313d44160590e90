"""Alignment in the canonical form: claims, comments after lines, and the rows of variants are in columns.

Lengths are bounded, so that one very long line does not pad all its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

CLAIM_GAP = 3
COMMENT_GAP = 2
LIMIT = 64
"""Longer lines do not move the column of their neighbours to the right."""
WIDEST = 180
"""Variants are not laid out as a table that would be wider."""


def append(lines: list[str], ends: Mapping[int, str], gap: int) -> None:
    """Append each end to the line with that number, all of them in one column."""
    widths = [len(lines[number]) for number in ends if len(lines[number]) <= LIMIT]
    column = max(widths, default=0) + gap
    for number, end in ends.items():
        line = lines[number]
        lines[number] = line.ljust(column if len(line) <= LIMIT else len(line) + gap) + end


def append_runs(lines: list[str], ends: Mapping[int, str], gap: int) -> None:
    """The same, with a column for each run of lines that follow one another."""
    for _, run in groupby(enumerate(sorted(ends)), lambda one: one[1] - one[0]):
        append(lines, {number: ends[number] for _, number in run}, gap)


class Variant(NamedTuple):
    """A row of the table: `variant B3`, its settings as (`width`, `1.2`), its claims as (`params`, `12M`)."""

    head: str
    settings: tuple[tuple[str, str], ...]
    claims: tuple[tuple[str, str], ...]

    def plain(self) -> str:
        parts = [f"{knob} = {value}" for knob, value in self.settings]
        if self.claims:
            claims = (f"{subject} {value}".rstrip() for subject, value in self.claims)
            parts.append(f"expect {', '.join(claims)}")
        return f"{self.head}: {', '.join(parts)}" if parts else self.head


def table(variants: Sequence[Variant]) -> list[str]:
    """Variants that follow one another as the rows of a paper's table: a column for each knob, and one for
    each subject of a claim, with its numbers to the right. Rows that name them in different orders, or that
    would be too wide, stay as they are.
    """
    plain = [variant.plain() for variant in variants]
    if len(variants) == 1 or max(map(len, plain)) > WIDEST:
        return plain
    knobs = common_order([[knob for knob, _ in variant.settings] for variant in variants])
    subjects = common_order([[subject for subject, _ in variant.claims] for variant in variants])
    if knobs is None or subjects is None:
        return plain
    heads = max(len(variant.head) for variant in variants) + len(":")
    settings = dict.fromkeys(knobs, 0)
    values = dict.fromkeys(subjects, 0)
    for variant in variants:
        for knob, value in variant.settings:
            settings[knob] = max(settings[knob], len(f"{knob} = {value},"))
        for subject, value in variant.claims:
            values[subject] = max(values[subject], len(value))
    rows = [_row(variant, heads, settings, values) for variant in variants]
    return rows if max(map(len, rows)) <= WIDEST else plain


def _row(variant: Variant, heads: int, settings: Mapping[str, int], values: Mapping[str, int]) -> str:
    """The row, with these widths of its columns."""
    if not variant.settings and not variant.claims:
        return variant.head
    settings_by_knob = {knob: f"{knob} = {value}," for knob, value in variant.settings}
    cells = [f"{variant.head}:".ljust(heads)]
    cells += [settings_by_knob.get(knob, "").ljust(width) for knob, width in settings.items()]
    if not variant.claims:
        return " ".join(cells).rstrip(" ,")
    claims = (f"{subject} {value.rjust(values[subject])}".rstrip() for subject, value in variant.claims)
    return " ".join([*cells, f"expect {', '.join(claims)}"])


def common_order(rows: Iterable[Sequence[str]]) -> list[str] | None:
    """An order of all names that agrees with each row; None where rows disagree or repeat a name, or where
    there are more names than a table is wide.
    """
    order: list[str] = []
    for row in rows:
        place = 0
        for name in row:
            if name not in order:
                order.insert(place, name)
            if (index := order.index(name)) < place or len(order) > WIDEST:
                return None
            place = index + 1
    return order
