"""Every command in every form, on any spec, ends in time with a status of 0, 1 or 2 and never a traceback."""

from __future__ import annotations

import contextlib
import io
import random
import time
from itertools import islice
from pathlib import Path

import pytest

from cnnspec import cli
from cnnspec.diagnostics import Source
from cnnspec.elaborate.limits import Limits
from cnnspec.ir.flat import flat
from cnnspec.pipeline import models
from tests.properties.conftest import LONG
from tests.properties.grower import grown
from tests.properties.nests import nest
from tests.properties.texts import ZOO, mutated

LIMITS = Limits(work=3_000, layers=20_000)
BUDGETS = ("--max-work", str(LIMITS.work), "--max-layers", str(LIMITS.layers))
SECONDS = 20  # ten times what is needed, on a machine that does other things too
FORMS = (
    ("check",),
    ("check", "--all"),
    ("check", "--format", "json"),
    ("check", "--format", "github"),
    ("check", "--advice", "--color", "always"),
    ("check", "--strict", "--fix"),
    ("build", "--target", "torch"),
    ("build", "--target", "torch", "--fold-bn"),
    ("build", "--target", "numpy", "--format", "json"),
    ("sizes",),
    ("sizes", "--format", "json"),
    ("explain",),
    ("explain", "--format", "markdown"),
    ("explain", "--format", "latex"),
    ("explain", "--format", "json"),
    ("draw",),
    ("draw", "--expand", "3", "--wrap", "2", "--width", "4in"),
    ("draw", "--format", "mermaid", "--expand", "9"),
    ("draw", "--format", "dot", "--no-panels"),
    ("draw", "--style", "volumes"),
    ("fmt", "--check"),
    ("fmt", "--diff"),
    ("fmt",),
)
"""`check --fix` and `fmt` change the file: they come last, on what the others have read."""


def text_of(seed: int) -> str:
    chance = random.Random(seed)
    match seed % 3:
        case 0:
            return nest(seed)
        case 1:
            text = ZOO[chance.choice(sorted(ZOO))]
        case _:
            text = grown(seed % 997, 5)
    for _ in range(chance.choice((0, 1, 1, 2))):
        text = mutated(text, chance)
    return text


def executed(arguments: list[str]) -> int:
    budgets = () if arguments[0] == "fmt" else BUDGETS
    printed, told = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(told):
        return cli.execute([*arguments, *budgets])


@pytest.mark.parametrize("seed", range(600 if LONG else 24))
def test_every_command_ends_well(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNSPEC_DEBUG", "1")  # what is no finding is the test's error
    text = text_of(seed)
    path = tmp_path / "any.cnn"
    path.write_text(text, encoding="utf-8", errors="ignore")
    graph = models(Source("any.cnn", text), limits=LIMITS, lints=False)[0].graph
    names = [entry.path for entry in islice(flat(graph), 200)] if graph is not None else []
    forms = [[command, str(path), *options] for command, *options in FORMS]
    if not LONG:
        forms = [forms[place] for place in sorted(random.Random(seed).sample(range(len(forms)), 5))]
    forms += [["explain", str(path), name] for name in (*names[-1:], "no.such.layer")]
    if seed % (3 if LONG else 12) == 2:
        forms.insert(
            0, ["verify", str(path), "--max-weights", "20000", "--format", ("text", "json")[seed % 2]]
        )
    for form in forms:
        start = time.process_time()
        assert executed(form) in (0, 1, 2), form
        assert time.process_time() - start < SECONDS, form
