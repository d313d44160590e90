"""A whole network in the shorthand of papers: `C64-C128-P2`, `1x29x29-20C4-MP2-40C5-MP3-150N-10N`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule

_PART = (
    r"(?:[0-9]+(?:C|N|FC)[0-9]*(?:S[0-9]+)?|[CP][0-9]+|[MA]P[0-9]+|FC?[0-9]+"
    r"|SM[0-9]*|[0-9]+SM|BN|R|ReLU|[Ss]oftmax|[0-9]+|[0-9]+(?:x[0-9]+){1,2})"
)
_LINE = re.compile(rf"[ \t]*({_PART}(?:[ \t]*[-–][ \t]*{_PART})+)[ \t]*(?=[#\r\n]|$)")
_WIDTHS = re.compile(
    r"[ \t]*(?:[\w.]+[ \t]*=[ \t]*)?(?:\{[ \t]*[\"']\w+[\"'][ \t]*:[ \t]*)?"
    r"([\[(]\s*(?:[0-9]+|[\"'][MA][\"'])(?:[,\s]+(?:[0-9]+|[\"'][MA][\"'])){1,60}[,\s]*[\])])[ \t]*\}?"
)
_SPLIT = re.compile(r"([0-9]*)([A-Za-z]*)([0-9]*)(?:S([0-9]+))?")
_WORDS = {"BN": "bn", "R": "relu", "RELU": "relu", "SM": "softmax", "SOFTMAX": "softmax"}
_SIZE = 3
"""The filter size where the shorthand has none."""


def _shorthand(m: Mistake) -> Answer | None:
    line = _LINE.match(m.text, m.begin)
    if line is None or m.inside or "C" not in line[1]:
        return None
    parts = re.split(r"[ \t]*[-–][ \t]*", line[1])
    if "x" in parts[0]:
        parts.pop(0)  # the size of the input
    found = [_SPLIT.fullmatch(part) for part in parts]
    if not all(found):
        return None
    steps, is_vector, open_sizes = list[str](), False, False
    for part in filter(None, found):
        first, word, last, stride = part[1], part[2].upper(), part[3], part[4]
        if word == "C":
            filters, size = (first, last) if first else (last, "")
            open_sizes = open_sizes or not size
            stands = f" S{stride}" if stride else ""
            around = "" if size else f" P{_SIZE // 2}"
            steps.append(f"conv F{size or _SIZE}{stands}{around} K{filters}")
        elif word in ("P", "MP", "AP"):
            steps.append(f"{'avgpool' if word == 'AP' else 'maxpool'} F{last}")
        else:
            if first or last:
                steps += [] if is_vector else ["flatten"]
                is_vector = True
                steps.append(f"fc {first or last}")
            steps += [_WORDS[word]] if word in _WORDS else []
    plain, span = " -> ".join(steps), Span(*line.span(1))
    way = f"write `{plain}`" + (
        "" if "relu" in steps else ", with an activation after each layer that has one"
    )
    if open_sizes:
        way = f"with the filter sizes that the paper has, for instance `{plain}`"
    fix = () if open_sizes else (Edit(span, plain),)
    message = "this is the shorthand of papers; a layer is a word with its hyperparameters"
    return Answer("E102", message, span, way, fix, reads="", since=span.start, resume=span.end)


def _widths(m: Mistake) -> Answer | None:
    """`features = [64, 'M', 128, 'M']`, the list of a VGG."""
    line = _WIDTHS.match(m.text, m.begin)
    if line is None or not re.search("[\"'][MA][\"']", line[1]):
        return None
    parts = re.findall(r"[0-9]+|[MA]", line[1])
    pools = {"M": "maxpool F2", "A": "avgpool F2"}
    steps = [pools.get(part) or f"conv F3 P1 K{part} -> relu" for part in parts]
    message = "this is a VGG's list of filters; a spec has its layers"
    way = f"with 3x3 filters, as a VGG has them, it is `{' -> '.join(steps)}`"
    return Answer("E102", message, Span(*line.span(1)), way, reads="", since=m.begin, resume=line.end())


SHORTHAND = (
    Rule({"⟦[64, 'M', 128, 128, 'M']⟧": ""}, when=_widths),
    Rule({"⟦C64-C128-P2⟧": "", "⟦32C5-MP2-10N⟧": "conv F5 K32 -> maxpool F2 -> flatten -> fc 10",
          "⟦32C5S2-BN-R-128FC-10SM⟧":
              "conv F5 S2 K32 -> bn -> relu -> flatten -> fc 128 -> fc 10 -> softmax"},
         when=_shorthand),
)  # fmt: skip
