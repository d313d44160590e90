"""`cnnspec fmt`: the canonical form of a spec."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import click

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.options import command, completing
from cnnspec.cli.terminal import Output, out, say
from cnnspec.diagnostics import Diagnostic, Sink, Source
from cnnspec.diagnostics.as_json import as_json
from cnnspec.diagnostics.printable import printable
from cnnspec.files import STDIN, ZOO, document_named, named, read_source, write_whole


class Formatted(NamedTuple):
    """A file, its canonical text (None if it has errors), and its findings."""

    source: Source
    text: str | None
    findings: tuple[Diagnostic, ...]
    status: int

    @property
    def changed(self) -> bool:
        """Whether the canonical text differs from the file."""
        return self.text is not None and self.text != self.source.text


@command("fmt", "text", "json", model=False)
@click.argument("files", nargs=-1, required=True, metavar="FILE…", shell_complete=completing("specs"))
@click.option("--check", is_flag=True, help="Write nothing; exit with status 1 if a file would change.")
@click.option(
    "--diff", is_flag=True, help="Write nothing; show what would change, and exit with status 1 if anything."
)
def fmt(files: tuple[str, ...], check: bool, diff: bool, to: Output) -> int:
    """Rewrite specs in their canonical form.

    FILE is a spec, a folder (all .cnn files below it), a document (Markdown, LaTeX, a notebook: only its
    specs are changed) or `-` (standard input to standard output). Comments are kept, and formatting twice
    changes nothing. A file with syntax errors is not changed."""
    done: list[Formatted] = []
    for argument in files:
        if argument.startswith(ZOO):
            raise click.UsageError(f"{argument} is shipped with cnnspec and cannot be changed")
        pairs, problem = named(argument)
        if problem is not None:
            done.append(Formatted(Source(argument, ""), None, (problem,), USAGE))
        done += [_format(path, asked=check or diff) for path, _ in pairs]
    to.document({"files": [_entry(one) for one in done]})
    if to.form == "text":
        for one in done:
            _print_text(one, check, diff, to)
    return max((one.status for one in done), default=OK)


def _format(path: str, asked: bool) -> Formatted:
    """Format one file; with `asked` (`--check`, `--diff`) nothing is written."""
    if document := document_named(path):
        if document[1]:
            raise click.UsageError(f"a document is formatted as a whole: leave out #{document[1]}")
        return _format_document(path, asked)
    source, problem = read_source(path)
    if problem is not None:
        return Formatted(source, None, (problem,), USAGE)

    from cnnspec.language import parse
    from cnnspec.language.formatter import format_file

    sink = Sink()
    file = parse(source, sink)
    if sink.has_errors:
        return Formatted(source, None, tuple(sink), FOUND)
    done = Formatted(source, format_file(source, file), (), OK)
    if done.changed and asked:
        return done._replace(status=FOUND)
    if done.changed and path != STDIN:
        problem = write_whole(path, done.text or "", force=True)
        if problem is not None:
            return Formatted(Source(source.name, ""), None, (problem,), USAGE)
    return done


def _format_document(path: str, asked: bool) -> Formatted:
    """Format the specs of a document."""
    from cnnspec.documents.read import read_document
    from cnnspec.documents.write import formatted, write_document

    document = read_document(path)
    result = formatted(document)
    if result.findings:
        return Formatted(document.source, None, result.findings, USAGE if document.unread else FOUND)
    done = Formatted(document.source, result.text, (), OK)
    if done.changed and asked:
        return done._replace(status=FOUND)
    if done.changed:
        problem = write_document(path, done.text or "")
        if problem is not None:
            return Formatted(Source(path, ""), None, (problem,), USAGE)
    return done


def _print_text(one: Formatted, check: bool, diff: bool, to: Output) -> None:
    to.findings(one.findings, one.source)
    if diff and one.changed:
        _print_difference(one.source, one.text or "", to.colored(sys.stdout))
    elif not (diff or check) and one.source.name == "<stdin>":
        out(one.text or "")
    elif not diff and one.changed:
        say(f"{printable(one.source.name)}: {'not in its canonical form' if check else 'formatted'}\n")


def _print_difference(source: Source, text: str, color: bool) -> None:
    from difflib import unified_diff

    paint = {"+": "32", "-": "31", "@": "36"} if color else {}
    name = printable(source.name)
    before, after = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    for line in unified_diff(before, after, name, f"{name} (formatted)", lineterm=""):
        shown, style = printable(line.removesuffix("\n")), paint.get(line[:1])
        out(f"\x1b[{style}m{shown}\x1b[0m\n" if style else f"{shown}\n")
    if before and before[-1][-1:] not in "\r\n":
        out("\\ No line break at the end of the file\n")


def _entry(one: Formatted) -> dict[str, Any]:
    return {
        "file": one.source.name,
        "ok": not one.findings,
        "changed": one.changed,
        "text": one.text,
        "diagnostics": [as_json(finding, one.source) for finding in one.findings],
    }
