"""The pages of layers, findings, words and commands: what `explain` and `--help` print, with examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from cnnspec.cli.root import COMMANDS
from cnnspec.diagnostics import pages as findings
from cnnspec.ops import lookup, words
from cnnspec.report.pages import page as explained
from cnnspec.report.words import meaning
from cnnspec.report.words import words as symbols
from docs import gallery
from docs.site.printed import printed

KINDS = {
    "E1": "Text",
    "E2": "Names and arguments",
    "E3": "Sizes",
    "E4": "The network",
    "E5": "Claims",
    "E6": "Limits",
    "E7": "Files, weights and inputs",
    "E8": "Programs and tables",
    "E81": "Imports",
    "E82": "Recipes of training",
    "E9": "Specs inside documents",
    "W1": "Warnings",
    "W2": "Suggestions",
}
WRONG = re.compile(r"^```cnn fails([^\n]*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def layer_pages(used: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    """`layers/conv.md` and so on. `used`: by word, the name and the title of networks that have it."""
    rows = ["# Layers", "", "Each page is what `cnnspec explain WORD` prints.", ""]
    rows += ["| layer | |", "| --- | --- |"]
    for word in sorted(words()):
        op = lookup(word)
        assert op is not None
        rows.append(f"| [`{word}`]({word}.md) | {_cell(op.title)} |")
        text = _titled(explained(word) or "", word) + _worked(op.example)
        if found := used.get(word, ()):
            text += "\n## In the zoo\n\n"
            text += ", ".join(f"[{title}](../zoo/{name}.md)" for name, title in found) + "\n"
        yield f"layers/{word}.md", text
    yield "layers/index.md", "\n".join(rows) + "\n"


def _worked(example: str) -> str:
    """The table of a layer's example, as `check` prints it."""
    text = f"{example.strip()}\n"
    table = printed("check", "example.cnn", files={"example.cnn": text})
    return f"\n```console\n$ cnnspec check example.cnn\n{table.strip()}\n```\n"


def finding_pages() -> Iterator[tuple[str, str]]:
    """`findings/E301.md` and so on, each with what its wrong specs print."""
    rows = ["# Findings", "", "Each page is what `cnnspec explain CODE` prints."]
    rows += ["", "The [gallery](../gallery.md) shows many of them."]
    kind = ""
    for code in findings.codes():
        now = KINDS.get(code[:3], KINDS[code[:2]])
        if now != kind:
            kind = now
            rows += ["", f"## {kind}", "", "| code | |", "| --- | --- |"]
        rows.append(f"| [{code}]({code}.md) | {_cell(findings.title(code))} |")
        page = findings.page(code) or ""
        yield f"findings/{code}.md", _titled(_with_messages(page, code.startswith("W2")), code)
    yield "findings/index.md", "\n".join(rows) + "\n"


def _with_messages(page: str, advice: bool) -> str:
    """A page with the messages of its wrong specs behind them."""

    def shown(fence: re.Match[str]) -> str:
        said = gallery.messages(fence[2], fence[1] + " --advice" * advice)
        return f"{fence[0]}\n```text\n{said}```\n" if said else fence[0]

    return WRONG.sub(shown, page)


def word_pages() -> Iterator[tuple[str, str]]:
    """One page with a section for each word and symbol."""
    lines = ["# Words and symbols", "", "Each section is what `cnnspec explain WORD` prints."]
    sections: dict[str, list[str]] = {}
    for word in symbols():
        _, _, body = (explained(word) or "").partition("\n")
        sections.setdefault(f"{meaning(word)}\n{body}", []).append(word)
    for text, names in sections.items():
        what, _, body = text.partition("\n")
        lines += [
            "",
            f"## {', '.join(f'`{name}`' for name in names)}",
            "",
            f"{what[0].upper()}{what[1:]}.",
            body.rstrip(),
        ]
    yield "words.md", "\n".join(lines) + "\n"


def command_pages() -> Iterator[tuple[str, str]]:
    """One page with the help of each command."""
    lines = ["# Commands", "", "What `cnnspec COMMAND --help` prints."]
    for name in COMMANDS:
        lines += ["", f"## cnnspec {name}", "", "```text", printed(name, "--help").strip(), "```"]
    yield "commands.md", "\n".join(lines) + "\n"


def _titled(page: str, title: str) -> str:
    """With the short title that the navigation shows."""
    return f"---\ntitle: {json.dumps(title)}\n---\n{page}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
