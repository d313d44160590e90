"""Labels: without a colon, `x = relu`; a layer with one, `conv: F3 K8`; no layer behind it, `conv1: F3`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import is_layer
from cnnspec.notations.steps import step
from cnnspec.notations.words import layer_word


def _named_tensor(m: Mistake) -> Answer | None:
    """`x = conv F3 K8`, `x <- relu`."""
    match = m.of_line(r"[ \t]*([A-Za-z]\w*)([ \t]*(?:<-|:?=))(?=[ \t]*([A-Za-z]\w*))")
    if match is None or not match.start(2) <= m.start <= match.end(2) or not is_layer(match[3]):
        return None
    again = re.findall(rf"(?m)^[ \t]*{match[1]}[ \t]*(?:<-|:?=)", m.text)
    if len(again) > 1:  # `x = conv F3 K8`, `x = relu`
        span = Span(match.start(1), match.start(3))
        message, way = "steps continue from the line before, without a name", f"leave `{match[1]} =` out"
        return rewritten(
            span, "", message, way, "E101", safe=True, reads="", since=span.start, resume=span.end
        )
    span, message = Span(*match.span(2)), "a tensor is named by a label, with a colon"
    return rewritten(
        span, ":", message, f"write `{match[1]}: {match[3]} …`", "E101", safe=True, reads=f"{match[1]}:",
        since=match.start(1),
    )  # fmt: skip


def _of_its_label(m: Mistake) -> Answer | None:
    """`conv1: F3 K8`, whose label names the layer."""
    match = re.fullmatch(r"[ \t]*([a-z]+)[0-9_]+[ \t]*:[ \t]*", m.head)
    if match is None or not is_layer(match[1]):
        return None
    message, way = f"expected a layer, found {m.shown}", f"write `{m.head.strip()} {match[1]} {m.word} …`"
    fix = (Edit(Span(m.start, m.start), f"{match[1]} "),)
    return Answer(
        "E101", message, m.span, way, fix, reads=f"{match[1]} {m.word}", since=m.start, resume=m.end
    )


def _layer_as_label(m: Mistake) -> Answer | None:
    """`conv: F3 K8`."""
    match = m.of_line(r"[ \t]*(([a-z]\w*)[ \t]*:)[ \t]*")
    if match is None or match.end() != m.start or not is_layer(match[2]):
        return None
    span, message = Span(*match.span(1)), "a layer's arguments follow its word without a colon"
    return rewritten(
        span, match[2], message, code="E101", safe=True, reads=match[2], since=span.start, resume=m.start
    )


def _sizes_behind_colon(m: Mistake) -> Answer | None:
    """`MaxPool: 2x2`."""
    match = m.of_line(r"[ \t]*(\w+)[ \t]*:[ \t]*")
    rest = m.text[m.start : m.line_end].split("#")[0].rstrip()
    translation = step(f"{match[1]} {rest}") if match and m.line and layer_word(match[1]) else None
    if match is None or translation is None or not translation.text:
        return None
    span = Span(match.start(1), m.start + len(rest))
    message = "a layer's arguments follow its word without a colon"
    answer = rewritten(
        span,
        translation.text,
        message,
        code="E101",
        reads=translation.text,
        since=span.start,
        resume=span.end,
    )
    return answer._replace(span=m.span)


LABELS = (
    Rule({"⟦S2⟧ 6@14x14": ""}, "a label has a colon: `{found}:`",
         "and a layer follows, as in `{found}: conv F5 K6 => 6@28x28`", on="HYPER",
         when=lambda m: m.before_step and bool(m.behind(r"[ \t]+[0-9]+(?:[x@]|[ \t]*(?:[\r\n]|$))"))),
    Rule({"⟦conv:⟧ F3 K4": "conv F3 K4"}, on="HYPER", when=_layer_as_label),
    Rule({"conv1: ⟦F3⟧ K4": "conv1: conv F3 K4"}, "expected a layer, found {shown}", on="HYPER",
         when=lambda m: m.before_step and _of_its_label(m)),
    Rule({"⟦F3⟧ K4": ""}, "expected a layer, found {shown}",
         "write the layer before it, as in `conv {found}`", on="HYPER", when=lambda m: m.before_step),
    Rule({"x⟦ =⟧ conv F3": "x: conv F3", "x⟦ <-⟧ relu": "x: relu"}, "a label has a colon",
         on="EQUAL COMPARE COLON", when=_named_tensor),
    Rule({"MaxPool: ⟦2x⟧2": "maxpool F2"}, on="DIM NUMBER", last="LABEL", when=_sizes_behind_colon),
)  # fmt: skip
