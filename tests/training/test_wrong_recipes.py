"""Recipes as strangers write them: one finding for each mistake, at its place, with what can be typed."""

from __future__ import annotations

import pytest

from cnnspec.api import load
from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.training.network import network
from cnnspec.training.read import read
from tests.training.test_recipe import GOOD, SPEC

EDIT = "; for another one, edit `%s` in the train.py that `cnnspec build --recipe` writes"
CASES = [
    (
        "",
        "[expect]\naccuracy = 97%\n",
        "E821 13:14 this is not TOML: expected newline or end of document after a statement",
        'write accuracy = "97%"',
    ),
    (
        "",
        "[expect]\naccuracy = 0.97\n",
        "E822 13:12 expected a text in quotes for accuracy, found 0.97",
        'write accuracy = "97%"',
    ),
    (
        "",
        '[expect]\naccuracy = "0.97"\n',
        'E822 13:12 expected a percentage such as "97%" for accuracy, found "0.97"',
        'write accuracy = "97%"',
    ),
    (
        "",
        '[expect]\naccuracy = "97 %"\n',
        'E822 13:12 expected a percentage such as "97%" for accuracy, found "97 %"',
        'write accuracy = "97%"',
    ),
    (
        "",
        '[expect]\naccuracy = "101%"\n',
        'E822 13:12 expected a percentage such as "97%" for accuracy, found "101%"',
        'accuracy: the share of held-out images (or pixels) that are right, for example "97%"',
    ),
    ("rate = 0.01", "lr = 0.01", "E822 7:1 'lr' is not a key of [optimizer]", "did you mean rate?"),
    (
        "rate = 0.01",
        "learning_rate = 0.01",
        "E822 7:1 'learning_rate' is not a key of [optimizer]",
        "did you mean rate?",
    ),
    (
        "rate = 0.01",
        "rate = -0.01",
        "E822 7:8 expected more than 0 for rate, found -0.01",
        "rate: the learning rate, at its highest: often 0.001 for adam, 0.1 for sgd",
    ),
    (
        "rate = 0.01",
        "rate = 0",
        "E822 7:8 expected more than 0 for rate, found 0",
        "rate: the learning rate, at its highest: often 0.001 for adam, 0.1 for sgd",
    ),
    (
        "rate = 0.01",
        'rate = "0.01"',
        'E822 7:8 expected a number for rate, found "0.01"',
        "write rate = 0.01",
    ),
    (
        "rate = 0.01",
        "rate = 1e400",
        "E822 7:8 expected a finite number for rate, found 1e400",
        "rate: the learning rate, at its highest: often 0.001 for adam, 0.1 for sgd",
    ),
    (
        "rate = 0.01",
        "rate = 2024-01-01",
        "E822 7:8 expected a number for rate, found 2024-01-01",
        "rate: the learning rate, at its highest: often 0.001 for adam, 0.1 for sgd",
    ),
    (
        "rate = 0.01",
        "rate = 0,01",
        "E821 7:9 this is not TOML: expected newline or end of document after a statement",
        "write rate = 0.01",
    ),
    ("rate = 0.01", "rate = .01", "E821 7:8 this is not TOML: invalid value", "write rate = 0.01"),
    (
        "rate = 0.01",
        "rate = 1e-2\nrate = 0.1",
        "E821 8:1 rate is given twice",
        "it is on line 7, too: leave one out",
    ),
    (
        "[schedule]",
        "[optimizer]",
        "E821 9:1 [optimizer] is given twice",
        "it is on line 5, too: leave one out",
    ),
    ('name = "adam"', "name = Adam", "E821 6:8 this is not TOML: invalid value", 'write name = "Adam"'),
    ('name = "adam"', 'name = "SGD"', 'E822 6:8 expected a name, found "SGD"', "did you mean sgd?"),
    (
        'source = "npz"',
        'source = "imagefolder"',
        'E822 2:10 expected a source, found "imagefolder"',
        "did you mean folder?",
    ),
    (
        'source = "npz"',
        'source = "mnist"',
        'E822 2:10 expected a source, found "mnist"',
        'source = "torchvision" with name = "MNIST"',
    ),
    (
        'source = "npz"\npath = "a.npz"',
        'source = "torchvision"\nname = "ImageNet"',
        'E822 3:8 expected MNIST, FashionMNIST, KMNIST, CIFAR10 or CIFAR100 for name, found "ImageNet"',
        'name: which one; others: source = "folder" or "npz"',
    ),
    (
        "epochs = 4",
        "epochs = true",
        "E822 10:10 expected a whole number for epochs, found true",
        "epochs: passes over the training images",
    ),
    (
        "epochs = 4",
        "epochs = 99999999999999999999",
        "E822 10:10 expected at most 1,000,000,000 for epochs, found 99999999999999999999",
        "epochs: passes over the training images",
    ),
    (
        "batch = 32",
        "batch_size = 32",
        "E822 11:1 'batch_size' is not a key of [schedule]",
        "did you mean batch?",
    ),
    (
        "",
        'decay = "linear"\n',
        'E822 12:9 expected constant, cosine, step, poly or exponential for decay, found "linear"',
        'decay = "poly" with power = 1.0 is a straight line',
    ),
    (
        "",
        'decay = "step"\nmilestones = 2\n',
        "E822 13:14 expected a list for milestones, found 2",
        "write milestones = [2]",
    ),
    (
        "",
        'decay = "step"\nmilestones = ["2"]\n',
        'E822 13:14 expected a whole number for milestones, found "2"',
        "write milestones = [2]",
    ),
    (
        "",
        "factor = 0.5\n",
        'E823 12:10 factor does nothing with decay = "constant"',
        'factor is for decay = "step" or "exponential"',
    ),
    ("", "[augment]\nflip = 1\n", "E822 13:8 expected true or false for flip, found 1", "write flip = true"),
    (
        "",
        '[augment]\nflip = "yes"\n',
        'E822 13:8 expected true or false for flip, found "yes"',
        "write flip = true",
    ),
    (
        "",
        "[augment]\ncrop = 9\n",
        "E824 13:8 a shift of 9 pixels moves an image of 8x8 out of sight",
        "for example crop = 1",
    ),
    ("", "[augment]\nhflip = true\n", "E822 13:1 'hflip' is not a key of [augment]", "did you mean flip?"),
    (
        "",
        "[augment]\ncolor_jitter = 0.4\n",
        "E822 13:1 'color_jitter' is not a key of [augment]",
        "[augment] has area, crop, elastic, erase, flip, flip_vertical, rotate and side" + EDIT % "augmented",
    ),
    (
        "",
        "[augment]\nrotation = 10\n",
        "E822 13:1 'rotation' is not a key of [augment]",
        "did you mean rotate?",
    ),
    ("", '[loss]\nkind = "ce"\n', 'E822 13:8 expected a kind, found "ce"', "did you mean cross_entropy?"),
    (
        "",
        '[loss]\nkind = "crossentropy"\n',
        'E822 13:8 expected a kind, found "crossentropy"',
        "did you mean cross_entropy?",
    ),
    ("", '[loss]\nname = "mse"\n', "E822 13:1 'name' is not a key of [loss]", 'write kind = "mse"'),
    (
        "",
        '[loss]\nkind = "bce"\nsmoothing = 0.1\n',
        "E822 14:1 'smoothing' is not a key of [loss]",
        'it is a key of kind = "cross_entropy"',
    ),
    (
        "",
        "[loss]\nsmoothing = 1.0\n",
        "E822 13:13 expected less than 1 for smoothing, found 1.0",
        "smoothing: label smoothing",
    ),
    (
        "",
        '[run]\namp = "bf16"\n',
        'E822 13:7 expected true or false for amp, found "bf16"',
        "write amp = true",
    ),
    (
        "",
        "[run]\nema = 1.0\n",
        "E822 13:7 expected less than 1 for ema, found 1.0",
        "ema: decay of an average of the weights, which is evaluated and kept",
    ),
    (
        "",
        '[run]\nparallel = "dp"\n',
        'E822 13:12 expected ddp or fsdp for parallel, found "dp"',
        "did you mean ddp?",
    ),
    (
        "",
        "[run]\nseed = 3\n",
        "E822 13:1 'seed' is not a key of [run]",
        "seed belongs above the first section",
    ),
    ("", "seed = 3\n", "E822 12:1 'seed' is not a key of [schedule]", "seed belongs above the first section"),
    (
        'source = "npz"\n',
        "source: npz\n",
        "E821 2:7 this is not TOML: expected '=' after a key in a key/value pair",
        'write source = "npz"',
    ),
    (
        'source = "npz"\n',
        "",
        "E822 2:1 'path' is not a key of [data]",
        'it is a key of source = "npz" or "folder" or "datasets" or "maps" or "torchvision"',
    ),
    (
        'path = "a.npz"',
        'path = "a.npz"\nmean = 0.5',
        "E822 4:8 expected a list for mean, found 0.5",
        "write mean = [0.5]",
    ),
    (
        'path = "a.npz"',
        'path = "a.npz"\nstd = [0]',
        "E822 4:7 expected more than 0 for std, found 0",
        "std: each channel is divided by it, after the mean",
    ),
    (
        'path = "a.npz"',
        'path = "C:\\data\\a.npz"',
        "E821 3:13 this is not TOML: unescaped '\\' in a string",
        "write path = 'C:\\data\\a.npz'",
    ),
    (
        'path = "a.npz"',
        'path = "https://example.org/a.npz"',
        "E822 3:8 a path is a place on disk: nothing is fetched",
        "download it, and give its path",
    ),
    (
        'path = "a.npz"',
        'path = "a.npz"\nvalidation = "10%"',
        'E822 4:14 expected a number for validation, found "10%"',
        "write validation = 0.1",
    ),
    (
        'path = "a.npz"',
        'path = "a.npz"\nvalidation = 10',
        "E822 4:14 expected less than 1 for validation, found 10",
        "write validation = 0.1",
    ),
    (
        "",
        "[optimiser]\nname='sgd'\n",
        "E822 12:2 'optimiser' is not a key of a recipe",
        "did you mean optimizer?",
    ),
    (
        "",
        "[test]\nx=1\n",
        "E822 12:2 'test' is not a key of a recipe",
        "a recipe has augment, data, expect, loss, optimizer, run, schedule and seed",
    ),
    (
        "rate = 0.01",
        "rate = 0.01\nmomentum = 0.9",
        "E822 8:1 'momentum' is not a key of [optimizer]",
        'it is a key of name = "sgd" or "rmsprop"',
    ),
    (
        "rate = 0.01",
        'rate = 0.01\nweight_decay = "1e-4"',
        'E822 8:16 expected a number for weight_decay, found "1e-4"',
        "write weight_decay = 0.0001",
    ),
    (
        "rate = 0.01",
        "rate = 1/100",
        "E821 7:9 this is not TOML: expected newline or end of document after a statement",
        "write rate = 0.01",
    ),
    (
        "rate = 0.01",
        "rate = 0.01\nbetas = (0.9, 0.95)",
        "E821 8:9 this is not TOML: invalid value",
        "write betas = [0.9, 0.95]",
    ),
    (
        "epochs = 4",
        "steps = 10_000",
        "E822 10:1 'steps' is not a key of [schedule]",
        "epochs = steps · batch / training images",
    ),
    (
        "",
        'warmup = "5%"\n',
        'E822 12:10 expected a number for warmup, found "5%"',
        "warmup: epochs in which the rate grows from 0, in proportion",
    ),
    (
        "",
        '[run]\ndevice = "cuda"\n',
        "E822 13:1 'device' is not a key of [run]",
        "the program uses the accelerator that it finds",
    ),
    (
        "",
        "[run]\nnum_workers = 4\n",
        "E822 13:1 'num_workers' is not a key of [run]",
        "write threads in [data]",
    ),
    (
        "",
        '[loss]\nkind = "mae"\n',
        'E822 13:8 expected a kind, found "mae"',
        "there are bce, cross_entropy, dice and mse" + EDIT % "loss_of",
    ),
    (
        "",
        "[loss.aux]\nweight = 0.3\n",
        "E824 12:2 the network has no output 'aux'",
        "it has one, output, whose loss is [loss]",
    ),
    ("[data]\n", "", "E822 1:1 'source' is not a key of a recipe", "it is a key of [data]"),
    (
        "[schedule]",
        "[schedule",
        "E821 9:10 this is not TOML: expected ']' at the end of a table declaration",
        "write [schedule]",
    ),
    (
        "[data]",
        "data:",
        "E821 1:5 this is not TOML: expected '=' after a key in a key/value pair",
        "write [data]",
    ),
]
"""What is changed in a good recipe (nothing: what is added), the code, place and message, and the help."""


