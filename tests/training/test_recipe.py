"""Recipes: what is wrong with one is a finding with its place, and what is right is read as it stands."""

from __future__ import annotations

import ast
import json

import pytest

from cnnspec.api import build, load
from cnnspec.diagnostics import Source
from cnnspec.training.network import network
from cnnspec.training.page import EXAMPLE, page
from cnnspec.training.places import places
from cnnspec.training.program import emit
from cnnspec.training.read import read
from cnnspec.training.recipe import KINDS, PLAIN, Recipe

GOOD = """\
[data]
source = "npz"
path = "a.npz"

[optimizer]
name = "adam"
rate = 0.01

[schedule]
epochs = 4
batch = 32
"""
SPEC = "input 1x8x8\nconv F3 K4 -> relu\ngap\nfc 10\n"


def found(text: str, spec: str = SPEC) -> list[tuple[str, int, int, str, str]]:
    """Each finding: code, line, column, message, help."""
    source = Source("r.toml", text)
    recipe, reading = read(source)
    if recipe is not None:
        network(load(text=spec), recipe, reading)
    return [(one.code, *source.position(one.span.start), one.message, one.help) for one in reading.sink]


def recipe_of(text: str) -> Recipe:
    recipe, _ = read(Source("r.toml", text))
    assert recipe is not None
    return recipe


def test_a_recipe_is_read() -> None:
    assert found(GOOD) == []
    recipe = recipe_of(GOOD)
    assert (recipe.schedule.epochs, recipe.optimizer.rate, recipe.loss.kind) == (4, 0.01, "cross_entropy")
    assert recipe_of(EXAMPLE).data.source == "digits"


CASES = [
    (GOOD + "[", "E821", 12, 2, "this is not TOML: "),
    (GOOD + "a = " + "[" * 20_000, "E821", 1, 1, "this is nested too deeply"),
    (GOOD + "epoch = 3\n", "E822", 12, 1, "'epoch' is not a key of [schedule]"),
    (GOOD + "[shedule]\n", "E822", 12, 2, "'shedule' is not a key of a recipe"),
    (
        GOOD.replace("epochs = 4", 'epochs = "4"'),
        "E822",
        10,
        10,
        'expected a whole number for epochs, found "4"',
    ),
    (GOOD.replace("epochs = 4", "epochs = 0"), "E822", 10, 10, "expected at least 1 for epochs, found 0"),
    (GOOD.replace("epochs = 4\n", ""), "E822", 9, 2, "[schedule] has no epochs"),
    (GOOD.replace('"adam"', '"adm"'), "E822", 6, 8, 'expected a name, found "adm"'),
    (GOOD.replace("rate = 0.01", "rate = nan"), "E822", 7, 8, "expected a finite number for rate, found nan"),
    (GOOD + "nesterov = true\n", "E822", 12, 1, "'nesterov' is not a key of [schedule]"),
    (GOOD + '[expect]\naccuracy = "97"\n', "E822", 13, 12, 'expected a percentage such as "97%"'),
    ("seed = -1\n" + GOOD, "E822", 1, 8, "expected a whole number for seed, found -1"),
    ("optimizer = 3\n" + GOOD.replace("[optimizer]", "[other]"), "E822", 1, 1, "optimizer is a section"),
    (GOOD + "warmup = 4\n", "E823", 12, 10, "the warm-up (4 epochs) is not shorter than the training (4)"),
    (GOOD + "milestones = [2]\n", "E823", 12, 14, 'milestones and decay = "step" need each other'),
    (GOOD + "[run]\naccumulate = 5\n", "E823", 13, 14, "a batch of 32 images cannot be divided into 5"),
    (GOOD + "[loss.aux]\n", "E824", 12, 2, "has no output 'aux'"),
    (GOOD.replace('path = "a.npz"', 'path = "a"\nmean = [1, 2]'), "E824", 4, 8, "2 numbers for 1 channel"),
    (GOOD + '[loss]\nkind = "dice"\n', "E824", 13, 8, "output (10) has no pixels for a Dice loss"),
]


