"""`check --update`: the generated regions of a document, made by the commands that they name.

A region names a command with a spec of the document, of a file below its folder, or of the zoo. Only options
that choose what is shown are allowed: nothing else is read, and only the region and its figure are written.
"""

from __future__ import annotations

import io
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from typing import Any, NamedTuple

import click

from cnnspec.cli.options import Choice
from cnnspec.diagnostics import Diagnostic, Edit, Source
from cnnspec.documents.fence import Document, Named, Region, SpecText
from cnnspec.documents.included import spec_file
from cnnspec.documents.read import choose, open_document
from cnnspec.documents.regions import (
    MAX_REGIONS,
    MOST_BYTES,
    Made,
    Refused,
    edit_for,
    figure_file,
    reference,
    shown,
)
from cnnspec.documents.write import document_bytes, with_edits
from cnnspec.files import DOCUMENTS, NOWHERE, ZOO, document_named, read_bytes, write_all

_MODEL = {"variant", "settings", "sizes"}
_TABLE = {"like", "rows", "columns", "variants", "cells", "shape", "numbers", "form"}
_DRAW = {"style", "look", "expand", "collapse", "panels", "wrap", "width", "power", "colors", "form"}
MANY = 20
COMMANDS: dict[str, tuple[int, str, set[str]]] = {
    "check": (MANY, "text", {"every", "columns"}),
    "sizes": (1, "text", set()),
    "explain": (1, "page", {"form"}),
    "diff": (2, "page", {"form"}),
    "table": (MANY, "page", _TABLE),
    "draw": (1, "figure", _DRAW | {"output"}),
}
"""By command: the most specs that may come first, the kind of output, and the options besides those of a
model."""
_LATEX = {"explain": "latex", "table": "latex", "draw": "tikz"}
_MARKDOWN = {"explain": "markdown", "diff": "markdown", "table": "markdown", "draw": "mermaid"}
_OUTCOME = re.compile(r"\n\n[0-9]+ (?:warning|suggestion)[^\n]*\n\Z")
"""Matches the last line of `check`, which counts findings that a region does not show."""
_CODE = re.compile(r"^error\[(E[0-9]+)\]", re.MULTILINE)
_LONGEST = 500


class Updated(NamedTuple):
    """A document with its regions regenerated: the findings, and how many regions changed. `problem` is the
    file that could not be written, and why."""

    source: Source
    findings: tuple[Diagnostic, ...] = ()
    changed: int = 0
    problem: tuple[str, Diagnostic] | None = None


class _New(NamedTuple):
    """The changes to write: the regions of the documents, and the files that they name."""

    edits: list[Edit]
    files: dict[str, bytes]
    stale: list[Region]
    findings: list[Diagnostic]


def update_document(argument: str, choice: Choice, dry_run: bool) -> Updated:
    """Regenerate the regions of a document within the limits of `choice`, and write it with its figures, all
    or nothing; with `dry_run`, E906 for each region that would change."""
    path = (document_named(argument) or (argument, ""))[0]
    opened = open_document(path, choice.max_bytes)
    document = opened.parts[0].document
    new = _regions(path, document, opened.specs, choice.limit_options())
    findings = tuple(new.findings)
    if dry_run:
        return Updated(document.source, findings + tuple(map(_stale, new.stale)))
    if new.stale:
        text = with_edits(document.source.text, new.edits)
        contents: dict[str, str | bytes] = {**new.files, path: document_bytes(path, text)}
        _make_folders(new.files)
        problem = write_all(contents, force=True)
        if problem is not None:
            return Updated(document.source, findings, problem=problem)
    return Updated(document.source, findings, len(new.stale))


def _stale(region: Region) -> Diagnostic:
    message = "this generated region is not up to date"
    return Diagnostic("E906", message, region.head, help="`cnnspec check --update` regenerates it")


def _make_folders(files: Iterable[str]) -> None:
    """Make the folders of figures; if one cannot be made, writing the figure reports it."""
    for file in files:
        with suppress(OSError):
            os.makedirs(os.path.dirname(file) or os.curdir, exist_ok=True)


def _regions(path: str, document: Document, texts: list[SpecText], limits: list[str]) -> _New:
    new = _New([], {}, [], [])
    latex = DOCUMENTS[os.path.splitext(path)[1].lower()] == "latex"
    for number, region in enumerate(document.regions):
        try:
            if number >= MAX_REGIONS:
                raise Refused(f"a document has no more than {MAX_REGIONS} generated regions")
            generated = _made(path, region, texts, latex, limits)
            place = os.path.join(os.path.dirname(path), generated.file) if generated.file else ""
            if place in new.files and new.files[place] != generated.content:
                raise Refused(f"two regions write {generated.file}", "use another name")
            edit = edit_for(region, generated.body, latex)
        except Refused as refused:
            message = f"this region cannot be made: {refused.message}"
            new.findings.append(Diagnostic("E907", message, region.head, help=refused.way))
            continue
        same = document.source.text[slice(*region.body)] == edit.text
        if place:
            on_disk = read_bytes(place, MOST_BYTES) if os.path.exists(place) else None
            same = same and on_disk == generated.content
            new.files[place] = generated.content
        if not same:
            new.stale.append(region)
            new.edits.append(edit)
    return new


