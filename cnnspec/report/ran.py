"""The output of `cnnspec run`: small outputs number by number, large ones as statistics, the top classes of a
classifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnnspec.diagnostics.printable import printable
from cnnspec.report.amounts import shape_text
from cnnspec.report.table import Column, Row, Table

STATISTICS = ("mean", "std", "min", "max")
COLUMNS = (
    Column("name", cut=2),
    Column("layer", cut=1),
    Column("output"),
    *(Column(name, right=True, drop=5 - place) for place, name in enumerate(STATISTICS)),
    Column("zeros", right=True, drop=1),
)
MOST_IMAGES = 8


def as_text(
    job: dict[str, Any], result: dict[str, Any], file: str, title: str, weights: str | None
) -> Iterator[str | Table]:
    """The run for a person: texts, and tables between them."""
    yield printable(f"{job['model']}: {title}" if title else f"{job['model']} ({file})") + "\n"
    yield from origin(job, result, weights)
    inputs = zip(job["inputs"], result["inputs"], strict=True)
    outputs = list(zip(job["outputs"], result["outputs"], strict=True))
    layers = [
        (row, shown_volume)
        for row, shown_volume in zip(job["rows"], result["trace"], strict=False)
        if shown_volume is not None
    ]
    traced = {row["output"] for row, _ in layers}
    shown = [(one["name"], "input", shown_volume) for one, shown_volume in inputs]
    shown += [(row["name"], row["layer"], shown_volume) for row, shown_volume in layers]
    left = [
        (one["name"], "output", shown_volume)
        for one, shown_volume in outputs
        if one["value"] not in traced and not (shown_volume["top"] and "values" not in shown_volume)
    ]
    if result["batch"] > 1 and (job["trace"] or left):
        yield f"{result['batch']} images: numbers of the first image, statistics over all images\n"
    if job["trace"]:
        yield from _volumes(shown)
    yield from _volumes(left)
    for one, volume in outputs:
        yield from _classes(one["name"] if len(outputs) > 1 else "", volume["top"])


def origin(job: dict[str, Any], result: dict[str, Any], weights: str | None) -> Iterator[str]:
    """The origin of the weights, and the notes."""
    if weights:
        yield f"weights: {printable(weights)}\n"
    elif result["random"]:
        yield f"weights: random (seed {job['seed']}), not trained; for others, use --weights FILE\n"
    elif result.get("keys"):
        yield "weights: given in the spec\n"
    yield from (f"{printable(note)}\n" for note in result["notes"])


def _volumes(volumes: list[tuple[str, str, dict[str, Any]]]) -> Iterator[str | Table]:
    """The tensors: small ones one by one, and the large ones between them as tables."""
    rows: list[Row] = []
    for name, layer, volume in volumes:
        if "values" in volume:
            yield from tables(COLUMNS, rows)
            rows = []
            layer = layer if len(layer) <= 60 else f"{layer[:59]}…"
            yield f"\n{printable(name)}  {printable(layer)}  {shape_text(volume['shape'])}\n"
            yield matrix(volume["values"])
        else:
            numbers = [short(volume[key]) for key in STATISTICS]
            zeros = f"{volume['zeros']:.0%}"
            rows.append(Row((name, layer, shape_text(volume["shape"]), *numbers, zeros)))
    yield from tables(COLUMNS, rows)


def tables(columns: tuple[Column, ...], rows: list[Row]) -> Iterator[str | Table]:
    """A table with an empty line above it, if it has rows."""
    if rows:
        yield "\n"
        yield Table(columns, rows)


def short(number: float) -> str:
    """Four digits: `0.02419`, `1.5e+06`, `-12`."""
    text = f"{number:.4g}"
    return "0" if text == "-0" else text


def matrix(values: list[Any]) -> str:
    """A vector as one line; a map as its rows; several maps one below the other, a blank line between."""
    planes = values if values and isinstance(values[0], list) else [[values]]
    cells = [[[short(one) for one in row] for row in plane] for plane in planes]
    wide = max((len(one) for plane in cells for row in plane for one in row), default=1)
    return "\n".join(
        "".join("  " + "  ".join(one.rjust(wide) for one in row) + "\n" for row in plane) for plane in cells
    )


def _classes(output: str, images: list[list[dict[str, Any]]]) -> Iterator[str]:
    for number, image in enumerate(images[:MOST_IMAGES]):
        where = ", ".join(filter(None, (output, f"image {number + 1}" if len(images) > 1 else "")))
        yield f"\ntop {len(image)}{' of ' if where else ''}{printable(where)}\n"
        names = [printable(one["label"] or f"class {one['class']}") for one in image]
        wide = max(map(len, names), default=0)
        for name, one in zip(names, image, strict=True):
            share = "" if one["share"] is None else f"  {one['share']:7.2%}"
            yield f"  {name.ljust(wide)}{share}  {short(one['score']).rjust(9)}\n"
    if len(images) > MOST_IMAGES:
        yield f"\n… and {len(images) - MOST_IMAGES} more images (--format json lists all)\n"


def as_document(
    job: dict[str, Any], result: dict[str, Any], weights: str | None, written: list[str]
) -> dict[str, Any]:
    """The run for `--format json`."""
    kind = "file" if weights else "random" if result["random"] else "spec"
    return {
        "weights": {"from": kind, "file": weights, "seed": job["seed"] if kind == "random" else None},
        "batch": result["batch"],
        "notes": result["notes"],
        "inputs": [
            {"name": one["name"], **volume}
            for one, volume in zip(job["inputs"], result["inputs"], strict=True)
        ],
        "layers": [
            {"name": row["name"], "layer": row["layer"], **(volume or {"shape": row["shape"]})}
            for row, volume in zip(job["rows"], result["trace"], strict=False)
        ],
        "outputs": [
            {"name": one["name"], **volume}
            for one, volume in zip(job["outputs"], result["outputs"], strict=True)
        ],
        "written": written,
    } | {name: result[name] for name in ("gradients", "im2col") if name in result}
