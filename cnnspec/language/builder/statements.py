"""Statements: `model`, `input`, `let`, `variant`, `default`, `block`, `output`, `expect`."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Context
from cnnspec.language.builder.expressions import variable
from cnnspec.language.builder.names import declared, value_name
from cnnspec.language.builder.steps import sequence
from cnnspec.language.tokens import LETTERS


def model(c: Context, v: Items[Any]) -> tree.Model:
    word, name = v[:2]
    title = v[2].text[1:-1] if len(v) == 3 else ""
    return tree.Model(name.text, title, Span(word.start, v[-1].end), name.span)


def input_alone(c: Context, v: Items[Any]) -> tree.Input:
    word, shape = v
    return tree.Input(None, shape, Span(word.start, shape.span.end), None)


def input_named(c: Context, v: Items[Any]) -> tree.Input:
    word, label, shape = v
    name, span = declared(c, label, ":")
    return tree.Input(name, shape, Span(word.start, shape.span.end), span)


def let(c: Context, v: Items[Any]) -> tree.Let:
    word, token, _, value = v
    name, span = value_name(c, token, "a `let`")
    return tree.Let(name, value, Span(word.start, c.whole(value).end), span)


def setting(c: Context, v: Items[Any]) -> tree.Setting:
    token, _, value = v
    name, span = value_name(c, token, "a knob")
    return tree.Setting(name, value, Span(span.start, c.whole(value).end), span)


def variant(c: Context, v: Items[Any]) -> tree.Variant:
    word, token = v[:2]
    name, span = declared(c, token, ":" if len(v) == 3 else "")
    settings = tuple(item for item in v[2] if item is not None) if len(v) == 3 else ()
    end = settings[-1].span.end if settings else token.end
    return tree.Variant(name, settings, (), Span(word.start, end), span)


def variant_expect(c: Context, v: Items[Any]) -> tree.Variant:
    word, token, expect, claims = v
    return variant_settings_expect(c, (word, token, (), None, expect, claims))


def variant_settings_expect(c: Context, v: Items[Any]) -> tree.Variant:
    word, token, settings, _, expect, claims = v
    name, span = declared(c, token, ":")
    found = tuple(claim for claim in claims if claim is not None)
    end = found[-1].span.end if found else expect.end
    known = tuple(item for item in settings if item is not None)
    return tree.Variant(name, known, found, Span(word.start, end), span)


def default_word(c: Context, v: Items[Any]) -> list[tree.Name]:
    return [variable(c, v)]


def default(c: Context, v: Items[Any]) -> tree.Default:
    word, items = v
    words = tuple(item for item in items if type(item) is tree.Name)
    arguments = tuple(item for item in items if type(item) is not tree.Name)
    return tree.Default(words, arguments, Span(word.start, items[-1].span.end))


def parameter(c: Context, v: Items[Any]) -> tree.Parameter:
    name, span = value_name(c, v[0], "a parameter", letters=True)
    return tree.Parameter(name, "letter" if name in LETTERS else "value", None, span)


def parameter_default(c: Context, v: Items[Any]) -> tree.Parameter:
    token, _, value = v
    name, span = value_name(c, token, "a parameter", letters=True)
    kind = "letter" if name in LETTERS else "value"
    if kind == "letter" and type(value) is tree.Name and value.name == "same":
        value = tree.Same(value.span)
    return tree.Parameter(name, kind, value, Span(span.start, c.whole(value).end))


def parameter_tensor(c: Context, v: Items[Any]) -> tree.Parameter:
    (label,) = v
    return tree.Parameter(label.text[1:], "tensor", None, label.span)


def block_head(c: Context, v: Items[Any]) -> tuple[Any, ...]:
    """(name, parameters, shared, span of the head, span of the name)."""
    word, called = v[:2]
    name = called.text[:-1]
    parameters = tuple(v[2]) if len(v) == 4 else ()
    _, span = declared(c, called, "(")
    return name, parameters, word.text == "shared", Span(word.start, v[-1].end), span


def block(c: Context, v: Items[Any]) -> tree.Block:
    head, opened, items, closed = v
    name, parameters, shared, span, name_span = head
    body = sequence(c, items, opened.end, closed.start)
    return tree.Block(name, parameters, body, shared, Span(span.start, closed.end), name_span)


def output(c: Context, v: Items[Any]) -> tree.Output:
    word, references = v
    return tree.Output(tuple(references), Span(word.start, references[-1].span.end))


def expect(c: Context, v: Items[Any]) -> tree.Expect:
    word, claims = v
    found = tuple(claim for claim in claims if claim is not None)
    return tree.Expect(found, Span(word.start, found[-1].span.end if found else word.end))
