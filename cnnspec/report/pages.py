"""The pages of `explain`: of a finding (E301), of a layer (conv), of a word or symbol (field, R), and the
lists of them (layers, codes, words)."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.report.words import meaning, word_page
from cnnspec.report.words import words as words_and_symbols


def page(topic: str) -> str | None:
    """The Markdown page of a code, a layer, a word or symbol, or of a list of them; None if there is no such
    page."""
    from cnnspec.diagnostics import pages

    if topic in LISTS:
        return _list_page(topic)
    code_page = pages.page(topic)
    return next(
        (page for page in (code_page, _layer_page(topic), word_page(topic)) if page is not None), None
    )


def topics() -> Iterator[str]:
    """Everything that has a page."""
    from cnnspec.diagnostics import pages
    from cnnspec.ops import words

    yield from LISTS
    yield from pages.codes()
    yield from words()
    yield from words_and_symbols()


LISTS = {
    "layers": "all layers",
    "codes": "all findings",
    "words": "the words and symbols of the formulas and of the language",
}
"""Pages that list the others."""
LISTED = "`explain layers`, `explain codes` and `explain words` list the pages"


def _list_page(topic: str) -> str:
    """`# layers: …` and one line per entry."""
    from cnnspec.diagnostics import pages
    from cnnspec.ops import lookup, words

    if topic == "layers":
        titles = {word: op.title for word in words() if (op := lookup(word)) is not None}
    elif topic == "codes":
        titles = {code: pages.title(code) for code in pages.codes()}
    else:
        titles = {word: meaning(word) for word in words_and_symbols()}
    lines = [f"- `{name}`: {title}" for name, title in titles.items()]
    return "\n".join([f"# {topic}: {LISTS[topic]}", "", *lines]) + "\n"


def _layer_page(word: str) -> str | None:
    """A layer's title, its class's docstring, its arguments and its example."""
    from cnnspec.ops import lookup
    from cnnspec.ops.base import arguments_of

    op = lookup(word)
    if op is None:
        return None
    parts = [f"# {word}: {op.title}", _outdented(op.__doc__ or "")]
    rows = []
    for name, argument in arguments_of(op):
        field = op.model_fields[name]
        forms = [
            *([f"{argument.letter}…"] if argument.letter else []),
            *([f"{argument.keyword}=…"] if argument.keyword else []),
            *([f"{word} …"] if argument.positional is not None else []),
            *(flag for flag, _ in argument.flags),
        ]
        needed = ", must be given" if field.is_required() else ""
        rows.append(f"- `{'` `'.join(forms)}`: {argument.doc}{needed}")
    if rows:
        parts.append("## Arguments\n\n" + "\n".join(rows))
    parts.append(f"## Example\n\n```cnn\n{op.example.strip()}\n```")
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def _outdented(text: str) -> str:
    """A docstring as Markdown: without the indentation that its place in the code gives it."""
    first, _, rest = text.partition("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest.splitlines() if line.strip()), default=0)
    return "\n".join([first.strip(), *(line[margin:].rstrip() for line in rest.splitlines())])
