"""Writes the pages of the site and builds it: `python -m docs.site`."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from cnnspec.diagnostics import pages as findings
from cnnspec.documents.highlight import CnnLexer
from cnnspec.ops import words
from docs.site import networks, reference
from docs.site.markdown import ROOT, Places, staged, title_of
from docs.site.networks import Network

HERE = Path(__file__).parent
DOCS = ROOT / "docs"
ELSEWHERE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "specs/README.md": "zoo/writing.md",
    "docs/zoo.md": "zoo/index.md",
    "docs/zoo.svg": "zoo/zoo.svg",
}
"""What stands at another place than in docs/."""
ASSETS = (".svg", ".tex", ".pdf", ".png")
QUESTIONS = "<!-- the questions of the zoo -->"


def write(folder: Path) -> None:
    """The pages of the site as Markdown, and the configuration for them."""
    found = networks.networks()
    places = _places(found)
    for name in ("pages", "html"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for file, page in places.files.items():
        if file.startswith("specs/") and file.endswith(".cnn"):
            continue
        text = (ROOT / file).read_text("utf-8")
        if QUESTIONS in text:  # hundreds, too many for a table of contents
            text = "---\nhide: [toc]\n---\n" + text.replace(QUESTIONS, networks.questions(found))
        _write(folder / "pages" / page, staged(text, file, page, places) if file.endswith(".md") else text)
    for page, text in _generated(found):
        _write(folder / "pages" / page, staged(text, "", page, places) if page.endswith(".md") else text)
    _write(folder / "pages" / "style.css", (HERE / "style.css").read_text("utf-8"))
    _write(folder / "zensical.toml", _configuration(places, found))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _places(found: Sequence[Network]) -> Places:
    """Each file that has a page, or is shown or linked as it is."""
    files = {
        f"docs/{path.relative_to(DOCS).as_posix()}": path.relative_to(DOCS).as_posix()
        for path in sorted(DOCS.rglob("*"))
        if path.suffix in (".md", *ASSETS)
    }
    files |= ELSEWHERE | networks.named(found)
    titles = {file: title_of((ROOT / file).read_text("utf-8")) for file in files if file.endswith(".md")}
    return Places(files, titles, findings.codes())


def _generated(found: Sequence[Network]) -> Iterator[tuple[str, str]]:
    yield from reference.layer_pages(networks.used(found))
    yield from reference.finding_pages()
    yield from reference.word_pages()
    yield from reference.command_pages()
    yield from networks.zoo_pages(found)


def _configuration(places: Places, found: Sequence[Network]) -> str:
    """zensical.toml, with these pages in its navigation. A JSON string is a TOML string."""
    text = (HERE / "zensical.toml").read_text("utf-8")
    pages = {places.files[file]: title for file, title in places.titles.items()}
    others = _listed((title, page) for page, title in pages.items() if f'"{page}"' not in text)
    families = []
    for family, members in groupby(found, key=lambda one: one.family):
        listed = _listed((one.name, f"zoo/{one.file}.md") for one in members)
        families.append(f"{{ {json.dumps(family.capitalize())} = [{listed}] }}")
    for mark, listed in (
        ('"@layers"', _listed((word, f"layers/{word}.md") for word in sorted(words()))),
        ('"@findings"', _listed((code, f"findings/{code}.md") for code in findings.codes())),
        ('"@zoo"', ", ".join(families)),
        ('"@others",', f"{others}," if others else ""),
    ):
        assert mark in text
        text = text.replace(mark, listed)
    return text


def _listed(pages: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{{ {json.dumps(title)} = {json.dumps(page)} }}" for title, page in pages)


def build(folder: Path) -> None:
    """The HTML of the pages, in this process: Pygments is given the lexer of specs, which it finds by itself
    only where cnnspec is installed."""
    from pygments import lexers
    from zensical.main import execute_build

    lexers.LEXERS["CnnLexer"] = (CnnLexer.__module__, CnnLexer.name, tuple(CnnLexer.aliases), (), ())
    lexers._lexer_cache[CnnLexer.name] = CnnLexer
    execute_build(["--strict", "--config-file", str(folder / "zensical.toml")], standalone_mode=False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m docs.site", description="Builds the site.")
    parser.add_argument("--into", type=Path, default=ROOT / ".site", help="the folder to write")
    folder = parser.parse_args().into
    write(folder)
    build(folder)
    print(folder / "html" / "index.html")


if __name__ == "__main__":
    main()
