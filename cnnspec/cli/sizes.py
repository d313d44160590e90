"""`cnnspec sizes`: which sizes of the input fit, and the output's size as a formula."""

from __future__ import annotations

import click

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.options import Choice, command, completing
from cnnspec.cli.terminal import Output, say
from cnnspec.diagnostics import Severity
from cnnspec.documents.read import read_spec


@command("sizes", "text", "json")
@click.argument("file", metavar="FILE", shell_complete=completing("specs"))
def sizes(file: str, choice: Choice, to: Output) -> int:
    """Show which input sizes fit a spec, and how large the output then is.

    Each axis is checked for a whole period of the network's strides, so that the answer holds for all
    sizes. Inputs with the height and width of the first one vary together with it. Claims are not
    checked. FILE is a spec, `zoo:NAME`, or `-` for standard input; if it has variants, all are shown.
    """
    _, source, unread, variant = read_spec(file, choice.max_bytes)
    choice = choice._replace(variant=choice.variant or variant)
    if unread is not None:
        return to.refuse(file, unread, {"file": file, "ok": False, "models": [], "diagnostics": []})

    from cnnspec.diagnostics.as_json import as_json
    from cnnspec.pipeline import misuse
    from cnnspec.report.input_sizes import input_sizes, text_of

    models = choice.models(source, lints=False)
    wrong = [
        finding
        for model in models
        for finding in model.findings
        if finding.severity is Severity.ERROR and not finding.code.startswith(("E3", "E501"))
    ]
    findings = list(dict.fromkeys(wrong))
    results = (
        [] if findings else [input_sizes(model, choice.limits) for model in models if model.graph is not None]
    )
    to.findings(findings, source)
    to.document(
        {
            "file": source.name,
            "ok": not findings,
            "models": [one.as_json() for one in results],
            "diagnostics": [as_json(finding, source) for finding in findings],
        }
    )
    if to.form == "text":
        say(text_of(results))
    return USAGE if misuse(models[0]) else FOUND if findings else OK
