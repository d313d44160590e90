"""Functions of one block that come out alike.

A block that is used on vectors and on images is lowered once for each number of axes; in NumPy the two are
often the same lines, and are then one function.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from cnnspec.targets.numpy.statements import Call, Function, Layers, every

NOTE = re.compile(r"  # .*$", re.MULTILINE)


class Alike:
    """The functions that were written so far, by their code, and which name stands for which."""

    def __init__(self) -> None:
        self.written: dict[tuple[str | None, str], tuple[Function, int]] = {}
        self.names: dict[str, str] = {}
        self.texts: list[str] = []

    def add(self, function: Function, forward: str, backward: str) -> None:
        """The text of a function, or nothing where the block has this one already."""
        code = NOTE.sub("", f"{forward}\n\n\n{backward}")
        code = re.sub(rf"^def {function.name}(_backward)?\(", r"def \1(", code, flags=re.MULTILINE)
        code = re.sub(r'^    """The block .*$', "", code, count=1, flags=re.MULTILINE)
        earlier = self.written.setdefault((function.source.template.block, code), (function, len(self.texts)))
        if earlier[0] is function or function.source.template.kind != "block":
            self.texts += [forward, backward]
            return
        for kind in ("", "_backward"):
            self.names[function.name + kind] = earlier[0].name + kind
        for place, text in enumerate((forward, backward), start=earlier[1]):
            self.texts[place] = _common(self.texts[place], text)

    def renamed(self, function: Function) -> None:
        """Lets a function call those that are written."""
        for step in every(function.steps):
            if isinstance(step, Call):
                step.function = self.names.get(step.function, step.function)
                for one in step.layers:
                    self._given(one)

    def _given(self, layers: Layers) -> None:
        layers.forward = self.names.get(layers.forward, layers.forward)
        layers.backward = self.names.get(layers.backward, layers.backward)
        for one in layers.layers:
            self._given(one)


def _common(text: str, other: str) -> str:
    """The text, without the comments (the shapes) that do not hold in the other."""
    lines = zip_longest(text.split("\n"), other.split("\n"), fillvalue="")
    return "\n".join(
        one if NOTE.findall(one) == NOTE.findall(two) else NOTE.sub("", one) for one, two in lines
    )
