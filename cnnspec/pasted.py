"""A text with its foreign parts translated into this language, for specs that have pasted parts.

The first check finds what is not in this language (E102). Here those parts are replaced by their
translations, so that a second check finds what else is wrong: sizes that do not fit after them, and numbers
of the original that contradict the network (E502).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from cnnspec.diagnostics import Diagnostic, Edit, Piece, Related, Severity, Source, Span, line_start
from cnnspec.notations import (
    caffe,
    darknet,
    julia,
    lists,
    others,
    programs,
    r,
    summary,
    tables,
    translate,
    yolo,
)
from cnnspec.notations.around import step_around
from cnnspec.notations.network import FEWEST, UNKNOWN, Network, Node, Part, Program, stretches, written

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report
    from cnnspec.ops.base import Shape

_WIDEST = 60
_LONGEST = 100_000
"""Characters of a spec in which programs are looked for."""
_MOST_LINES = 60
"""Lines of a program that are shown in its finding; a fix has them all."""
_CALL = re.compile(r"[A-Za-z_][\w.]*\(")
_HEAD = re.compile(r"(?:\w+: )?(?:@\w+ -> )?")
"""What can precede a layer on its line."""
_STATED = re.compile(
    r"(?:in_?channels|in_?features|num_?features|input_?channels)[ \t]*=[ \t]*([0-9]+)", re.I
)
_ARROW = r"[ \t]*->[ \t]*"
_STATEMENT = re.compile(r"(?:model|let|variant|default|block|shared|output|expect)\b")
_BETWEEN, _ENDS = r"(?>\s+|[,;]|#[^\r\n]*+)*+", re.compile(r"[ \t,;]*(?:[#\r\n]|$)")
_INPUT = re.compile(r"^[ \t]*input\b(?![ \t]*:[ \t]*[\"'])", re.MULTILINE)
"""Not Caffe's `input: "data"`."""


class Stated(NamedTuple):
    """The size of a layer's input in the original; the layer begins at `at` of the text."""

    at: int
    takes: str
    span: Span
    """Its place in the original."""


class Rewritten(NamedTuple):
    source: Source
    findings: Sequence[Diagnostic]
    stated: Sequence[Stated]
    silent: Sequence[Span]
    """Parts of the text without further findings: their layers, or their order, are not known."""
    whole: bool
    """Whether a network is among them: that it has no input is part of its finding."""


class _Foreign(NamedTuple):
    """A part of the text in another notation, the same part in this language, and the finding about it."""

    span: Span
    pieces: Sequence[Part]
    finding: Diagnostic
    whole: bool = False
    """Whether it is all of a network, not a layer of a spec."""


def rewritten(source: Source, findings: Iterable[Diagnostic]) -> Rewritten | None:
    """None where nothing of a text can be translated."""
    text = source.text[:_LONGEST]
    foreign: list[_Foreign] = []
    for reader in (darknet, caffe, yolo, r, julia, summary, programs, lists, tables, others):
        found = (_of_program(network, text) for network in reader.networks(text))
        foreign += [one for one in found if not any(_overlap(one.span, other.span) for other in foreign)]
    for finding in findings:
        if not any(_overlap(finding.span, one.span) for one in foreign):
            if finding.code == "E102" or finding.cause == "name":
                foreign += _of_finding(finding, text)
            elif finding.code == "E202":
                foreign += _of_argument(finding, text)
    rows = stretches(sorted(foreign, key=lambda one: one.span), lambda one: one.span, text, _ARROW)
    steps = [one for row in rows for one in ([_of_steps(row)] if len(row) > 1 and _are_sure(row) else row)]
    foreign = [*_in_one_finding(steps, text)]
    return _put_together(source, foreign) if foreign else None


