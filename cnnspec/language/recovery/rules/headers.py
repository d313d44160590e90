"""Text that other languages put around or above a network: `model LeNet { … }`, `include "blocks.cnn"`,
`title "…"`, YAML between two lines of `---`.
"""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import STATEMENT_WORDS, is_layer

_HEAD = re.compile(
    r"[ \t]*((?:model|network|net|cnn|architecture|class)\b[ \t]*"
    r"([A-Za-z]\w*)?[ \t]*(\"[^\"\r\n]*\")?)[ \t]*\{"
)
_BRACE = re.compile(r"#[^\r\n]*|\"[^\"\r\n]*\"|([{}])")
_FRONT_MATTER = re.compile(
    r"(---[ \t]*(?:\r\n|[\r\n])(?:(?!---|\.\.\.)[^\r\n]*(?:\r\n|[\r\n]))*(?:---|\.\.\.)[ \t]*)(?:[\r\n]|\Z)"
)
_ENTRY = re.compile(r"[ \t]*([A-Za-z]\w*)[ \t]*:[ \t]*[\"']?([^\"'\r\n]*?)[\"']?[ \t]*")
_TITLES = ("title", "name", "model", "network", "net", "caption", "arch", "architecture")
_OTHER_FILES = ("include", "import", "use", "using", "require", "load", "source", "extends", "extend")
_SHAPE, _INPUT = re.compile("[0-9]+(?:x[0-9]+)*"), re.compile(r"(?m)^[ \t]*input\b")
_MODEL = re.compile(r"(?m)^[ \t]*model[ \t]+([A-Za-z]\w*)(?=[ \t]*(\")?)")


def model_of(title: str) -> str:
    """`LeNet` and `my net` as a statement."""
    if title.isascii() and title.isidentifier():
        return f"model {title}"
    name = "".join(part[:1].upper() + part[1:] for part in re.findall("[A-Za-z0-9]+", title))
    return f'model {name if name[:1].isalpha() else f"Net{name}"} "{title}"'


def _braces(m: Mistake) -> Answer | None:
    """`model LeNet {`, `network LeNet {`: with the brace that closes it."""
    head = _HEAD.match(m.text, m.begin)
    if head is None or m.inside or not m.start < head.end():
        return None
    depth, close = 1, -1
    opened = Span(head.end() - 1, head.end())
    for match in _BRACE.finditer(m.text, opened.end):
        depth += {"{": 1, "}": -1}.get(match[1], 0)
        if depth == 0:
            close = match.start()
            break
    plain = f"model {head[2]} {head[3] or ''}".rstrip() if head[2] else ""
    behind = "\n" if plain and m.text[opened.end : m.line_end].split("#")[0].strip() else ""
    begin = head.start(1)
    fix = [Edit(Span(begin, opened.end), plain + behind)]
    if close >= 0:
        fix.append(Edit(Span(close, close + 1), ""))
    way = (
        f"write `{plain}` on a line of its own, and leave the braces out" if plain else "leave the braces out"
    )
    return Answer(
        "E101", "the statements of a spec are not written in braces", opened, way, tuple(fix), True, "braces",
        reads=plain + behind, since=begin, resume=opened.end,
    )  # fmt: skip


def _last_brace(m: Mistake) -> Answer | None:
    """The last of the braces around a spec, which are reported at the first."""
    return None if m.opens("{") else Answer("", "", m.span, reads="", resume=m.end)


def _front_matter(m: Mistake) -> Answer | None:
    match = _FRONT_MATTER.match(m.text, m.start)
    if match is None or m.text[: m.start].strip("\ufeff \t\r\n"):
        return None
    lines, model, has_input = list[str](), "", _INPUT.search(m.text, match.end())
    for line in match[1].splitlines()[1:-1]:
        entry = _ENTRY.fullmatch(line)
        is_title = entry is not None and entry[1].lower() in _TITLES and re.search("[A-Za-z0-9]", entry[2])
        if entry is not None and is_title and not model and not _MODEL.search(m.text):
            model = model_of(entry[2])
            lines.append(model)
        elif entry is not None and entry[1] == "input" and _SHAPE.fullmatch(entry[2]) and not has_input:
            lines.append(f"input {entry[2]}")
        elif line.strip():
            lines.append(f"# {line.strip()}")
    span, plain = Span(m.start, match.end(1)), "\n".join(lines)
    way = "write\n" + plain if lines else "leave it out"
    message = "this is YAML front matter; a spec has a `model` statement and comments"
    return Answer(
        "E102", message, span, way, (Edit(span, plain),), True, reads=_statements(lines), resume=span.end
    )


def _statements(lines: list[str]) -> str:
    return "\n".join(line for line in lines if line[0] != "#")


def _quoted(m: Mistake) -> Answer | None:
    """`include "blocks.cnn"`, `title "My net"`, `author "Me"`."""
    head = re.fullmatch(r"[ \t]*([A-Za-z]\w*)[ \t]*[:=]?[ \t]*", m.head)
    if (
        head is None
        or m.inside
        or is_layer(head[1])
        or head[1] in STATEMENT_WORDS
        or m.rest.split("#")[0].strip(" \t;")
    ):
        return None
    begin, title = m.begin + head.start(1), m.word.strip("\"'")
    span = Span(begin, m.end)
    if head[1].lower() in _OTHER_FILES:
        message, way = (
            "a spec is one file, and includes no other",
            f"copy the blocks of `{title}` into this file",
        )
        return Answer("E102", message, span, way, reads="", since=begin, resume=m.line_end)
    message = f"`{head[1]}` is not a statement"
    if head[1].lower() not in _TITLES or not re.search("[A-Za-z0-9]", title):
        plain = f"# {m.text[begin : m.line_end].strip()}"
        return rewritten(span, plain, message, f"a comment has it: `{plain}`", "E101", safe=True, reads="",
                         since=begin, resume=m.line_end)  # fmt: skip
    if (model := _MODEL.search(m.text)) is None:
        plain = model_of(title)
        return rewritten(span, plain, message, code="E101", safe=True, reads=plain, since=begin)
    way = f"the title follows the model's name: `model {model[1]} {m.word}`"
    end = Span(model.end(), model.end())
    start = line_start(m.text, begin)
    fix = () if model[2] else (Edit(end, f" {m.word}"), Edit(Span(start, m.end), ""))
    return Answer("E101", message, span, way, fix, bool(fix), reads="", since=begin, resume=m.line_end)


HEADERS = (
    Rule({"⟦---\nname: LeNet\nauthor: me\n---⟧\nrelu": "model LeNet\n# author: me\nrelu"}, on="MINUS",
         when=_front_matter),
    Rule({"model LeNet ⟦{⟧\nrelu\n}": "model LeNet\nrelu\n",
          'network A "b" ⟦{⟧ relu }': 'model A "b"\n relu '},
         on="LBRACE STRING", when=_braces),
    Rule({'⟦include "blocks.cnn"⟧': "", '⟦title "My net"⟧\nrelu': 'model MyNet "My net"\nrelu',
          'model A\n⟦title "My net"⟧\nrelu': 'model A "My net"\n\nrelu',
          '⟦author "Me"⟧\nrelu': '# author "Me"\nrelu'}, on="STRING", when=_quoted),
)  # fmt: skip

LAST_BRACE = (
    Rule({"model A ⟦{⟧\nrelu\n}": ""}, on="RBRACE", when=lambda m: m.has_cause("braces") and _last_brace(m)),
)  # fmt: skip
