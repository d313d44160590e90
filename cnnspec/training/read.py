"""TOML → a recipe, or coded findings with their places.

A recipe is as strict as a spec: a key that is not known, a value of the wrong type or out of its range, and
values that contradict each other are errors.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from cnnspec.diagnostics import WHOLE_FILE, Edit, Sink, Source, Span
from cnnspec.diagnostics.suggest import listing, nearest
from cnnspec.training.places import Path, Place, places
from cnnspec.training.recipe import KINDS, LOSSES, NEEDED, PLAIN, SECTIONS, Kinds, Recipe

MAX_BYTES = 64_000
"""Of one recipe."""


class Reading:
    """One recipe on its way: its text, its places, and what is wrong."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.sink = Sink()
        self.places: Mapping[Path, Place] = {}

    def key(self, *path: str) -> Span:
        """Where a key is written; a table that is not there is at the end of the text."""
        place = self.places.get(path)
        if place is not None:
            return place.key
        return self.key(*path[:-1]) if len(path) > 1 else Span(len(self.source.text), len(self.source.text))

    def value(self, *path: str) -> Span:
        """Where a key's value is written."""
        place = self.places.get(path)
        return place.value if place is not None else self.key(*path)

    def wrong(self, message: str, span: Span, *, help: str = "", fix: tuple[Edit, ...] = ()) -> None:
        self.sink.report("E822", message, span, help=help, fix=fix)