def _in_one_finding(foreign: Iterable[_Foreign], text: str) -> Iterator[_Foreign]:
    """Consecutive lines in another notation become one part with one finding. Two calls of layers stay
    separate findings, each with its own numbers."""
    for row in stretches(foreign, lambda one: one.span, text, _BETWEEN):
        statements = any(_STATEMENT.match(part.text) for one in row for part in one.pieces)
        alone = not statements and all(len(one.pieces) == 1 and _is_line(one.span, text) for one in row)
        calls = len(row) < FEWEST and all(_CALL.match(text, one.span.start) for one in row)
        codes = {one.finding.code for one in row}
        if len(row) < 2 or calls or not alone or not {"E102"} <= codes <= {"E102", "E201"}:
            yield from row
            continue
        nodes = [part.node for one in row for part in one.pieces if part.node is not None]
        span = Span(row[0].span.start, row[-1].span.end)
        inputs = [(place - 1,) for place in range(len(nodes))]
        network = Network([node._replace(inputs=place) for node, place in zip(nodes, inputs, strict=True)])
        unsure = [node for node, one in zip(nodes, row, strict=True) if not one.finding.fix]
        network = network._replace(
            nodes=[
                node._replace(why=node.why or "it is not certain") if node in unsure else node
                for node in network.nodes
            ]
        )
        yield _of_program(
            Program("these lines are in another tool's notation", span, network, span.start), text
        )


def _are_sure(steps: Sequence[_Foreign]) -> bool:
    return all(step.finding.code == "E102" and step.finding.fix and len(step.pieces) == 1 for step in steps)


def _of_steps(steps: Sequence[_Foreign]) -> _Foreign:
    """Steps of a line that follow one another, as one part."""
    first, last = steps[0], steps[-1]
    span = Span(first.span.start, last.span.end)
    chain = " -> ".join(step.pieces[0].text for step in steps)
    finding = Diagnostic(
        "E102",
        "these steps are in another tool's notation; a spec has its own notation",
        span,
        help=f"here it is `{chain}`",
        fix=(Edit(span, chain),),
        safe=all(step.finding.safe for step in steps),
    )
    pieces = [part for step in steps for part in (*step.pieces, Part(" -> "))]
    return _Foreign(span, pieces[:-1], finding)


def _is_line(span: Span, text: str) -> bool:
    before = text[line_start(text, span.start) : span.start]
    return not before.strip() and bool(_ENDS.match(text, span.end))


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _of_program(program: Program, text: str) -> _Foreign:
    network, cover = program.network, Span(program.begin, program.span.end)
    begins = network.nodes[0] if network.nodes else None
    before: list[Part] = []
    if begins is not None and begins.text.startswith("input ") and _INPUT.search(text):
        network = network.without_input()
    elif begins is not None and "x" in begins.takes and not _INPUT.search(text):
        before = [Part(f"input {begins.takes}\n")]
    pieces = [*before, *program.blocks, *written(network)]
    shown = [_commented(part, text) for part in pieces]
    lines = [line.removeprefix(" -> ") for line in "".join(shown).splitlines() if line]
    more = len(lines) - _MOST_LINES
    lines[_MOST_LINES:] = [f"… ({more} more lines)"] if more > 0 else []
    how = "in this language it is:" if network.sure else "in this language, where it is certain:"
    why = [f"({network.why})" if lines else network.why] if network.why else []
    has_input = _INPUT.search(text) or any(node.text.startswith("input ") for node in network.nodes)
    if network.nodes and lines and not before and not has_input:
        why.append(f"(begin the spec with its input, channels first: `{_input_of(network.nodes[0], text)}`)")
    way = "\n".join([*([how] if lines else []), *lines, *why])
    if network.sure and len(lines) == 1:
        way = f"here it is `{lines[0]}`"
    fix = (Edit(cover, "".join(part.text for part in pieces).rstrip("\n")),) if network.sure else ()
    if any(node.open for node in network.nodes):
        unknown = [node._replace(text="") if node.open else node for node in network.nodes]
        pieces = [*before, *program.blocks, *written(network._replace(nodes=unknown))]
    if network.why:
        first = program.span if begins is None else begins.span
        pieces = [*before, Part(UNKNOWN, Node("", first))]
    message = f"{program.what}; a spec has its own notation"
    finding = Diagnostic("E102", message, program.span, help=way, fix=fix, safe=True)
    return _Foreign(cover, pieces, finding, whole=True)


