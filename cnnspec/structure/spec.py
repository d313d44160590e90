"""From a layer list to the text of a spec, with the keys of its weights in the source.

Each form of the text is elaborated and compared with the list; the first form that is right is returned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from cnnspec.diagnostics import Sink, Source
from cnnspec.language import parse
from cnnspec.sources.layers import LayerList
from cnnspec.structure.align import TooMuch
from cnnspec.structure.blocks import Written, written
from cnnspec.structure.check import Differs, keys_of
from cnnspec.structure.draft import Unsolved
from cnnspec.structure.tidy import tidied
from cnnspec.structure.tied import with_shared


class UnfitList(ValueError):
    """A layer list that is not a valid network."""


class Spec(NamedTuple):
    """text: the formatted spec. keys: the key of each weight in the emitted program's state_dict → its key in
    the source. form: how the text was made, a name of FORMS. apart: the keys of the source that belong to
    several weights of the text: weights of a module that is called more than once and could not become a
    `shared` block."""

    text: str
    keys: Mapping[str, str]
    form: str
    apart: tuple[str, ...] = ()


def spec(network: LayerList) -> Spec:
    """The spec of a network. Raises `UnfitList` where the list is not valid."""
    for misfit in network.misfits():
        raise UnfitList(misfit)
    ready = tidied(network)
    wrong = ""
    skipped = {FILE, APART} if with_shared(ready) is ready else set()  # without tied weights: as the first
    for name, form in FORMS:
        if name in skipped:
            continue
        try:
            result = form(ready)
            text = formatted(result.text)
            keys = keys_of(ready, result.body, text)
            count = Counter(keys.values())
            return Spec(text, keys, name, tuple(key for key in count if count[key] > 1))
        except (Differs, TooMuch, Unsolved) as difference:
            wrong = wrong or str(difference)
            skipped |= {FILE, APART} if isinstance(difference, TooMuch) else set()
    raise UnfitList(wrong)


FILE = "blocks, shared ones in the file"
APART = "blocks, weights apart"
FORMS: tuple[tuple[str, Callable[[LayerList], Written]], ...] = (
    ("blocks", partial(written, shared="in blocks")),
    (FILE, partial(written, shared="in the file")),
    (APART, written),
    ("exact blocks", partial(written, parameters=False)),
    ("flat", partial(written, scopes=False)),
)


def formatted(text: str) -> str:
    from cnnspec.language.formatter import format_file

    source = Source("model.cnn", text)
    return format_file(source, parse(source, Sink()))
