"""`%%cnn` in a notebook that runs: a cell is checked, and its tables and findings are shown.

`%load_ext cnnspec` registers it. A cell may continue from one that was run before: `%%cnn after=stem`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cnnspec import __version__
from cnnspec.diagnostics import Diagnostic, Piece, Source, Span
from cnnspec.diagnostics.text import render_text
from cnnspec.documents import fence as parts
from cnnspec.documents.attributes import OURS, attributes
from cnnspec.documents.checked import checked_specs
from cnnspec.documents.compose import specs
from cnnspec.pipeline import models

if TYPE_CHECKING:
    from cnnspec.report.document import Document


def register(shell: Any) -> None:
    """Give an IPython shell the cell magic."""
    named: dict[str, str] = {}

    def cnn(line: str, cell: str) -> Document | None:
        """Check a spec of cnnspec: %%cnn name=stem input=1x28x28 after=other error=E301."""
        return checked(f"%%cnn {line}\n{cell}", named)

    shell.register_magic_function(cnn, "cell", "cnn")


def checked(text: str, named: dict[str, str]) -> Document | None:
    """The document of a cell's spec; `named` are the cells that were run before; this one is added. None if
    its attributes cannot be used, which is reported on standard error."""
    from cnnspec.report.document import Document
    from cnnspec.report.entries import model_entry

    chain = _chain(text, named)
    # the cell comes first, so that a line of a finding is the line of the cell
    source = Source("cell", "".join(f"{one}\n" for one in reversed(chain)))
    fences, start = [], 0
    for one in reversed(chain):
        fences.append(_fence(one, start))
        start += len(one) + 1
    found, findings = specs(parts.Document(source, tuple(reversed(fences))))
    own = [spec for spec in checked_specs(found, models) if spec.spec.fence == fences[0]]
    if findings or not own:
        _show(findings, source)
        return None
    if fences[0].name:
        named[fences[0].name] = text
    entries = [{**entry, "rows": [*entry["rows"]]} for entry in map(model_entry, own[0].models)]
    return Document.model_validate({"cnnspec": __version__, "models": entries})


def _chain(text: str, named: dict[str, str]) -> list[str]:
    """The cells that a cell continues from, the first of them first, and the cell."""
    chain = [text]
    after = _fence(text, 0).attributes.get("after")
    while after is not None and after.value in named and named[after.value] not in chain:
        chain.insert(0, named[after.value])
        after = _fence(chain[0], 0).attributes.get("after")
    return chain


def _fence(text: str, start: int) -> parts.Fence:
    magic, newline, spec = text.partition("\n")
    behind = start + len(magic) + len(newline)
    options = {key: attribute for key, attribute in attributes(magic, start).items() if key in OURS}
    piece = Piece(Span(0, len(spec)), Span(behind, behind + len(spec)), True)
    return parts.Fence(spec, (piece,) if spec else (), Span(start, start + len(magic)), options, "\n")


def _show(findings: list[Diagnostic], source: Source) -> None:
    sys.stderr.write("".join(render_text(finding, source) for finding in findings))