def read(source: Source) -> tuple[Recipe | None, Reading]:
    """The recipe, None if it has errors; and the reading, which has the findings."""
    reading = Reading(source)
    try:
        table = tomllib.loads(source.text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        reading.sink.report("E821", *_not_toml(error, source), help="a recipe is TOML: `key = value` lines")
        return None, reading
    reading.places = places(source.text)
    found = _sections(reading, table)
    if len(reading.sink):
        return None, reading
    recipe = Recipe(**found)
    for message, path, hint in contradictions(recipe):
        reading.sink.report("E823", message, reading.value(*path), help=hint)
    return (None if len(reading.sink) else recipe), reading


def _not_toml(error: ValueError | RecursionError, source: Source) -> tuple[str, Span]:
    if isinstance(error, RecursionError):
        return "this is nested too deeply", WHOLE_FILE
    text = str(error)
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", text)
    if place is None:
        return f"this is not TOML: {text}"[:200], WHOLE_FILE
    at = len(source.text)
    if place[1] is not None:
        lines = source.text.split("\n")[: int(place[1]) - 1]
        at = min(sum(len(line) + 1 for line in lines) + int(place[2]) - 1, at)
    what = text[: place.start()]
    return f"this is not TOML: {what[:1].lower()}{what[1:]}"[:200], Span(at, min(at + 1, len(source.text)))


def _sections(reading: Reading, table: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"seed": 0, "losses": {}}
    for name, value in table.items():
        if name == "seed":
            if type(value) is not int or not 0 <= value < 2**31:
                span = reading.value("seed")
                message = f"expected a whole number for seed, found {_shown(value)}"
                reading.wrong(message, span, help=f"seed: from 0 to {2**31 - 1:,}")
            found["seed"] = value
        elif name not in SECTIONS:
            _unknown(reading, (name,), (*SECTIONS, "seed"), "a recipe has")
        elif not isinstance(value, dict):
            hint = f"write [{name}] on a line of its own, and its keys below"
            reading.wrong(f"{name} is a section", reading.key(name), help=hint)
    for name in SECTIONS:
        given = table.get(name, {})
        if not isinstance(given, dict):
            continue
        if not given and name in NEEDED and name not in table:
            reading.wrong(f"the section [{name}] is missing", reading.key(name), help=EXAMPLES[name])
        elif name == "loss":
            found |= _losses(reading, given)
        elif name in KINDS:
            found[name] = _of_a_kind(reading, (name,), given, KINDS[name])
        else:
            found[name] = _checked(reading, (name,), given, PLAIN[name])
    return found


EXAMPLES = {
    "optimizer": 'for example: [optimizer] with name = "adam" and rate = 0.001',
    "schedule": "for example: [schedule] with epochs = 10 and batch = 64",
}


def _losses(reading: Reading, given: dict[str, Any]) -> dict[str, Any]:
    """`[loss]` for all outputs, and `[loss.LABEL]` for one; what that leaves out is as in `[loss]`."""
    shared = {key: value for key, value in given.items() if not isinstance(value, dict)}
    found: dict[str, Any] = {"loss": _of_a_kind(reading, ("loss",), shared, KINDS["loss"]), "losses": {}}
    for label, own in given.items():
        if isinstance(own, dict):
            kind = own.get("kind", shared.get("kind", "cross_entropy"))
            model = LOSSES.get(kind) if isinstance(kind, str) else None
            above = {key: value for key, value in shared.items() if model and key in model.model_fields}
            merged = {**above, **own}
            found["losses"][label] = _of_a_kind(reading, ("loss", label), merged, KINDS["loss"])
    return found


def _of_a_kind(reading: Reading, path: Path, given: dict[str, Any], kinds: Kinds) -> BaseModel | None:
    """A section whose kind one of its keys says."""
    kind = given.get(kinds.key, kinds.default)
    if kind is None:
        known = listing(kinds.models)
        hint = f'write {kinds.key} = "…": {known}'
        reading.wrong(f"[{'.'.join(path)}] has no {kinds.key}", reading.key(*path), help=hint)
        return None
    if not isinstance(kind, str) or kind not in kinds.models:
        span = reading.value(*path, kinds.key)
        near = nearest(kind, kinds.models) if isinstance(kind, str) else None
        hint = f"did you mean {near}?" if near else f"there are {listing(kinds.models)}"
        reading.wrong(
            f"expected a {kinds.key}, found {_shown(kind)}", span, help=hint, fix=_quoted_fix(span, near)
        )
        return None
    return _checked(reading, path, {kinds.key: kind, **given}, kinds.models[kind], kind)


def _quoted_fix(span: Span, near: str | None) -> tuple[Edit, ...]:
    return (Edit(span, f'"{near}"'),) if near else ()


def _checked(
    reading: Reading, path: Path, given: dict[str, Any], model: type[BaseModel], kind: str = ""
) -> BaseModel | None:
    try:
        return model.model_validate(given)
    except ValidationError as problem:
        for error in problem.errors(include_url=False):
            _report(reading, path, model, kind, dict(error))
        return None


def _report(reading: Reading, path: Path, model: type[BaseModel], kind: str, error: dict[str, Any]) -> None:
    key = str(error["loc"][0])
    where = (*path, key)
    if error["type"] == "extra_forbidden":
        of = f'{path[0]} "{kind}" has' if kind else f"[{'.'.join(path)}] has"
        _unknown(reading, where, model.model_fields, of)
    elif error["type"] == "missing":
        hint = f"{key}: {model.model_fields[key].description}"
        reading.wrong(f"[{'.'.join(path)}] has no {key}", reading.key(*path), help=hint)
    else:
        span = reading.value(*where)
        near = None
        if error["type"] == "literal_error" and isinstance(error["input"], str):
            near = nearest(error["input"], re.findall(r"'(\w+)'", error["ctx"]["expected"]))
        hint = f"did you mean {near}?" if near else f"{key}: {model.model_fields[key].description}"
        expected = _expected(error)
        message = f"expected {expected} for {key}, found {_shown(error['input'])}"
        reading.wrong(message, span, help=hint, fix=_quoted_fix(span, near))


def _unknown(reading: Reading, path: Path, known: Any, of: str) -> None:
    span = reading.key(*path)
    near = nearest(path[-1], known)
    hint = f"did you mean {near}?" if near else f"{of} {listing(known, 30)}"
    where = f"[{'.'.join(path[:-1])}]" if len(path) > 1 else "a recipe"
    fix = (Edit(span, near),) if near else ()
    reading.wrong(f"{path[-1][:60]!r} is not a key of {where}", span, help=hint, fix=fix)


_TYPES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text in quotes",
    "list_type": "a list",
    "finite_number": "a finite number",
    "string_pattern_mismatch": 'a percentage such as "97%"',
    "string_too_short": "a text",
    "string_too_long": "a shorter text",
}
_BOUNDS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}


