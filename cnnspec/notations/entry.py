"""One layer of another tool: an example, its translation, and the translation of its arguments.

An entry's `arguments` are its signature there, each parameter with its meaning here after a colon:

    in_channels:known out_channels:K kernel_size:F stride:S=1 bias:bias=True padding_mode:='zeros'

A parameter without `=` is required. Its meaning here is one of

    F S P D G K, eps, momentum …    the letter or the argument with that name
    *                               the one value without a name: `fc 10`
    known                           nothing that the network depends on; any value is accepted
    takes                           the channels of the input, which are known; a value has to be these
    +reflect                        a word that the layer always has here
    nothing                         must have its default: there is no counterpart here
    a name of `MEANINGS`            a value that is written differently here: `bias=False` is `nobias`
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.meanings import MEANINGS, NO_OTHERS
from cnnspec.notations.values import DEFAULTS, Arguments, argument, equal, written_layer
from cnnspec.notations.words import UNNEEDED

ANYTHING = "*"
"""The arguments of a layer that has the same translation whatever they are."""


class Entry(NamedTuple):
    """A layer of another tool: an example call, and its translation. Without a text it has no counterpart
    here; with a `why`, the counterpart is not certain."""

    example: str
    here: str
    arguments: str = ""
    why: str = ""
    takes: str = "8x16x16"
    """A shape that the example's layer takes."""
    adjust: Callable[[Arguments], None] | None = None
    """For values whose meaning depends on each other: rewrites the arguments before they are read."""


class Reading(NamedTuple):
    """A layer in this language; the reason if the translation is not certain; and whether the arguments fit
    the entry."""

    text: str
    why: str = ""
    fits: bool = True
    takes: str = ""
    """The number of input channels (or inputs, for a vector) that the original states."""


class Parameter(NamedTuple):
    name: str
    meaning: str
    default: str | None = None


@cache
def parameters(arguments: str) -> tuple[Parameter, ...]:
    """The signature of an entry.

    >>> parameters("units:* use_bias:bias=True")[1]
    Parameter(name='use_bias', meaning='bias', default='True')
    """
    parameters_ = []
    for one in arguments.split():
        name, _, rest = one.partition(":")
        meaning, is_, default = rest.partition("=")
        parameters_.append(Parameter(name, meaning, default if is_ else None))
    return tuple(parameters_)


def read(
    entry: Entry,
    positional: Sequence[str],
    named: Mapping[str, str],
    ignored: frozenset[str] = frozenset(),
) -> Reading:
    """The translation of a layer with its arguments as written, by its entry."""
    if entry.arguments == ANYTHING:
        return Reading(entry.here, entry.why)
    signature = parameters(entry.arguments)
    values = {one.name: value for one, value in zip(signature, positional, strict=False)}
    if len(positional) > len(signature) or values.keys() & named.keys():
        return Reading("", "it has other arguments", fits=False)
    values |= named
    if entry.adjust is not None:
        entry.adjust(values)
    word = entry.here.rpartition(": ")[2].partition(" ")[0]
    arguments: Arguments = {}
    takes = ""
    problems = []
    for parameter in signature:
        if parameter.name.startswith("+"):
            arguments[parameter.name[1:]] = ""
            continue
        value = values.pop(parameter.name, None)
        if value is None and parameter.default is None:
            return Reading("", f"`{parameter.name}` is missing", fits=False)
        if parameter.meaning in ("takes", "slopes") and value is not None and value.isdecimal():
            takes = "" if parameter.meaning == "slopes" and value == "1" else value
        found = _meaning(parameter, word, value)
        as_written = value or parameter.default or ""
        if found is None and parameter.meaning in NO_OTHERS:
            return Reading("", _no_counterpart(parameter.name, as_written), fits=False)
        if found is None and parameter.meaning == "weights":
            return Reading("", _NO_SHAPE.format(value))
        if found is None:
            problems.append(_no_counterpart(parameter.name, as_written))
        else:
            arguments |= found
            if parameter.meaning == "whole":
                takes = "x".join(re.findall("[0-9]+", value or ""))
    if "input_shape" in values:  # of Keras, at a first layer
        takes = (MEANINGS["image"](values["input_shape"]) or {}).get("*", "")
    unknown = [_no_counterpart(name, values[name]) for name in values if name not in ignored]
    why = "; ".join([entry.why] if entry.why else unknown + problems)
    text = written_layer(word, arguments) if word else ""
    if text is None:
        return Reading("", why or "it needs more than that", fits=not unknown)
    return Reading(text, why, not unknown, takes)


_NO_SHAPE = "its sizes are in the shape of its weights `{}`, which is not in this text"


def _no_counterpart(name: str, value: str) -> str:
    way = UNNEEDED.get(fold(name), "")
    return f"`{name}={value}` has no counterpart here" + (f" ({way})" if way else "")


def _meaning(parameter: Parameter, word: str, value: str | None) -> Arguments | None:
    """The translation of a parameter's value (None: its default); None if that is not certain."""
    written = parameter.default if value is None else value.strip()
    assert written is not None
    if parameter.meaning in ("known", "takes") or (written == "None" == parameter.default):
        return {}
    if not parameter.meaning:
        default = (parameter.default or "").strip("'\"").lower()
        return {} if written.strip("'\"").lower() == default or equal(written, default) else None
    if (means := MEANINGS.get(parameter.meaning)) is not None:
        return means(written)
    if value is None and equal(written, DEFAULTS.get(word, {}).get(parameter.meaning, "")):
        return {}
    return {parameter.meaning: written} if argument(parameter.meaning, written) is not None else None
