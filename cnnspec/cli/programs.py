"""A spec's programs, for the commands that put them to work: read, checked and written in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnnspec.cli import FOUND, INTERNAL, OK, USAGE
from cnnspec.cli.findings import tell
from cnnspec.cli.one_model import open_model
from cnnspec.cli.options import Choice
from cnnspec.cli.terminal import err, out_json
from cnnspec.diagnostics import Diagnostic, Source

if TYPE_CHECKING:
    from cnnspec.pipeline import Model
    from cnnspec.running.process import Outcome


class Programs(NamedTuple):
    """`texts` by target, empty where a finding stands in the way. `status` is what the findings ask for."""

    path: str
    source: Source
    findings: list[Diagnostic]
    status: int
    model: Model | None = None
    texts: dict[str, str] | None = None


def programs(argument: str, choice: Choice, targets: tuple[str, ...]) -> Programs:
    """The programs of a spec's model for these targets; of a spec with variants, the first or `--variant`."""
    path, source, model, findings, status = open_model(argument, choice)
    if model is None or not model.buildable:
        return Programs(path, source, findings, status, model)

    from cnnspec.pipeline import program

    texts: dict[str, str] = {}
    for target in targets:
        made = program(model, target)
        if isinstance(made, str):
            texts[target] = made
        else:
            findings += made
    complete = texts if len(texts) == len(targets) else None
    return Programs(path, source, findings, FOUND if findings else OK, model, complete)


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
            tell([finding], Source(outcome.about, ""), color)
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
        from cnnspec.diagnostics.printable import printable

        message = "\n".join(map(printable, message.split("\n")))
        document["message"] = message
        if form == "text":
            err(f"cnnspec: {message}\n")
    if form == "json":
        print_json(document)
    return status


def head(found: Programs) -> dict[str, Any]:
    """What every document of these commands begins with."""
    from cnnspec import __version__
    from cnnspec.diagnostics.as_json import as_json

    model = found.model
    graph = model.graph if model is not None else None
    return {
        "version": 1,
        "cnnspec": __version__,
        "file": found.source.name,
        "model": graph.name if graph is not None else None,
        "variant": model.variant if model is not None else None,
        "settings": dict(model.settings) if model is not None else {},
        "ok": False,
        "diagnostics": [as_json(finding, found.source) for finding in found.findings],
    }


def print_json(document: dict[str, Any]) -> None:
    """The document; a number that is not finite, which JSON has no word for, is null."""
    import json

    out_json(json.dumps(_finite(document), indent=1, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