def _expected(error: dict[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _TYPES:
        return _TYPES[kind]
    if kind in _BOUNDS:
        (limit,) = context.values()
        return f"{_BOUNDS[kind]} {limit:,g}"
    if kind == "literal_error":
        return str(context["expected"]).replace("'", "")
    if kind in ("too_short", "too_long"):
        count = context.get("min_length", context.get("max_length"))
        return f"{count} numbers"
    return "another value"


def _shown(value: Any) -> str:
    """A value as TOML writes it, cut."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, str):
        return f'"{value[:60]}"'
    try:
        return str(value)[:60]
    except ValueError:  # an integer of thousands of digits
        return "a very large number"


Contradiction = tuple[str, Path, str]
"""The message, the key that it is about, and the way out."""


def contradictions(recipe: Recipe) -> list[Contradiction]:
    """What a recipe says against itself."""
    return [*_of_the_schedule(recipe), *_of_the_parts(recipe), *_of_the_rest(recipe)]


def _of_the_schedule(recipe: Recipe) -> Iterator[Contradiction]:
    schedule, parts = recipe.schedule, recipe.run.accumulate
    if schedule.warmup >= schedule.epochs:
        message = (
            f"the warm-up ({schedule.warmup:g} epochs) is not shorter than the training ({schedule.epochs})"
        )
        yield message, ("schedule", "warmup"), "use less warm-up, or more epochs"
    if (schedule.decay == "step") != bool(schedule.milestones):
        key = "decay" if schedule.decay == "step" else "milestones"
        hint = 'for example decay = "step" with milestones = [30, 60]'
        yield 'milestones and decay = "step" need each other', ("schedule", key), hint
    late = [one for one in schedule.milestones if one >= schedule.epochs]
    if late:
        message = f"the milestone {late[0]} is not before the end of the training, epoch {schedule.epochs}"
        yield message, ("schedule", "milestones"), "the rate is multiplied after a milestone"
    if schedule.batch % parts:
        message = f"a batch of {schedule.batch} images cannot be divided into {parts} equal parts"
        yield message, ("run", "accumulate"), f"use a divisor of {schedule.batch}"


def _of_the_parts(recipe: Recipe) -> Iterator[Contradiction]:
    """Which part of an image is shown."""
    data, augment = recipe.data, recipe.augment
    for key in ("area", "side"):
        ends = getattr(augment, key)
        if ends is None:
            continue
        if not getattr(data, "stream", False):
            hint = 'source = "folder" and stream = true in [data]'
            yield f"{key} needs images that are decoded anew each time", ("augment", key), hint
        elif data.fit == "exact":
            yield f'{key} scales images, fit = "exact" does not', ("augment", key), 'fit = "resize"'
        if ends[0] > ends[1]:
            message = f"{key} is from the smallest to the largest, found {ends[0]:g} and {ends[1]:g}"
            yield message, ("augment", key), f"{key} = [{ends[1]:g}, {ends[0]:g}]"
    if augment.area and augment.side:
        hint = "side cuts a part of one size, area parts of several"
        yield "area and side are two ways to choose a part: write one", ("augment", "side"), hint


def _of_the_rest(recipe: Recipe) -> Iterator[Contradiction]:
    run, optimizer, data = recipe.run, recipe.optimizer, recipe.data
    if getattr(optimizer, "nesterov", False) and not optimizer.momentum:
        yield "nesterov needs a momentum above 0", ("optimizer", "nesterov"), "for example momentum = 0.9"
    if len(data.mean) > 1 and len(data.std) > 1 and len(data.mean) != len(data.std):
        message = f"{len(data.mean)} means and {len(data.std)} standard deviations"
        yield message, ("data", "std"), "write one of each per channel"
    if run.ema and run.parallel == "fsdp":
        yield "ema cannot be used with fsdp", ("run", "ema"), 'use parallel = "ddp"'
