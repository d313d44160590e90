"""From a .cfg to a trace. Layers are referred to by number: `from=-3` and `layers=-1, 61` count from the
current layer if they are negative, else from the first one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import TypeAlias

from cnnspec.notations.darknet import HEADS, Section, sections
from cnnspec.ops.base import Shape
from cnnspec.sources.calls.record import NOT_FITTING, Record, Untranslatable, possible
from cnnspec.sources.calls.trace import Tensor, Trace, Value
from cnnspec.sources.layers import Scope

MOST_LAYERS = 20_000
LARGEST = 2**31
RECURRENT = frozenset(("rnn", "lstm", "gru", "crnn", "conv_lstm", "history"))
"""Sections of networks that read a sequence step by step."""


class Refused(ValueError):
    """The reason why a text is not a network of Darknet, or why a layer cannot be translated."""


@dataclass
class Context:
    """made: the output of each layer, by its number; before: the last one. section: the current layer, on
    this line."""

    section: Section
    before: Tensor
    line: int = 1
    record: Record = field(default_factory=Record)
    made: list[Tensor] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)

    def text(self, key: str, otherwise: str = "") -> str:
        return self.section.keys.get(key, otherwise)

    def integer(self, key: str, otherwise: int = 0) -> int:
        text = self.text(key)
        try:
            value = int(text) if text else otherwise
        except ValueError:
            value = LARGEST
        if abs(value) >= LARGEST:
            raise Untranslatable(f"its {key} is {text[:40]!r}")
        return value

    def number(self, key: str, otherwise: float) -> float:
        text = self.text(key)
        try:
            value = float(text) if text else otherwise
        except ValueError:
            value = inf
        if not isfinite(value):
            raise Untranslatable(f"its {key} is {text[:40]!r}")
        return value

    def others(self, key: str) -> list[Tensor]:
        """The outputs of the layers in a list of numbers."""
        tensors: list[Tensor] = []
        for part in self.text(key).split(","):
            try:
                place = int(part)
            except ValueError:
                raise Untranslatable(f"its {key} is {self.text(key)[:40]!r}") from None
            place += len(self.made) if place < 0 else 0
            if not 0 <= place < len(self.made):
                raise Untranslatable(f"there is no layer {part.strip()} before it")
            tensors.append(self.made[place])
        return tensors

    def shape(self, tensor: Tensor) -> Shape:
        return self.record.shape(tensor)

    @property
    def name(self) -> str:
        return f"{len(self.made)}"

    def weight(self, name: str, *shape: int) -> Tensor:
        """A weight of this layer, or of the layer that it shares its weights with."""
        key = f"{self.text('share_index') or self.name}.{name}"
        if key not in self.weights:
            self.weights[key] = self.record.weight(key, shape)
        stored = self.weights[key]
        if self.shape(stored) != shape:
            raise Untranslatable(
                f"it has other weights than layer {self.text('share_index')[:20]}, which it shares"
            )
        return stored

    def call(self, op: str, /, shape: Sequence[int], **arguments: Value) -> Tensor:
        place = f"line {self.line}"
        possible(shape)
        return self.record.call(op, arguments, [shape], (Scope(""),), Scope(self.name), place)[0]


Converting: TypeAlias = Callable[[Context], Tensor]


def convert(text: str, name: str = "", size: Shape | None = None) -> Trace:
    """The trace of a network, for one image. size: C x H x W of the input, where the text does not give
    it."""
    from cnnspec.sources.darknet.layers import TABLE

    all_sections = list(sections(text))
    if not all_sections or all_sections[0].name not in ("net", "network"):
        raise Refused("no network is found in it: a .cfg begins with [net]")
    if len(all_sections) > MOST_LAYERS:
        raise Refused(f"it has more than {MOST_LAYERS:,} layers")
    for section in all_sections:
        if section.name in RECURRENT:
            line = text.count("\n", 0, section.span.start) + 1
            raise Refused(f"line {line}: [{section.name}]: a recurrent layer; the language has none")
    context = Context(all_sections[0], Tensor(0))
    context.before = context.record.input("data", (1, *_size(context, size)))
    heads: list[Tensor] = []
    for section in all_sections[1:]:
        context.section, context.line = section, text.count("\n", 0, section.span.start) + 1
        if section.name in HEADS:
            heads.append(context.before)
        else:
            context.before = _converted(context, TABLE)
        context.made.append(context.before)
    if all_sections[-1].name not in HEADS:
        heads.append(context.before)
    ends = list(dict.fromkeys(heads))
    outputs = [(f"out{place}" if len(ends) > 1 else "", end) for place, end in enumerate(ends, 1)]
    return context.record.trace(name if name.isidentifier() else "Model", 1, outputs)


def _size(context: Context, size: Shape | None) -> Shape:
    try:
        shape = tuple(context.integer(key) for key in ("channels", "height", "width"))
    except Untranslatable as why:
        raise Refused(f"line 1: [{context.section.name}]: {why}") from None
    if not all(0 < one < LARGEST for one in shape):
        if size is None:
            raise Refused("the size of its input is not in it: say it, as CxHxW")
        return size
    return shape


def _converted(context: Context, table: Mapping[str, Converting]) -> Tensor:
    where = f"line {context.line}: [{context.section.name}]"
    if context.section.name not in table:
        raise Refused(f"{where}: no layer of the language does this")
    try:
        return table[context.section.name](context)
    except Untranslatable as why:
        raise Refused(f"{where}: {why}"[:200]) from None
    except NOT_FITTING:
        raise Refused(f"{where}: its numbers do not fit its input") from None
