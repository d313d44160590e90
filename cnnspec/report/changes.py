"""What changed between two networks, in words: `cnnspec diff`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnspec.analyses.changes import Change, Shapes, changes
from cnnspec.report.amounts import exact, field_text, shape_text, short

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report

MARKS = {"added": "+", "removed": "-", "changed": "~"}
MANY = 4
"""The most different values that are named."""
COLUMNS = ("", "layer", "change", "output", "weights", "MACs")
_COLORS = {"added": "\x1b[32m", "removed": "\x1b[31m", "changed": "\x1b[33m"}
_RESET = "\x1b[0m"


class Difference(NamedTuple):
    """Two networks, and what changed from one to the other."""

    before: Report
    after: Report
    changes: tuple[Change, ...]

    def totals(self) -> Iterator[tuple[str, str, str, str]]:
        """A name, before, after, and the difference in words."""
        old, new = self.before.totals, self.after.totals
        for name, one, other in (("weights", old.params, new.params), ("MACs", old.macs, new.macs)):
            yield name, exact(one), exact(other), relative(one, other)
        yield "depth", exact(old.layers), exact(new.layers), ""
        yield "field", field_text(old.field), field_text(new.field), ""
        yield "output", _outputs(self.before), _outputs(self.after), ""

    def elsewhere(self) -> tuple[int | None, int | None]:
        """The changes in weights and MACs of layers that are themselves unchanged but have inputs of other
        sizes."""
        old, new = self.before.totals, self.after.totals
        params = _less(new.params, [old.params, *(change.params for change in self.changes)])
        return params, _less(new.macs, [old.macs, *(change.macs for change in self.changes)])

    def as_json(self) -> dict[str, Any]:
        sides = {}
        for name, report in (("before", self.before), ("after", self.after)):
            totals = report.totals
            sides[name] = {
                "model": report.graph.name,
                "params": totals.params,
                "macs": totals.macs,
                "layers": totals.layers,
                "field": totals.field and list(totals.field),
                "outputs": [list(shape or ()) for shape in _shapes(report)],
            }
        return {
            **sides,
            "elsewhere": dict(zip(("params", "macs"), self.elsewhere(), strict=True)),
            "changes": [
                {
                    "kind": change.kind,
                    "layer": change.where,
                    "word": change.word,
                    "values": [
                        {"written": [list(pair) for pair in value], "count": count}
                        for value, count in change.values
                    ],
                    "count": change.times,
                    "places": list(change.places),
                    "shapes": [[list(shape or ()) for shape in pair] for pair in change.shapes],
                    "params": change.params,
                    "macs": change.macs,
                    "note": change.note,
                }
                for change in self.changes
            ],
        }

    @property
    def title(self) -> str:
        return f"{self.before.graph.name} → {self.after.graph.name}"

    def text(self, color: bool) -> str:
        """One line per change, then the totals."""
        lines = [f"\x1b[1m{self.title}{_RESET}" if color else self.title]
        for change in self.changes:
            mark, where, layer, shape, params, macs = _cells(change)
            if color:
                mark = f"{_COLORS[change.kind]}{mark}{_RESET}"
            amounts = [
                f"{name} {cell}"
                for name, cell in zip(COLUMNS[3:], (shape, params, macs), strict=True)
                if cell
            ]
            lines.append(f"  {mark} {where}: {'; '.join((layer, *amounts))}")
        if not self.changes:
            lines.append("  no layer was added, removed or changed")
        lines += self._further()
        totals = [total for total in self.totals() if total[1] or total[2]]
        width = max(len(name) for name, *_ in totals)
        lines += [f"  {name:{width}}  {_total_text(one, other, more)}" for name, one, other, more in totals]
        return "\n".join(lines) + "\n"

    def _further(self) -> list[str]:
        amounts = zip(("weights", "MACs"), self.elsewhere(), (exact, short), strict=True)
        differences = [f"{name} {signed(amount, text)}" for name, amount, text in amounts if amount]
        return [f"    layers as before, on other maps: {'; '.join(differences)}"] if differences else []

    def markdown(self) -> str:
        lines = [f"**{self.title}**", ""]
        if self.changes:
            lines += [f"| {' | '.join(COLUMNS)} |", f"|{'|'.join(' --- ' for _ in COLUMNS)}|"]
            lines += [f"| {' | '.join(map(_escaped, _cells(change)))} |" for change in self.changes]
            lines += [f"|  | {line.strip()} | | | | |" for line in self._further()]
            lines.append("")
        lines += ["| | before | after | |", "| --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(row)} |" for row in self.totals()]
        return "\n".join(lines) + "\n"


def difference(before: Report, after: Report) -> Difference:
    """The changes from one network to another."""
    return Difference(before, after, changes(before, after))


def _cells(change: Change) -> tuple[str, ...]:
    times = f" ({change.times} times)" if change.times > 1 else ""
    at = f"at {', '.join(change.places)}" if 1 < change.times == len(change.places) else ""
    parts = [part for part in (described(change), change.note, at) if part]
    return (
        MARKS[change.kind],
        change.where + times,
        ", ".join(parts),
        _out(change.shapes),
        signed(change.params, exact),
        signed(change.macs, short),
    )


def described(change: Change) -> str:
    """`S2 → S1`, `K64 → K128, K128 → K256; G1 → G32`, `dropout 0.5`."""
    texts = []
    for place in range(max((len(value) for value, _ in change.values), default=0)):
        pairs = list(dict.fromkeys(value[place] for value, _ in change.values))
        named = [_pair(*pair, change.kind) for pair in pairs[:MANY]] + ["…"] * (len(pairs) > MANY)
        texts.append(", ".join(named))
    return "; ".join(texts)


def _pair(before: str, after: str, kind: str) -> str:
    if kind == "changed" and not before:
        return f"with {after}"
    if kind == "changed" and not after:
        return f"without {before}"
    return f"{before} → {after}" if kind == "changed" else before or after


def _out(shapes: tuple[Shapes, ...]) -> str:
    """The output's shape before and after; of many, the first."""
    if not shapes:
        return ""
    before, after = shapes[0]
    text = " → ".join(shape_text(shape) for shape in (before, after) if shape is not None)
    return text + (", …" if len(shapes) > 1 else "")


def _less(amount: int | None, parts: list[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return None if amount is None or len(known) < len(parts) else amount - sum(known)


def signed(amount: int | None, text: Any) -> str:
    """`+4,096`, `−12.8k`, "" for none."""
    if amount is None:
        return "?"
    return "" if not amount else f"{'+' if amount > 0 else '−'}{text(abs(amount))}"


def relative(before: int | None, after: int | None) -> str:
    """`+3.5 %`, `equal`."""
    if before is None or after is None:
        return ""
    if before == after:
        return "equal"
    if not before or after > 10 * before:
        return signed(after - before, exact)
    percent = 100 * (after - before) / before
    digits = 2 if abs(percent) < 1 else 1
    return f"{'+' if percent > 0 else '−'}{abs(percent):.{digits}f} %"


def _total_text(before: str, after: str, more: str) -> str:
    if before == after:
        return f"{before} (equal)"
    return f"{before or 'none'} → {after or 'none'}" + (f" ({more})" if more else "")


def _shapes(report: Report) -> list[tuple[int, ...] | None]:
    root = report.graph.root
    return [root.values[value] for value in root.outputs]


def _outputs(report: Report) -> str:
    return ", ".join(map(shape_text, _shapes(report)))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
