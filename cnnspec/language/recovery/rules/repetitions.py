"""A repetition in another form: `relu*3`, `2x conv F3 K8`, `conv F3 K8, 2 times`, `conv F3 K8 -> relu]*3`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import STATEMENT_WORDS, closing, is_layer, shortened

_BEFORE = re.compile(r"(?:[A-Za-z]\w*[ \t]*:)?[ \t]*(?:@\w+[ \t]*->)?[ \t]*")
"""The text before the steps of a line."""
_COUNT = r"[ \t]*\*[ \t]*(\w+)"
_ENDS = r"(?=[ \t]*(?:->|=>|[|\])}#\r\n]|$))"
_TIMES_BEFORE = re.compile(r"([0-9]+)(?:[ \t]*([x*]|times\b))?[ \t]*(?=\[|([A-Za-z]\w*))")
_LONGEST = 300
"""The most characters of a line that are searched for the repeated steps."""


def begin_of_steps(text: str, place: int) -> int:
    """The beginning of the line or branch of steps that contains a place."""
    begin = max(line_start(text, place), place - _LONGEST)
    depth = 0
    for at in range(place - 1, begin - 1, -1):
        depth += (text[at] in ")]}") - (text[at] in "([{")
        if depth < 0 or (depth == 0 and text[at] == "|"):
            begin = at + 1
            break
    match = _BEFORE.match(text, begin)
    return match.end() if match and match.end() <= place else begin


def repeated(text: str, step: Span, end: int, count: str) -> tuple[str, tuple[Edit, ...]]:
    """A step and its count, which end at a place, as a repeat; with a fix where no step comes before it."""
    begin = begin_of_steps(text, step.start)
    alone = f"[{shortened(text[slice(*step)], '…')}]*{count}"
    if "->" in text[begin : step.start]:
        whole = f"[{shortened(text[begin : step.end], '…')}]*{count}"
        return f"`{alone}` repeats this step, `{whole}` all of them", ()
    return f"write `{alone}`", (
        Edit(Span(step.start, step.start), "["),
        Edit(Span(step.end, end), f"]*{count}"),
    )


def _without_group(m: Mistake) -> Answer | None:
    """`conv F3 K8 -> relu]*3`, `[relu]]*3`."""
    count = m.behind(_COUNT)
    if count is None or m.opens("["):
        return None
    before, begin = m.text[: m.start].rstrip(" \t"), begin_of_steps(m.text, m.start)
    if before.endswith("]"):
        opened = _opening(m.text, len(before) - 1)
        if opened is None:
            return None
        message, way, fix = (
            "this `]` closes nothing: the group is closed already",
            "leave it out",
            (Edit(m.span, ""),),
        )
        reads = m.text[opened : m.start] + m.text[m.end : count.end()]
        return Answer("E105", message, m.span, way, fix, True, reads=reads, since=opened, resume=count.end())
    steps = m.text[begin : m.end]
    message = f"`[` is missing before the steps that `*{count[1]}` repeats"
    if not steps.strip(" \t]") or not ("->" in steps or _first_of_its_steps(m.text, begin)):
        way = "write `[` where the steps begin that are repeated"
        return Answer("E105", message, m.span, way, reads="", resume=count.end())
    way = f"write `{shortened(f'[{steps}', '[ … ]')}*{count[1]}`"
    fix = (Edit(Span(begin, begin), "["),)
    return Answer("E105", message, m.span, way, fix, False, reads=f"[{steps}", since=begin, resume=m.end)


def _opening(text: str, closed: int) -> int | None:
    """The bracket that the one at a place closes."""
    opened = max(0, closed - _LONGEST)
    places = [at for at in range(opened, closed) if text[at] == "["]
    return next((at for at in reversed(places) if closing(text, at) == closed + 1), None)


def _first_of_its_steps(text: str, place: int) -> bool:
    """Whether this is the first line of its steps; steps of lines before it could be meant to be repeated
    too."""
    before = text[max(0, place - 2 * _LONGEST) : line_start(text, place)].split("\n")
    lines = [line.split("#")[0].strip() for line in before]
    last = next((line for line in reversed(lines) if line), "")
    return not last or last.split()[0] in STATEMENT_WORDS or last[-1] in "{[}"


def _count_before(m: Mistake) -> Answer | None:
    """`2x conv F3 K8`, `3*[ relu ]`, `2 conv F3 K8`."""
    match = m.here(_TIMES_BEFORE.pattern)
    if match is None or not (m.accepts("CALL") and m.accepts("LSQB")) or m.in_claims:
        return None
    step, span = match.end(), Span(m.start, match.end())
    if match[3] is not None and not is_layer(match[3]):
        return None
    if match[3] is None:
        close = closing(m.text, step)
        way = shortened(f"[{m.text[step + 1 : close - 1]}]", "[ … ]") if close else "[ … ]"
        fix = (Edit(span, ""), Edit(Span(close, close), f"*{match[1]}")) if close else ()
        message = "the number of a repetition comes after it"
        return Answer(
            "E101",
            message,
            Span(m.start, m.start + len(match.group().rstrip())),
            f"write `{way}*{match[1]}`",
            fix,
        )
    first, last = (_end_of_steps(m.text, step, whole) for whole in (False, True))
    alone = f"[{shortened(m.text[step:first], '…')}]*{match[1]}"
    message, fix = f"a repetition is written `[ … ]*{match[1]}`", ()
    if match[2] is None:
        message = f"a step does not begin with a number, found `{match[1]}`"
        way = f"a repetition is written `{alone}`, a label `c{match[1]}: {m.text[step:first]}`"
    elif first == last:
        way, fix = f"write `{alone}`", (Edit(span, "["), Edit(Span(first, first), f"]*{match[1]}"))
    else:
        whole = f"[{shortened(m.text[step:last], '…')}]*{match[1]}"
        way = f"`{alone}` repeats the first step, `{whole}` all of them"
    mark = Span(m.start, m.start + len(match.group().rstrip()))
    return Answer("E101", message, mark, way, fix, reads="", resume=step)


def _end_of_steps(text: str, start: int, whole: bool) -> int:
    """The end of a step, or of the steps of its line."""
    depth = 0
    for at in range(start, min(len(text), start + _LONGEST)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        ends = (
            depth < 0
            or text[at] in "#\r\n"
            or (depth == 0 and (text[at] == "|" or text[at : at + 2] == "=>"))
        )
        if ends or (depth == 0 and not whole and text[at : at + 2] == "->"):
            return start + len(text[start:at].rstrip(" \t"))
    return start + len(text[start : start + _LONGEST].rstrip(" \t"))


def _count_behind(m: Mistake) -> Answer | None:
    """`relu*3`, `conv F3 K8, 2 times`."""
    comma = ",?" if m.last in ("HYPER", "RPAR") else ","
    count = m.here(rf"\*[ \t]*(\w+){_ENDS}") or m.here(
        rf"{comma}[ \t]*(?:x[ \t]*([0-9]+)|([0-9]+)[ \t]*(?:x|times\b)){_ENDS}"
    )
    if count is None or m.inside == "(" or m.in_claims or (m.kind == "NAME" and m.last != "RPAR"):
        return None
    number = count[1] or count[2]
    begin = begin_of_steps(m.text, m.start)
    arrow = m.text.rfind("->", begin, m.start)
    start = arrow + 2 if arrow >= 0 else begin
    step = m.text[start : m.start]
    start += len(step) - len(step.lstrip())
    step = step.strip()
    span = Span(start, start + len(step))
    word = re.match(r"[A-Za-z]\w*", step)
    if word is None or not (is_layer(word[0]) or step[len(word[0]) :].startswith("(")):
        return None
    way, fix = repeated(m.text, span, count.end(), number)
    value = re.search(r"([FSPDKG])([0-9]+)$", step)
    if m.kind == "STAR" and value:
        way, fix = (
            f"a repetition is written `[{step}]*{number}`, a product `{value[1]}={value[2]}*{number}`",
            (),
        )
    message = "a repetition is written with brackets"
    return Answer("E101", message, Span(m.start, count.end()), way, fix, reads="", resume=count.end())


REPETITIONS = (
    Rule({"[relu]*2⟦ times⟧": "[relu]*2"}, "the number of a repetition is enough", on="NAME",
         word="times time", put="",
         when=lambda m: re.search(r"\][ \t]*\*[ \t]*\w+[ \t]*$", m.head) and Span(m.gap.start, m.end)),
    Rule({"conv F3 -> relu⟦]⟧*2": "[conv F3 -> relu]*2", "[relu]⟦]⟧*2": "[relu]*2", "bn\nrelu⟦]⟧*2": ""},
         on="RSQB", when=_without_group),
    Rule({"⟦2x⟧ conv F3": "[conv F3]*2", "⟦3*⟧[relu]": "[relu]*3", "⟦2x⟧ conv F3 -> relu": "",
          "⟦2⟧ relu": ""}, on="NUMBER ?", when=_count_before),
    Rule({"relu⟦*3⟧": "[relu]*3", "block a() { relu }\na()⟦*3⟧":
          "block a() { relu }\n[a()]*3", "conv F3⟦, 2 times⟧": "[conv F3]*2",
          "block a() { relu }\na() ⟦x 3⟧": "block a() { relu }\n[a()]*3", "conv F3 K16⟦*2⟧": "",
          "relu -> bn⟦*2⟧": ""}, on="STAR COMMA ? NAME", when=_count_behind),
)  # fmt: skip
