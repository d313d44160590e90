"""What many tests need: a spec's text checked, and its findings."""

from __future__ import annotations

from collections.abc import Mapping
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
