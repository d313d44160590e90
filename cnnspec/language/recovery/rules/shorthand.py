"""A whole network in the shorthand of papers: `C64-C128-P2`, `32C5-MP2-64C5-MP2-512N-10N`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule

_PART = r"(?:[0-9]+[CN][0-9]*|[CP][0-9]+|MP[0-9]+|AP[0-9]+|FC?[0-9]+)"
_LINE = re.compile(rf"[ \t]*({_PART}(?:[ \t]*[-–][ \t]*{_PART})+)[ \t]*(?=[#\r\n]|$)")
_SIZE = 3
"""The filter size where the shorthand has none."""


def _shorthand(m: Mistake) -> Answer | None:
    line = _LINE.match(m.text, m.begin)
    if line is None or m.inside or "C" not in line[1]:
        return None
    steps, is_vector, open_sizes = list[str](), False, False
    for part in re.split(r"[ \t]*[-–][ \t]*", line[1]):
        first, word, last = re.fullmatch(r"([0-9]*)([A-Z]+)([0-9]*)", part).groups()  # type: ignore[union-attr]
        if word == "C":
            filters, size = (first, last) if first else (last, "")
            open_sizes = open_sizes or not size
            around = "" if size else f" P{_SIZE // 2}"
            steps.append(f"conv F{size or _SIZE}{around} K{filters}")
        elif word in ("P", "MP", "AP"):
            steps.append(f"{'avgpool' if word == 'AP' else 'maxpool'} F{last}")
        else:
            steps += [] if is_vector else ["flatten"]
            is_vector = True
            steps.append(f"fc {first or last}")
    plain, span = " -> ".join(steps), Span(*line.span(1))
    way = f"write `{plain}`, with an activation after each layer that has one"
    if open_sizes:
        way = f"with the filter sizes that the paper has, for instance `{plain}`"
    fix = () if open_sizes else (Edit(span, plain),)
    message = "this is the shorthand of papers; a layer is a word with its hyperparameters"
    return Answer("E102", message, span, way, fix, reads="", since=span.start, resume=span.end)


SHORTHAND = (
    Rule({"⟦C64-C128-P2⟧": "", "⟦32C5-MP2-10N⟧": "conv F5 K32 -> maxpool F2 -> flatten -> fc 10"},
         when=_shorthand),
)  # fmt: skip
