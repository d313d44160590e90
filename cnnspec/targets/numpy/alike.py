"""Functions that have the same code.

A block that is used on vectors and on images is lowered once for each number of axes, and once more for
frozen uses; in NumPy these often have the same lines, and then become one function. So do layers that are
passed to blocks."""

from __future__ import annotations

import re
from itertools import zip_longest

from cnnspec.targets.numpy.statements import Call, Function, Layers, every

NOTE = re.compile(r"  # .*$", re.MULTILINE)


class Alike:
    """The functions written so far, by their code, and the name that replaces each name."""

    def __init__(self) -> None:
        self.written: dict[tuple[str, str | None, str, str], tuple[str, int]] = {}
        """Names and places in `texts`, by the kind of template, the block, the kind of pass and the code."""
        self.names: dict[str, str] = {}
        self.texts: list[str] = []

    def add(self, function: Function, forward: str, backward: str) -> None:
        """Writes the forward and the backward pass of a function, unless the same lines are there already."""
        self._add(function, "", forward)
        self._add(function, "_backward", backward)

    def _add(self, function: Function, kind: str, text: str) -> None:
        name, template = function.name + kind, function.source.template
        code = NOTE.sub("", text).removeprefix(f"def {name}(")
        code = re.sub(r'^    """.*$', "", code, count=1, flags=re.MULTILINE)
        key = template.kind, template.block, kind, code
        earlier, place = self.written.setdefault(key, (name, len(self.texts)))
        if earlier == name:
            self.texts.append(text)
        else:
            self.names[name] = earlier
            self.texts[place] = _common(self.texts[place], text)

    def renamed(self, function: Function) -> None:
        """Replaces the names of the functions that a function calls by the written ones."""
        for step in every(function.steps):
            if isinstance(step, Call):
                step.backward = self.names.get(f"{step.function}_backward", "")
                step.function = self.names.get(step.function, step.function)
                for layer in step.layers:
                    self._note_calls(layer)

    def _note_calls(self, layers: Layers) -> None:
        layers.forward = self.names.get(layers.forward, layers.forward)
        layers.backward = self.names.get(layers.backward, layers.backward)
        for layer in layers.layers:
            self._note_calls(layer)


def _common(text: str, other: str) -> str:
    """The text without the comments (the shapes) that are not the same in the other text."""
    lines = zip_longest(text.split("\n"), other.split("\n"), fillvalue="")
    return "\n".join(
        one if NOTE.findall(one) == NOTE.findall(two) else NOTE.sub("", one) for one, two in lines
    )
