"""Files with something changed in them: each is read, or refused with a reason; nothing else is raised."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from cnnspec.sources import caffe, darknet
from cnnspec.sources.calls.trace import Trace, Untrue, plain, read
from cnnspec.sources.calls.translate import NeedsValues, layers_of
from cnnspec.sources.keras.config import Refused as KerasRefused
from cnnspec.sources.keras.config import load
from cnnspec.sources.keras.convert import convert as keras
from cnnspec.structure import UnfitList, spec
from tests.cli.test_import_files import CFG, KERAS, PROTOTXT

REASONS = (caffe.Refused, darknet.Refused, KerasRefused, NeedsValues, Untrue, UnfitList)
VALUES = (0, -1, 3, 1e308, 2**70, None, True, "x", [], [1], [[1, 2], [3, 4]], {}, float("nan"))
NUMBERS = ("0", "-1", "9" * 20, "1e9", "3", "100000")


def changed_text(text: str, chance: random.Random) -> str:
    """A piece left out, a piece twice, another character or another number."""
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text = text[:place] + text[place + chance.randint(1, 30) :]
            case 1:
                other = chance.randrange(len(text) + 1)
                text = text[:place] + text[other : other + 40] + text[place:]
            case 2:
                text = text[:place] + chance.choice('0-{}[]":=,\n x') + text[place + 1 :]
            case _:
                found = list(re.finditer(r"\d+", text))
                if found:
                    one = chance.choice(found)
                    text = text[: one.start()] + chance.choice(NUMBERS) + text[one.end() :]
    return text


def changed_json(value: Any, chance: random.Random) -> Any:
    """The value with one of its parts replaced."""
    if isinstance(value, dict) and value:
        key = chance.choice(list(value))
        return value | {
            key: chance.choice(VALUES) if chance.random() < 0.2 else changed_json(value[key], chance)
        }
    if isinstance(value, list) and value:
        place = chance.randrange(len(value))
        part = chance.choice(VALUES) if chance.random() < 0.2 else changed_json(value[place], chance)
        return [*value[:place], part, *value[place + 1 :]]
    return chance.choice(VALUES)


def _caffe(chance: random.Random) -> Trace:
    return caffe.convert(changed_text(PROTOTXT, chance))


def _darknet(chance: random.Random) -> Trace:
    return darknet.convert(changed_text(CFG, chance))


def _keras(chance: random.Random) -> Trace:
    return keras(load(json.dumps(changed_json(KERAS, chance)).encode()))


@pytest.mark.parametrize("door", [_caffe, _darknet, _keras])
def test_a_changed_file_is_read_or_refused(door: Callable[[random.Random], Trace]) -> None:
    outcomes = set()
    for seed in range(250):
        try:
            spec(layers_of(read(plain(door(random.Random(seed))))))
            outcomes.add("read")
        except REASONS as why:
            outcomes.add("refused" if str(why) else "refused without a word")
    assert outcomes == {"read", "refused"}
