"""A whole text that is not a spec: JSON, a Python dictionary, XML; and tags around a spec."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import REST, Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.notations.words import layer_word

_DATA = re.compile(r"\[?[ \t\r\n]*\{[ \t\r\n]*(?:([\"'])\w[\w ]*\1[ \t]*:|\})")
_TAG = re.compile(r"<(?:[?!/]?[A-Za-z][^<>\r\n]*)>")
_LOOKS = (
    "a spec begins `input 3x32x32`, and has one line or several of steps below it, `conv F3 P1 K16 -> relu`"
)
_IMPORTED = "a model of Keras as JSON becomes a spec with `cnnspec import model.json`"
_FEWEST = 3
"""From this many lines with tags a text is XML; fewer are tags around a spec."""


def _whole(m: Mistake, kind: str) -> Answer:
    start = len(m.text) - len(m.text.lstrip("\ufeff \t\r\n"))
    end = REST.match(m.text, start)
    span = Span(start, end.end() if end else start)
    message = f"this is {kind}; a spec is written in a notation of its own"
    way = _IMPORTED if '"class_name"' in m.text else _LOOKS
    return Answer("E102", message, span, way, cause="model file", reads="", resume=len(m.text), since=start)


def _data(m: Mistake) -> Answer | None:
    if m.text[: m.start].strip("\ufeff \t\r\n["):
        return None
    match = _DATA.match(m.text.lstrip("\ufeff \t\r\n"))
    if match is None:
        return None
    return _whole(m, "a Python dictionary" if match[1] == "'" else "JSON")


def _tags(m: Mistake) -> Answer | None:
    if _TAG.match(m.text, m.start) is None or m.head.strip():
        return None
    if m.has_cause("tag"):
        return Answer("", "", m.span, reads="", resume=m.line_end)
    lines = list(re.finditer(rf"(?m)^[ \t]*({_TAG.pattern})[^\r\n]*", m.text))
    if not m.text[: m.start].strip() and len(lines) >= _FEWEST:
        return _whole(m, "XML")
    tags = [match for match in lines if match.group().strip() == match[1]]
    shown = m.text[m.start : m.line_end].strip()
    fix = tuple(Edit(Span(*match.span(1)), "") for match in tags)
    message = f"`{shown}` is a tag; a spec has none"
    way = "leave the tags out" if tags[1:] else "leave it out"
    if any(layer_word(match[1].strip("</>").split()[0]) for match in tags):
        way, fix = "a layer is a word with its arguments: `conv F3 S1 P1 K64`", ()
    return Answer(
        "E102", message, Span(m.start, m.start + len(shown)), way, fix, bool(fix), "tag", "", m.line_end
    )


DOCUMENTS = (
    Rule({'⟦{"layers": []}⟧': "", "⟦[{'type': 'conv'}]⟧": ""}, on="LBRACE", when=_data),
    Rule({"⟦<model>⟧\nrelu\n</model>": "\nrelu\n", '⟦<?xml version="1.0"?>⟧\n<net>\n</net>': ""}, word="<",
         when=_tags),
)  # fmt: skip
