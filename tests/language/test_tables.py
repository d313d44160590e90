"""The committed tables are those of grammar/cnn.lark, which is LALR(1) and clean under lark's strict mode."""

from __future__ import annotations

import pytest

from cnnspec.language import compile_grammar as compiler

pytest.importorskip("interegular")


def test_tables_are_in_sync_with_the_grammar() -> None:
    compiled = compiler.compile_grammar(compiler.GRAMMAR.read_text(encoding="utf-8"))
    assert compiler.as_text(compiled) == compiler.TABLES.read_text(encoding="utf-8")


def test_every_alias_has_its_function() -> None:
    from cnnspec.language.builder import ACTIONS

    rules = compiler.compile_grammar(compiler.GRAMMAR.read_text(encoding="utf-8"))["rules"]
    assert {alias for _, _, alias in rules if alias is not None} == ACTIONS.keys()


def test_grammar_knows_no_layer() -> None:
    from cnnspec.language.tables import load

    known = "model input let variant default block shared output expect if else and or not"
    assert set(load().keywords) == set(known.split())


def test_parsing_reads_no_grammar_and_unpickles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    import lark

    from cnnspec.diagnostics import Sink, Source
    from cnnspec.language import parse
    from cnnspec.language.tables import load

    def fails(*arguments: object, **named: object) -> None:
        raise AssertionError

    load.cache_clear()
    for what, name in ((lark.Lark, "__init__"), (pickle, "load"), (pickle, "loads")):
        monkeypatch.setattr(what, name, fails)
    assert len(parse(Source("a", "conv F3 K4"), Sink()).statements) == 1
