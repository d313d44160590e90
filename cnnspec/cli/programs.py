"""A spec's programs, for the commands that put them to work: read, checked and written in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnnspec.cli import FOUND, INTERNAL, OK, USAGE
from cnnspec.cli.findings import tell
from cnnspec.cli.options import Choice
from cnnspec.cli.terminal import err, out
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.files import NOWHERE, named, read_source

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
    pairs, problem = named(argument)
    if problem is None and len(pairs) != 1:
        problem = Diagnostic(
            "E706", f"{len(pairs)} .cnn files are in this folder", NOWHERE, help="name one of them"
        )
    if problem is not None:
        return Programs(argument, Source(argument, ""), [problem], USAGE)
    ((path, name),) = pairs
    source, problem = read_source(path, choice.max_bytes, name)
    if problem is not None:
        return Programs(path, source, [problem], FOUND if problem.code == "E703" else USAGE)

    from cnnspec.pipeline import misuse, models, program

    (model,) = models(
        source,
        variant=choice.variant,
        settings=choice.settings,
        limits=choice.limits,
        first=True,
        lints=False,
    )
    findings = [finding for finding in model.findings if finding.severity is Severity.ERROR]
    if misuse(model.file, choice.variant, choice.settings):
        return Programs(path, source, findings, USAGE, model)
    if not model.buildable:
        return Programs(path, source, findings, FOUND, model)
    texts: dict[str, str] = {}
    for target in targets:
        made = program(model, target)
        if isinstance(made, str):
            texts[target] = made
        else:
            findings += made
    complete = texts if len(texts) == len(targets) else None
    return Programs(path, source, findings, FOUND if findings else OK, model, complete)


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
    else:
        from cnnspec.diagnostics.printable import printable

        message = f"the emitted program did not end well: {printable(outcome.failed or '')}"
    if message:
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

    out(json.dumps(_finite(document), indent=1, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
