"""Statements: `model`, `input`, `let`, `variant`, `default`, `block`, `output`, `expect`."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.builder.arguments import same
from cnnspec.language.builder.context import Actions, Context, known
from cnnspec.language.builder.names import declared, value_name
from cnnspec.language.builder.steps import sequence
from cnnspec.language.tokens import LETTERS


def _model(c: Context, v: Items[Any]) -> tree.Model:
    title = v[2].text[1:-1] if len(v) == 3 else ""
    return tree.Model(v[1].text, title, c.span(v), v[1].span)


def _input(c: Context, v: Items[Any]) -> tree.Input:
    name, span = declared(c, v[1], ":") if len(v) == 3 else (None, None)
    return tree.Input(name, v[-1], c.span(v), span)


def _let(c: Context, v: Items[Any]) -> tree.Let:
    name, span = value_name(c, v[1], "a `let`")
    return tree.Let(name, v[3], c.span(v), span)


def _setting(c: Context, v: Items[Any]) -> tree.Let:
    name, span = value_name(c, v[0], "a knob")
    return tree.Let(name, v[2], c.span(v), span)


def _variant(c: Context, v: Items[Any], settings: Items[Any] = (), claims: Items[Any] = ()) -> tree.Variant:
    """A variant up to its last setting or claim; what ends there with a finding ends at the word before."""
    name, span = declared(c, v[1], ":" if len(v) > 2 else "")
    values, claimed = known(settings), known(claims)
    last = (*values, *claimed)[-1].span if values or claimed else v[1]
    end = v[-2].end if claims and not claimed else last.end
    return tree.Variant(name, values, claimed, Span(v[0].start, end), span)


def _default(c: Context, v: Items[Any]) -> tree.Default:
    words = tuple(item for item in v[1] if type(item) is tree.Name)
    arguments = tuple(item for item in v[1] if type(item) is not tree.Name)
    return tree.Default(words, arguments, Span(v[0].start, v[1][-1].span.end))


def _parameter(c: Context, v: Items[Any]) -> tree.Parameter:
    name, span = value_name(c, v[0], "a parameter", letters=True)
    default = v[2] if len(v) == 3 else None
    if name in LETTERS:
        return tree.Parameter(name, "letter", same(default), c.span(v) if default else span)
    return tree.Parameter(name, "value", default, c.span(v) if default else span)


def _block_head(c: Context, v: Items[Any]) -> tuple[Any, ...]:
    """(name, parameters, shared, span of the head, span of the name)."""
    parameters = tuple(v[2]) if len(v) == 4 else ()
    _, span = declared(c, v[1], "(")
    return v[1].text[:-1], parameters, v[0].text == "shared", c.span(v), span


def _block(c: Context, v: Items[Any]) -> tree.Block:
    name, parameters, shared, span, name_span = v[0]
    body = sequence(c, *v[1:4])
    return tree.Block(name, parameters, body, shared, Span(span.start, v[3].end), name_span)


def _expect(c: Context, v: Items[Any]) -> tree.Expect:
    word, claims = v[0], known(v[1])
    return tree.Expect(claims, Span(word.start, claims[-1].span.end if claims else word.end))


STATEMENTS: Actions = {
    "model": _model,
    "input_alone": _input,
    "input_named": _input,
    "let": _let,
    "setting": _setting,
    "variant": lambda c, v: _variant(c, v, *v[2:]),
    "variant_expect": lambda c, v: _variant(c, v, (), v[3]),
    "variant_settings_expect": lambda c, v: _variant(c, v, v[2], v[5]),
    "default": _default,
    "default_word": lambda c, v: [tree.Name(v[0].text, v[0].span)],
    "parameter": _parameter,
    "parameter_default": _parameter,
    "parameter_tensor": lambda c, v: tree.Parameter(v[0].text[1:], "tensor", None, v[0].span),
    "block_head": _block_head,
    "block": _block,
    "output": lambda c, v: tree.Output(tuple(v[1]), Span(v[0].start, v[1][-1].span.end)),
    "expect": _expect,
}
