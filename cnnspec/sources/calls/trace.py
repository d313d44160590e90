"""A trace: the calls of a torch run, op by op, as plain values. `export.py` makes it in the process that has
torch and the module. It is untrusted, and checked here.

A tensor is a number: first the tensors that exist before the run (inputs, weights, constants), then the
outputs of the calls, in order."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Literal, NamedTuple, TypeAlias

from cnnspec.sources.layers import Scope

MOST_CALLS = 50_000
MOST_TENSORS = 200_000
MOST_TEXT = 500
"""The most characters of a name or a place."""
DEEPEST = 64
"""The largest nesting depth of modules."""
LARGEST = 2**40
"""The largest whole number among the arguments, and the largest number of elements of a tensor."""


class Tensor(NamedTuple):
    """A reference to a tensor, among a call's arguments."""

    number: int


class Other(NamedTuple):
    """An argument that is not a number, text or tensor: a dtype, a device."""

    text: str


Value: TypeAlias = "Tensor | Other | bool | int | float | str | tuple[Value, ...] | None"


class Held(NamedTuple):
    """A tensor that exists before the run. values: of a small one that is not an input, where they are
    known."""

    kind: Literal["input", "weight", "buffer", "constant"]
    key: str
    shape: tuple[int, ...]
    values: tuple[float, ...] | None = None


class Call(NamedTuple):
    """One op: `conv2d`, `add_`. shapes: of each output. scopes: the modules that were being called, outermost
    first, without `own`, which is one of torch's layers. place: the line of the source. why: the reason why
    it cannot be translated, a clause, where that is known already."""

    op: str
    arguments: Mapping[str, Value]
    shapes: tuple[tuple[int, ...], ...]
    scopes: tuple[Scope, ...]
    own: Scope | None
    place: str
    why: str = ""


class Trace(NamedTuple):
    """A run of a module. keys: of its state_dict. outputs: name (or empty) and tensor. training: the modules
    that were in train mode. device: meta or cpu; on meta, tensors have no values. notes: changes made during
    the import, a sentence each."""

    name: str
    batch: int
    held: tuple[Held, ...]
    calls: tuple[Call, ...]
    outputs: tuple[tuple[str, Tensor], ...]
    keys: Mapping[str, tuple[int, ...]]
    training: tuple[str, ...] = ()
    device: str = "cpu"
    notes: tuple[str, ...] = ()


class Untrue(ValueError):
    """A trace that is not valid."""


def read(plain: Any) -> Trace:
    """A trace from JSON. Raises `Untrue` where it is not valid."""
    try:
        return _read(plain)
    except Untrue:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as error:
        raise Untrue(f"{type(error).__name__}: {error}"[:MOST_TEXT]) from None


def plain(trace: Trace) -> dict[str, Any]:
    """A trace as plain JSON values, the form that `read` reads."""
    stacks: dict[tuple[tuple[Scope, ...], Scope | None], int] = {}
    places: dict[str, int] = {}
    calls = [
        [
            call.op,
            {name: _plain(value) for name, value in call.arguments.items()},
            [list(shape) for shape in call.shapes],
            stacks.setdefault((call.scopes, call.own), len(stacks)),
            places.setdefault(call.place, len(places)),
            *([call.why] if call.why else []),
        ]
        for call in trace.calls
    ]
    held = [[one.kind, one.key, list(one.shape), one.values and list(one.values)] for one in trace.held]
    return {
        "name": trace.name,
        "batch": trace.batch,
        "device": trace.device,
        "held": held,
        "calls": calls,
        "stacks": [
            [*([*scope, False] for scope in scopes), *([[*own, True]] if own is not None else [])]
            for scopes, own in stacks
        ],
        "places": list(places),
        "outputs": [[name, one.number] for name, one in trace.outputs],
        "keys": {key: list(shape) for key, shape in trace.keys.items()},
        "training": list(trace.training),
        "notes": list(trace.notes),
    }


def _plain(value: Value) -> Any:
    if isinstance(value, Tensor):
        return {"tensor": value.number}
    if isinstance(value, Other):
        return {"other": value.text}
    if isinstance(value, float) and not isfinite(value):
        return {"float": str(value)}
    return list(map(_plain, value)) if type(value) is tuple else value


