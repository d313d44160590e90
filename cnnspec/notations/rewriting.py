"""A text with its foreign parts said in this language: what is checked once parts of a spec are pasted.

The first check finds what is not in this language (E102). Here those parts are put in the text as they are
said here, so that a second check finds what else is wrong: sizes that do not fit behind them, and numbers of
the original that contradict the network (E502).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from cnnspec.diagnostics import Diagnostic, Edit, Piece, Related, Severity, Source, Span
from cnnspec.notations import translate
from cnnspec.notations.network import UNKNOWN, Node, Part, written
from cnnspec.notations.programs import Program, programs

if TYPE_CHECKING:
    from cnnspec.ir.graph import Graph

_WIDEST = 60
_MOST_LINES = 60
"""Lines of a program that are shown in its finding; a fix has them all."""
_INPUT = re.compile(r"^[ \t]*input\b", re.MULTILINE)


class Stated(NamedTuple):
    """What the original says of a layer's input: the layer begins at `at` of the text."""

    at: int
    takes: str
    span: Span
    """Where it says so, in the original."""


class Rewritten(NamedTuple):
    source: Source
    findings: Sequence[Diagnostic]
    stated: Sequence[Stated]
    silent: Sequence[Span]
    """Parts of the text of which nothing more can be said: their layers, or their order, are not known."""


class _Foreign(NamedTuple):
    """A part in another notation, what it is here, and the finding about it."""

    span: Span
    pieces: Sequence[Part]
    finding: Diagnostic


def rewritten(source: Source, findings: Iterable[Diagnostic]) -> Rewritten | None:
    """None where nothing of a text can be said otherwise."""
    text = source.text
    foreign: list[_Foreign] = []
    for program in programs(text):
        foreign.append(_of_program(program, text))
    for finding in findings:
        if finding.code == "E102" and not any(_overlap(finding.span, one.span) for one in foreign):
            foreign += _of_finding(finding, text)
    return _put_together(source, sorted(foreign, key=lambda one: one.span)) if foreign else None


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _of_program(program: Program, text: str) -> _Foreign:
    network, span = program.network, program.span
    begins = network.nodes[0] if network.nodes else None
    before: list[Part] = []
    if begins is not None and begins.text.startswith("input ") and _INPUT.search(text):
        network = network.without_input()
    elif begins is not None and "x" in begins.takes and not _INPUT.search(text):
        before = [Part(f"input {begins.takes}\n")]
    pieces = [*before, *written(network)]
    shown = [_commented(part, text) for part in pieces]
    lines = [line for line in "".join(shown).splitlines() if line]
    more = len(lines) - _MOST_LINES
    lines[_MOST_LINES:] = [f"… ({more} more lines)"] if more > 0 else []
    how = "in this language it is" if network.sure else "in this language it is, as far as it can be told"
    way = "\n".join([f"{how}:", *lines] if lines else []) + (f"\n({network.why})" if network.why else "")
    fix = (Edit(span, "".join(part.text for part in pieces).rstrip("\n")),) if network.sure else ()
    if network.why:
        first = span if begins is None else begins.span
        pieces = [*before, Part(UNKNOWN, Node("", first))]
    message = f"this is {program.tool} code; a spec is written in a notation of its own"
    finding = Diagnostic("E102", message, span, help=way.strip(), fix=fix, safe=True)
    return _Foreign(span, pieces, finding)


def _commented(part: Part, text: str) -> str:
    """A piece as it is shown: what is not certain has its reason as a comment."""
    node = part.node
    if node is None or not (node.why or not node.text):
        return part.text
    if node.text:
        return f"{part.text}  # {node.why}\n"
    original = " ".join(text[slice(*node.span)].split())
    return f"\n# {original[:_WIDEST]}: {node.why}\n"


def _of_finding(finding: Diagnostic, text: str) -> list[_Foreign]:
    for found in (translate(text, finding.span.start), translate(text, finding.span.start, finding.span)):
        if found is not None and found.text and found.span == finding.span:
            if found.text.startswith("input ") and _INPUT.search(text):
                return []
            node = Node(found.text, found.span, takes=found.takes)
            return [_Foreign(found.span, [Part(found.text, node)], finding)]
    if len(finding.fix) == 1:
        edit = finding.fix[0]
        return [_Foreign(edit.span, [Part(edit.text, Node(edit.text, edit.span))], finding)]
    return []


