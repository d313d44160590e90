"""Makes an op with the values that a spec gives it. Right values are recognised by their declared types: to
build pydantic's validators takes a twelfth of the time of a `check`, and only a wrong value needs them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import PlainValidator, Strict
from pydantic.fields import FieldInfo

from cnnspec.ops.base import Argument, Op

FEW = 200
"""Where a spec has more different layers, the validators are the faster way."""


def made(op: type[Op], values: dict[str, Any]) -> Op:
    """The op with these arguments; pydantic's ValidationError where it refuses them."""
    if _recognised.cache_info().misses > FEW:
        return op(**values)
    return _recognised(op, tuple((key, type(value), value) for key, value in values.items())) or op(**values)


@cache
def _recognised(op: type[Op], values: tuple[tuple[str, type, Any], ...]) -> Op | None:
    """The op; None where pydantic has to decide. (Types are in the key because `1 == True`.)"""
    values_by_name = {name: value for name, _, value in values}
    fields = op.model_fields
    if all(
        _is_within(field.annotation, field.metadata, values_by_name[name])
        if name in values_by_name
        else not field.is_required()
        for name, field in fields.items()
    ):
        return op.model_construct(**values_by_name)
    return None


def _is_within(kind: Any, metadata: Iterable[Any], value: Any) -> bool:
    """Whether a value is surely of a type, and within its bounds."""
    metadata = [part for one in metadata for part in (one.metadata if isinstance(one, FieldInfo) else (one,))]
    if not any(isinstance(one, PlainValidator) for one in metadata) and not _is_a(kind, value):
        return False
    return all(_meets(one, value) for one in metadata)


def _meets(one: Any, value: Any) -> bool:
    match one:
        case PlainValidator():
            validate: Any = one.func
            try:
                kept = validate(value)
            except ValueError:
                return False
            return type(kept) is type(value) and bool(kept == value)
        case Ge(ge=least):
            return bool(value >= least)
        case Gt(gt=bound):
            return bool(value > bound)
        case Le(le=most):
            return bool(value <= most)
    return isinstance(one, Strict | Argument)


def _is_a(kind: Any, value: Any) -> bool:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _is_within(parts[0], parts[1:], value)
    if origin is tuple:
        if type(value) is not tuple:
            return False
        kinds = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return len(kinds) == len(value) and all(map(_is_a, kinds, value))
    if origin is Literal:
        return value in parts
    return any(_is_a(part, value) for part in parts) if parts else type(value) is kind
