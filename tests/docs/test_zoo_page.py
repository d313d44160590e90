"""docs/zoo.md and docs/zoo.svg are up to date, whole and well formed."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cnnspec import resources
from tests.docs.script import script

zoo = script("zoo")

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def models() -> list[object]:
    return list(zoo.entries())


def test_the_page_is_up_to_date(models: list[object]) -> None:
    assert zoo.page(models) == (DOCS / "zoo.md").read_text("utf-8"), "run `python docs/zoo.py`"


def test_the_plot_is_up_to_date(models: list[object]) -> None:
    assert zoo.plot(models) == (DOCS / "zoo.svg").read_text("utf-8"), "run `python docs/zoo.py`"


def test_every_spec_is_linked_and_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((\.\./specs/[^)]*\.cnn)\)", (DOCS / "zoo.md").read_text("utf-8"))
    assert sorted(Path(link).stem for link in links) == sorted(resources.zoo())
    assert all((DOCS / link).is_file() for link in links)


def test_every_network_is_in_the_plot_and_no_name_is_on_another() -> None:
    plot = ElementTree.parse(DOCS / "zoo.svg").getroot()
    texts = plot.iter("{http://www.w3.org/2000/svg}text")
    names = [text for text in texts if "halo" in text.get("class", "").split()]
    worked_examples = sum(resources.family(path) == "notes" for path in resources.zoo().values())
    assert len(names) == len(resources.zoo()) - worked_examples
    boxes = []
    for name in names:
        middle, base, half = float(name.get("x", "")), float(name.get("y", "")), zoo.width(name.text) / 2
        boxes.append(zoo.Box(middle - half, base - 8, middle + half, base))  # the height of a capital
    for number, box in enumerate(boxes):
        assert box.left > zoo.LEFT
        assert box.right < zoo.RIGHT
        assert all(box.shared(other) < 20 for other in boxes[:number]), names[number].text
