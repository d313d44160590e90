"""The attributes beside the language of a fence: `cnn input=64x56x56 name=stem`.

Attributes of other tools, in braces or not, are ignored.
"""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.documents.fence import Attribute

OURS = ("input", "name", "after", "error")
"""`input`: the context of a fragment. `name`: how others refer to it. `after`: the fence that it continues
from. `error`: the findings that it has on purpose."""

_LANGUAGE = re.compile(r"\s*(?:\{\s*\.?cnn|\{(?:code-block|code|sourcecode)\}\s*cnn|cnn)(?=[\s,{}:]|$)")
_CODES = r"[EW]\d{3}(?:,[EW]\d{3})*"
_PAIR = re.compile(
    rf"""([A-Za-z][\w-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|\{{([^{{}}]*)\}}|({_CODES}(?![^\s,}}])|[^\s,}}"'{{]+))"""
)
_IDENTIFIER = re.compile(r"(?<![\w#])#([A-Za-z][\w.-]*)")


def is_ours(info: str) -> bool:
    """Whether the line that opens a fence marks it as a spec.

    >>> [is_ours(info) for info in ("cnn", "{.cnn .numberLines}", "{cnn, echo=FALSE}", "cnnx", "python")]
    [True, True, True, False, False]
    """
    return _LANGUAGE.match(info) is not None


def attributes(info: str, start: int) -> dict[str, Attribute]:
    """Our attributes in `info`, which begins at `start` of the document; `#stem` is a name, too.

    >>> {key: one.value for key, one in attributes('cnn after=stem hl_lines="2" error=E301,W104', 0).items()}
    {'after': 'stem', 'error': 'E301,W104'}
    """
    attributes_: dict[str, Attribute] = {}
    for match in _PAIR.finditer(info):
        group = match.lastindex or 0
        if match[1] in OURS:
            place = Span(start + match.start(group), start + match.end(group))
            attributes_.setdefault(match[1], Attribute(match[group].strip(), place))
    if identifier := _IDENTIFIER.search(info):
        place = Span(start + identifier.start(1), start + identifier.end(1))
        attributes_.setdefault("name", Attribute(identifier[1], place))
    return attributes_


_OPTION = re.compile(r"[ \t]*(:|#\||)[ \t]*([A-Za-z][\w-]*):(?:[ \t]+(.*?))?[ \t]*$")


def option(line: str, start: int, mark: str) -> tuple[str, Attribute] | None:
    """An option on a line of its own at the head of a fence, with its mark: `:name: stem` or `name: stem` of
    MyST, `#| name: stem` of Quarto. Its name and its value.
    """
    match = _OPTION.match(line)
    if match is None or match[1] != mark:
        return None
    text = match[3] or ""
    value = text.strip("\"'")
    at = start + match.start(3) + len(text) - len(text.lstrip("\"'"))
    return match[2], Attribute(value, Span(at, at + len(value)))
