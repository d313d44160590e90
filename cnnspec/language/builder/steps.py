"""Steps, the lines and sequences that they form, and what is claimed of them."""

from __future__ import annotations

from collections.abc import Sequence as Items
from fractions import Fraction
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.builder.names import Names
from cnnspec.language.builder.numbers import MAX_DIGITS, UNITS

_ONE = Fraction(1)
_ZERO = Fraction(0)


class Steps(Names):
    def layer(self, v: Items[Any]) -> tree.LayerStep | tree.ErrorStep:
        text, start, end = v[0]
        word = Span(start, end)
        if len(v) == 1:
            return tree.LayerStep(text, (), word, word)
        arguments, span = self.tidied(v[1], text), Span(start, v[1][-1].span.end)
        return tree.ErrorStep(span) if arguments is None else tree.LayerStep(text, arguments, span, word)

    def call(self, v: Items[Any]) -> tree.CallStep | tree.ErrorStep:
        text, start, end = v[0]
        arguments = self.tidied(v[1]) if len(v) == 3 else ()
        last = v[-1][2]
        if arguments is None:
            return tree.ErrorStep(Span(start, last))
        return tree.CallStep(text[:-1], arguments, Span(start, last), Span(start, end - 1))

    def _sequence(self, items: Items[Any], start: int, end: int) -> tree.Sequence:
        found = tuple(item for item in items if item is not None)
        if found:
            start, end = found[0].span.start, found[-1].span.end
        node = tree.Sequence(found, Span(start, end))
        depths = self.depths
        if depths:
            inner = [
                depths.get(id(step), 0) for item in found if type(item) is tree.Line for step in item.steps
            ]
            if any(inner):
                depths[id(node)] = max(inner)
        return node

    def _nested(self, node: Any, *parts: Any) -> Any:
        return self._checked(node, *parts, instead=tree.ErrorStep(node.span))

    def group(self, v: Items[Any]) -> Any:
        (_, start, inner), items, (_, close, end) = v
        body = self._sequence(items, inner, close)
        return self._nested(tree.GroupStep(body, None, Span(start, end)), body)

    def group_times(self, v: Items[Any]) -> Any:
        (_, start, inner), items, (_, close, _), _, times = v
        body = self._sequence(items, inner, close)
        return self._nested(tree.GroupStep(body, times, Span(start, self._whole(times).end)), body)

    def branch(self, v: Items[Any]) -> Any:
        (text, start, end), (_, _, inner), branches, (_, _close, last) = v
        found = []
        for items in branches:
            found.append(self._sequence(items, inner, inner))
            inner = found[-1].span.end
        return self._nested(tree.BranchStep(text, tuple(found), Span(start, last), Span(start, end)), *found)

    def if_step(self, v: Items[Any]) -> Any:
        (_, start, _), condition, (_, _, inner), items, (_, close, end) = v
        then = self._sequence(items, inner, close)
        return self._nested(tree.IfStep(condition, then, None, Span(start, end)), then)

    def if_else(self, v: Items[Any]) -> Any:
        (_, start, _), condition, (_, _, inner), items, (_, close, _), _, (_, _, inner2), others, last = v
        then, otherwise = self._sequence(items, inner, close), self._sequence(others, inner2, last[1])
        return self._nested(tree.IfStep(condition, then, otherwise, Span(start, last[2])), then, otherwise)

    def if_else_if(self, v: Items[Any]) -> Any:
        (_, start, _), condition, (_, _, inner), items, (_, close, _), _, other = v
        line = tree.Line(None, None, (other,), other.span)
        otherwise = tree.Sequence((line,), other.span)
        then = self._sequence(items, inner, close)
        return self._checked(
            tree.IfStep(condition, then, otherwise, Span(start, other.span.end)), other, then
        )

    def start_step(self, v: Items[Any]) -> list[tree.Step]:
        return [tree.StartStep(v[0], v[0].span)]

    def claim_step(self, v: Items[Any]) -> tree.ClaimStep:
        (_, start, end), claims = v
        found = tuple(claim for claim in claims if claim is not None)
        return tree.ClaimStep(found, Span(start, found[-1].span.end if found else end))

    def line(self, v: Items[Any]) -> tree.Line:
        steps = tuple(v[0])
        return tree.Line(None, None, steps, Span(steps[0].span.start, steps[-1].span.end))

    def line_labelled(self, v: Items[Any]) -> tree.Line:
        label, steps = v[0], tuple(v[1])
        name = self.declared(label, ":")
        return tree.Line(name[0], Span(name[1], name[2]), steps, Span(name[1], steps[-1].span.end))

    # --- claims -----------------------------------------------------------------------------------

    def quantity(self, v: Items[Any]) -> tree.Quantity:
        ((text, start, end),) = v
        digits = text.lstrip("~").replace(",", "")
        unit = UNITS.get(digits[-1], 1)
        if unit != 1:
            digits = digits[:-1]
        _, _, decimals = digits.partition(".")
        value = self.fraction(digits, start, end) * unit
        step = Fraction(unit, 10 ** min(len(decimals), MAX_DIGITS)) if decimals else Fraction(unit)
        return tree.Quantity(value, step, text[0] == "~", text, Span(start, end))

    def quantity_name(self, v: Items[Any]) -> tree.Quantity:
        ((text, start, end),) = v
        span = Span(start, end)
        return tree.Quantity(_ZERO, _ONE, False, text, span, tree.Name(text, span))

    def quantity_expr(self, v: Items[Any]) -> tree.Quantity:
        (_, start, _), expr, (_, _, end) = v
        return tree.Quantity(_ZERO, _ONE, False, "", Span(start, end), expr)

    def claim(self, v: Items[Any]) -> tree.Claim:
        (text, start, end), value = v
        if text == "out" and type(value) is tree.Quantity:  # `out 10` is a shape
            value = self._shape_of(value)
        return tree.Claim(text, value, Span(start, value.span.end), Span(start, end))

    def _shape_of(self, value: tree.Quantity) -> tree.Dims:
        if value.expression is not None:
            return tree.Dims((value.expression,), value.span)
        digits = value.text.replace(",", "")
        return tree.Dims((self.dimension((digits, *value.span)),), value.span)

    def claim_shape(self, v: Items[Any]) -> tree.Claim:
        return tree.Claim("out", v[0], v[0].span, v[0].span)

    def claim_number(self, v: Items[Any]) -> tree.Claim:
        return self.claim_shape((self._shape_of(self.quantity(v)),))

    def claim_expr(self, v: Items[Any]) -> tree.Claim:
        return self.claim_shape((self.dims_expr(v),))