_AXES = re.compile(r"[A-Za-z]([123])[dD]\(")
"""How many axes the input of a layer of another tool has: `Conv1d(`, `MaxPooling3D(`."""
_SIZES = {1: "8000", 2: "224x224", 3: "16x112x112"}


def _axes_of(text: str) -> int:
    """How many axes a layer's name says that its input has; 0 where it does not say so."""
    named = _AXES.search(text)
    return int(named[1]) if named else 0


def _input_of(first: Node, text: str) -> str:
    """An input that a first layer takes, of the usual size where the program does not have one."""
    if first.text.startswith("fc "):
        return f"input {first.takes or 784}"
    size = _SIZES[_axes_of(text[slice(*first.span)]) or 2]
    return f"input {first.takes if first.takes.isdecimal() else 3}x{size}"


def _commented(part: Part, text: str) -> str:
    """A piece as the help shows it; where the translation is not certain, a comment says why."""
    node = part.node
    if node is None or not (node.why or not node.text):
        return part.text
    if node.text:
        return f"{part.text}  # {node.why}\n"
    original = " ".join(text[slice(*node.span)].split())
    return f"\n# {original[:_WIDEST].rstrip(',')}: {node.why}\n"


def _of_finding(finding: Diagnostic, text: str) -> list[_Foreign]:
    for translation in (
        translate(text, finding.span.start),
        translate(text, finding.span.start, finding.span),
    ):
        if translation is not None and translation.text and translation.span == finding.span:
            if translation.text.startswith("input ") and _INPUT.search(text):
                return []
            node = Node(translation.text, translation.span, takes=translation.takes)
            at = len(translation.text) - len(_HEAD.sub("", translation.text, count=1))
            return [_Foreign(translation.span, [Part(translation.text, node, at)], finding)]
    if len(finding.fix) == 1:
        edit = finding.fix[0]
        return [_Foreign(edit.span, [Part(edit.text, Node(edit.text, edit.span))], finding)]
    return []


def _of_argument(finding: Diagnostic, text: str) -> list[_Foreign]:
    """`in_channels=512` at a layer of this language, which has no such argument."""
    match = _STATED.match(text, finding.span.start)
    step = step_around(text, line_start(text, finding.span.start), finding.span.start)
    if match is None or step is None or len(finding.fix) != 1:
        return []
    place = finding.fix[0].span
    node = Node("-", finding.span, takes=match[1])
    return [_Foreign(place, [Part("", node, step.start - place.start)], finding)]


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
                if part.node.takes or _axes_of(text[slice(*place)]):
                    stated.append(Stated(step.start, part.node.takes, place))
                if not part.node.text:
                    silent.append(step)
            add(part.text, place, False)
        done = one.span.end
    add(text[done:], Span(done, len(text)), True)
    whole = Source(source.name, "".join(parts), source, pieces)
    findings = [one.finding for one in foreign]
    return Rewritten(whole, findings, stated, silent, any(one.whole for one in foreign))


def together(rewriting: Rewritten, findings: Sequence[Diagnostic], report: Report | None) -> list[Diagnostic]:
    """The findings about a model of the rewritten text, with their places in the original text. For a part by
    itself, only a contradiction is reported besides its translation, and both are one finding."""
    source = rewriting.source
    changed = [piece.span for piece in source.pieces if not piece.kept]
    others = [
        _moved(one, source, changed)
        for one in findings
        if not any(_overlap(one.span, span) for span in rewriting.silent)
        and not (one.code == "E401" and rewriting.whole)
        and (one.severity is Severity.ERROR or not any(_overlap(one.span, span) for span in changed))
    ]
    taken = [one.span for one in rewriting.findings if not one.safe]
    others = [one for one in others if not any(_overlap(one.span, span) for span in taken)]
    against = [
        one
        for one in (contradictions(rewriting, report) if report is not None else ())
        if not any(_overlap(one.span, other.span) for other in others)
    ]
    for finding in rewriting.findings:
        inside = [other for other in against if _overlap(finding.span, other.span)]
        if inside and finding.span == inside[0].span:
            against.remove(inside[0])
            others.append(inside[0]._replace(help=f"{inside[0].help}\n{finding.help}"))
        else:
            others.append(finding._replace(fix=(), safe=False) if inside else finding)
    return sorted([*others, *against], key=lambda one: (one.span, one.code))


