"""What many tests need: a spec's text checked, and its findings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnnspec import pipeline
from cnnspec.diagnostics import Diagnostic, Source


def check_text(
    text: str,
    *,
    name: str = "test.cnn",
    variant: str | None = None,
    settings: Mapping[str, str] | None = None,
    **options: Any,
) -> list[pipeline.Model]:
    """Every model of a spec, checked; a spec with variants has one for each."""
    return pipeline.models(Source(name, text), variant=variant, settings=settings or {}, **options)


def findings(text: str, **options: Any) -> list[Diagnostic]:
    """All findings of a spec in the order of the text, each once, whatever its number of variants."""
    once = {
        (finding.code, finding.span): finding
        for model in check_text(text, **options)
        for finding in model.findings
    }
    return sorted(once.values(), key=lambda finding: (finding.span, finding.code))


def codes(text: str, **options: Any) -> set[str]:
    """The codes of a spec's findings."""
    return {finding.code for finding in findings(text, **options)}


def in_words(text: str, **options: Any) -> str:
    """A spec and all that is said of it: message, what stands beside it, and the edits that mend it."""
    lines = [name if name == "limits" else f"{name} {option}" for name, option in options.items()]
    lines += [f"| {line}" for line in text.splitlines()]
    for found in findings(text, **options):
        lines.append(f"{found.code} at `{text[slice(*found.span)]}`: {found.message}")
        lines += [
            f"    {name}: {said}"
            for name in ("label", "note", "help")
            if (said := getattr(found, name)) != ""
        ]
        lines += [f"    beside `{text[slice(*one.span)]}`: {one.message}" for one in found.related]
        kind = "safe fix" if found.safe else "fix"
        lines += [f"    {kind}: `{text[slice(*edit.span)]}` to `{edit.text}`" for edit in found.fix]
    return "\n".join(lines).replace("\r", "␍") + "\n\n"


def check_against(file: Path, written: str) -> None:
    """Compares with a file that is kept to be read; UPDATE_GOLDEN=1 writes it anew."""
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(written, encoding="utf-8")
    assert file.exists(), "UPDATE_GOLDEN=1 writes it"
    assert written == file.read_text(encoding="utf-8"), "if this is meant: UPDATE_GOLDEN=1 writes it anew"
