"""Text → tree.

`parse` never raises on any text and does work in proportion to its length. After a mistake it goes on at
the next
`->`, `=>` or line (recovery.py): a broken step stays in the tree as an ErrorStep, a broken statement as an
ErrorStatement, and every line gets its findings.
"""

from __future__ import annotations

import gc

from cnnspec.diagnostics import Sink, Source, Span
from cnnspec.language import tree
from cnnspec.language.automaton import Automaton


def parse(source: Source, sink: Sink) -> tree.File:
    """The tree of a spec. Never raises: what cannot be read is a finding in `sink`."""
    text = source.text
    if not text.isascii():
        from cnnspec.language.mistakes.pasted import read_plain

        text = read_plain(text, sink)
    parser = Automaton(text, source, sink)
    # The tree has no cycles: looking for them while it grows is a third of the work.
    collecting = gc.isenabled()
    gc.disable()
    try:
        statements = parser.run("start")
    finally:
        if collecting:
            gc.enable()
    found = tuple(item for item in statements if item is not None)
    return tree.File(found, tuple(parser.comments), Span(0, len(source.text)))


def parse_expression(text: str) -> tree.Expr | None:
    """The tree of an expression alone (`--set a=3/4`), or None where the text is none."""
    sink = Sink()
    parser = Automaton(text, Source("", text), sink)
    parser.recovers = False
    value: tree.Expr | None = parser.run("expr")
    return None if sink.has_errors else value
