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
OTHER = "other.cnn"
"""Beside the spec: the same one with one more change."""
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
    ("table",),
    ("table", "--rows", "layer", "--columns", "name,kernel,stride,depth,field", "--format", "latex"),
    ("table", "--rows", "size", "--cells", "bracket", "--shape", "HxWxC", "--format", "html"),
    ("table", "--like", "resnet", "--variants", "all", "--format", "csv"),
    ("table", "--like", "mobilenet", "--numbers", "short", "--format", "typst"),
    ("table", "--rows", "stage", "--format", "json"),
    ("diff", OTHER),
    ("diff", OTHER, "--format", "markdown"),
    ("diff", OTHER, "--format", "json"),
    ("fmt", "--check"),
    ("fmt", "--diff"),
    ("fmt",),
)
"""`check --fix` and `fmt` change the file: they come last, on what the others have read."""
IN_PROCESSES = (
    ("verify",),
    ("verify", "--format", "json", "--all"),
    ("run", "--random", "--trace"),
    ("run", "--random", "--grad", "--train", "--format", "json"),
)
"""Commands that start a process of their own: seconds each."""
DOCUMENT_FORMS = (
    ("check",),
    ("check", "--format", "json"),
    ("check", "--update", "--dry-run"),
    ("check", "--update"),
    ("check", "--update"),
    ("fmt", "--diff"),
    ("check", "--fix"),
    ("fmt",),
)
REGIONS = (
    "check one", "check one --all", "sizes one", "explain one", "explain one conv", "diff one two",
    "diff any.cnn two", "table one two", "table one --like vgg", "table any.cnn", "draw one",
    "draw two --style volumes -o two.svg",
)  # fmt: skip


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


def document(seed: int, kind: str) -> str:
    """Two specs and regions made from them, in Markdown or LaTeX; often with one thing of it changed."""
    chance = random.Random(seed)
    one, two = text_of(seed), text_of(seed + 1)
    regions = chance.sample(REGIONS, 3)
    if kind == "md":
        parts = [f"```cnn name={name}\n{text}\n```\n" for name, text in (("one", one), ("two", two))]
        parts += [f"<!-- cnnspec: {region} -->\n<!-- /cnnspec -->\n" for region in regions]
    else:
        parts = [
            f"\\begin{{cnn}}[name={name}]\n{text}\n\\end{{cnn}}\n"
            for name, text in (("one", one), ("two", two))
        ]
        parts += [f"% cnnspec: {region}\n% /cnnspec\n" for region in regions]
    text = "\n".join(parts)
    return mutated(text, chance) if chance.random() < 0.5 else text


def executed(arguments: list[str]) -> int:
    budgets = () if arguments[0] == "fmt" else BUDGETS
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return cli.execute([*arguments, *budgets])


def ends_well(form: list[str]) -> None:
    start = time.process_time()
    assert executed(form) in (0, 1, 2), form
    assert time.process_time() - start < SECONDS, form


@pytest.mark.parametrize("seed", range(600 if LONG else 12))
def test_every_command_ends_well(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNSPEC_DEBUG", "1")  # what is no finding is the test's error
    text = text_of(seed)
    path = tmp_path / "any.cnn"
    path.write_text(text, encoding="utf-8", errors="ignore")
    other = mutated(text, random.Random(seed))
    (tmp_path / OTHER).write_text(other, encoding="utf-8", errors="ignore")
    graph = models(Source("any.cnn", text), limits=LIMITS, lints=False)[0].graph
    names = [entry.path for entry in islice(flat(graph), 200)] if graph is not None else []
    forms = [[command, str(path), *options] for command, *options in FORMS]
    if not LONG:
        forms = [forms[place] for place in sorted(random.Random(seed).sample(range(len(forms)), 6))]
    forms += [["explain", str(path), name] for name in (*names[-1:], "no.such.layer")]
    if seed % (3 if LONG else 12) == 2:
        command, *options = IN_PROCESSES[seed // 3 % len(IN_PROCESSES)]
        forms.insert(0, [command, str(path), "--max-weights", "20000", *options])
    monkeypatch.chdir(tmp_path)
    for form in forms:
        ends_well(form)


@pytest.mark.parametrize("seed", range(400 if LONG else 4))
def test_every_command_on_a_document_ends_well(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNSPEC_DEBUG", "1")
    monkeypatch.chdir(tmp_path)
    name = f"notes.{'md' if seed % 2 else 'tex'}"
    Path("any.cnn").write_text(text_of(seed + 2), encoding="utf-8", errors="ignore")
    Path(name).write_text(document(seed, name[6:]), encoding="utf-8", errors="ignore")
    forms = [[command, name, *options] for command, *options in DOCUMENT_FORMS]
    for command in ("explain", "draw", "table", "sizes", "build --target numpy"):
        forms.insert(0, [*command.split(), f"{name}#one"])
    for form in forms:
        ends_well(form)
