"""A few specs that together show every layer with each of its arguments, out of the layers' case files."""

from __future__ import annotations

from functools import cache

from cnnspec.ir.flat import flat
from tests.cases import views
from tests.cases.markdown import FOLDER, read


@cache
def shown(word: str) -> dict[str, frozenset[str]]:
    """The specs without errors that have the layer, and the arguments that it is written with there."""
    found = {}
    for case in read(FOLDER / "layers" / f"{word}.md")[0]:
        (model,) = views.checked(case.text, case.options)
        if model.buildable and model.graph is not None:
            ops = [entry.op for entry in flat(model.graph) if entry.op is not None and entry.op.word == word]
            if ops or word in case.text.replace("[", " ").split():  # id and none leave no layer behind
                found[case.text] = frozenset(name for op in ops for name in op.model_fields_set)
    return found


def every_argument(word: str) -> list[str]:
    """One spec of the layer after the other, where it adds an argument to those before it."""
    chosen = []
    seen: frozenset[str] | None = None
    for text, arguments in shown(word).items():
        if seen is None or not arguments <= seen:
            chosen.append(text)
            seen = arguments | (seen or frozenset())
    return chosen
