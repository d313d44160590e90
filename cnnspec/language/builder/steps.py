"""Steps, and the lines and sequences that they form."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Actions, Context, known
from cnnspec.language.builder.letters import tidied
from cnnspec.language.builder.names import declared
from cnnspec.language.tokens import Token


def _layer(c: Context, v: Items[Any]) -> tree.LayerStep | tree.ErrorStep:
    _, text, start, end = v[0]
    word = Span(start, end)
    if len(v) == 1:
        return tree.LayerStep(text, (), word, word)
    arguments, span = tidied(c, v[1], text), Span(start, v[1][-1].span.end)
    return tree.ErrorStep(span) if arguments is None else tree.LayerStep(text, arguments, span, word)


def _call(c: Context, v: Items[Any]) -> tree.CallStep | tree.ErrorStep:
    _, text, start, end = v[0]
    arguments = tidied(c, v[1]) if len(v) == 3 else ()
    if arguments is None:
        return tree.ErrorStep(c.span(v))
    return tree.CallStep(text[:-1], arguments, c.span(v), Span(start, end - 1))


def sequence(c: Context, opened: Token, items: Items[Any], closed: Token) -> tree.Sequence:
    """What stands between two brackets or bars."""
    found, within = known(items), Span(opened.end, closed.start)
    span = Span(found[0].span.start, found[-1].span.end) if found else within
    node = tree.Sequence(found, span, within)
    if c.depths:
        steps = [step for item in found if type(item) is tree.Line for step in item.steps]
        if deepest := max((c.depths.get(id(step), 0) for step in steps), default=0):
            c.depths[id(node)] = deepest
    return node


def _nested(c: Context, node: Any, *parts: Any) -> Any:
    return c.checked(node, *parts, instead=tree.ErrorStep(node.span))


def _group(c: Context, v: Items[Any]) -> Any:
    body = sequence(c, *v[:3])
    return _nested(c, tree.GroupStep(body, v[4] if len(v) > 3 else None, c.span(v)), body)


def _branch(c: Context, v: Items[Any]) -> Any:
    word, opened, branches, closed = v
    bars = [opened, *branches[1::2], closed]
    found = [sequence(c, *one) for one in zip(bars, branches[::2], bars[1:], strict=False)]
    return _nested(c, tree.BranchStep(word.text, tuple(found), c.span(v), word.span), *found)


def _if_step(c: Context, v: Items[Any]) -> Any:
    then = sequence(c, *v[2:5])
    otherwise = sequence(c, *v[6:9]) if len(v) > 5 else None
    parts = (then,) if otherwise is None else (then, otherwise)
    return _nested(c, tree.IfStep(v[1], then, otherwise, c.span(v)), *parts)


def _if_else_if(c: Context, v: Items[Any]) -> Any:
    other = v[-1]
    otherwise = tree.Sequence((tree.Line(None, None, (other,), other.span),), other.span, other.span)
    then = sequence(c, *v[2:5])
    return c.checked(tree.IfStep(v[1], then, otherwise, c.span(v)), other, then)


def _claim_step(c: Context, v: Items[Any]) -> tree.ClaimStep:
    arrow, claims = v[0], known(v[1])
    return tree.ClaimStep(claims, Span(arrow.start, claims[-1].span.end if claims else arrow.end))


def _line(c: Context, v: Items[Any]) -> tree.Line:
    steps = tuple(v[-1])
    name, label = declared(c, v[0], ":") if len(v) > 1 else (None, None)
    return tree.Line(name, label, steps, Span((label or steps[0].span).start, steps[-1].span.end))


STEPS: Actions = {
    "layer": _layer,
    "call": _call,
    "group": _group,
    "group_times": _group,
    "branch": _branch,
    "if_step": _if_step,
    "if_else": _if_step,
    "if_else_if": _if_else_if,
    "start_step": lambda c, v: [tree.StartStep(v[0], v[0].span)],
    "claim_step": _claim_step,
    "line": _line,
    "line_labelled": _line,
}
