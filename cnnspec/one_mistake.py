"""One mistake, one finding: consequences of another finding are left out, and repetitions of a slip are added
to the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Edit, Related, Source, Span
from cnnspec.language import tree
from cnnspec.notations.words import SHAPE_DECIDES, axes_in

_COVERED = (
    # what stands in a text in another tool's notation, which is rewritten as a whole
    (re.compile("E103|E2|E3|E501"), ("E102",)),
    # a pasted character in a number, or in a form that is corrected
    (re.compile("E103"), ("E101", "E106")),
    # a number that cannot be read, in a form or an argument that is corrected
    (re.compile("E106"), ("E101", "E202")),
    # the form of an argument that the layer does not have
    (re.compile("E101"), ("E211",)),
)
"""Codes, and those of the findings that silence them where they mark or correct the same place."""
_SPOILED = {"E501": "E106", "E216": "E101"}
"""Findings about a claim, and the code that silences them within the claim: its number cannot be read, its
form is corrected.
"""
_AGAIN = re.compile("E1(?!05)|E2")
"""Findings about words and forms, which are often repeated in a text: not brackets, not sizes."""
_MOST_NAMED = 20
"""The most lines that a message names."""
_MOST_LINES = 12
"""The most lines whose corrected form the help shows."""


def within(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def by_cause(findings: list[Diagnostic], file: tree.File) -> list[Diagnostic]:
    """The findings without those that others cover (`_COVERED`), without claims that contain another one
    (`_SPOILED`), and without lists where one number is expected (E212) if a list is in other brackets (E101).
    If an input looks like HxWxC (W101), only the first size that does not fit is left, with the input's
    correction.
    """
    marked: dict[str, list[Span]] = {}
    for one in findings:
        marked.setdefault(one.code, []).extend((one.span, *(edit.span for edit in one.fix)))
    brackets = any(one.cause == "list" and one.code == "E101" for one in findings)
    left = [
        one
        for one in findings
        if not _is_covered(one, marked)
        and not any(within(span, one.span) for span in marked.get(_SPOILED.get(one.code, ""), ()))
        and not (brackets and one.cause == "list" and one.code == "E212")
    ]
    return _by_axes(left, file)


def _is_covered(finding: Diagnostic, marked: Mapping[str, list[Span]]) -> bool:
    """Whether what other findings mark or correct covers the place of this one, all its places if it is about
    a character (E103).
    """
    by = {code for pattern, codes in _COVERED if pattern.match(finding.code) for code in codes}
    covers = [span for code in by for span in marked.get(code, ())]
    places = [finding.span]
    if finding.code == "E103":
        places += [related.span for related in finding.related]
    return bool(covers) and all(any(within(place, span) for span in covers) for place in places)


def _by_axes(findings: list[Diagnostic], file: tree.File) -> list[Diagnostic]:
    """An input that looks like HxWxC (W101) and the sizes that do not fit because of it as one finding: the
    first of the sizes, with the correction of the input.
    """
    cause = next((one for one in findings if one.code == "W101"), None)
    sizes = [one for one in findings if one.code.startswith("E3") or one.code == "E501"]
    if cause is None or not sizes:
        return findings
    reported = sizes[0]._replace(help=f"{cause.help}: {cause.message}", fix=())
    if cause.span != WHOLE_FILE:
        from cnnspec.analyses.lints.text import as_channels_first

        shapes = (statement.shape for statement in file.statements if isinstance(statement, tree.Input))
        shape = next(one for one in shapes if one.span == cause.span)
        origin = Related(cause.span, as_channels_first(shape))
        reported = sizes[0]._replace(related=(origin,), help=cause.help, fix=cause.fix)
    return [
        reported if finding is sizes[0] else finding
        for finding in findings
        if finding is not cause and finding not in sizes[1:]
    ]


def once(findings: Iterable[Diagnostic], source: Source) -> tuple[Diagnostic, ...]:
    """The findings, with equal ones at several places merged into the first: its message names the other
    lines, and its fix corrects them all.
    """
    alike: dict[tuple[object, ...], list[Diagnostic]] = {}
    for finding in findings:
        if finding.cause == "name":
            alike.setdefault(("name", finding.safe), []).append(finding)
            continue
        again = _AGAIN.match(finding.code) and finding.span != WHOLE_FILE
        key = (finding.code, finding.message, bool(finding.fix) or finding.help) if again else (finding,)
        alike.setdefault(key, []).append(finding)
    return tuple(_together(same, source) if len(same) > 1 else same[0] for same in alike.values())


def _together(same: Sequence[Diagnostic], source: Source) -> Diagnostic:
    first = same[0]
    if first.cause == "name" and len({one.message for one in same}) > 1:
        first, *rest = _of_names(same, source)
        same = [first, *rest]
    places = [(source.position(one.span.start).line, one) for one in same]
    others = sorted({line for line, _ in places} - {places[0][0]})
    also = f" (also on {_lines(others)})" if others else ""
    way = first.help
    if any(one.help != way for one in same):
        helps: dict[int, dict[str, None]] = {}
        for line, one in places:
            helps.setdefault(line, {})[one.help] = None
        way = "\n".join(f"on line {line}: {'; '.join(helps[line])}" for line in [*helps][:_MOST_LINES])
        way = way if len(helps) > 1 else "; ".join(helps[places[0][0]])
    fix: list[Edit] = []
    for edit in sorted({edit for one in same for edit in one.fix}):
        if not fix or fix[-1].span.end <= edit.span.start:
            fix.append(edit)
    return first._replace(
        message=f"{first.message}{also}",
        related=(*first.related, *(Related(one.span, "") for one in same[1:])),
        help=way,
        fix=tuple(fix),
        safe=all(one.safe for one in same),
    )


def _of_names(same: Sequence[Diagnostic], source: Source) -> list[Diagnostic]:
    """Merges findings about other tools' layer names into one."""
    names = dict.fromkeys((source.text[slice(*one.span)], one.fix[0].text) for one in same)
    written = [f"`{word}`" for word, _ in names]
    ways = [f"`{plain}` for `{word}`" for word, plain in names]
    message = f"these words are not in the language: {', '.join(written[:-1])} and {written[-1]}"
    way = f"write {', '.join(ways[:-1])} and {ways[-1]}"
    way += f": {SHAPE_DECIDES}" if any(axes_in(word) in (1, 3) for word, _ in names) else ""
    return [one._replace(message=message, help=way) for one in same]


def _lines(numbers: Sequence[int]) -> str:
    """`line 4`, `lines 4, 6 and 8`."""
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    more = len(numbers) - _MOST_NAMED
    last = f"{more} more" if more > 1 else numbers[-1]
    return f"lines {', '.join(map(str, numbers[: _MOST_NAMED if more > 1 else -1]))} and {last}"
