"""Follows docs/adding-a-layer.md and docs/adding-a-target.md in a copy of the tree.

    python docs/worked.py              bring what the pages' commands print up to date
    python docs/worked.py --check      only say whether it is (exit status 1: it is not)

A page is its own source. What a fence does is written after its language:

    python new FILE             the file, with the text of the fence
    python append FILE          behind what the file has, and two empty lines
    python last in NAME of FILE the last entries of the tuple or dictionary NAME
    cnn example FILE            a spec to try things on
    sh                          commands, which must end well; a fence `text` right behind is what they print
    sh fails                    commands that must not
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = ("adding-a-layer.md", "adding-a-target.md")
TREE = ("cnnspec", "docs", "grammar", "specs", "tests", "pyproject.toml", "README.md", "Makefile")
FENCE = re.compile(r"^(?P<marks>`{3,})(?P<info>[^\n`]+)\n(?P<body>.*?)^(?P=marks)$", re.M | re.S)
UNWRITTEN = shutil.ignore_patterns("__pycache__", ".*_cache", "golden")


class Step(NamedTuple):
    """A fence of the page: what it does, what it holds; of commands, where the page shows what they print."""

    kind: str
    body: str
    file: str = ""
    name: str = ""
    printed: slice | None = None


def steps(page: str) -> list[Step]:
    fences = list(FENCE.finditer(page))
    found = []
    for place, fence in enumerate(fences):
        language, *info = fence["info"].split()
        if language == "sh":
            behind = fences[place + 1] if place + 1 < len(fences) else None
            if behind and (behind["info"] != "text" or page[fence.end() : behind.start()].strip()):
                behind = None
            kind = "fails" if info == ["fails"] else "run"
            found.append(Step(kind, fence["body"], printed=slice(*behind.span("body")) if behind else None))
        elif info[:2] == ["last", "in"]:
            found.append(Step("last", fence["body"], info[4], info[2]))
        elif info:
            found.append(Step(info[0], fence["body"], info[1]))
    return found


def listed(page: str) -> set[str]:
    """The files that the table at the page's top lists."""
    return set(re.findall(r"^\| `([^`]+/[^`]+)` \|", page, re.M))


def files(page: str) -> set[str]:
    """The files that its fences write, without examples."""
    return {step.file for step in steps(page) if step.kind in ("new", "append", "last")}


def copied(folder: Path) -> Path:
    """The tree, copied."""
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=UNWRITTEN)
        elif source.is_file():
            shutil.copy(source, folder / name)
    return folder


def follow(page: str, tree: Path) -> str:
    """Takes the page's steps in a tree; gives the page with what its commands print now."""
    prints: list[tuple[slice, str]] = []
    for step in steps(page):
        if step.kind not in ("run", "fails"):
            write(step, tree / step.file)
            continue
        printed = "".join(run(command, tree, step.kind == "fails") for command in step.body.splitlines())
        if step.printed is not None:
            prints.append((step.printed, printed))
    for place, printed in reversed(prints):
        page = page[: place.start] + printed + page[place.stop :]
    return page


def write(step: Step, file: Path) -> None:
    if step.kind in ("new", "example"):
        assert not file.exists(), f"{step.file} is there already"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(step.body, "utf-8")
        return
    text = file.read_text("utf-8")
    if step.kind == "append":
        file.write_text(f"{text.rstrip()}\n\n\n{step.body.lstrip()}", "utf-8")
        return
    assert step.kind == "last", step.kind
    start = re.search(rf"^{step.name}\b.* = [\[({{]$", text, re.M)
    assert start is not None, f"{step.file} has no {step.name}"
    end = re.compile(r"^[\])}]", re.M).search(text, start.end())
    assert end is not None
    file.write_text(text[: end.start()] + step.body + text[end.start() :], "utf-8")


def run(command: str, tree: Path, fails: bool = False) -> str:
    """A command's output; it must end well, or `fails`."""
    name, *arguments = shlex.split(command)
    program = {"cnnspec": ["-m", "cnnspec"], "python": []}[name]
    done = subprocess.run(
        [sys.executable, *program, *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "PYTHONUTF8": "1", "COLUMNS": "100"},
    )
    assert (done.returncode != 0) is fails, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def main() -> int:
    stale = False
    for page in (ROOT / "docs" / name for name in PAGES):
        before = page.read_text("utf-8")
        with tempfile.TemporaryDirectory() as folder:
            after = follow(before, copied(Path(folder)))
        stale = stale or before != after
        if "--check" not in sys.argv[1:]:
            page.write_text(after, "utf-8")
    return int(stale and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
