"""The SVG writer."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from cnnspec.drawing.scene import Circle, Group, Line, Pen, Run, Scene, Shape, Text
from cnnspec.drawing.writers import svg

PEN = Pen("#000000")
NS = {"svg": "http://www.w3.org/2000/svg"}


def written(*items: object, title: str = "A", description: str = "") -> ElementTree.Element:
    return ElementTree.fromstring(svg.write(Scene(100, 50, items, title, description)))  # type: ignore[arg-type]


def test_texts_stay_texts() -> None:
    runs = (Run("3×3 conv, "), Run("k", italic=True), Run("2", shift="sub"), Run(" <b> & c"))
    root = written(Text(50, 20, runs, 8), title="A <title> & more", description='"words"')
    assert root.findtext("svg:title", namespaces=NS) == "A <title> & more"
    assert root.findtext("svg:desc", namespaces=NS) == '"words"'
    (text,) = root.iterfind("svg:text", NS)
    assert "".join(text.itertext()) == "3×3 conv, k2 <b> & c"
    assert [one.get("dy") for one in text] == [None, "1.2", "-1.2"]


def test_what_xml_cannot_say_is_shown_by_name() -> None:
    root = written(Text(0, 0, (Run("a\x1b\x00\ud800\ufffe\u202eb"),), 8), title="\x07]]>")
    assert root.findtext("svg:text", namespaces=NS) == "a␛␀\\ud800\\ufffe\\u202eb"
    assert root.findtext("svg:title", namespaces=NS) == "␇]]>"


def test_groups_have_names_and_tooltips() -> None:
    root = written(Group((Circle(1, 2, 3, "#ff0000", PEN),), "merge", 'a"b', "what <it> is"))
    (group,) = root.iterfind("svg:g", NS)
    assert group.get("class") == "merge"
    assert group.get("data-name") == 'a"b'
    assert group.findtext("svg:title", namespaces=NS) == "what <it> is"


def test_numbers_have_two_decimals_at_most() -> None:
    line = Line(((0, -0.001), (40 / 3, 0), (40 / 3, 20)), PEN, radius=2, arrow=True)
    text = svg.write(Scene(100, 50, (line, Shape(((0, 0), (1, 0), (1, 2), (0, 2)), "#ffffff")), "A"))
    assert not re.search(r"\.\d{3}|-0[ \"L]", text)
    assert '<path d="M0 0L11.33 0Q13.33 0 13.33 2L13.33 16.2"' in text
    assert '<rect x="0" y="0" width="1" height="2" fill="#ffffff"/>' in text


def test_the_tip_of_an_arrow_is_its_lines_end() -> None:
    text = svg.write(Scene(9, 99, (Line(((5, 0), (5, 30)), PEN, arrow=True),), "A"))
    assert '<path d="M5 0L5 26.2" stroke="#000000" stroke-width="1"/>' in text
    assert '<path d="M5 30L7 25L5 26.2L3 25Z" fill="#000000"/>' in text
