"""Pages as GitHub shows them → pages as the site's Markdown reads them: fences and links."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"( *)(`{3,})([^`]*)")
LANGUAGES = {
    "cnn",
    "console",
    "csv",
    "json",
    "latex",
    "markdown",
    "pycon",
    "python",
    "sh",
    "text",
    "toml",
    "yaml",
}
SPAN = re.compile(r"(`[^`]*`|!?\[[^\]]*\]\([^)]*\)|<!--.*?-->)")
LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s]+)\)")
FIGURE = re.compile(r"^(!\[[^\]]*\]\(([^)\s]+\.svg)\))$")
MENTION = re.compile(r"\bdocs/([\w/-]+\.md)\b")
CODE = re.compile(r"\b([EW][1-9][0-9]{2})\b")


class Places(NamedTuple):
    """Where each file of the repository stands in the site, what the pages are called, and which findings
    have one."""

    files: Mapping[str, str]
    titles: Mapping[str, str]
    codes: Collection[str]

    def of(self, target: str, file: str, page: str) -> str:
        """A link of a file of the repository, as a link of its page. The pages that are made here have no
        file (""): their links stay."""
        path, mark, anchor = target.partition("#")
        if "://" in target or not path or not file:
            return target
        wanted = os.path.normpath(os.path.join(os.path.dirname(file), path))
        if wanted not in self.files:
            raise ValueError(f"{file} links to {target}, which has no page")
        return _relative(self.files[wanted], page) + mark + anchor


def _relative(target: str, page: str) -> str:
    return os.path.relpath(target, os.path.dirname(page) or ".")


def staged(text: str, file: str, page: str, places: Places) -> str:
    """The text of a page. `file`: where it comes from, `page`: where it stands in the site."""
    return "\n".join(_lines(text.splitlines(), file, page, places)) + "\n"


def _lines(lines: list[str], file: str, page: str, places: Places) -> Iterator[str]:
    marks = ""
    for line in lines:
        fence = FENCE.fullmatch(line)
        if marks:
            marks = "" if fence and fence[2] >= marks and not fence[3].strip() else marks
            yield line
        elif fence:
            marks = fence[2]
            yield f"{fence[1]}{fence[2]} {_attributes(fence[3])}".rstrip()
        elif line.startswith(("    ", "#")):
            yield line
        else:
            yield _prose(line, file, page, places)


def _attributes(info: str) -> str:
    """`cnn fails`, `csv x.csv`, `python new a.py` as classes and a title."""
    language, *rest = info.split() or ["text"]
    classes = [language if language in LANGUAGES else "text"]
    if "fails" in rest or any(word.startswith("error=") for word in rest):
        classes.append("fails")
    title = next((word for word in rest if re.fullmatch(r"[\w/-]+\.\w+", word)), "")
    written = " ".join(f".{name}" for name in classes)
    return f'{{ {written} title="{title}" }}' if title else f"{{ {written} }}"


def _prose(line: str, file: str, page: str, places: Places) -> str:
    """A line with its links; a page or a finding that is only named becomes one, and a figure leads to its
    file, which a reader can enlarge."""

    def link(match: re.Match[str]) -> str:
        return f"{match[1]}({places.of(match[2], file, page)})"

    def mention(match: re.Match[str]) -> str:
        target = f"docs/{match[1]}"
        if target not in places.files:
            return match[0]
        return f"[{places.titles[target]}]({_relative(places.files[target], page)})"

    def code(match: re.Match[str]) -> str:
        if match[1] not in places.codes:
            return match[0]
        return f"[{match[1]}]({_relative(f'findings/{match[1]}.md', page)})"

    parts = SPAN.split(line)
    for number, part in enumerate(parts):
        if number % 2 == 0:
            parts[number] = CODE.sub(code, MENTION.sub(mention, part))
        elif not part.startswith(("`", "<!--")):
            parts[number] = LINK.sub(link, part)
    return FIGURE.sub(r"[\1](\2)", "".join(parts))


def title_of(text: str) -> str:
    """The first heading of a page."""
    found = re.search(r"^# (.*)$", text, re.MULTILINE)
    return found[1] if found else ""