def _moved(finding: Diagnostic, source: Source, changed: Sequence[Span]) -> Diagnostic:
    """A finding with its places in the original text; edits inside a rewritten part are dropped."""
    edits = finding.fix
    if any(_overlap(edit.span, span) for edit in edits for span in changed):
        edits = ()
    return finding._replace(
        span=source.written(finding.span),
        related=tuple(one._replace(span=source.written(one.span)) for one in finding.related),
        fix=tuple(edit._replace(span=source.written(edit.span)) for edit in edits),
    )


def contradictions(rewriting: Rewritten, report: Report) -> Iterator[Diagnostic]:
    """E502 for each number of the original that states the input of a layer and differs from it."""
    from cnnspec.ops.base import written_shape

    stated = {one.at: one for one in rewriting.stated}
    places = set()
    for body, layers in enumerate(report.shapes):
        for layer in layers:
            if layer is None or not layer.inputs or layer.layer.span.start not in stated:
                continue
            _, takes, span = stated.pop(layer.layer.span.start)
            shape, word = layer.inputs[0], layer.op.word
            original = " ".join(rewriting.source.original.text[slice(*span)].split())
            original = original if len(original) <= _WIDEST else f"{original[:_WIDEST]}…"
            axes = _axes_of(original)
            if axes not in (0, len(shape) - 1) and len(shape) > 1:
                yield _of_other_axes(original, axes, shape, span)
            if not takes:
                continue
            sizes = tuple(map(int, takes.split("x")))
            number = prod(shape) if word == "flatten" else shape[0]
            if (
                sizes in ((number,), shape)
                or (sizes, number) in places
                or (word == "fc" and prod(shape) != number)
            ):
                continue
            places.add((sizes, number))
            if len(sizes) > 1:
                expected, found_size = takes, written_shape(shape)
                message = f"`{original}` expects an input of {expected}, but its input is {found_size}"
            else:
                unit = "channels" if len(shape) > 1 and word != "flatten" else "inputs"
                expected, found_size = f"{sizes[0]:,}", f"{number:,}"
                message = f"`{original}` expects {expected} {unit}, but its input has {found_size}"
            way = f"write {found_size} there, or change the layers before it so that they give {expected}"
            note, related = _comes_from(report, body, layer.layer.inputs[0], rewriting.source)
            yield Diagnostic("E502", message, span, related, note, way)


def _of_other_axes(original: str, axes: int, shape: Shape, span: Span) -> Diagnostic:
    """E502 for `Conv1d(…)` on an image."""
    from cnnspec.ops.base import written_shape

    kind = ("a signal, CxW", "an image, CxHxW", "a volume, CxTxHxW")[axes - 1]
    message = f"`{original}` expects {kind}, but its input is {written_shape(shape)}"
    way = f"the shape of the input says how many axes there are: `input {shape[0]}x{_SIZES[axes]}`"
    return Diagnostic("E502", message, span, help=way)


def _comes_from(report: Report, body: int, value: int, source: Source) -> tuple[str, tuple[Related, ...]]:
    """The origin of a size: the formula, if a map was flattened, and the place in the text."""
    from cnnspec.analyses.shapes import origin
    from cnnspec.ops.base import written_shape

    source_layer, shape = (
        origin(report.graph, report.shapes, body, value),
        report.graph.bodies[body].values[value],
    )
    if source_layer is None or shape is None:
        return "", ()
    note = ""
    if source_layer.layer is not None and source_layer.layer.op.word == "flatten":
        before = source_layer.layer.inputs[0]
        note = f"C·H·W = {'·'.join(map(str, before))} = {prod(before):,}"
    return note, (Related(source.written(source_layer.span), f"{written_shape(shape)} comes from here"),)
