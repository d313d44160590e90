"""An op is made as pydantic makes it, though pydantic is asked only about what is not surely right."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from cnnspec.ops import words
from cnnspec.ops.base import Init
from cnnspec.ops.made import _recognised, made
from tests.ops.binder import op as bind
from tests.ops.test_json_and_text import BY_HAND, drawn

VALUES: list[Any] = [
    *(-1, 0, 1, 7, True, False, None, "same", "one", "reflect"),
    *((-1, 1), (0, 0), (1, 0), (2, 3), (1, 2, 3), (1,), ()),
    *(Fraction(-1), Fraction(0), Fraction(1, 2), Fraction(1), Fraction(2), Fraction(10**39)),
    *(Init("he"), Init("normal"), Init("normal", Fraction(1)), Init("normal", Fraction(0)), Init("nonsense")),
    *((((Fraction(1),),),), (((1,),),), ((0, 1), (2,)), ((-1,),)),
]


def recognised(op: Any, values: dict[str, Any]) -> Any:
    return _recognised(op, tuple((name, type(value), value) for name, value in values.items()))


def given(op: Any) -> dict[str, Any]:
    return {name: getattr(op, name) for name in op.model_fields_set}


def test_what_is_right_needs_no_pydantic() -> None:
    for text, axes in [*((text, 2) for text in (*BY_HAND, "relu", "add", "gap")), *drawn()]:
        op = bind(text, axes)
        found = recognised(type(op), given(op))
        assert found == op, text
        assert repr(found) == repr(op)
        assert found.model_fields_set == op.model_fields_set


def test_what_is_recognised_pydantic_takes_too() -> None:
    refused = 0
    seen = set()
    for text, axes in [*((text, 2) for text in BY_HAND), *drawn()]:
        op = bind(text, axes)
        for name in type(op).model_fields:
            if (op.word, name) in seen:
                continue
            seen.add((op.word, name))
            for value in VALUES:
                values = given(op) | {name: value}
                try:
                    expected = type(op)(**values)
                except ValidationError:
                    refused += 1
                    assert recognised(type(op), values) is None, values
                    with pytest.raises(ValidationError):
                        made(type(op), values)
                else:
                    assert made(type(op), values) == expected
                    assert recognised(type(op), values) in (None, expected), values
    assert refused > 1000
    assert len({word for word, _ in seen}) > len(words()) // 2


def test_without_what_it_needs() -> None:
    with pytest.raises(ValidationError, match="K"):
        made(type(bind("conv F3 K4")), {"F": (3, 3)})
