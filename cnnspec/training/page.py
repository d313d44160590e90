"""The page of a recipe for `explain recipe`: every section with every key, made from the models."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cnnspec.training.recipe import KINDS, PLAIN, SECTIONS

EXAMPLE = """\
seed = 0

[data]
source = "digits"
mean = [0.1307]
std = [0.3081]

[augment]
crop = 1

[optimizer]
name = "adam"
rate = 0.002

[schedule]
epochs = 16
batch = 32
warmup = 1
decay = "cosine"

[expect]
accuracy = "97%"
"""


HEAD = """\
# recipe: how a network is trained

A recipe is a TOML file for `cnnspec train SPEC --recipe R.toml`. `[optimizer]` and `[schedule]` must be
given; all else has a default. `seed` stands at the top: a run is a function of recipe, seed and data."""


def page() -> str:
    """The page as Markdown."""
    parts = [
        HEAD,
        f"```toml\n{EXAMPLE}```",
    ]
    for name in SECTIONS:
        if name in PLAIN:
            model = PLAIN[name]
            parts.append(f"## [{name}]: {model.title}\n\n{_keys(model)}")
            continue
        kinds = KINDS[name]
        models = list(kinds.models.values())
        shared = set.intersection(*(set(model.model_fields) for model in models)) - {kinds.key}
        lines = [
            f'- `{kinds.key} = "{kind}"`: {model.model_fields[kinds.key].description}'
            for kind, model in kinds.models.items()
        ]
        common = _keys(models[0], shared)
        parts.append(f"## [{name}]: {kinds.title}\n\n" + "\n".join([*lines, *([common] if common else [])]))
        for kind, model in kinds.models.items():
            if own := _keys(model, set(model.model_fields) - shared - {kinds.key}):
                parts.append(f'Only `{kinds.key} = "{kind}"`:\n\n{own}')
    return "\n\n".join(parts) + "\n"


def _keys(model: type[BaseModel], only: set[str] | None = None) -> str:
    fields = model.model_fields
    return "\n".join(
        f"- `{name}`: {field.description}{_default(field)}"
        for name, field in fields.items()
        if only is None or name in only
    )


def _default(field: FieldInfo) -> str:
    """The default of a key, and its possible values."""
    choices = [choice for choice in get_args(field.annotation) if isinstance(choice, str)]
    values = f" ({', '.join(choices)})" if len(choices) > 1 else ""
    if field.is_required():
        return f"{values}; must be given"
    value: Any = field.default
    if value is None or value == []:
        return values
    shown = (
        str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else value
    )
    return f"{values}; default {shown}"