def _made(path: str, region: Region, specs: Sequence[SpecText], latex: bool, limits: list[str]) -> Made:
    """Run the command of a region."""
    name, words = _words(region.command)
    if name not in COMMANDS:
        raise Refused(f"`{name}` cannot make a region", f"write one of {', '.join(COMMANDS)}")
    count, kind, _ = COMMANDS[name]
    first = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    positional, options = words[:first], words[first:]
    if not positional and name != "diff":
        if len(specs) != 1:
            raise Refused(f"the document has {len(specs)} specs", f"name one: {name} NAME")
        positional = ["#1"]
    places = [_spec(path, word, specs) for word in positional[:count]]
    command: click.Command = getattr(import_module(f"cnnspec.cli.{name}"), name)
    values = _asked(command, name, [*places, *positional[count:], *options], len(positional))
    form = values.get("form")
    file = values.get("output")
    if file is not None:
        figure_file(os.path.dirname(path), file)
        options = _without_output(options)
        form = form or _form_of(file)
    form = form or (_LATEX if latex else _MARKDOWN).get(name)
    if name == "diff" and latex:
        kind, form = "text", "text"
    arguments = [
        *places,
        *positional[count:],
        *options,
        *(["--format", form] if form else []),
        *limits,
        "--color",
        "never",
    ]
    printed = _printed(command, name, arguments, "ascii" if latex and kind == "text" else "utf-8")
    if file is not None:
        return Made(reference(file, positional[0].lstrip("#") if positional else "", latex), file, printed)
    if name == "draw" and not (latex and form == "tikz"):
        if latex or form not in ("mermaid", "dot", "svg"):
            raise Refused(f"{form} is not text of this document", "name a file: -o figures/name.pdf")
        kind = form if form != "svg" else "page"
    text = _OUTCOME.sub("\n", printed.decode()) if name == "check" else printed.decode()
    return Made(shown(text, "page" if kind == "figure" else kind, latex))


def _words(command: str) -> tuple[str, list[str]]:
    if len(command) > _LONGEST:
        raise Refused(f"its command is longer than {_LONGEST} characters")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Refused(f"its command cannot be read: {error}") from None
    return (words[0], words[1:]) if words else ("", [])


def _spec(path: str, word: str, specs: Sequence[SpecText]) -> str:
    """The argument of a command for a spec that a region names."""
    if word.startswith(ZOO):
        return word
    name = word.removeprefix("#")
    if choose(list(specs), name) is not None:
        return f"{path}#{name}"
    file, _, variant = word.partition("#")
    if not file.endswith(".cnn"):
        raise Refused(f"the document has no spec named {name}", "name a spec of it, a .cnn file, or zoo:NAME")
    spec = spec_file(os.path.dirname(path), Named(file, NOWHERE))
    if isinstance(spec, Diagnostic):
        raise Refused(spec.message, spec.help)
    return f"{spec}#{variant}" if variant else spec


def _asked(command: click.Command, name: str, arguments: list[str], positional: int) -> dict[str, Any]:
    """The options of a command as they are written; Refused where a region may not have one."""
    context = click.Context(command, info_name=name)
    try:
        values, _, order = command.make_parser(context).parse_args(list(arguments))
    except click.ClickException as error:
        raise Refused(error.format_message()) from None
    parameters = [one for one in order if not isinstance(one, click.Argument)]
    for parameter in parameters:
        if parameter.name not in _MODEL | COMMANDS[name][2]:
            raise Refused(f"`{name}` has no option {parameter.opts[0]} in a region")
    colors = values.get("colors")
    if colors not in (None, "paper", "grey"):
        raise Refused("a region reads no file of colours", "use --colors paper or grey")
    written = [values.get(param.name or "") for param in command.params if isinstance(param, click.Argument)]
    places = [isinstance(one, str) or (len(one) if isinstance(one, tuple | list) else 0) for one in written]
    if sum(places) != max(positional, 1):
        raise Refused("it names too many specs, or one after an option")
    return {one.name or "": values[one.name or ""] for one in parameters}


def _without_output(options: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for option in options:
        if skip:
            skip = False
        elif option in ("-o", "--output"):
            skip = True
        elif not option.startswith(("-o", "--output=")):
            kept.append(option)
    return kept


def _form_of(file: str) -> str | None:
    from cnnspec.cli.draw import ENDINGS

    return ENDINGS.get(os.path.splitext(file)[1].lower())


def _printed(command: click.Command, name: str, arguments: list[str], encoding: str) -> bytes:
    """The output of a command on a wide page without colours; raises Refused if it fails."""
    printed, errors = io.BytesIO(), io.StringIO()
    kept = {key: os.environ.pop(key) for key in ("COLUMNS", "FORCE_COLOR") if key in os.environ}
    out = io.TextIOWrapper(printed, encoding, errors="backslashreplace", newline="\n")
    try:
        with redirect_stdout(out), redirect_stderr(errors):
            status = command.main(arguments, prog_name=f"cnnspec {name}", standalone_mode=False)
        out.flush()
        content = printed.getvalue()
    except click.ClickException as error:
        raise Refused(error.format_message()) from None
    finally:
        os.environ.update(kept)
    if status and not (content and {"E501"} == {*_CODE.findall(errors.getvalue())}):
        first = errors.getvalue().partition("\n")[0] or "the spec has errors"
        raise Refused(first, "correct the spec, then update the region")
    if len(content) > MOST_BYTES:
        raise Refused(f"it prints more than {MOST_BYTES:,} bytes")
    return content
