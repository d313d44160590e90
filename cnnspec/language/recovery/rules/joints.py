"""Steps joined by something other than `->`: `conv F3 K8 & bn & relu`, `relu ==> bn`, `relu if C == 3`,
`[relu](3)`. A mark that occurs several times on a line is one finding.
"""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import is_layer
from cnnspec.notations.words import layer_word

_MARK = re.compile(r"&&?|\|>|::|={2,}>|\.(?=[ \t])|/(?=[ \t])|\+|,")
_STEPS = r"[^\[\]{}|\r\n#?:]+?"
_CHOICES = tuple(
    re.compile(
        form.format(
            condition=f"(?P<condition>{_STEPS})",
            then=f"(?P<then>{_STEPS})",
            otherwise=f"(?P<otherwise>{_STEPS})",
        )
    )
    for form in (
        r"if[ \t]+{condition}[ \t]*(?::|\bthen\b)[ \t]*{then}(?:[ \t]+else\b[ \t]*:?[ \t]*{otherwise})?",
        r"{then}[ \t]+if[ \t]+{condition}(?:[ \t]+else[ \t]+{otherwise})?",
        r"{condition}[ \t]*\?[ \t]*{then}[ \t]*:[ \t]*{otherwise}",
    )
)
"""`if C == 3: relu else: bn`, `relu if C == 3 else bn`, `C == 3 ? relu : bn`."""
_PART = re.compile(r"[ \t]*(?:\w+[ \t]*:(?=[ \t]*\w))?[ \t]*([^\[\]{}|\r\n#]*)")
_NEAR = 300
"""The most characters before a mark that are searched for the same mark, and of a line that is a
condition."""
_AGAIN = ("+", ",")
"""Marks with a rule of their own where they occur once."""


def _marks(m: Mistake) -> Answer | None:
    mark = m.here(_MARK.pattern)
    if mark is None or m.inside == "(" or m.in_claims or "@" in m.line:
        return None
    before, _, behind = m.head[-_NEAR:].rpartition(mark.group())
    following = re.match(r"[ \t]*([A-Za-z]\w*)", m.text[mark.end() : m.line_end])
    if following is None or not is_layer(following[1]):
        return None
    if before and _continues(behind):
        return Answer("", "", Span(*mark.span()), reads="->")  # reported with the first
    edits: list[Edit] = []
    end = m.start
    steps = re.compile(rf"[^\[\](){{}}#\r\n=>]*?({re.escape(mark.group())})[ \t]*(?=([A-Za-z]\w*))")
    for match in steps.finditer(m.text, m.start, m.line_end):
        if match.start() != end or not is_layer(match[2]):
            break
        edits.append(Edit(Span(*match.span(1)), "->"))
        end = match.end()
    if not edits or (mark.group() in _AGAIN and not edits[1:]):
        return None
    message = f"steps are joined by `->`, found `{mark.group()}`"
    way = "write `->`" + " for each" * (len(edits) > 1)
    return Answer("E101", message, edits[0].span, way, tuple(edits), mark.group() != "+", reads="->")


def _continues(behind: str) -> bool:
    """Whether a single step comes after a mark."""
    match = re.match(r"[ \t]*([A-Za-z]\w*)[^\[\](){}#=>]*$", behind)
    return match is not None and is_layer(match[1])