@pytest.mark.parametrize(("text", "code", "line", "column", "message"), CASES, ids=[one[4] for one in CASES])
def test_a_mistake_is_one_finding_with_its_place(
    text: str, code: str, line: int, column: int, message: str
) -> None:
    (finding, *others) = found(text)
    assert finding[:3] == (code, line, column)
    assert message in finding[3]
    assert finding[4] or code == "E821"
    assert [one for one in others if "optimizer" not in one[3] and "other" not in one[3]] == []


def test_a_slip_is_corrected() -> None:
    assert found(GOOD + "epoch = 3\n")[0][4] == "did you mean epochs?"
    assert found(GOOD.replace('"adam"', '"adm"'))[0][4] == "did you mean adam?"


def test_a_data_set_that_is_not_the_networks() -> None:
    digits = GOOD.replace('source = "npz"\npath = "a.npz"', 'source = "digits"')
    (finding,) = found(digits)
    assert finding[0] == "E824"
    assert "larger" in finding[3] or "digits has images of 1x28x28, the input is 1x8x8" in finding[3]
    channels = found(digits, SPEC.replace("1x8x8", "3x32x32"))
    assert [one[3] for one in channels] == ["digits has 1 channel, the input has 3"]
    classes = found(digits, SPEC.replace("1x8x8", "1x28x28").replace("fc 10", "fc 7"))
    assert [one[3] for one in classes] == ["digits has 10 classes, output has 7"]


def test_an_output_has_a_loss_of_its_own() -> None:
    text = GOOD + '[loss]\nsmoothing = 0.1\n[loss.aux]\nweight = 0.3\n[loss.map]\nkind = "mse"\n'
    recipe = recipe_of(text)
    assert recipe.losses["aux"].weight == 0.3
    assert getattr(recipe.losses["aux"], "smoothing", None) == 0.1
    assert recipe.losses["map"].kind == "mse"


def test_keys_are_found_in_every_form_of_toml() -> None:
    text = 'a.b = 1 # c = 2\n[x."y z"]\nk = """\nq = 3\n"""\nt = { u = [1,\n2], v = \'=\' }\n[[w]]\nz = 1\n'
    known = places(text)
    assert {".".join(path) for path in known} == {
        "a", "a.b", "x", "x.y z", "x.y z.k", "x.y z.t", "x.y z.t.u", "x.y z.t.v", "w", "w.z",
    }  # fmt: skip
    value = known["x", "y z", "t", "u"].value
    assert text[value.start : value.end] == "[1,\n2]"
    assert text[slice(*known["a", "b"].value)] == "1"


def test_the_page_has_every_key() -> None:
    text = page()
    models = [*PLAIN.values(), *(model for kinds in KINDS.values() for model in kinds.models.values())]
    for model in models:
        for key, field in model.model_fields.items():
            assert f"`{key}" in text
            assert field.description


HOSTILE = ('a"); import os; os.abort() #', "\\\n\r\u2028", "##[error]", "'" + '"' * 3, "{BATCH}", "x" * 1000)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_recipes_texts_are_texts_in_the_program(name: str) -> None:
    text = GOOD.replace('path = "a.npz"', f"path = {json.dumps(name)}\nimages = {json.dumps(name)}")
    graph = load(text=SPEC)
    source = Source("r.toml", text)
    recipe, reading = read(source)
    assert recipe is not None
    facts = network(graph, recipe, reading)
    assert facts is not None
    program = emit(graph, facts, recipe, build(graph, target="torch"), name)
    assert program.isascii()
    assert "\r" not in program
    found = [node.value for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Constant)]
    assert found.count(name) == 2
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Call)
        if isinstance(node.func, ast.Name)
    }
    assert not calls & {"eval", "exec", "__import__", "compile"}
