"""The output of `cnnspec verify`: the largest difference of each layer, and the tensor that has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from cnnspec.diagnostics.printable import printable
from cnnspec.report.table import Column, Row, Table

KINDS = {
    "start": ("start", "before training begins", 3),
    "eval": ("eval", "in evaluation", 0),
    "train": ("train", "in training", 6),
    "statistics": ("stats", "new running statistic", 2),
    "gradient eval": ("grad eval", "gradient in evaluation", 4),
    "gradient train": ("grad train", "gradient in training", 5),
}
"""By kind of tensor: the head of its column, its name in a sentence, and the column's `drop`."""
VOLUMES = ("eval", "train")
"""Kinds that belong to a layer; the others belong to its weights."""
COLUMNS = (Column("name", cut=2), Column("layer", cut=1, least=8, drop=1))
MOST_ROWS = 40
ROUNDING = 10
"""A difference is explained by rounding up to this many times the effect of the input's last digit."""
FINEST = 1e-10
"""Below this tolerance, rounding is not accepted as an explanation."""
FEW = 4
"""A norm over this many numbers or fewer gives little more than the signs of their differences."""

Found = dict[str, float]


class Verdict:
    """The differences of a comparison by kind, and whether they are all within the tolerance."""

    def __init__(self, job: dict[str, Any], result: dict[str, Any], tolerance: float) -> None:
        self.job, self.tolerance = job, tolerance
        self.problems: list[str] = result["problems"]
        self.rounding: Found = result.get("rounding", {})
        self.tensors: dict[str, Found] = result["tensors"]
        self.layers, self.inputs, self.outputs = (
            list(zip(job[key], result[key], strict=True)) for key in ("rows", "inputs", "outputs")
        )
        self.worst, self.where = 0.0, ""
        largest: Found = {}
        for place, differences in (
            *(
                (row["name"], {kind: by_kind.get(kind, 0.0) for kind in VOLUMES})
                for row, by_kind in self.layers
            ),
            *self.tensors.items(),
            *((f"output {one['name']}", by_kind) for one, by_kind in self.outputs),
            *((f"input {one['name']}", by_kind) for one, by_kind in self.inputs),
        ):
            for kind, value in differences.items():
                largest[kind] = max(value, largest.get(kind, 0.0))
                if value > self.worst:
                    self.worst, self.where = value, f"{place}, {KINDS[kind][1]}"
        above = {kind: value for kind, value in largest.items() if value > tolerance}
        rounded = all(value <= ROUNDING * self.rounding.get(kind, 0.0) for kind, value in above.items())
        self.rounded = bool(above) and rounded and tolerance >= FINEST
        """Whether all differences above the tolerance are within the effect of rounding on this network."""
        self.holds = not self.problems and (not above or self.rounded)

    def as_text(self, title: str, every: bool) -> Iterator[str | Table]:
        """The comparison for a person."""
        model = self.job["model"]
        above = (
            f"{f'{model}: {title}' if title else model}\n"
            f"NumPy program compared with torch program (float64, batch {self.job['batch']}): "
            "largest difference / largest value"
        )
        parts = [
            *((one["name"], "input", differences) for one, differences in self.inputs),
            *self._parts(every),
            *((one["name"], "output", differences) for one, differences in self.outputs),
        ]
        compared = [kind for kind in KINDS if any(kind in differences for _, _, differences in parts)]
        columns = (Column(KINDS[kind][0], right=True, drop=KINDS[kind][2]) for kind in compared)
        rows = [self._row(*part, compared) for part in parts]
        yield Table((*COLUMNS, *columns), rows, title=above)
        yield "\n"
        for problem in self.problems[:20]:
            yield f"✗ {printable(problem)}\n"
        if not self.problems:
            mark = "✓" if self.holds else "✗"
            relation = "within" if self.worst <= self.tolerance else "above"
            where = f" ({printable(self.where)})" if self.where else ""
            yield (
                f"{mark} largest difference {self.worst:.1e}{where}, {relation} the tolerance of "
                f"{self.tolerance:g}{', but rounding explains it:' if self.rounded else ''}\n"
            )
        if max(self.rounding.values(), default=0.0) > self.tolerance >= FINEST:
            yield from self._why()

    def _why(self) -> Iterator[str]:
        """The effect of rounding on this network, and its norms over very few numbers."""
        moved = max(self.rounding.values())
        yield f"  the NumPy program's own numbers move by {moved:.1e} if the last digit of its input does\n"
        batch, few = self.job["batch"], []
        for row, _ in self.layers:
            numbers = batch * prod(row["shape"][1:])
            if row["layer"].split()[0] == "bn" and numbers <= FEW:
                few.append((row["name"], numbers, "x".join(map(str, row["shape"][1:]))))
        if few:
            name, numbers, size = few[0]
            more = f", and {len(few) - 1} more norms as few" if len(few) > 1 else ""
            at = f"{batch} images{f' of {size}' if size else ''}"
            yield f"  in training {printable(name)} normalises {numbers} numbers per channel ({at}){more}:\n"
            yield "  hardly more than their signs is left; use a larger input (--size) or a larger --batch\n"

    def _row(self, name: str, layer: str, differences: Found, compared: Sequence[str]) -> Row:
        values = [differences.get(kind) for kind in compared]
        cells = ("" if value is None else "0" if value == 0 else f"{value:.1e}" for value in values)
        bad = any(value > self.tolerance for value in differences.values())
        return Row((name, layer, *cells), "wrong" if bad else "plain")

    def _parts(self, every: bool) -> Iterator[tuple[str, str, Found]]:
        """One line per layer; if these are too many, one line per part of the network, with its largest
        differences."""
        names = [row["name"].split(".") for row, _ in self.layers]
        depth = max(map(len, names), default=1)
        while not every and depth > 1 and len({tuple(name[:depth]) for name in names}) > MOST_ROWS:
            depth -= 1
        parts: dict[tuple[str, ...], tuple[list[str], Found]] = {}
        for number, (levels, (row, differences)) in enumerate(zip(names, self.layers, strict=True)):
            # consecutive uses of a shared block may have one name
            part = (".".join(levels[:depth]), *([str(number)] if every else []))
            layers, worst = parts.setdefault(part, ([], {}))
            layers.append(row["layer"])
            for kind, value in differences.items():
                worst[kind] = max(value, worst.get(kind, 0.0))
        for (name, *_), (layers, worst) in parts.items():
            yield name, layers[0] if len(layers) == 1 else f"{len(layers)} layers", worst

    def as_document(self) -> dict[str, Any]:
        """The comparison for `--format json`; null stands for an infinite difference (shapes differ, or
        NaN)."""
        return {
            "batch": self.job["batch"],
            "seed": self.job["seed"],
            "tolerance": self.tolerance,
            "holds": self.holds,
            "worst": {"difference": self.worst, "at": self.where},
            "rounding": _keys(self.rounding),
            "problems": self.problems,
            "layers": [
                {"name": row["name"], "layer": row["layer"], **_keys(differences)}
                for row, differences in self.layers
            ],
            "tensors": {key: _keys(differences) for key, differences in self.tensors.items()},
            "outputs": {one["name"]: _keys(differences) for one, differences in self.outputs},
            "inputs": {one["name"]: _keys(differences) for one, differences in self.inputs},
        }


def _keys(differences: Found) -> Found:
    return {kind.replace(" ", "_"): value for kind, value in differences.items()}
