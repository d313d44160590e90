"""Statements: `model`, `input`, `let`, `variant`, `default`, `block`, `output`, `expect`."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.builder.arguments import LETTERS
from cnnspec.language.builder.steps import Steps


class Statements(Steps):
    def model(self, v: Items[Any]) -> tree.Model:
        (word, name) = v[:2]
        title, end = (v[2][0][1:-1], v[2][2]) if len(v) == 3 else ("", name[2])
        return tree.Model(name[0], title, Span(word[1], end), Span(name[1], name[2]))

    def input(self, v: Items[Any]) -> tree.Input:
        word, shape = v
        return tree.Input(None, shape, Span(word[1], shape.span.end), None)

    def input_named(self, v: Items[Any]) -> tree.Input:
        word, label, shape = v
        name = self.declared(label, ":")
        return tree.Input(name[0], shape, Span(word[1], shape.span.end), Span(name[1], name[2]))

    def let(self, v: Items[Any]) -> tree.Let:
        word, token, _, value = v
        name, span = self.value_name(token, "a `let`")
        return tree.Let(name, value, Span(word[1], self._whole(value).end), span)

    def setting(self, v: Items[Any]) -> tree.Setting:
        token, _, value = v
        name, span = self.value_name(token, "a knob")
        return tree.Setting(name, value, Span(span.start, self._whole(value).end), span)

    def variant(self, v: Items[Any]) -> tree.Variant:
        word, token = v[:2]
        name = self.declared(token, ":" if len(v) == 3 else "")
        settings = tuple(item for item in v[2] if item is not None) if len(v) == 3 else ()
        end = settings[-1].span.end if settings else token[2]
        return tree.Variant(name[0], settings, (), Span(word[1], end), Span(name[1], name[2]))

    def variant_expect(self, v: Items[Any]) -> tree.Variant:
        word, token, expect, claims = v
        return self.variant_settings_expect((word, token, (), None, expect, claims))

    def variant_settings_expect(self, v: Items[Any]) -> tree.Variant:
        word, token, settings, _, expect, claims = v
        name = self.declared(token, ":")
        found = tuple(claim for claim in claims if claim is not None)
        end = found[-1].span.end if found else expect[2]
        return tree.Variant(
            name[0],
            tuple(item for item in settings if item is not None),
            found,
            Span(word[1], end),
            Span(name[1], name[2]),
        )

    def default_word(self, v: Items[Any]) -> list[tree.Name]:
        return [self.variable(v)]

    def default(self, v: Items[Any]) -> tree.Default:
        word, items = v
        words = tuple(item for item in items if type(item) is tree.Name)
        arguments = tuple(item for item in items if type(item) is not tree.Name)
        return tree.Default(words, arguments, Span(word[1], items[-1].span.end))

    def parameter(self, v: Items[Any]) -> tree.Parameter:
        name, span = self.value_name(v[0], "a parameter", letters=True)
        return tree.Parameter(name, "letter" if name in LETTERS else "value", None, span)

    def parameter_default(self, v: Items[Any]) -> tree.Parameter:
        token, _, value = v
        name, span = self.value_name(token, "a parameter", letters=True)
        kind = "letter" if name in LETTERS else "value"
        if kind == "letter" and type(value) is tree.Name and value.name == "same":
            value = tree.Same(value.span)
        return tree.Parameter(name, kind, value, Span(span.start, self._whole(value).end))

    def parameter_tensor(self, v: Items[Any]) -> tree.Parameter:
        ((text, start, end),) = v
        return tree.Parameter(text[1:], "tensor", None, Span(start, end))

    def block_head(self, v: Items[Any]) -> tuple[Any, ...]:
        """(name, parameters, shared, span of the head, span of the name)."""
        word, (text, start, end) = v[:2]
        parameters = tuple(v[2]) if len(v) == 4 else ()
        self.declared((text[:-1], start, end - 1))
        return text[:-1], parameters, word[0] == "shared", Span(word[1], v[-1][2]), Span(start, end - 1)

    def block(self, v: Items[Any]) -> tree.Block:
        head, (_, _, inner), items, (_, close, end) = v
        name, parameters, shared, span, name_span = head
        body = self._sequence(items, inner, close)
        return tree.Block(name, parameters, body, shared, Span(span.start, end), name_span)

    def output(self, v: Items[Any]) -> tree.Output:
        word, references = v
        return tree.Output(tuple(references), Span(word[1], references[-1].span.end))

    def expect(self, v: Items[Any]) -> tree.Expect:
        word, claims = v
        found = tuple(claim for claim in claims if claim is not None)
        return tree.Expect(found, Span(word[1], found[-1].span.end if found else word[2]))