def _choice(m: Mistake) -> Answer | None:
    """A line or a branch with a condition in the form of other languages."""
    if m.kind not in ("IF", "COMPARE", "NAME") and m.word not in ":?":
        return None
    begin = 1 + max(m.head.rfind(mark) for mark in "[|{")
    if last := re.search(r"->[ \t]*(?=if\b)", m.head):
        begin = last.end()
    part = _PART.match(m.text, m.begin + begin)
    written = part[1].rstrip() if part and m.line and len(part[1]) < _NEAR else ""
    match = next(filter(None, (form.fullmatch(written) for form in _CHOICES)), None)
    if part is None or not part.start(1) <= m.start < part.end(1):
        return None
    if match is None or ("->" in match["then"] and not match["otherwise"]):
        return None
    if not is_layer(re.split(r"\W", match["then"])[0]):
        return None
    plain = f"if {match['condition']} [ {match['then']} ]"
    plain += f" else [ {match['otherwise']} ]" if match["otherwise"] else ""
    span = Span(part.start(1), part.start(1) + len(written))
    message = "the steps of an `if` follow its condition, in square brackets"
    answer = rewritten(span, plain, message, code="E101", reads=plain, since=span.start, resume=span.end)
    return answer._replace(span=m.span) if written.startswith("if") else answer


def _count_in_brackets(m: Mistake) -> Answer | None:
    """`[relu](3)`, `[relu]{3}`, `[relu]*[3]`."""
    match = m.here(r"[(\[{][ \t]*(\w+)[ \t]*[)\]}]")
    if match is None or (m.last != "STAR" and m.text[: m.start].rstrip(" \t")[-1:] != "]"):
        return None
    replacement = match[1] if m.last == "STAR" else f"*{match[1]}"
    if m.kind == "LSQB" and m.last != "STAR":
        return None
    message = "the number of a repetition follows `*` without brackets"
    return rewritten(
        Span(*match.span()),
        replacement,
        message,
        f"write `]*{match[1]}`",
        "E101",
        safe=True,
        reads=replacement,
    )


def _in_words(m: Mistake) -> Answer | None:
    """`conv F3 K8, activation relu`, `relu and bn`."""
    match = m.here(r"(,)[ \t]*[\"']([A-Za-z]\w*)[\"']") or m.here(
        r"(,[ \t]*(?:and[ \t]+)?(?:then|followed[ \t]+by|activation|act|with)|and(?:[ \t]+then)?)"
        r"[ \t]*[=:]?[ \t]+([A-Za-z]\w*)"
    )
    if (
        match is None
        or m.inside == "("
        or m.in_claims
        or not is_layer(match[2])
        or re.search(r"\bif\b", m.head)
    ):
        return None
    span, word = Span(*match.span()), layer_word(match[2]) or match[2]
    message = f"steps are joined by `->`, found `{match[1]}`"
    before = "" if m.text[m.start - 1 : m.start] in " \t" else " "
    return rewritten(
        span, f"{before}-> {word}", message, f"write `-> {word}`", "E101", safe=True, reads=f"-> {word}"
    )


JOINTS = (
    Rule({"conv F3 K8⟦, activation relu⟧": "conv F3 K8 -> relu", "conv F3 K8⟦, 'relu'⟧": "conv F3 K8 -> relu",
          "relu ⟦and bn⟧": "relu -> bn"},
         on="COMMA AND", when=_in_words),
    Rule({"conv F3 K8 ⟦&⟧ bn & relu": "conv F3 K8 -> bn -> relu", "relu ⟦==>⟧ bn": "relu -> bn",
          "relu ⟦|>⟧ bn": "relu -> bn", "relu⟦,⟧ bn, relu": "relu-> bn-> relu",
          "relu ⟦+⟧ bn + relu": "relu -> bn -> relu"}, when=_marks),
    Rule({"⟦relu if C == 3⟧": "if C == 3 [ relu ]",
          "⟦relu if C == 3 else bn⟧": "if C == 3 [ relu ] else [ bn ]",
          "add [ id | if C > 2⟦:⟧ relu else: bn ]": "add [ id | if C > 2 [ relu ] else [ bn ] ]",
          "⟦C == 3 ? relu : bn⟧": "if C == 3 [ relu ] else [ bn ]"}, when=_choice),
    Rule({"[relu]⟦(3)⟧": "[relu]*3", "[relu]⟦{3}⟧": "[relu]*3", "[relu]*⟦[3]⟧": "[relu]*3"},
         on="LPAR LBRACE LSQB", when=_count_in_brackets),
)  # fmt: skip
