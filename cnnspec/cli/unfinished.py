"""Why a job (a run, a comparison) has no result: what is missing, what was wrong with a file, what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnspec.cli import INTERNAL, USAGE
from cnnspec.cli.findings import show_findings
from cnnspec.cli.terminal import err, out_document
from cnnspec.diagnostics import Source
from cnnspec.diagnostics.printable import printable

if TYPE_CHECKING:
    from cnnspec.running.process import Outcome

MOST_CALLS = 3
"""Lines of an emitted program that are shown where it has failed: the innermost call, and those around it."""

INSTALL = {"torch": "torch", "images": "Pillow", "weights": "safetensors"}
"""The extras that a job may need, and the library that each brings."""


def missing(extra: str, why: str = "") -> str:
    """How to install what is missing."""
    reason = f" ({why})" if why and "No module named" not in why else ""
    return f"{INSTALL[extra]} is needed for this and is not here{reason}: pip install 'cnnspec[{extra}]'"


def unfinished(outcome: Outcome, document: dict[str, Any], form: str, color: str) -> int:
    """Tell why a job has no result, and give the exit status."""
    status, message = INTERNAL, ""
    if outcome.finding is not None:
        status = USAGE
        finding = outcome.finding
        if form == "json":
            from cnnspec.diagnostics.as_json import as_json

            document["diagnostics"].append(as_json(finding, Source(outcome.about, "")))
        else:
            show_findings([finding], Source(outcome.about, ""), color)
    elif outcome.missing is not None:
        status, message = USAGE, missing(*outcome.missing)
    elif outcome.memory:
        why = f" ({outcome.failed})" if outcome.failed else ""
        message = f"there is not enough memory for this{why}; fewer images or a smaller input need less"
    else:
        message = "\n  ".join(
            [f"the emitted program did not end well: {outcome.failed}", *outcome.where[:MOST_CALLS]]
        )
    if message:
        message = "\n".join(map(printable, message.split("\n")))
        document["message"] = message
        if form == "text":
            err(f"cnnspec: {message}\n")
    if form == "json":
        out_document(document)
    return status
