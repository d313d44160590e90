"""Branches that do not match because C, T, H or W in one of them is not the size that its author meant.

In `mul [ id | gap -> fc K=C//16 -> relu -> fc K=C -> sigmoid ]` the last C is the channels of its own input,
the C//16 of the layer before.
"""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.ops.base import Shape, axes_of

NAMED = re.compile(r"(?<![\w@.])[CTHW](?!\w)")
MEANING = {"C": "channels", "T": "frames", "H": "rows", "W": "columns"}


def size_meant(
    builder: BodyBuilder, merge: Span, branch: Span, needed: Shape | None, shape: Shape | None
) -> str:
    """The help for a step of this branch that names a size which would fit at the beginning of the branch but
    differs at the step. `needed` is the shape that the branch must give, `found` the one that it gives."""
    steps = [step for step in builder.steps if branch.start <= step.span.start < branch.end and step.inputs]
    start = builder.values[steps[0].inputs[0]] if steps else None
    if start is None or needed is None or shape is None or not len(start) == len(needed) == len(shape):
        return ""
    for step in reversed(steps):
        input_shape = builder.values[step.inputs[0]]
        if input_shape is None or len(input_shape) != len(start):
            continue
        text = builder.context.text[slice(*step.span)]
        letters = "C" + axes_of(start)
        wrong = {}
        for name in dict.fromkeys(NAMED.findall(text)):
            axis = letters.find(name)
            size_here, size_at_start = (input_shape[axis], start[axis]) if axis >= 0 else (0, 0)
            if size_here != size_at_start and (needed[axis], shape[axis]) == (size_at_start, size_here):
                wrong[name] = size_here, size_at_start
        if wrong:
            return _help(builder, merge, " ".join(text.split()), wrong)
    return ""


def _help(builder: BodyBuilder, merge: Span, text: str, wrong: dict[str, tuple[int, int]]) -> str:
    """`wrong` maps each name to its value at the step and the value that was meant."""
    names = " and ".join(f"`{name}`" for name in wrong)
    sizes_here, sizes_at_start = (
        " and ".join(str(pair[which]) for pair in wrong.values()) for which in (0, 1)
    )
    meaning = MEANING[next(iter(wrong))] if len(wrong) == 1 else "sizes"
    verb = "is" if len(wrong) == 1 else "are"
    message = f"{names} in `{text}` {verb} {sizes_here}, the {meaning} of its own input"
    blocks = builder.context.statements.blocks.values()
    inside = any(block.span.start <= merge.start < block.span.end for block in blocks)
    lets = []
    for name, (_, meant) in wrong.items():
        own = name.lower() if builder.scope.find(name.lower()) is None else f"{name.lower()}_in"
        lets.append(f"`let {own} = {name}`")
        text = _written(text, name, own if inside else str(meant))
    before = f"{' and '.join(lets)} before the merge, and " if inside else ""
    return f"{message}, not {sizes_at_start}: write {before}`{text}`"


def _written(text: str, name: str, instead: str) -> str:
    """The step with another name; `K=C` with a number is `K64`."""
    if instead.isdigit():
        text = re.sub(rf"\b([A-Z])={name}(?!\w)(?! *[-+*/(])", rf"\g<1>{instead}", text)
    return re.sub(rf"(?<![\w@.]){name}(?!\w)", instead, text)
