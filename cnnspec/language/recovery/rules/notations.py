"""Other tools' notations, where they cannot be read as this language's. (Elsewhere they are reported when the
layers are looked up.)
"""

from __future__ import annotations

from cnnspec.diagnostics import Span
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules.forms import FORMS
from cnnspec.notations import Notation, Translation

_PYTHON_GOES_ON = ("()", "):", '"""')
"""Ends of lines that go on with Python, once some is reported."""


def _answer(found: Translation, message: str) -> Answer:
    return Answer("E102", message, found.span, found.help, found.fix, cause=found.cause)


def _input_call(m: Mistake) -> Answer | None:
    found = m.translation
    return _answer(found, found.message) if found and found.notation is Notation.INPUT_CALL else None


def _translated(m: Mistake) -> Answer | None:
    """That a whole file is Python is reported once."""
    found = m.translation
    if found is None:
        return None
    again = found.notation is Notation.PYTHON and not found.text and m.has_cause("python")
    return _answer(found, "" if again else found.message)


def _goes_on(m: Mistake) -> Answer | None:
    if not m.line.rstrip().endswith(_PYTHON_GOES_ON) or not m.has_cause("python"):
        return None
    return Answer("E102", "", Span(m.begin, m.begin + len(m.line.rstrip())), cause="python")


NOTATIONS = (
    Rule({"⟦Input(shape=(28, 28, 1))⟧": "input 1x28x28"}, when=_input_call),
    *FORMS,
    Rule(
        {
            "relu -> ⟦7x7 conv, 64, /2⟧ -> bn": "relu -> conv F7 S2 K64 -> bn",
            "⟦Conv2D(32, (3, 3), activation='relu')⟧": "conv F3 K32 -> relu",
            "⟦[maxpool]\nsize=2\nstride=2⟧": "maxpool F2 ceil",
        },
        when=_translated,
    ),
    Rule({"⟦import torch.nn as nn⟧\n    super().__init__()": ""}, when=_goes_on),
)
