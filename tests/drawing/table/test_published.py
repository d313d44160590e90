"""`--like X` on the zoo's own spec has the cells that the paper printed; where it has others, they are listed
here with the reason. published.json has the cells, and the titles of the papers.

Every listed difference must be one: a list that is longer than needed fails, too."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from tests.drawing.table.networks import rows

PUBLISHED = json.loads((Path(__file__).parent / "published.json").read_text("utf-8"))
Differences: TypeAlias = dict[tuple[int, str], tuple[str, str]]
"""By row and column: what was printed, and what we have."""


def differences(printed: Iterable[list[Any]], ours: list[list[str]], columns: list[str]) -> Differences:
    found: Differences = {}
    for place, (theirs, here) in enumerate(zip(printed, ours, strict=True)):
        for column, was, now in zip(columns, theirs, here, strict=True):
            if str(was).replace(" ", "") != now.replace(" ", ""):
                found[place, column] = (str(was), now)
    return found


def test_resnet() -> None:
    variants = ("ResNet18", "ResNet34", "ResNet50v1", "ResNet101v1", "ResNet152v1")
    table = PUBLISHED["resnet"]
    head, *body, macs = rows("resnet", *variants, like="resnet")
    assert head == table["columns"]
    printed = [_for_all(row, len(head)) for row in table["rows"][:-1]]
    # the spec ends with the scores: softmax belongs to the loss
    ends = {(5, name): ("average pool, 1000-d fc, softmax", "average pool, 1000-d fc") for name in head[2:]}
    assert differences(printed, body, head) == ends
    # the paper cuts what it does not need to round: 3.66 and 3.86 G
    assert differences([table["rows"][-1][2:]], [macs[2:]], head[2:]) == {
        (0, "34-layer"): ("3.6e9", "3.7e9"),
        (0, "50-layer"): ("3.8e9", "3.9e9"),
    }


def _for_all(row: list[str], width: int) -> list[str]:
    """A row of the paper's with `(all)` written out in each column."""
    first = row[2]
    if "(all)" not in first:
        return row
    shared, _, own = first.partition(" (all)")
    if not own:
        return [*row[:2], *([shared] * (width - 2))]
    cells = [own.removeprefix("; "), *row[3:]]
    return [*row[:2], *(f"{shared}; {cell}" for cell in cells)]


def test_vgg() -> None:
    variants = ("VGG11", "VGG11LRN", "VGG13", "VGG16C", "VGG16", "VGG19")  # A, A-LRN, B, C, D, E
    table = PUBLISHED["vgg"]
    _, layers, image, *body, weights = rows("vgg", *variants, like="vgg")
    assert [int(cell.removesuffix(" weight layers")) for cell in layers] == table["weight layers"]
    assert set(image) == {"input (224x224 RGB image)"}
    stages = [["; ".join(stage) for stage in table["stages"][name]] for name in table["columns"]]
    pool = ["maxpool"] * len(variants)
    printed = [row for stage in zip(*stages, strict=True) for row in ([*stage], pool)]
    printed += [[name] * len(variants) for name in table["end"][1:-1]]  # softmax belongs to the loss
    assert differences(printed, body, table["columns"]) == {}
    millions = [cell.removesuffix("M weights") for cell in weights]
    assert millions == ["133", *map(str, table["parameters in millions"].values())]


def test_mobilenet() -> None:
    table = PUBLISHED["mobilenet"]
    head, *body = rows("mobilenet_v2", like="mobilenet")
    assert head == table["columns"]
    block = {
        (place, "Operator"): ("bottleneck", "inverted") for place in range(1, 8)
    }  # the block's name in the spec
    assert differences(table["rows"], body, head) == block | {
        (0, "Operator"): ("conv2d", "conv2d 3x3"),  # the paper leaves the usual kernel out
        (10, "Operator"): ("conv2d 1x1", "fc"),  # the spec has a fully connected layer, the same on a 1x1 map
        (10, "c"): ("k", "1000"),
        (10, "s"): ("", "-"),
    }


def test_densenet() -> None:
    table = PUBLISHED["densenet"]
    head, *body = rows("densenet", "DenseNet121", "DenseNet169", "DenseNet201", like="densenet")
    columns = table["columns"][:-1]  # the zoo has no DenseNet-264, which has no weights anywhere
    assert [name.replace("-", "") for name in columns[2:]] == head[2:]
    printed = []
    for name, size, first, *others in table["rows"]:
        cells = [first.removesuffix(" (all)")] * 3 if not others else [first, *others[:2]]
        cells = [f"[1x1 conv; 3x3 conv] {cell}" if cell.startswith("x") else cell for cell in cells]
        printed.append([name, size.replace(", ", "; "), *cells])
    end = "7x7 global average pool; 1000D fully-connected"  # softmax belongs to the loss
    assert differences(printed, body, head) == {(9, name): (f"{end}, softmax", end) for name in head[2:]}


def test_efficientnet() -> None:
    table = PUBLISHED["efficientnet"]
    head, *body = rows("efficientnet", like="efficientnet")
    assert head == table["columns"]
    assert differences(table["rows"], body, head) == {}


def test_googlenet() -> None:
    table = PUBLISHED["googlenet"]
    head, *body = rows("googlenet_2014", like="googlenet")
    assert head == table["columns"]
    printed = [row for row in table["rows"] if row[0] != "softmax"]  # it belongs to the loss
    found = differences(printed, body, head)
    assert not {column for _, column in found} - {"params", "ops"}
    # The paper's K are 1,024; ours are thousands. In these rows it has other numbers than its own sizes give.
    exact = rows("googlenet_2014", like="googlenet", numbers="exact")[1:]
    assert _other(printed, exact, "params", 1024, 0.01) == {
        "convolution": ("2.7K", 9472),  # those of a 7x1 and a 1x7; a dense 7x7 has 9,472
        "inception (4c)": ("463K", 510104),
        "inception (4d)": ("580K", 605376),
        "inception (5a)": ("1072K", 1043456),
        "inception (5b)": ("1388K", 1444080),
    }
    assert _other(printed, exact, "ops", 1e6, 0.03) == {
        "convolution": ("34M", 118013952),  # by the same slip
        "inception (5a)": ("54M", 51079168),
    }


def _other(
    printed: list[list[Any]], exact: list[list[str]], column: str, unit: float, near: float
) -> dict[str, tuple[str, int]]:
    """The rows whose number is not the printed one, by their type."""
    found = {}
    place = PUBLISHED["googlenet"]["columns"].index(column)
    for theirs, here in zip(printed, exact, strict=True):
        was, now = theirs[place], int(here[place].replace(",", "") or 0)
        if was and abs(now / unit / float(was.rstrip("KM")) - 1) > near:
            found[theirs[0]] = (was, now)
    return found
