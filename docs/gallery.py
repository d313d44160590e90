"""Writes the messages into docs/gallery.md: behind every ```cnn fails block, what `cnnspec check` says of it.

    python docs/gallery.py            bring the file up to date
    python docs/gallery.py --check    only say whether it is (exit status 1: it is not)

The page is its own source: prose and specs are written by hand, the ```text blocks are not. Behind `fails`
options of the command line may stand: `--set width=2`, `--advice`.
"""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from pathlib import Path

from cnnspec import pipeline
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.diagnostics.text import render_text

PAGE = Path(__file__).with_name("gallery.md")
NAME = "model.cnn"
ENTRY = re.compile(r"```cnn fails([^\n]*)\n(.*?)```\n+(?:```text\n.*?```\n+)?", re.DOTALL)


def found(text: str, options: str = "") -> list[Diagnostic]:
    """The findings of a spec, each once; advice only with `--advice`."""
    words = options.split()
    settings = dict(word.split("=", 1) for before, word in pairwise(words) if before == "--set")
    models = pipeline.models(Source(NAME, text), settings=settings)
    once = {(finding.code, finding.span): finding for model in models for finding in model.findings}
    return [
        finding
        for finding in sorted(once.values(), key=lambda finding: (finding.span, finding.code))
        if finding.severity is not Severity.ADVICE or "--advice" in words
    ]


def messages(text: str, options: str = "") -> str:
    """What a person sees of them."""
    return "\n".join(render_text(finding, Source(NAME, text)) for finding in found(text, options))


def rendered(page: str) -> str:
    """The page with every message as it is today."""
    return ENTRY.sub(
        lambda entry: (
            f"```cnn fails{entry[1]}\n{entry[2]}```\n\n```text\n{messages(entry[2], entry[1])}```\n\n"
        ),
        page,
    )


def main() -> int:
    before = PAGE.read_text("utf-8")
    after = rendered(before).rstrip("\n") + "\n"
    if "--check" in sys.argv[1:]:
        return int(before != after)
    PAGE.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
