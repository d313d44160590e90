"""What `cnnspec verify` says: the largest difference of each layer, and which tensor is worst."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnnspec.diagnostics.printable import printable
from cnnspec.report.table import Column, Row, Table

KINDS = ("start", "eval", "train", "statistics", "gradient eval", "gradient train")
TITLES = ("start", "eval", "train", "statistics", "grad eval", "grad train")
MOST_ROWS = 40


class Verdict:
    """The differences of a comparison, and whether they are all within the tolerance."""

    def __init__(self, job: dict[str, Any], result: dict[str, Any], tolerance: float) -> None:
        self.job, self.result, self.tolerance = job, result, tolerance
        self.problems: list[str] = result["problems"]
        self.worst, self.where = 0.0, ""
        for place, differences in self._all():
            for kind, value in differences.items():
                if value > self.worst:
                    self.worst, self.where = value, f"{place}, {_kind(kind)}"
        self.holds = not self.problems and self.worst <= tolerance

    def _all(self) -> Iterator[tuple[str, dict[str, float]]]:
        result, job = self.result, self.job
        for row, found in zip(job["rows"], result["rows"], strict=True):
            yield row["name"], {kind: found[kind] for kind in ("eval", "train") if kind in found}
        yield from result["tensors"].items()
        for one, found in zip(job["outputs"], result["outputs"], strict=True):
            yield f"output {one['name']}", found
        for one, found in zip(job["inputs"], result["inputs"], strict=True):
            yield f"input {one['name']}", found


def _kind(kind: str) -> str:
    return {
        "start": "before training begins",
        "eval": "in evaluation",
        "train": "in training",
        "statistics": "new running statistic",
        "gradient eval": "gradient in evaluation",
        "gradient train": "gradient in training",
    }[kind]


def as_text(verdict: Verdict, title: str, every: bool) -> Iterator[str | Table]:
    """The comparison for a person."""
    job, result = verdict.job, verdict.result
    name = f"{job['model']}: {title}" if title else job["model"]
    above = (
        f"{name}\nthe NumPy program against the torch program, float64, batch {job['batch']}: "
        "largest difference over largest value"
    )
    columns = (
        Column("name", flexible=True),
        Column("layer", flexible=True),
        *(Column(one, right=True) for one in TITLES),
    )
    rows = [
        _row(one["name"], "input", found, verdict)
        for one, found in zip(job["inputs"], result["inputs"], strict=True)
    ]
    rows += [_row(name, layer, found, verdict) for name, layer, found in _layers(job, result, every)]
    rows += [
        _row(one["name"], "output", found, verdict)
        for one, found in zip(job["outputs"], result["outputs"], strict=True)
    ]
    yield Table(columns, rows, title=above)
    yield "\n"
    for problem in verdict.problems[:20]:
        yield f"✗ {printable(problem)}\n"
    if not verdict.problems:
        mark, what = ("✓", "within") if verdict.holds else ("✗", "beyond")
        where = f" ({printable(verdict.where)})" if verdict.where else ""
        yield (
            f"{mark} largest difference {verdict.worst:.1e}{where}, {what} the tolerance of "
            f"{verdict.tolerance:g}\n"
        )


def _row(name: str, layer: str, found: dict[str, float], verdict: Verdict) -> Row:
    cells = tuple(_difference(found.get(kind)) for kind in KINDS)
    bad = any(value > verdict.tolerance for value in found.values())
    return Row((name, layer, *cells), "wrong" if bad else "plain")


def _difference(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.1e}"


def _layers(
    job: dict[str, Any], result: dict[str, Any], every: bool
) -> Iterator[tuple[str, str, dict[str, float]]]:
    """A line a layer; where that are too many, a line a part of the network, with the largest of its
    differences."""
    names = [row["name"].split(".") for row in job["rows"]]
    depth = max(map(len, names), default=1)
    if not every:
        while depth > 1 and len({tuple(name[:depth]) for name in names}) > MOST_ROWS:
            depth -= 1
    parts: dict[str, tuple[list[str], dict[str, float]]] = {}
    for number, (levels, row, found) in enumerate(zip(names, job["rows"], result["rows"], strict=True)):
        # layers of different names stay apart, but uses of a shared block one below the other may be one name
        part = ".".join(levels[:depth])
        layers, worst = parts.setdefault(part if not every else f"{number} {part}", ([], {}))
        layers.append(row["layer"])
        for kind, value in found.items():
            worst[kind] = max(value, worst.get(kind, 0.0))
    for part, (layers, worst) in parts.items():
        name = part.split(" ", 1)[-1]
        yield name, layers[0] if len(layers) == 1 else f"{len(layers)} layers", worst


def as_document(verdict: Verdict) -> dict[str, Any]:
    """The comparison for `--format json`; a difference that is null is infinite (shapes differ, or NaN)."""
    job, result = verdict.job, verdict.result
    return {
        "batch": job["batch"],
        "seed": job["seed"],
        "tolerance": verdict.tolerance,
        "holds": verdict.holds,
        "worst": {"difference": verdict.worst, "at": verdict.where},
        "problems": verdict.problems,
        "layers": [
            {"name": row["name"], "layer": row["layer"], **_keys(found)}
            for row, found in zip(job["rows"], result["rows"], strict=True)
        ],
        "tensors": {key: _keys(found) for key, found in result["tensors"].items()},
        "outputs": {
            one["name"]: _keys(found) for one, found in zip(job["outputs"], result["outputs"], strict=True)
        },
        "inputs": {
            one["name"]: _keys(found) for one, found in zip(job["inputs"], result["inputs"], strict=True)
        },
    }


def _keys(found: dict[str, float]) -> dict[str, float]:
    return {kind.replace(" ", "_"): value for kind, value in found.items()}