def findings(text: str) -> tuple[Source, list[Diagnostic]]:
    source = Source("r.toml", text)
    recipe, reading = read(source)
    if recipe is not None:
        network(load(text=SPEC), recipe, reading)
    return source, list(reading.sink)


@pytest.mark.parametrize(("old", "new", "expected", "help"), CASES, ids=[one[1][-40:] for one in CASES])
def test_a_mistake_is_one_finding_with_a_way_out(old: str, new: str, expected: str, help: str) -> None:
    text = GOOD.replace(old, new) if old else GOOD + new
    source, (finding,) = findings(text)
    line, column = source.position(finding.span.start)
    assert f"{finding.code} {line}:{column} {finding.message}" == expected
    assert finding.help == help
    if finding.fix:
        (edit,) = finding.fix
        _, left = findings(text[: edit.span.start] + edit.text + text[edit.span.end :])
        assert left == [] or (left[0].message, left[0].span) != (finding.message, finding.span)


HOSTILE = {
    "a number of many digits": "epochs = " + "9" * 60_000,
    "a key of many letters": "k" * 60_000 + " = 1",
    "spaces before a comment": "rate = a" + " " * 60_000 + "#",
    "brackets": "a = " + "[" * 60_000,
    "dots": "a" + ".a" * 30_000 + " = 1",
    "dots in a header": "[" + "a." * 30_000 + "a]",
    "quotes": "a = " + "'" * 60_000,
    "tables": "[a]\n" * 15_000,
    "tables again": "\n".join(f"[a{number}]" for number in range(7_000)) + "\n[a0]\n",
    "keys": "\n".join(f"a{number} = {number}" for number in range(4_000)),
    "colons": "a: " * 20_000,
    "digits, a dot and percent": "a = " + "1." * 20_000 + "%",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_recipe_ends_in_findings(name: str) -> None:
    _, found = findings(GOOD + HOSTILE[name] + "\n")
    assert found
    assert len(found) <= 501
    assert {one.code for one in found} <= {"E821", "E822", "E608"}
    assert all(len(one.message) < 400 and len(one.help) < 400 for one in found)
