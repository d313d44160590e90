"""Syntax highlighting of specs wherever Pygments is used: minted, Sphinx, MkDocs, Jupyter. Pygments finds the
lexer by its entry point."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.lexer import Lexer, RegexLexer, bygroups, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from cnnspec.documents.words import word_lists

_LISTS = word_lists()
_LETTERS = f"[{_LISTS.letters}]"
_PART = re.compile(rf"({_LETTERS})([0-9x]+|same)")


def _hyperparameters(lexer: Lexer, match: re.Match[str]) -> Iterator[tuple[int, _TokenType, str]]:
    """`F5S1P2`: letters and numbers in turn."""
    for part in _PART.finditer(match[0]):
        yield match.start() + part.start(1), Name.Attribute, part[1]
        kind = Keyword.Constant if part[2] == "same" else Number
        yield match.start() + part.start(2), kind, part[2]


class CnnLexer(RegexLexer):  # type: ignore[misc]  # pygments has no types
    """Specs of cnnspec."""

    name = "cnn"
    aliases = ["cnn", "cnnspec"]  # noqa: RUF012
    filenames = ["*.cnn"]  # noqa: RUF012
    mimetypes = ["text/x-cnn"]  # noqa: RUF012

    tokens = {  # noqa: RUF012
        "root": [
            (r"[ \t\r\n]+", Whitespace),
            (r"#[^\r\n]*", Comment.Single),
            (r'"[^"\r\n]*"', String),
            (r"@[A-Za-z]\w*", Name.Variable),
            (
                r"\b(model|variant|block|shared)([ \t]+)([A-Za-z]\w*)",
                bygroups(Keyword.Declaration, Whitespace, Name.Class),
            ),
            (
                rf"\b(?:{_LETTERS}(?:[0-9]+(?:x[0-9]+){{0,2}}|same))+(?![A-Za-z0-9_.(]|[ \t]*:)",
                _hyperparameters,
            ),
            (words(_LISTS.statements, prefix=r"\b", suffix=r"\b"), Keyword),
            (words(_LISTS.functions, prefix=r"\b", suffix=r"(?=\()"), Name.Function.Magic),
            (r"[A-Za-z]\w*(?=\()", Name.Function),
            (r"[A-Za-z]\w*(?=[ \t]*:)", Name.Label),
            (r"[A-Za-z]\w*(?=[ \t]*=(?![=>]))", Name.Attribute),
            (words(_LISTS.layers, prefix=r"\b", suffix=r"\b"), Name.Builtin),
            (words(_LISTS.claims, prefix=r"\b", suffix=r"\b"), Name.Property),
            (words(_LISTS.arguments, prefix=r"\b", suffix=r"\b"), Name.Attribute),
            (r"~?[0-9]+(?:,[0-9]+)*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?:[KMG]i?B\b|[kMGB]\b)?", Number),
            (r"(?<=[0-9)])[x@](?=[0-9(])", Number),
            (r"[A-Za-z]\w*", Name),
            (r"->|=>|[=!<>]=|//|\*\*|[-+*/%<>=|→⇒≤≥≠]", Operator),
            (r"[\[\](){},;:.]", Punctuation),
        ]
    }
