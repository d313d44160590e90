"""What many tests need: a spec's text checked, its findings, and a part of many values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

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


def sampled(values: Iterable[Any], one_in: int, turn: int = 0) -> list[Any]:
    """Values as parameters of a test: one in so many, from `turn` on; `make zoo` runs the others. A tuple is
    several parameters.
    """
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=() if number % one_in == turn else pytest.mark.heavy,
        )
        for number, value in enumerate(values)
    ]
