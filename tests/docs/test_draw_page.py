"""docs/draw.md: its figures are those that its commands draw."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "draw.md").read_text("utf-8")


def test_the_figures_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("draw_page", DOCS / "draw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = dict(module.figures())
    shown = re.findall(r"!\[.+\]\((figures/\w+\.svg)\)", PAGE)
    assert sorted(shown) == sorted(path.relative_to(DOCS).as_posix() for path in made)
    for path, text in made.items():
        assert path.read_text("utf-8") == text, "`python docs/draw.py` brings the figures up to date"


def test_every_option_is_explained() -> None:
    from cnnspec.cli.draw import draw

    own = {"expand", "collapse", "panels", "wrap", "width", "colors", "style"}
    assert own <= {parameter.name for parameter in draw.params}
    assert all(re.search(rf"--(?:no-)?{name}\b", PAGE) for name in own)
