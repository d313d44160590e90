"""The committed tables are those of grammar/cnn.lark, which is LALR(1) and clean under lark's strict mode."""

from __future__ import annotations

import pytest

from cnnspec.language import compile_grammar as compiler

pytest.importorskip("lark")
pytest.importorskip("interegular")


def test_tables_are_in_sync_with_the_grammar() -> None:
    compiled = compiler.compile_grammar(compiler.GRAMMAR.read_text(encoding="utf-8"))
    assert compiler.as_text(compiled) == compiler.TABLES.read_text(encoding="utf-8")


def test_every_alias_is_a_method_of_the_builder() -> None:
    from cnnspec.language.builder import Builder
    from cnnspec.language.tables import load

    assert [name for _, _, name in load().rules if name is not None and not hasattr(Builder, name)] == []


def test_grammar_knows_no_layer() -> None:
    from cnnspec.language.tables import load

    known = "model input let variant default block shared output expect if else and or not"
    assert set(load().keywords) == set(known.split())


def test_parser_starts_without_lark() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from cnnspec.language import parse; from cnnspec.diagnostics import Sink, Source;"
        "parse(Source('a', 'conv F3 K4'), Sink()); print('lark' in sys.modules, 'inspect' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "False"
