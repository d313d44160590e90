"""What Typst makes of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

PAGE = "#set page(width: 60in, height: auto)\n"


def set_in_typst(text: str, folder: Path) -> bytes:
    """The document with these tables, as PDF; TypstError where it is not valid."""
    typst = pytest.importorskip("typst", reason="typst is not installed: pip install 'cnnspec[typst]'")
    (folder / "document.typ").write_text(PAGE + text, encoding="utf-8")
    made: bytes = typst.compile(str(folder / "document.typ"), root=str(folder))
    return made
