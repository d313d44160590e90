"""Claims in another form: `params=3`, `1,792 params`, `macs 4,09 G`, `params between 4 and 9`."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules.numbers import CLAIMED, NUMBER_LIKE, POINT, UNIT, invalid_number
from cnnspec.language.recovery.words import is_layer
from cnnspec.notations.words import CLAIMS as SUBJECTS

_UNITS = {
    **dict.fromkeys(("k", "tsd", "thousand"), "k"),
    **dict.fromkeys(("m", "mio", "mln", "million", "millions"), "M"),
    **dict.fromkeys(("g", "b", "bn", "mrd", "billion", "billions"), "G"),
    **{unit.lower(): unit for unit in ("KB", "MB", "GB", "KiB", "MiB", "GiB")},
    **dict.fromkeys(("byte", "bytes"), "B"),
    **{
        f"{unit}{word}".lower(): unit
        for unit in "kMG"
        for word in ("mac", "macs", "params", "parameters", "flop", "flops", "flop/s")
    },
    **{f"{word}byte{s}": f"{word[0].upper()}B" for word in ("kilo", "mega", "giga") for s in ("", "s")},
}
_WITH_UNIT = rf"(?<![\w.,~])(~?[0-9][0-9,.]*)[ \t]*((?i:{'|'.join(_UNITS)}))\b\.?"
_TURNED = (
    rf"(?:=>|,|expect)[ \t]*(~?[0-9][0-9,.]*(?:{UNIT}|K(?!B))?)[ \t]+([A-Za-z]+)(?![ \t]*~?[0-9A-Za-z_])"
)
_BOUNDS = {
    "about|around|approx|approximately|roughly|ca|circa": "~",
    "at most|up to": "<=",
    "at least": ">=",
    "less than|fewer than|under|below": "<",
    "more than|over|above": ">",
}
_MACS_OR_FLOPS = "write `{}` if they are multiply–accumulates, half of it if they are FLOPs = 2·MACs"
_LOOKS = "a claim looks like `=> 64x56x56, params 1,516`; a step follows after `->`"


def _step_after_claims(m: Mistake) -> Answer | None:
    """`relu => conv F3 K8`."""
    begin = max(0, m.text.rfind("=>", 0, m.start))
    match = re.compile(r"=>[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*").fullmatch(m.text, begin, m.start)
    if match is None or not is_layer(match[1]) or not m.in_claims:
        return None
    message, way = "a claim follows after `=>`, not a step", "write `->`: the next step follows after it"
    mark = Span(begin, begin + 2)
    return rewritten(mark, "->", message, way, "E101", reads=f"-> {match[1]}", resume=match.end(1))


def _with_unit(m: Mistake) -> Answer | None:
    """`4.09 G`, `1.77 Mio`, `1,77 million`."""
    match = m.around(_WITH_UNIT) or m.here(_WITH_UNIT) if m.in_claims else None
    if match is None or re.fullmatch(CLAIMED, match.group()):
        return None
    number = match[1] if re.fullmatch(CLAIMED, match[1]) else match[1].replace(",", ".")
    unit = _UNITS[match[2].lower()]
    plain = number + unit
    subject = re.search(r"([a-z]+)[ \t]*$", m.text[m.begin : match.start()])
    if "flop" in match[2].lower() and (subject is None or subject[1] != "flops"):
        is_macs = subject is not None and subject[1] == "macs"
        return invalid_number(match, "", _MACS_OR_FLOPS.format(f"macs {plain}")) if is_macs else None
    units = "B, KB, MB, GB, KiB, MiB and GiB" if unit.endswith("B") else "k, M and G"
    reason = POINT if number != match[1] and match[2] == unit else f"the units are {units}, without a space"
    return invalid_number(match, plain, reason, safe=True)


def _bound_in_words(words: str) -> Callable[[Mistake], re.Match[str] | None]:
    blanks = r"[ \t]*" if _BOUNDS[words] == "~" else ""
    return lambda m: m.around(rf"(?P<over>(?P<mark>{words}){blanks})[ \t]*~?[0-9]")


def _turned(m: Mistake) -> Answer | None:
    """`1,792 params`; `4.1 GFLOPs`, which may be multiply-accumulates or not."""
    match = m.around(_TURNED)
    if match is None:
        return None
    number, word, span = match[1].replace("K", "k"), match[2], Span(match.start(1), match.end())
    if flops := re.fullmatch(r"(?i)([kmg]?)(flops?|flop/s)", word):
        plain = f"macs {number}{_UNITS.get(flops[1].lower(), '')}"
        way = _MACS_OR_FLOPS.format(plain)
        return Answer("E101", "the claim's word comes before its number", span, way)
    if word.lower() not in SUBJECTS and word not in SUBJECTS.values():
        if m.text[: match.start(1)].rstrip().endswith("=>") and number.isdigit():
            return rewritten(span, number, f"`{word}` cannot be claimed; the output can", code="E101")
        return Answer(
            "E101",
            f"`{word}` cannot be claimed",
            span,
            f"what can is {', '.join(dict.fromkeys(SUBJECTS.values()))}",
        )
    plain = f"{SUBJECTS.get(word.lower(), word)} {number}"
    message = "the claim's word comes before its number"
    return rewritten(span, plain, message, code="E101", reads=plain, since=span.start)


def _words_before(m: Mistake) -> Answer | None:
    """`expect total params 448`."""
    words = r"(?:(?:total|overall|all|the|number[ \t]+of|trainable)[ \t]+)+"
    match = m.of_line(rf"[ \t]*expect[ \t]+({words})({'|'.join(SUBJECTS.values())})[ \t]+")
    if match is None or match.end() != m.start:
        return None
    span, message = Span(*match.span(1)), "a claim begins with what is claimed"
    fix = (Edit(span, ""),)
    way = f"leave `{match[1].strip()}` out"
    return Answer("E101", message, span, way, fix, True, reads=match[2], since=span.start, resume=m.start)


_SUBJECT = rf"(?:{'|'.join(SUBJECTS.values())})"
_EQUALS = re.compile(r"[ \t]*(==?|:)[ \t]*(?=~?[0-9])")
_NEXT = re.compile(rf"[ \t]*(;|&|,|\band)[ \t]*(?={_SUBJECT}\b)")
_A_NUMBER = r"~?[0-9][\w.,]*"
_CLAIMS_AS_MEANT = re.compile(rf"(?:, {_SUBJECT})? {_A_NUMBER}(?:, {_SUBJECT} {_A_NUMBER})*")
_LONGEST_CLAIMS = 400


def _claims_in_another_form(m: Mistake) -> Answer | None:
    """`expect params = 448 and macs: 2k`: all of the line."""
    if not ((m.in_claims or re.search("=>[^>]*$", m.head)) and m.line):
        return None
    first = _EQUALS.match(m.text, m.start) or _NEXT.match(m.text, m.start)
    if first is not None and m.has_cause("claims", m.begin):
        reads = " " if first.re is _EQUALS else ", "
        return Answer("E101", "", m.span, reads=reads, resume=first.end())
    head = re.compile(r".*(?:\bexpect|=>)[ \t]*(.*?)[ \t]*").fullmatch(m.head)
    rest = m.text[m.start : min(m.line_end, m.start + _LONGEST_CLAIMS)].split("#")[0].rstrip()
    places = sorted([*_EQUALS.finditer(rest), *_NEXT.finditer(rest)], key=lambda one: one.start())
    plain = _NEXT.sub(", ", _EQUALS.sub(" ", rest))
    if first is None or head is None or len(places) < 2 or not _CLAIMS_AS_MEANT.fullmatch(plain):
        return None
    places = [place for place in places if place[1] != ","]
    if not places:
        return None
    marks = dict.fromkeys(f"`{place[1]}`" for place in places)
    edits = [
        Edit(Span(m.start + place.start(), m.start + place.end()), " " if place.re is _EQUALS else ", ")
        for place in places
    ]
    gap = m.gap.start
    edits[0] = edits[0]._replace(span=Span(gap, edits[0].span.end))
    written = m.begin + head.start(1)
    for one in _EQUALS.finditer(head[1]):  # `==` was read as a bound
        marks = {f"`{one[1]}`": None} | marks
        edits.insert(0, Edit(Span(written + one.start(), written + one.end()), " "))
    plain = _EQUALS.sub(" ", head[1]) + plain
    message = f"a claim is a word and its number, and commas separate claims; found {' and '.join(marks)}"
    reads = " " if first.re is _EQUALS else ", "
    return Answer(
        "E101", message, m.span, f"write `{plain}`", tuple(edits), True, "claims",
        reads=reads, resume=first.end(),
    )  # fmt: skip


def _and_claims(m: Mistake) -> Answer | None:
    """`expect params 448 and macs 2k`."""
    if not m.in_claims or not m.behind(rf"[ \t]+(?:{'|'.join(SUBJECTS.values())})\b"):
        return None
    fix = (Edit(Span(m.gap.start, m.end), ","),)
    return Answer("E101", "claims are separated by commas, found `and`", m.span, "write `,`", fix, True,
                  reads=",", since=m.start)  # fmt: skip


def _second_bound(m: Mistake) -> Answer | None:
    """`expect params < 300 and > 100`."""
    subjects = re.findall(rf"\b({'|'.join(SUBJECTS.values())})\b[ \t]*[<>~=0-9]", m.head)
    if not m.in_claims or not subjects or not m.behind(r"[ \t]*[<>]"):
        return None
    plain = f", {subjects[-1]}"
    fix = (Edit(Span(m.gap.start, m.end), plain),)
    message, way = "each bound is a claim of its own, found `and`", f"write `{plain}`"
    return Answer("E101", message, m.span, way, fix, True, reads=plain, since=m.start)


def _claim_with_equals(m: Mistake) -> Answer | None:
    """`=> 8x32x32 params=224`."""
    match = m.here(rf"({_SUBJECT})[ \t]*[=:][ \t]*(?=~?[0-9])")
    if match is None or "=>" not in m.head:
        return None
    plain = f", {match[1]} "
    fix = (Edit(Span(m.gap.start, match.end()), plain),)
    message = f"claims are separated by commas, and a value follows its word; found `{match.group().strip()}`"
    way = f"write `{plain.strip()}` and a space"
    return Answer("E101", message, m.span, way, fix, True, reads=plain, since=m.start, resume=match.end())


def _bounds(m: Mistake) -> Answer | None:
    """`expect params between 400 and 500`."""
    number = rf"([0-9][0-9,]*(?:\.[0-9]+)?{UNIT}?)"
    match = m.around(
        rf"\b([a-z]+)[ \t]+(?P<mark>(?:between|from)[ \t]+{number}[ \t]*(?:and|to|-)[ \t]*{number})"
    ) or m.around(rf"\b([a-z]+)[ \t]+(?P<mark>{number}[ \t]*\.\.\.?[ \t]*{number})")
    if match is None or not m.of_line(r".*(?:=>|\bexpect\b)"):
        return None
    plain = f">= {match[3]}, {match[1]} <= {match[4]}"
    way = f"write two bounds: `{match[1]} {plain}`"
    return rewritten(Span(*match.span("mark")), plain, "a claim is one number or a bound", way, "E101")


def _between(m: Mistake) -> Answer | None:
    match = m.around(rf"~?[0-9][0-9,.]*{UNIT}?[ \t]*-[ \t]*[0-9][0-9,.]*{UNIT}?")
    way = "write `~1.8k`, or a bound: `<= 1.8k`"
    message = "a claim is one number or a bound"
    return match and Answer("E106", message, Span(*match.span()), way)


def _number_of_a_claim(m: Mistake) -> Answer | None:
    number = m.here(NUMBER_LIKE)
    if number is None:
        return None
    if power := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)e([0-9]{1,2})", number.group()):
        return invalid_number(number, f"{round(Fraction(power.group())):,}", "a claim has no exponent")
    if m.kind == "NUMBER":
        return invalid_number(number, "", "commas separate groups of three digits: 1,516")
    return None


def _open_shape(m: Mistake) -> Answer | None:
    """`=> 64x?x?`, `=> ?x30x30`."""
    found = m.around(r"=>[ \t]*(?P<mark>(?=[0-9x]*\?)(?:[0-9]+|\?)(?:x(?:[0-9]+|\?))+)")
    way = "leave the claim out, or claim what is known: `params`, `field`"
    message = "every size of a claimed shape must be given"
    return found and Answer("E101", message, Span(*found.span("mark")), way, reads="", since=found.start())


def _no_subject(m: Mistake) -> Answer | None:
    """`expect accuracy 99%`, whose word is reported."""
    words = re.findall(r"\b([a-z]+)[ \t]+[0-9.]+[ \t]*$", m.head)
    known = not words or words[0] in SUBJECTS or words[0] in SUBJECTS.values()
    return None if known else Answer("E101", "", m.span, reads="")


CLAIMS = (
    Rule({"expect params⟦:⟧ 448, macs: 2k": "expect params 448, macs 2k",
          "expect params ⟦=⟧ 448 and macs = 2k": "expect params 448, macs 2k",
          "expect params == 448 ⟦&⟧ macs == 2k": "expect params 448, macs 2k",
          "relu => 3x8x8 ⟦&⟧ params == 0": "relu => 3x8x8, params 0"},
         when=_claims_in_another_form),
    Rule({"expect params < 9k ⟦and⟧ > 3": "expect params < 9k, params > 3"}, on="AND", when=_second_bound),
    Rule({"relu => 3x8x8 ⟦params⟧=0": "relu => 3x8x8, params 0"}, on="NAME", last="NUMBER", accepts="COMMA",
         when=_claim_with_equals),
    Rule({"expect params 0 ⟦and⟧ macs 0": "expect params 0, macs 0"}, on="AND", when=_and_claims),
    Rule({"relu ⟦=>⟧ conv F3 K8": "relu -> conv F3 K8"}, last="NAME", when=_step_after_claims),
    Rule({"expect ⟦total ⟧params 3": "expect params 3"}, on="NUMBER CLAIM_NUMBER", when=_words_before),
    Rule({"expect ⟦receptive ⟧field 3": "expect field 3"}, "the receptive field is claimed as `field`",
         on="NUMBER CLAIM_NUMBER DIM", put="", help="write `field`",
         when=lambda m: m.around(r"\b(?P<mark>receptive[ \t]+)field[ \t]+[0-9]")),
    Rule({"expect ⟦output⟧ 3x8x8": "expect out 3x8x8"}, "the output is claimed with the word `out`",
         on="OUTPUT", accepts="NAME", when=lambda m: m.in_claims, put="out"),
    Rule({"expect params ⟦~=⟧ 3": "expect params ~3"}, last="NAME",
         here=r"(?P<over>(?P<mark>~=|=~|≃|≅)[ \t]*)[0-9]", when=lambda m: m.in_claims, put="~",
         help="write `~`: it holds within 5 %"),
    Rule({"expect params ⟦between 4 and 9⟧": "expect params >= 4, params <= 9",
          "expect params ⟦4..9⟧": "expect params >= 4, params <= 9"},
         on="NUMBER CLAIM_NUMBER ?", when=_bounds),
    Rule({"relu => ⟦?x8x8⟧": "", "relu => ⟦3x?x?⟧": ""}, when=_open_shape),
    Rule({"expect params 3⟦;⟧ macs 4": "expect params 3, macs 4"},
         "claims are separated by commas, not by `;`", on="SEMICOLON", last="CLAIM_NUMBER NUMBER",
         here=r";(?=[ \t]*[a-z]+[ \t]+[~<>=0-9])", put=",",
         when=lambda m: bool(m.of_line(r".*(?:=>|\bexpect\b)"))),
    Rule({"expect params ⟦=⟧ 3": "expect params  3"}, "a claim's value follows its word without `{found}`",
         "write a space", last="NAME", here=r"(?P<over>(?P<mark>=|:)[ \t]*)[0-9.]",
         when=lambda m: m.in_claims, put=" "),
    Rule({"expect params ⟦is⟧ 3": "expect params 3"}, "a claim's value follows its word without `{marked}`",
         last="NAME", put="",
         when=lambda m: m.around(r"(?P<over>(?P<mark>is|are|equals?|of)[ \t]+)~?[0-9]")),
    Rule({"expect params ⟦~ ⟧2k": "expect params ~2k"}, "the number follows `~` without a space",
         "leave the space out",
         here=r"~[ \t]+(?=[0-9])", when=lambda m: m.in_claims, put="~"),
    Rule({"expect macs ⟦4.09 G⟧": "expect macs 4.09G", "expect macs ⟦4,09G⟧": "expect macs 4.09G",
         "expect params ⟦1.77 Mio⟧": "expect params 1.77M",
         "expect flops ⟦8.2 GFLOPs⟧": "expect flops 8.2G", "expect macs ⟦4.1 GFLOPs⟧": "",
         "expect params ⟦1,77 million⟧": "expect params 1.77M", "expect params ⟦60K⟧": "expect params 60k",
         "expect memory < ⟦16 mb⟧": "expect memory < 16MB"}, when=_with_unit),
    Rule({"expect ⟦1,792 params⟧": "expect params 1,792", "expect ⟦4.1 GFLOPs⟧": ""}, last="CLAIM_NUMBER",
         when=_turned),
    Rule({"expect params 3 ⟦parameters⟧": "expect params 3 "}, "a claim's word comes before its number",
         on="NAME", last="CLAIM_NUMBER",
         when=lambda m: m.word.lower() in SUBJECTS and not m.rest.strip(" \t,"), put=""),
    Rule({"expect params ⟦1.7-1.8k⟧": ""}, on="MINUS", last="CLAIM_NUMBER", when=_between),
    Rule({"relu => 3x8x8 ⟦params⟧ 0": "relu => 3x8x8, params 0"}, on="NAME", last="NUMBER", accepts="COMMA",
         when=lambda m: m.word in SUBJECTS.values() and "=>" in m.head, before=","),
    Rule({"expect params 2k ⟦±⟧ 5": ""}, "a claim has no {shown}", "`~2k` holds within 5 %", word="± %",
         when=lambda m: m.in_claims and (_no_subject(m) or True)),
    *(Rule({f"expect params ⟦{words.partition('|')[0]}⟧ 9k": f"expect params {mark} 9k".replace("~ ", "~")},
           last="NAME", when=_bound_in_words(words), put=mark,
           help="write `~`: it holds within 5 %" if mark == "~" else "write `{put}`: a bound is exact")
      for words, mark in _BOUNDS.items()),
    Rule({"expect params ⟦-⟧3": "expect params 3"}, "a claimed number cannot be negative", on="MINUS",
         when=lambda m: m.in_claims, code="E106", put="", safe=False),
    Rule({"expect params ⟦1.8e3⟧": "expect params 1,800"}, on="NUMBER ?",
         when=lambda m: m.in_claims and m.last != "CLAIM_NUMBER" and _number_of_a_claim(m)),
    Rule({"expect params⟦⟧": ""}, "expected the claim's value, found {shown}", _LOOKS,
         on="ARROW _NL $END COMMA", last="NAME", when=lambda m: m.in_claims),
)  # fmt: skip
