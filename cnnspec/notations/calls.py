"""Calls of PyTorch, Keras and MATLAB, read by the tables of their layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.entry import Entry, Reading, read
from cnnspec.notations.pieces import closed, parts_of

LONGEST = 500
"""Characters of a step that are looked at."""
_HEAD = re.compile(r"[ \t]*((?:[A-Za-z_]\w*\.)*)([A-Za-z_]\w*)\(")
_MATLAB_NAME = re.compile(r"['\"]([A-Z]\w+)['\"]")


class Tool(NamedTuple):
    name: str
    entries: Sequence[Entry]
    ignored: frozenset[str]
    prefixes: Sequence[str]


class Call(NamedTuple):
    prefix: str
    name: str
    positional: Sequence[str]
    named: dict[str, str]
    rest: str
    """What follows the last bracket."""


@cache
def tools() -> tuple[Tool, ...]:
    from cnnspec.notations import keras, matlab, torch

    return (
        Tool("torch", torch.TORCH, torch.IGNORED, ("nn", "torch", "F", "functional")),
        Tool("Keras", keras.KERAS, keras.IGNORED, ("layers", "keras", "tf", "tfl", "L")),
        Tool("MATLAB", matlab.MATLAB, matlab.IGNORED, ()),
    )


def name_of(entry: Entry) -> str:
    return re.split(r"\W", entry.example, maxsplit=1)[0]


@cache
def _entries() -> dict[str, list[tuple[Tool, Entry]]]:
    """The entries by name; by name as people write it from memory; and by that without the number of axes."""
    found: dict[str, list[tuple[Tool, Entry]]] = {}
    for tool in tools():
        for entry in tool.entries:
            name = name_of(entry)
            for key in {name, f"~{fold(name)}", f"?{fold(name).removesuffix('2d')}"}:
                found.setdefault(key, []).append((tool, entry))
    return found


def _entries_of(name: str) -> tuple[list[tuple[Tool, Entry]], bool]:
    """The entries with this name, and whether it is all of their name."""
    for key in (name, f"~{fold(name)}"):
        if key in _entries():
            return _entries()[key], True
    return _entries().get(f"?{fold(name)}", []), False


def is_known(name: str) -> bool:
    """Whether some tool has a layer of this name."""
    return bool(_entries_of(name)[0])


def parsed(text: str) -> Call | None:
    """A call's name and arguments; its last bracket may be missing.

    >>> parsed("nn.Conv2d(3, 64, kernel_size=(7, 7))(x)")
    Call(prefix='nn', name='Conv2d', positional=['3', '64'], named={'kernel_size': '(7, 7)'}, rest='(x)')
    """
    head = _HEAD.match(text)
    if head is None or len(text) > LONGEST:
        return None
    end = closed(text, head.end() - 1)
    inside = text[head.end() : None if end is None else end - 1]
    positional: list[str] = []
    named: dict[str, str] = {}
    parts = iter(parts_of(inside))
    for part in parts:
        key, is_, value = part.partition("=")
        if is_ and key.strip().isidentifier():
            named[key.strip()] = value.strip()
        elif pair := _MATLAB_NAME.fullmatch(part):
            named[pair[1]] = next(parts, "")
        else:
            positional.append(part)
    prefix = head[1].rstrip(".").rpartition(".")[2] if head[1] else ""
    return Call(prefix, head[2], positional, named, text[end or len(text) :].strip(" \t,;"))


def read_call(call: Call) -> Reading | None:
    """The layer of a call; None where no tool has it.

    >>> read_call(parsed("Conv2d(3, 64, kernel_size=(7, 7), padding=3)"))
    Reading(text='conv F7 P3 K64', why='', fits=True)
    >>> read_call(parsed("LeakyReLU()")).why
    'in torch it is `leaky`, in Keras `leaky 0.3`'
    """
    entries, whole = _entries_of(call.name)
    if call.prefix in ("F", "functional"):  # the tensor comes first
        call = call._replace(positional=call.positional[1:])
    if any(call.prefix in tool.prefixes for tool, _ in entries):
        entries = [(tool, entry) for tool, entry in entries if call.prefix in tool.prefixes]
    read_as = [(tool, read(entry, call.positional, call.named, tool.ignored)) for tool, entry in entries]
    fitting = [(tool, reading) for tool, reading in read_as if reading.fits] or read_as[:1]
    if not fitting or not (whole or fitting[0][1].fits):
        return None
    first = fitting[0][1]
    if all(reading == first for _, reading in fitting):
        if whole or call.name.islower() or first.why:
            return first
        return first._replace(why=f"tools differ in what `{call.name}` is")
    ways = {
        f"{tool.name} {f'`{one.text}`' if one.text else f'none: {one.why}'}": None for tool, one in fitting
    }
    return Reading("", "in " + ", in ".join(ways).replace(" ", " it is ", 1))