def _put_together(source: Source, foreign: Sequence[_Foreign]) -> Rewritten:
    """The text with the foreign parts in this language."""
    text, parts, pieces = source.text, list[str](), list[Piece]()
    stated, silent = list[Stated](), list[Span]()
    length = done = 0

    def add(part: str, original: Span, kept: bool) -> None:
        nonlocal length
        parts.append(part)
        if part:
            pieces.append(Piece(Span(length, length + len(part)), original, kept))
        length += len(part)

    for one in foreign:
        add(text[done : one.span.start], Span(done, one.span.start), True)
        place = one.span
        for part in one.pieces:
            if part.node is not None:
                place = part.node.span
                step = Span(length + part.at, length + len(part.text))
                if part.node.takes:
                    stated.append(Stated(step.start, part.node.takes, place))
                if not part.node.text:
                    silent.append(step)
            add(part.text, place, False)
        done = one.span.end
    add(text[done:], Span(done, len(text)), True)
    whole = Source(source.name, "".join(parts), source, pieces)
    return Rewritten(whole, [one.finding for one in foreign], stated, silent)


def together(rewriting: Rewritten, found: Sequence[Diagnostic], graph: Graph | None) -> list[Diagnostic]:
    """The findings about a model of the rewritten text, with their places in the original. Of a part alone
    only a contradiction is reported besides what it is here, and both are one finding.
    """
    source = rewriting.source
    changed = [piece.span for piece in source.pieces if not piece.kept]
    others = [
        _moved(one, source, changed)
        for one in found
        if not any(_overlap(one.span, span) for span in rewriting.silent)
        and (one.severity is Severity.ERROR or not any(_overlap(one.span, span) for span in changed))
    ]
    taken = [one.span for one in rewriting.findings if not one.safe]
    others = [one for one in others if not any(_overlap(one.span, span) for span in taken)]
    against = [
        one
        for one in (contradictions(rewriting, graph) if graph is not None else ())
        if not any(_overlap(one.span, other.span) for other in others)
    ]
    for one in rewriting.findings:
        inside = [other for other in against if _overlap(one.span, other.span)]
        if inside and one.span == inside[0].span:
            against.remove(inside[0])
            others.append(inside[0]._replace(help=f"{inside[0].help}\n{one.help}"))
        else:
            others.append(one._replace(fix=(), safe=False) if inside else one)
    return sorted([*others, *against], key=lambda one: (one.span, one.code))


def _moved(finding: Diagnostic, source: Source, changed: Sequence[Span]) -> Diagnostic:
    """A finding with its places in the original; what it would change of a rewritten part stays as it is."""
    edits = finding.fix
    if any(_overlap(edit.span, span) for edit in edits for span in changed):
        edits = ()
    return finding._replace(
        span=source.written(finding.span),
        related=tuple(one._replace(span=source.written(one.span)) for one in finding.related),
        fix=tuple(edit._replace(span=source.written(edit.span)) for edit in edits),
    )


def contradictions(rewriting: Rewritten, graph: Graph) -> Iterator[Diagnostic]:
    """E502 for each number of the original that says what a layer's input is, and is not that."""
    from cnnspec.ops.base import written_shape

    stated = {one.at: one for one in rewriting.stated}
    met = set()
    for number_of_body, body in enumerate(graph.bodies):
        for step in body.steps:
            shape = body.values[step.inputs[0]] if step.kind == "layer" and step.inputs else None
            if step.kind != "layer" or shape is None or step.span.start not in stated:
                continue
            _, takes, span = stated.pop(step.span.start)
            wanted = tuple(map(int, takes.split("x")))
            number = prod(shape) if step.op.word == "flatten" else shape[0]
            if (
                wanted in ((number,), shape)
                or (wanted, number) in met
                or (step.op.word == "fc" and prod(shape) != shape[0])
            ):
                continue
            met.add((wanted, number))
            original = " ".join(rewriting.source.original.text[slice(*span)].split())[:_WIDEST]
            if len(wanted) > 1:
                said, true = takes, written_shape(shape)
                message = f"`{original}` expects an input of {said}, but its input is {true}"
            else:
                what = "channels" if len(shape) > 1 and step.op.word != "flatten" else "inputs"
                said, true = f"{wanted[0]:,}", f"{number:,}"
                message = f"`{original}` expects {said} {what}, but its input has {true}"
            way = f"write {true} there, or change the layers before it so that they give {said}"
            note, related = _comes_from(graph, number_of_body, step.inputs[0], rewriting.source)
            yield Diagnostic("E502", message, span, related, note, way)


def _comes_from(graph: Graph, body: int, value: int, source: Source) -> tuple[str, tuple[Related, ...]]:
    """Where a size comes from: the formula where a map was flattened, and the place."""
    from cnnspec.analyses.shapes import origin, shapes
    from cnnspec.ops.base import written_shape

    made, shape = origin(graph, shapes(graph), body, value), graph.bodies[body].values[value]
    if made is None or shape is None:
        return "", ()
    span = made.span
    note = ""
    for other in graph.bodies:
        for step in other.steps:
            before = other.values[step.inputs[0]] if step.span == span and step.inputs else None
            if before is not None and step.kind == "layer" and step.op.word == "flatten":
                note = f"C·H·W = {'·'.join(map(str, before))} = {prod(before):,}"
    return note, (Related(source.written(span), f"{written_shape(shape)} comes from here"),)