def _read(plain: Any) -> Trace:
    held = tuple(map(_held, _list(plain["held"], MOST_TENSORS)))
    stacks = [_stack(_list(one, DEEPEST)) for one in _list(plain["stacks"], MOST_CALLS)]
    places = [_text(one) for one in _list(plain["places"], MOST_CALLS)]
    calls: list[Call] = []
    count = len(held)
    for one in _list(plain["calls"], MOST_CALLS):
        op, arguments, shapes, stack, place, *why = _list(one, 6)
        arguments_read = {_text(name): _value(value, count, 0) for name, value in arguments.items()}
        output_shapes = tuple(map(_shape, _list(shapes, 1000)))
        where = (*stacks[_number(stack)], places[_number(place)])
        calls.append(Call(_text(op), arguments_read, output_shapes, *where, *map(_text, why)))
        count += len(output_shapes)
        if count > MOST_TENSORS:
            raise Untrue("too many tensors")
    outputs = tuple((_text(name), _tensor(number, count)) for name, number in _list(plain["outputs"], 1000))
    keys = {_text(key): _shape(shape) for key, shape in plain["keys"].items()}
    training = tuple(_text(path) for path in _list(plain["training"], MOST_CALLS))
    batch, name, device = _number(plain["batch"]), _text(plain["name"]), _text(plain["device"])
    notes = tuple(_text(one) for one in _list(plain.get("notes", []), 1000))
    return Trace(name, batch, held, tuple(calls), outputs, keys, training, device, notes)


def _held(plain: Any) -> Held:
    kind, key, shape, values = _list(plain, 4)
    if kind not in ("input", "weight", "buffer", "constant"):
        raise Untrue(f"no kind of tensor: {kind!r}"[:MOST_TEXT])
    numbers = None if values is None else tuple(map(_real, _list(values, 100_000)))
    return Held(kind, _text(key), _shape(shape), numbers)


def _stack(plain: list[Any]) -> tuple[tuple[Scope, ...], Scope | None]:
    scopes = tuple(Scope(_text(path), _text(name), _number(call)) for path, name, call, _ in plain)
    own = bool(plain) and plain[-1][3] is True
    return (scopes[:-1], scopes[-1]) if own else (scopes, None)


def _value(plain: Any, count: int, depth: int) -> Value:
    if plain is None or isinstance(plain, bool | float):
        return plain
    if isinstance(plain, int):
        return max(-LARGEST, min(plain, LARGEST))  # `x[1:]` ends at 2⁶³ − 1
    if isinstance(plain, str):
        return _text(plain)
    if isinstance(plain, list) and depth < 4:
        return tuple(_value(one, count, depth + 1) for one in _list(plain, 10_000))
    if isinstance(plain, dict) and len(plain) == 1:
        ((kind, value),) = plain.items()
        if kind == "tensor":
            return _tensor(value, count)
        if kind == "other":
            return Other(_text(value))
        if kind == "float":
            return float(_text(value))
    raise Untrue(f"no argument: {plain!r}"[:MOST_TEXT])


def _tensor(number: Any, count: int) -> Tensor:
    if _number(number) >= count:
        raise Untrue(f"there is no tensor {number}")
    return Tensor(number)


def _list(plain: Any, most: int) -> list[Any]:
    if not isinstance(plain, list) or len(plain) > most:
        raise Untrue(f"expected a list of at most {most:,}")
    return plain


def _number(plain: Any, least: int = 0) -> int:
    if isinstance(plain, bool) or not isinstance(plain, int) or not least <= plain <= LARGEST:
        raise Untrue(f"expected a whole number, found {plain!r}"[:MOST_TEXT])
    return plain


def _real(plain: Any) -> float:
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        raise Untrue("expected a number")
    return float(plain)


def _text(plain: Any) -> str:
    if not isinstance(plain, str) or len(plain) > MOST_TEXT:
        raise Untrue("expected a text")
    return plain


def _shape(plain: Any) -> tuple[int, ...]:
    sizes = tuple(map(_number, _list(plain, 16)))
    total = 1
    for size in sizes:
        total *= size
        if total > LARGEST:
            raise Untrue("a tensor is too large")
    return sizes
