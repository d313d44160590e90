"""Names of keys and values in other tools, for recipes that use them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cnnspec.diagnostics.suggest import nearest

KEYS = {
    "acc": "accuracy",
    "accumulation_steps": "accumulate",
    "augmentation": "augment",
    "augmentations": "augment",
    "batch_size": "batch",
    "batchsize": "batch",
    "bf16": "amp",
    "clip_grad_norm": "clip",
    "cutout": "erase",
    "dataset": "data",
    "degrees": "rotate",
    "dir": "path",
    "early_stopping": "patience",
    "epsilon": "eps",
    "file": "path",
    "folder": "path",
    "fp16": "amp",
    "gamma": "factor",
    "grad_accumulation": "accumulate",
    "grad_clip": "clip",
    "gradient_clipping": "clip",
    "hflip": "flip",
    "horizontal_flip": "flip",
    "ignore_index": "ignore",
    "l2": "weight_decay",
    "label_smoothing": "smoothing",
    "learning_rate": "rate",
    "lr": "rate",
    "lr_scheduler": "decay",
    "max_epochs": "epochs",
    "max_grad_norm": "clip",
    "max_norm": "clip",
    "mixed_precision": "amp",
    "num_epochs": "epochs",
    "num_workers": "threads",
    "precision": "amp",
    "random_crop": "crop",
    "random_erasing": "erase",
    "root": "path",
    "rotation": "rotate",
    "scheduler": "decay",
    "test_size": "validation",
    "transforms": "augment",
    "val": "test",
    "val_split": "validation",
    "valid": "test",
    "validation_split": "validation",
    "vertical_flip": "flip_vertical",
    "vflip": "flip_vertical",
    "warmup_epochs": "warmup",
    "wd": "weight_decay",
    "workers": "threads",
}
"""Keys of other tools, with the key in a recipe."""
_STEPS = "epochs = steps · batch / training images"
_PROCESSES = "cnnspec train --processes N, or torchrun --nproc-per-node N"
_DEVICE = "the program uses the accelerator that it finds"
_FOLDER = "cnnspec train -o DIR"
_START = "a run begins with the initialisation of the spec (`init=`); --resume goes on with a run"
_LAST = "last = 0.01 ends at a hundredth of the rate"
_CLASSES = "cnnspec train --set classes=N, where the spec has `let classes`"
_MODEL = "the spec is an argument: cnnspec train SPEC --recipe R.toml"
HINTS = {
    "accelerator": _DEVICE,
    "arch": _MODEL,
    "checkpoint": "the best and the last epoch are always kept; save_every saves within an epoch",
    "class_weights": "classes have no weights; weight is the factor of an output's loss",
    "classes": _CLASSES,
    "device": _DEVICE,
    "devices": _PROCESSES,
    "error": "accuracy is 100 % minus the error",
    "freeze": "`frozen` in the spec marks what is not trained",
    "eta_min": _LAST,
    "gpus": _PROCESSES,
    "init": _START,
    "iterations": _STEPS,
    "log_every": "log.csv has a line for each epoch",
    "log_interval": "log.csv has a line for each epoch",
    "max_steps": _STEPS,
    "min_lr": _LAST,
    "model": _MODEL,
    "network": _MODEL,
    "normalize": "mean and std in [data]",
    "num_classes": _CLASSES,
    "num_gpus": _PROCESSES,
    "out": _FOLDER,
    "output": _FOLDER,
    "output_dir": _FOLDER,
    "pretrained": _START,
    "processes": _PROCESSES,
    "resume": "cnnspec train --resume",
    "shuffle": "the training images are shuffled in each epoch",
    "split": "validation = 0.1 holds out a tenth of the images",
    "step_size": 'decay = "step" with milestones = [30, 60]',
    "steps": _STEPS,
    "wandb": "log.csv and tensorboard = true in [run] can be read by other tools",
    "warmup_iters": "warmup in [schedule] is a number of epochs",
    "warmup_steps": "warmup in [schedule] is a number of epochs",
    "weights": "a run begins with new ones; classes have none (weight is the factor of an output's loss)",
}
"""Keys of other tools that a recipe expresses otherwise, with how."""
KINDS = {
    "bcewithlogits": "bce",
    "bcewithlogitsloss": "bce",
    "binary_cross_entropy": "bce",
    "ce": "cross_entropy",
    "cosineannealing": "cosine",
    "cosineannealinglr": "cosine",
    "crossentropy": "cross_entropy",
    "fixed": "constant",
    "hf": "datasets",
    "huggingface": "datasets",
    "imagefolder": "folder",
    "imagenet": "folder",
    "l2": "mse",
    "multistep": "step",
    "multisteplr": "step",
    "nll": "cross_entropy",
    "nllloss": "cross_entropy",
    "parquet": "datasets",
    "polynomial": "poly",
}
"""Names of losses, data sources and so on in other tools, with the name in a recipe."""
OTHER_KINDS = ("mae", "l1", "ssim", "adan", "adamax", "nadam", "radam")
"""Names of what a recipe does not have: a similar name is something else."""
_FIXED = "the rate does not follow the results; patience in [run] stops a run that gets no better"
INSTEAD = {
    "linear": 'decay = "poly" with power = 1.0 is a straight line',
    "onecycle": 'warmup, and then decay = "cosine", rise and fall once',
    "plateau": _FIXED,
    "reducelronplateau": _FIXED,
}
"""Names of values in other tools that a recipe expresses otherwise, with how."""
_EDIT = "for another one, edit `{}` in the train.py that `cnnspec build --recipe` writes"
BEYOND = {
    "data": "other data can be stored as an .npz file (np.savez)",
    "augment": _EDIT.format("augmented"),
    "optimizer": _EDIT.format("make_optimizer"),
    "schedule": _EDIT.format("rate_at"),
    "loss": _EDIT.format("loss_of"),
}
"""What to do where a section does not have what somebody needs."""
KIND_KEYS = ("name", "type", "kind", "source", "optimizer", "loss")
"""Keys that name the kind of something in other tools."""


def key_meant(key: str, known: Iterable[str]) -> str | None:
    """The known key that this one is a name or a misspelling of; None where there is none."""
    known = list(known)
    if key in HINTS:
        return "epochs" if HINTS[key] == _STEPS and "epochs" in known else None
    return nearest(key, known, {word: one for word, one in KEYS.items() if one in known})


def kind_meant(kind: str, known: Iterable[str]) -> str | None:
    """The known kind that this one is a name or a misspelling of; None where there is none."""
    if kind.lower() in OTHER_KINDS:
        return None
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
    match = re.fullmatch(r"\s*(\d{0,12}[.,]?\d{1,12}(?:[eE][-+]?\d{1,3})?)\s*(%?)", str(value))
    if not isinstance(value, str) or match is None:
        return None
    text = match[1].replace(",", ".")
    number = float(text) / (100 if match[2] else 1)
    return text if text.isdecimal() and not match[2] else f"{number:g}"


def _percentage(value: Any) -> str | None:
    number = _number(str(value).rstrip("% "))
    if number is None:
        return None
    return f'"{float(number) * (1 if float(number) > 1 else 100):g}%"'
