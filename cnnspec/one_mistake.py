"""One mistake, one finding: consequences of another finding are left out, and repetitions of a slip are added
to the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Edit, Related, Source, Span
from cnnspec.language import tree
from cnnspec.notations.words import SHAPE_DECIDES, axes_in

_MOOT = re.compile("E103|E2|E3|E501")
"""Findings that are left out if a text has to be rewritten as a whole (E102)."""
_AGAIN = re.compile("E1(?!05)|E2")
"""Findings about words and forms, which are often repeated in a text: not brackets, not sizes."""
_MOST_NAMED = 20
"""The most lines that a message names."""
_MOST_LINES = 12
"""The most lines whose corrected form the help shows."""


def within(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def by_cause(findings: list[Diagnostic], file: tree.File) -> list[Diagnostic]:
    """An input that looks like HxWxC (W101) and the sizes that do not fit because of it: the first of these,
    with the way out of the input. A pasted character (E103) in another tool's notation (E102), in a number
    (E106) or in what is left out (E101), which has it in its fix, and so a number (E106) in an argument that
    is to be written otherwise (E202), and the form (E101) of an argument that there is not (E211). A claim
    that does not hold, its number not readable (E106), or with a mark (E216) that the form of the claims
    replaces (E101). A list where one number is expected (E212), while a
    list is in other brackets (E101).
    """
    foreign = [one.span for one in findings if one.code == "E102"]
    unread = [one.span for one in findings if one.code == "E106"]
    mended = [edit.span for one in findings if one.code == "E202" for edit in one.fix]
    forms = [one for one in findings if one.code == "E101"]
    written = [one.span for one in forms]
    replaced = [span for one in forms for span in (one.span, *(edit.span for edit in one.fix))]
    refused = [one.span for one in findings if one.code == "E211"]
    findings = [
        one
        for one in findings
        if not (_MOOT.match(one.code) and any(within(one.span, span) for span in foreign))
        and not (one.code == "E501" and any(within(span, one.span) for span in unread))
        and not (
            one.code == "E103"
            and all(
                any(within(place, span) for span in (*unread, *replaced))
                for place in (one.span, *(related.span for related in one.related))
            )
        )
        and not (one.code == "E106" and any(within(one.span, span) for span in (*mended, *written)))
        and not (one.code == "E101" and any(within(one.span, span) for span in refused))
        and not (one.code == "E216" and any(within(span, one.span) for span in replaced))
    ]
    if any(one.cause == "list" and one.code == "E101" for one in findings):
        findings = [one for one in findings if not (one.cause == "list" and one.code == "E212")]
    cause = next((one for one in findings if one.code == "W101"), None)
    sizes = [one for one in findings if one.code.startswith("E3") or one.code == "E501"]
    if cause is None or not sizes:
        return findings
    reported = sizes[0]._replace(help=f"{cause.help}: {cause.message}", fix=())
    if cause.span != WHOLE_FILE:
        from cnnspec.analyses.lints.text import as_channels_first

        shapes = (one.shape for one in file.statements if isinstance(one, tree.Input))
        shape = next(one for one in shapes if one.span == cause.span)
        origin = Related(cause.span, as_channels_first(shape))
        reported = sizes[0]._replace(related=(origin,), help=cause.help, fix=cause.fix)
    return [
        reported if one is sizes[0] else one for one in findings if one is not cause and one not in sizes[1:]
    ]


def once(findings: Iterable[Diagnostic], source: Source) -> tuple[Diagnostic, ...]:
    """The findings, with equal ones at several places merged into the first: its message names the other
    lines, and its fix corrects them all.
    """
    alike: dict[tuple[object, ...], list[Diagnostic]] = {}
    for one in findings:
        if one.cause == "name":
            alike.setdefault(("name", one.safe), []).append(one)
            continue
        again = _AGAIN.match(one.code) and one.span != WHOLE_FILE
        key = (one.code, one.message, bool(one.fix) or one.help) if again else (one,)
        alike.setdefault(key, []).append(one)
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
