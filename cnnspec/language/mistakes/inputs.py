"""The input in another form: `input (N, 3, 32, 32)`, `input 32x32 RGB`, `input shape=3x32x32`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.mistakes.mistake import Told

_LINE = re.compile(
    r"[ \t]*(?:input|inputs|Input|Inputs|INPUT)(?:[ \t]*[:=(]+[ \t]*|[ \t]+)"
    r"(?:(?:shape|size|image)[ \t]*=?[ \t]*)?(.*?)[ \t)]*"
)
_BATCH = re.compile(r"[(\[ \t]*(?:[NB?]|None|-1|batch|batch_size)[ \t]*[xX×*,][ \t]*(?=[0-9])")
_COLOURS = {"rgb": "3", "bgr": "3", "colour": "3", "color": "3", "gray": "1", "grey": "1", "grayscale": "1"}
_CHANNELS = re.compile(r"([0-9]+)[ \t]*(?:channels?|ch)\b[ \t]*[,x×of]*")
MESSAGE = "an input is its channels, rows and columns, joined by `x`"


def input_otherwise(line: str, begin: int) -> Told | None:
    """What is told of such a line, where it is sure what it means."""
    code = line.split("#")[0].rstrip()
    found = _LINE.fullmatch(code)
    if found is None:
        return None
    body, before = found[1], ""
    without = _BATCH.sub("", body, count=1)
    if channels := _CHANNELS.search(without):
        before, without = channels[1], without.replace(channels[0], "", 1)
    words = re.findall(r"[A-Za-z]{2,}", without)
    if len(words) == 1 and words[0].lower() in _COLOURS and not before:
        before, without = _COLOURS[words[0].lower()], without.replace(words[0], "")
    sizes = re.findall(r"[0-9]+", without)
    if re.sub(r"[0-9]|[xX×*,;()\[\] \t]|pixels?\b|px\b", "", without):
        return None
    sizes = [before, *sizes] if before and len(sizes) == 2 else sizes
    if len(sizes) != 3:
        return None
    shown = f"input {'x'.join(sizes)}"
    stripped = code.strip()
    if stripped == shown:
        return None
    span = Span(begin + code.index(stripped), begin + code.index(stripped) + len(stripped))
    batch = ", and no batch axis" if _BATCH.match(body) else ""
    return f"{MESSAGE}{batch}", span, f"here it is `{shown}`", (Edit(span, shown),), "input"
