"""TOML → a recipe, or findings with their codes and places.

A recipe is read as strictly as a spec: an unknown key, a value of the wrong type or out of its range, and
values that contradict each other are errors."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from cnnspec.diagnostics import Edit, Sink, Source, Span
from cnnspec.diagnostics.suggest import fold, listing, nearest
from cnnspec.training.places import Path, Place, places
from cnnspec.training.recipe import KINDS, LOSSES, NEEDED, PLAIN, SECTIONS, TORCHVISION, Kinds, Recipe
from cnnspec.training.slips import (
    BEYOND,
    HINTS,
    INSTEAD,
    KEYS,
    KIND_KEYS,
    key_meant,
    kind_meant,
    value_meant,
)
from cnnspec.training.syntax import check_depth, not_toml

MAX_BYTES = 64_000
"""The largest size of a recipe."""


class Reading:
    """A recipe that is being read: its text, its places, and the findings so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.sink = Sink()
        self.places: Mapping[Path, Place] = {}

    def key(self, *path: str) -> Span:
        """Where a key is written; for a missing table, the end of the text."""
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
    """The recipe, None if it has errors; and the `Reading` with the findings."""
    reading = Reading(source)
    try:
        check_depth(source.text)
        table = tomllib.loads(source.text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        message, span, hint = not_toml(error, source)
        reading.sink.report("E821", message, span, help=hint)
        return None, reading
    reading.places = places(source.text)
    values = _sections(reading, table)
    if len(reading.sink):
        return None, reading
    recipe = Recipe(**values)
    if "://" in getattr(recipe.data, "path", ""):
        span, hint = reading.value("data", "path"), "download it, and give its path"
        reading.wrong("a path is a place on disk: nothing is fetched", span, help=hint)
    for message, path, hint in contradictions(recipe):
        reading.sink.report("E823", message, reading.value(*path), help=hint)
    return (None if len(reading.sink) else recipe), reading


def _sections(reading: Reading, table: dict[str, Any]) -> dict[str, Any]:
    sections: dict[str, Any] = {"seed": 0, "losses": {}}
    homes: set[str] = set()
    for name, value in table.items():
        if name == "seed":
            if type(value) is not int or not 0 <= value < 2**31:
                span = reading.value("seed")
                message = f"expected a whole number for seed, found {_shown(value)}"
                reading.wrong(message, span, help=f"seed: from 0 to {2**31 - 1:,}")
            sections["seed"] = value
        elif name not in SECTIONS:
            home = "" if isinstance(value, dict) else _at_home(name, (name,), "")
            if home and home in homes:  # a header that is missing is one mistake
                continue
            homes.add(home)
            _unknown(reading, (name,), (*SECTIONS, "seed"), "a recipe has", section=isinstance(value, dict))
        elif not isinstance(value, dict):
            hint = f"write [{name}] on a line of its own, and its keys below"
            reading.wrong(f"{name} is a section", reading.key(name), help=hint)
    for name in SECTIONS:
        values = table.get(name, {})
        if not isinstance(values, dict):
            continue
        if not values and name in NEEDED and name not in table:
            reading.wrong(f"the section [{name}] is missing", reading.key(name), help=EXAMPLES[name])
        elif name == "loss":
            sections |= _losses(reading, values)
        elif name in KINDS:
            sections[name] = _of_a_kind(reading, (name,), values, KINDS[name])
        else:
            sections[name] = _checked(reading, (name,), values, PLAIN[name])
    return sections


EXAMPLES = {
    "optimizer": 'for example: [optimizer] with name = "adam" and rate = 0.001',
    "schedule": "for example: [schedule] with epochs = 10 and batch = 64",
}


def _losses(reading: Reading, table: dict[str, Any]) -> dict[str, Any]:
    """`[loss]` for all outputs, and `[loss.LABEL]` for one, which takes its missing keys from `[loss]`."""
    shared = {key: value for key, value in table.items() if not isinstance(value, dict)}
    losses: dict[str, Any] = {"loss": _of_a_kind(reading, ("loss",), shared, KINDS["loss"]), "losses": {}}
    for label, own in table.items():
        if isinstance(own, dict):
            kind = own.get("kind", shared.get("kind", "cross_entropy"))
            model = LOSSES.get(kind) if isinstance(kind, str) else None
            above = {key: value for key, value in shared.items() if model and key in model.model_fields}
            merged = {**above, **own}
            losses["losses"][label] = _of_a_kind(reading, ("loss", label), merged, KINDS["loss"])
    return losses


def _of_a_kind(reading: Reading, path: Path, table: dict[str, Any], kinds: Kinds) -> BaseModel | None:
    """A section of several kinds; one of its keys names the kind."""
    kind = table.get(kinds.key, kinds.default)
    keys = {key for model in kinds.models.values() for key in model.model_fields}
    others = [key for key in table if key in KIND_KEYS and key not in keys and isinstance(table[key], str)]
    if kinds.key not in table and others:
        span, value = reading.key(*path, others[0]), _shown(table[others[0]])
        message = f"{others[0]!r} is not a key of [{'.'.join(path)}]"
        reading.wrong(message, span, help=f"write {kinds.key} = {value}", fix=(Edit(span, kinds.key),))
        return None
    if kind is None:
        hint = f'write {kinds.key} = "…": {listing(kinds.models)}'
        reading.wrong(f"[{'.'.join(path)}] has no {kinds.key}", reading.key(*path), help=hint)
        return None
    if not isinstance(kind, str) or kind not in kinds.models:
        span = reading.value(*path, kinds.key)
        near = kind_meant(kind, kinds.models) if isinstance(kind, str) else None
        hint = f"did you mean {near}?" if near else f"there are {listing(kinds.models)}; {BEYOND[path[0]]}"
        if isinstance(kind, str) and (name := nearest(kind, TORCHVISION)) and not near and path == ("data",):
            hint = f'source = "torchvision" with name = "{name}"'
        reading.wrong(
            f"expected a {kinds.key}, found {_shown(kind)}", span, help=hint, fix=_quoted_fix(span, near)
        )
        return None
    return _checked(reading, path, {kinds.key: kind, **table}, kinds.models[kind], kind)


def _quoted_fix(span: Span, near: str | None) -> tuple[Edit, ...]:
    return (Edit(span, f'"{near}"'),) if near else ()


def _checked(
    reading: Reading, path: Path, table: dict[str, Any], model: type[BaseModel], kind: str = ""
) -> BaseModel | None:
    try:
        return model.model_validate(table)
    except ValidationError as problem:
        errors: list[dict[str, Any]] = [dict(error) for error in problem.errors(include_url=False)]
    absent = [error["loc"][0] for error in errors if error["type"] == "missing"]
    others = [error["loc"][0] for error in errors if error["type"] == "extra_forbidden"]
    keys_meant = {key_meant(other, absent) for other in others}  # one mistake: a key with another name
    for error in errors:
        if error["type"] != "missing" or error["loc"][0] not in keys_meant:
            _report(reading, path, table, model, kind, error)
    return None


def _report(
    reading: Reading,
    path: Path,
    table: dict[str, Any],
    model: type[BaseModel],
    kind: str,
    error: dict[str, Any],
) -> None:
    key = str(error["loc"][0])
    where = (*path, key)
    if error["type"] == "extra_forbidden":
        of = f'{path[0]} "{kind}" has' if kind else f"[{'.'.join(path)}] has"
        _unknown(reading, where, model.model_fields, of, kind)
    elif error["type"] == "missing":
        hint = f"{key}: {model.model_fields[key].description}"
        reading.wrong(f"[{'.'.join(path)}] has no {key}", reading.key(*path), help=hint)
    else:
        span = reading.value(*where)
        message = f"expected {_expected(error)} for {key}, found {_written(reading, span, error['input'])}"
        hint, fix = _way_out(table, model, key, error, span)
        reading.wrong(message, span, help=hint or f"{key}: {model.model_fields[key].description}", fix=fix)


def _way_out(
    table: dict[str, Any], model: type[BaseModel], key: str, error: dict[str, Any], span: Span
) -> tuple[str, tuple[Edit, ...]]:
    """A correction for a value, if a likely one is valid: the help and the fix."""
    if error["type"] == "literal_error" and isinstance(error["input"], str):
        instead = INSTEAD.get(fold(error["input"]), "")
        near = kind_meant(error["input"], re.findall(r"'(\w+)'", error["ctx"]["expected"]))
        return (f"did you mean {near}?", _quoted_fix(span, near)) if near else (instead, ())
    written = table[key] if len(error["loc"]) == 1 else error["input"]
    value_text = value_meant(error["type"], written)
    if value_text is None or (
        "%" in str(written) and _valid(table, model, key, 1.5)
    ):  # a percentage of what?
        return "", ()
    value: Any = tomllib.loads(f"key = {value_text}")["key"]
    if len(error["loc"]) > 1:
        value = [value if one == error["input"] else one for one in table[key]]
        value_text = f"[{', '.join(map(str, value))}]"
    if not _valid(table, model, key, value):
        return "", ()
    return f"write {key} = {value_text}", (Edit(span, value_text),)


def _valid(table: dict[str, Any], model: type[BaseModel], key: str, value: Any) -> bool:
    """Whether a key can have this value."""
    try:
        model.model_validate({**table, key: value})
    except ValidationError as problem:
        return all(error["loc"][0] != key for error in problem.errors(include_url=False))
    return True


def _unknown(
    reading: Reading, path: Path, keys: Any, of: str, kind: str = "", *, section: bool = False
) -> None:
    span, key = reading.key(*path), path[-1]
    near = key_meant(key, keys) if key not in HINTS else None
    where = f"[{'.'.join(path[:-1])}]" if len(path) > 1 else "a recipe"
    home = "" if section else _at_home(key, path, kind)
    listed = f"{of} {listing(keys, 30)}"
    if path[0] in BEYOND and path[0] != "data":
        listed += f"; {BEYOND[path[0]]}"
    hint = f"did you mean {near}?" if near else home or HINTS.get(key) or listed
    fix = (Edit(span, near),) if near else ()
    reading.wrong(f"{key[:60]!r} is not a key of {where}", span, help=hint, fix=fix)


def _at_home(key: str, path: Path, kind: str) -> str:
    """The place where a key is valid: another kind of this section, another section, or the top."""
    if key == "seed":
        return "seed belongs above the first section"
    if path[0] in KINDS and kind:
        kinds = KINDS[path[0]]
        others = [one for one, model in kinds.models.items() if key in model.model_fields]
        if others:
            return f"it is a key of {kinds.key} = {' or '.join(map(_shown, others))}"
    models = {name: [model] for name, model in PLAIN.items()}
    models |= {name: list(kinds.models.values()) for name, kinds in KINDS.items()}
    home_key = KEYS.get(key, key)
    sections = [
        name for name, some in models.items() if any(home_key in model.model_fields for model in some)
    ]
    if not sections or path[0] in sections:
        return ""
    return f"it is a key of [{sections[0]}]" if home_key == key else f"write {home_key} in [{sections[0]}]"


def _written(reading: Reading, span: Span, value: Any) -> str:
    """A value as it is written in the recipe, shortened; for a list, the member that is meant."""
    text = reading.source.text[span.start : span.end].strip()
    if not text or isinstance(value, dict | str) or text.startswith("["):
        return _shown(value)
    return text[:60]


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
        return f"{_BOUNDS[kind]} {limit:,}" if isinstance(limit, int) else f"{_BOUNDS[kind]} {limit:,g}"
    if kind == "literal_error":
        return str(context["expected"]).replace("'", "")
    if kind in ("too_short", "too_long"):
        count = context.get("min_length", context.get("max_length"))
        return f"{count} numbers"
    return "another value"


def _shown(value: Any) -> str:
    """A value in TOML, shortened."""
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
"""The message, the path of the key that it is about, and the help."""


def contradictions(recipe: Recipe) -> list[Contradiction]:
    """The contradictions within a recipe."""
    return [*_of_the_schedule(recipe), *_of_the_parts(recipe), *_of_the_rest(recipe)]


DECAYS = {"factor": ("step", "exponential"), "power": ("poly",), "last": ("cosine", "poly")}
"""Keys of `[schedule]` that only some kinds of decay have, with these kinds."""


def _of_the_schedule(recipe: Recipe) -> Iterator[Contradiction]:
    schedule, parts = recipe.schedule, recipe.run.accumulate
    if schedule.warmup >= schedule.epochs:
        message = (
            f"the warm-up ({schedule.warmup:g} epochs) is not shorter than the training ({schedule.epochs})"
        )
        yield message, ("schedule", "warmup"), "use less warm-up, or more epochs"
    for key, decays in DECAYS.items():
        if key in schedule.model_fields_set and schedule.decay not in decays:
            hint = f"{key} is for decay = {' or '.join(map(_shown, decays))}"
            yield f"{key} does nothing with decay = {_shown(schedule.decay)}", ("schedule", key), hint
    if (schedule.decay == "step") != bool(schedule.milestones):
        key = "decay" if schedule.decay == "step" else "milestones"
        hint = 'for example decay = "step" with milestones = [30, 60]'
        yield 'milestones and decay = "step" need each other', ("schedule", key), hint
    late = [milestone for milestone in schedule.milestones if milestone >= schedule.epochs]
    if late:
        message = f"the milestone {late[0]} is not before the end of the training, epoch {schedule.epochs}"
        yield message, ("schedule", "milestones"), "the rate is multiplied after a milestone"
    if schedule.batch % parts:
        message = f"a batch of {schedule.batch} images cannot be divided into {parts} equal parts"
        yield message, ("run", "accumulate"), f"use a divisor of {schedule.batch}"


def _of_the_parts(recipe: Recipe) -> Iterator[Contradiction]:
    """Contradictions about the part of an image that is used."""
    data, augment = recipe.data, recipe.augment
    for key in ("area", "side"):
        ends = getattr(augment, key)
        if ends is None:
            continue
        if not getattr(data, "stream", False):
            hint = 'source = "folder" or "datasets", and stream = true in [data]'
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
    for key in ("mean", "std"):
        if data.source != "npz" and any(abs(one) > 1 for one in getattr(data, key)):
            largest = max(getattr(data, key), key=abs)
            hint = f"bytes become numbers from 0 to 1 first: {largest:g} / 255 = {largest / 255:.4g}"
            yield f"expected numbers up to 1 for {key}, found {largest:g}", ("data", key), hint
    if run.ema and run.parallel == "fsdp":
        yield "ema cannot be used with fsdp", ("run", "ema"), 'use parallel = "ddp"'
