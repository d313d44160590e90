"""The page of a finding, for `explain E301`: what it is, why, a spec with it, and the corrected spec.

A page is `codes/E301.md`:

    # E301: the filter is larger than its input
    What, in a sentence or two.
    ## Why
    ## Wrong
    a spec (```cnn) or a command line (```console) that has the finding
    ## Right
    the same one mended, and if need be a word about it

Both specs are run by the tests.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "codes"


def codes() -> tuple[str, ...]:
    """All codes that have a page, in order: E101 … W211."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("[EW]*.md")))


def page(code: str) -> str | None:
    """The page of a code as Markdown; None where there is no such code. `e301` will do."""
    code = code.upper()
    if len(code) != 4 or code[0] not in "EW" or not (code.isascii() and code[1:].isdecimal()):
        return None  # a code is a file's name: no other name is opened
    path = _FOLDER / f"{code}.md"
    return path.read_text("utf-8") if path.is_file() else None


def title(code: str) -> str:
    """The subject of a code in one line; "" if the code does not exist."""
    text = page(code)
    return text.partition("\n")[0].partition(": ")[2] if text is not None else ""
