"""Tensors merged as other languages do it: `concat x, y`, `[@x, @y] -> concat`, `relu + x`, `x + bn`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cnnspec.diagnostics import Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules.marks import before_layer
from cnnspec.language.recovery.words import is_layer
from cnnspec.notations import MERGES
from cnnspec.notations.words import layer_word

_LABELS = re.compile(r"(?m)(?:^|[{;])[ \t]*(?:input[ \t]+)?([A-Za-z]\w*)[ \t]*:")
_NAMES = r"@?[A-Za-z]\w*(?:(?:[ \t]*[,+&|][ \t]*|[ \t]+)@?[A-Za-z]\w*)*"
_AXIS = r"(?:[ \t]*,?[ \t]*(?:axis|dim)[ \t]*=[ \t]*-?[0-9]+)?"
_END = r"(?=[ \t]*(?:->|=>|[#\]|}\r\n]|$))"
_NAMED = re.compile(rf"([A-Za-z]\w*)[ \t]*(\(?)[ \t]*({_NAMES}){_AXIS}[ \t]*\)?{_END}")
_LISTED = re.compile(rf"[\[(][ \t]*({_NAMES})[ \t]*[\])][ \t]*->[ \t]*([A-Za-z]\w*){_END}")
_SHORTCUTS = ("x", "input", "identity", "shortcut", "residual", "skip", "inp", "inputs")
"""What other languages call the input of a block."""
_STEPS = r"[^+\[\]{}|#\r\n]+?"
_BEFORE_STEPS = re.compile(rf"(@?)([A-Za-z]\w*)[ \t]*\+[ \t]*({_STEPS}){_END}")
_STEPS_END = re.compile(r"[^\[\]{}|#\r\n]*")
_BY_NAME = "branches are written in square brackets, separated by `|`"
_NEAR = 200
_BY_WORD = "tensors are added by the word `add`, not by `+`"
_TENSOR_BEFORE = re.compile(r"(?:^|->|[\[{|:])[ \t]*([A-Za-z]\w*)[ \t]*$")
_ADDED = "tensors are not added with `+`"


def branches_of(names: Iterable[str], text: str, begin: int) -> list[str]:
    """The labels of a text before a place, as branches; nothing where one of the names is none."""
    labels = {"id", *_LABELS.findall(text[:begin])}
    plain = [name.removeprefix("@") for name in names]
    return [one if one == "id" else f"@{one}" for one in plain] if labels.issuperset(plain) else []


def merged(text: str, begin: int, word: str, names: str) -> str:
    """`concat [ @x | @y ]`; with one name, the other branch is the input."""
    branches = branches_of(re.findall(r"@?[A-Za-z]\w*", names), text, begin)
    if not branches or branches == ["id"]:
        return ""
    return f"{word} [ {' | '.join([*branches, 'id'] if len(branches) == 1 else branches)} ]"


def _by_name(m: Mistake) -> Answer | None:
    """`concat x, y`, `concat @x, @y axis=1`, `[@x, @y] -> concat`."""
    for form, word_at, names_at in ((_NAMED, 1, 3), (_LISTED, 2, 1)):
        for match in form.finditer(m.text, max(m.begin, m.start - _NEAR), m.line_end):
            word = layer_word(match[word_at]) or match[word_at]
            if not match.start() <= m.start <= match.end() or word not in MERGES:
                continue
            if plain := merged(m.text, m.begin, word, match[names_at]):
                span = Span(*match.span())
                return rewritten(span, plain, _BY_NAME, code="E101", safe=True, reads=plain, since=span.start)
    return None


def _step_plus_tensor(m: Mistake) -> Answer | None:
    """`conv F3 K8 + x`, `bn -> + x`: the output and a tensor, which are added."""
    match = m.here(rf"\+=?[ \t]*(@?[A-Za-z]\w*){_END}")
    if match is None or m.inside == "(" or m.last == "REFERENCE" or not m.head.strip() or m.in_claims:
        return None
    before = _TENSOR_BEFORE.search(m.head)
    if before and (both := branches_of([before[1], match[1]], m.text, m.begin)):
        plain, start = f"add [ {' | '.join(both)} ]", m.begin + before.start(1)
        return rewritten(Span(start, match.end()), plain, _BY_WORD, code="E101", reads=plain, since=start)
    arrow = "" if m.last == "ARROW" else "-> "
    plain = merged(m.text, m.begin, "add", match[1])
    if not plain:
        return None
    return rewritten(Span(*match.span()), f"{arrow}{plain}", _BY_WORD, code="E101", safe=True,
                     reads=f"{arrow}{plain}", since=m.start)  # fmt: skip


def _tensor_plus_steps(m: Mistake) -> Answer | None:
    """`x + conv F3 K8`: a shortcut, and the steps to which it is added."""
    start = max(m.head.rfind(mark) for mark in ":{|[") + 1
    begin = m.begin + start + len(m.head[start:]) - len(m.head[start:].lstrip())
    match = _BEFORE_STEPS.match(m.text, begin)
    if (
        match is None
        or not match.start() <= m.start < match.end()
        or not is_layer(" ".join(match[3].split()[:1]))
    ):
        return None
    steps = _STEPS_END.match(m.text, match.start(3))
    whole = steps.group().split("=>")[0].rstrip() if steps else match[3]
    names = branches_of([match[2]], m.text, m.begin)
    if not names and (match[1] or match[2] not in _SHORTCUTS):
        return None
    plain = f"add [ {(names or ['id'])[0]} | {whole} ]"
    span = Span(begin, match.start(3) + len(whole))
    return rewritten(span, plain, _BY_WORD, code="E101", reads=plain, since=begin)


def _sum(m: Mistake) -> Answer | None:
    match = re.compile(r"@\w+(?:[ \t]*\+[ \t]*@\w+)+").match(m.text, max(0, m.text.rfind("@", 0, m.start)))
    if match is None:
        return None
    tensors = re.findall(r"@\w+", match.group())
    return rewritten(Span(*match.span()), f"add [ {' | '.join(tensors)} ]", _ADDED, code="E101")


TENSORS = (
    Rule({"a: relu\nb: bn\n⟦concat a, b⟧": "a: relu\nb: bn\nconcat [ @a | @b ]",
          "a: relu\nb: bn\n⟦concat @a, @b axis=1⟧": "a: relu\nb: bn\nconcat [ @a | @b ]",
          "a: relu\nb: bn\n⟦[@a, @b] -> concat⟧": "a: relu\nb: bn\nconcat [ @a | @b ]"},
         on="COMMA REFERENCE", when=_by_name),
    Rule({"a: relu\nbn ⟦+ a⟧": "a: relu\nbn -> add [ @a | id ]",
          "a: relu\nbn -> ⟦+ @a⟧": "a: relu\nbn -> add [ @a | id ]",
          "a: relu\nb: bn\nc: ⟦a + @b⟧": "a: relu\nb: bn\nc: add [ @a | @b ]"},
         on="PLUS", when=_step_plus_tensor),
    Rule({"block f(k) { ⟦x + conv F3 P1 K=k -> bn⟧ }": "block f(k) { add [ id | conv F3 P1 K=k -> bn ] }"},
         on="PLUS", when=_tensor_plus_steps),
)  # fmt: skip

ADDED = (
    Rule({"⟦@a + @b⟧": "add [ @a | @b ]"}, on="PLUS", when=_sum),
    Rule({"relu\n⟦+ input⟧": ""}, "a line does not begin with `+`",
         "write the lines above it as a branch: `add [ … | id ]`, with `id` for their input", on="PLUS",
         here=r"\+[ \t]*(?:@?\w+)(?=[ \t]*(?:[#}\]\r\n]|$))", when=lambda m: not m.head.strip(), reads=""),
    Rule({"relu ⟦+⟧ bn": "relu -> bn"}, "steps are not joined by `+`",
         "`->` passes the tensor on to `{1}`; `add [ … | … ]` adds branches", on="PLUS", accepts="ARROW",
         when=lambda m: "@" not in m.head and before_layer(m), put="->", safe=False),
    Rule({"@a ⟦+⟧ conv F3": ""}, _ADDED,
         "branches are added: `add [ … | … ]`, each from its input or from an `@label`", on="PLUS",
         accepts="ARROW"),
)  # fmt: skip
