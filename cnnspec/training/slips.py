"""Names of keys and values in other tools, for recipes that use them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cnnspec.diagnostics.suggest import nearest

KEYS = {
    "acc": "accuracy",
    "accumulation_steps": "accumulate",
    "batch_size": "batch",
    "batchsize": "batch",
    "bf16": "amp",
    "clip_grad_norm": "clip",
    "degrees": "rotate",
    "dir": "path",
    "early_stopping": "patience",
    "file": "path",
    "folder": "path",
    "fp16": "amp",
    "gamma": "factor",
    "grad_accumulation": "accumulate",
    "grad_clip": "clip",
    "hflip": "flip",
    "horizontal_flip": "flip",
    "ignore_index": "ignore",
    "label_smoothing": "smoothing",
    "learning_rate": "rate",
    "lr": "rate",
    "lr_scheduler": "decay",
    "max_epochs": "epochs",
    "max_norm": "clip",
    "mixed_precision": "amp",
    "num_epochs": "epochs",
    "num_workers": "threads",
    "random_crop": "crop",
    "random_erasing": "erase",
    "root": "path",
    "rotation": "rotate",
    "scheduler": "decay",
    "test_size": "validation",
    "val_split": "validation",
    "validation_split": "validation",
    "vertical_flip": "flip_vertical",
    "vflip": "flip_vertical",
    "wd": "weight_decay",
    "workers": "threads",
}
"""Keys of other tools, with the key in a recipe."""
KINDS = {"ce": "cross_entropy", "crossentropy": "cross_entropy", "l2": "mse", "imagefolder": "folder"}
"""Names of losses and data sources in other tools, with the name in a recipe."""
KIND_KEYS = ("name", "type", "kind", "source", "optimizer", "loss")
"""Keys that name the kind of something in other tools."""


def key_meant(key: str, known: Iterable[str]) -> str | None:
    """The known key that this one is a name or a misspelling of; None where there is none."""
    known = list(known)
    return nearest(key, known, {word: one for word, one in KEYS.items() if one in known})


def kind_meant(kind: str, known: Iterable[str]) -> str | None:
    """The known kind that this one is a name or a misspelling of; None where there is none."""
    known = list(known)
    return nearest(kind, known, {word: one for word, one in KINDS.items() if one in known})


def value_meant(error: str, value: Any) -> str | None:
    """The likely intended value, as TOML; `error` is pydantic's type of the error."""
    match error:
        case "bool_type":
            return _truth(value)
        case "list_type" if type(value) in (int, float):
            return f"[{value}]"
        case "int_type" if isinstance(value, float) and value == int(value):
            return str(int(value))
        case "int_type" | "float_type":
            return _number(value)
        case "string_type" | "string_pattern_mismatch":
            return _percentage(value)
        case "less_than" | "less_than_equal" if isinstance(value, int | float) and 1 < value <= 100:
            return f"{value / 100:g}"
    return None


def _truth(value: Any) -> str | None:
    if value in (0, "no", "off", "none", "false", "False"):
        return "false"
    return "true" if value == 1 or isinstance(value, str) else None


def _number(value: Any) -> str | None:
    """A number in quotes, with a decimal comma or a percent sign."""
    found = re.fullmatch(r"\s*(\d{0,12}[.,]?\d{1,12}(?:[eE][-+]?\d{1,3})?)\s*(%?)", str(value))
    if not isinstance(value, str) or found is None:
        return None
    text = found[1].replace(",", ".")
    number = float(text) / (100 if found[2] else 1)
    return text if text.isdecimal() and not found[2] else f"{number:g}"


def _percentage(value: Any) -> str | None:
    number = _number(str(value).rstrip("% "))
    if number is None:
        return None
    return f'"{float(number) * (1 if float(number) > 1 else 100):g}%"'
