"""Names that a file gives: which words, and which single letters, cannot be one."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.builder.context import Context
from cnnspec.language.builder.letters import HYPER
from cnnspec.language.tokens import LETTERS, WORDS, Token

ARRIVING = frozenset("CHWi")
_BEHIND = {"input": r"[0-9(]", "output": "@", "expect": r"[a-z]+[ \t]+~?[0-9]", "model": r"\w+[ \t]*[\r\n#]"}
"""How that goes on which a statement says of something: `expect` of a number."""


def declared(c: Context, token: Token, behind: str = "") -> tuple[str, Span]:
    """The name in a token, without what the token took in behind it."""
    _, text, start, _ = token
    if behind:
        text = text.removesuffix(behind).rstrip(" \t")
    if text.upper() in WORDS and text.islower():
        _reserved(c, text, start)
    return text, Span(start, start + len(text))


def _reserved(c: Context, text: str, start: int) -> None:
    """E107 for a word of the language as a name, or E102 for `expect: params 3`."""
    end = start + len(text)
    colon = re.compile(r"[ \t]*:[ \t]*").match(c.text, end)
    if colon and text in _BEHIND and re.compile(_BEHIND[text]).match(c.text, colon.end()):
        where = Span(end, colon.end())
        c.sink.report(
            "E102", f"no `:` stands behind `{text}`", where,
            help=f"write `{text}` and a space", fix=(Edit(where, " "),), cause="colon",
        )  # fmt: skip
        return
    c.sink.report(
        "E107", f"`{text}` cannot be a name: it is a word of the language", Span(start, end),
        help="choose another name",
    )  # fmt: skip


def value_name(c: Context, token: Token, what: str, letters: bool = False) -> tuple[str, Span]:
    """The name of a `let`, a setting or a parameter, with E107 where it cannot be one."""
    _, text, start, end = token
    span = Span(start, end)
    if text in ARRIVING:
        meaning = "the number of the pass in a repeat" if text == "i" else "the shape that arrives at a step"
        c.sink.report(
            "E107", f"{what} cannot be named {text}: that is {meaning}", span, help="choose another name"
        )
    elif HYPER.fullmatch(text) and not (letters and text in LETTERS):
        c.sink.report(
            "E107",
            f"{what} cannot be named {text}: it looks like a hyperparameter",
            span,
            help=f"write it small, `{text.lower()}`",
            fix=(Edit(span, text.lower()),),
        )
    return text, span
