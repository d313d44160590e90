"""The site: it is built, without a warning, and its pages are whole."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

import cnnspec
from cnnspec import resources
from cnnspec.diagnostics import pages as findings
from cnnspec.ops import words

ROOT = Path(__file__).parents[2]
LOADED = re.compile(r'<(?:img|script|iframe|source|link)\b[^>]*?\b(?:src|href)="?(https?:)?//', re.IGNORECASE)
LINK = re.compile(r'<(?:a|img|script|link)\b[^>]*?\b(?:href|src)="?([^"\s>]+)')
ID = re.compile(r'\bid="?([^"\s>]+)')

pytestmark = pytest.mark.heavy  # `make site` runs them


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("zensical")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "docs.site", "--into", str(folder)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "No issues found" in done.stdout + done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in sorted(site.rglob("*.html"))}


def test_there_is_a_page_for_each_layer_finding_and_network(site: Path) -> None:
    for folder, names in (("layers", words()), ("findings", findings.codes()), ("zoo", resources.zoo())):
        missing = [name for name in names if not (site / folder / f"{name}.html").is_file()]
        assert not missing, (folder, missing)


def test_every_page_is_in_the_navigation_once(site: Path) -> None:
    found: list[str] = []

    def collect(entry: object) -> None:
        if isinstance(entry, str):
            found.append(entry)
        for below in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
            collect(below)

    collect(tomllib.loads((site.parent / "zensical.toml").read_text("utf-8"))["project"]["nav"])
    pages = site.parent / "pages"
    assert sorted(found) == sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*.md"))


def test_a_page_loads_nothing_from_elsewhere(pages: dict[Path, str]) -> None:
    assert LOADED.search('<link rel="stylesheet" href="https://fonts.example/css">')
    for path, text in pages.items():
        assert not LOADED.search(text), path


def test_every_link_leads_to_a_page_and_a_place_on_it(site: Path, pages: dict[Path, str]) -> None:
    places = {path.resolve(): set(ID.findall(text)) for path, text in pages.items()}
    broken = []
    for path, text in pages.items():
        if path.name == "404.html":  # its links begin at the root of a server
            continue
        for link in map(html.unescape, LINK.findall(text)):
            target, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:|//|data", target):
                continue
            there = (path.parent / unquote(target)).resolve() if target else path.resolve()
            there = there / "index.html" if there.is_dir() else there
            if not there.is_file() or (anchor and there in places and unquote(anchor) not in places[there]):
                broken.append((path.relative_to(site).as_posix(), link))
    assert not broken


def test_specs_are_coloured(pages: dict[Path, str], site: Path) -> None:
    page = pages[site / "zoo" / "lenet5.html"]
    assert re.search(r'<div class="[^"]*language-cnn[^"]*">', page)
    assert re.search(r'<span class="?nb"?>conv</span>', page)  # a layer, as the lexer calls it


def test_a_network_has_its_figures_numbers_and_text(pages: dict[Path, str], site: Path) -> None:
    page = pages[site / "zoo" / "resnet.html"]
    assert "25,557,032" in page
    assert "resnet.svg" in page
    assert "resnet-volumes.svg" in page
    assert "How many parameters does ResNet50 have?" in pages[site / "faq.html"]


def test_the_questions_have_the_numbers_of_check(pages: dict[Path, str], site: Path) -> None:
    page = pages[site / "faq.html"]
    for model in cnnspec.check("zoo:resnet").models:
        _, _, answer = page.rpartition(f"How many parameters does {model.variant} have?")
        assert f"<strong>{model.totals.params:,}</strong>" in answer.partition("</p>")[0]


def test_a_finding_shows_what_is_printed(pages: dict[Path, str], site: Path) -> None:
    assert "5x5 filter on a 4x4 map" in pages[site / "findings" / "E301.html"]
