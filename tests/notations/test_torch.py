"""Every translation of a torch layer, executed: the original and the translation, with the same weights, have
outputs of the same shape with the same numbers, also after a step of training."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch

from cnnspec.notations import translate
from cnnspec.notations.entry import Entry, parameters
from cnnspec.notations.torch import TORCH
from tests.notations.drawn import calls
from tests.support import findings
from tests.targets.torch.support import built, graph_of, single_threaded

SURE = [entry for entry in TORCH if entry.here and not entry.why]
MODULES = [entry for entry in SURE if hasattr(torch.nn, entry.example.partition("(")[0])]
FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "flatten(x, 1)": lambda x: torch.flatten(x, 1),
    "view(-1, 400)": lambda x: x.reshape(-1, 2048),
    "reshape(-1, 400)": lambda x: x.reshape(-1, 2048),
}
NOT_IN_TORCH = (
    "Conv2dNormActivation",
    "StochasticDepth",
    "DropPath",
    "LayerNorm2d",
)  # torchvision's and timm's


def same(written: str, here: str, takes: str, original: torch.nn.Module) -> None:
    torch.manual_seed(0)
    tensor = torch.rand(4, *map(int, takes.split("x"))) * 6 - 3
    model = built(graph_of(f"input {takes}\n{here}\n" + ("relu\n" if here == "id" else "")))
    if written.startswith("Lazy"):
        original.eval()(tensor.clone())  # its weights have their shapes now
    if here == "id":
        original = torch.nn.Sequential(original, torch.nn.ReLU())
    theirs, ours = original.state_dict(), model.state_dict()
    assert [one.shape for one in ours.values()] == [one.shape for one in theirs.values()], written
    assert len([*model.parameters()]) == len([*original.parameters()]), written
    model.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    for training in (True, False):
        found = []
        for module in (original, model):
            module.train(training)
            torch.manual_seed(1)
            found.append(module(tensor.clone()))
        assert found[0].shape == found[1].shape or found[0].shape[:2] == found[1].shape, written
        torch.testing.assert_close(found[1], found[0].reshape(found[1].shape), msg=f"{written} is not {here}")


@pytest.mark.parametrize("entry", MODULES, ids=[entry.example for entry in MODULES])
@single_threaded
def test_a_layer_of_torch_and_its_translation_compute_the_same(entry: Entry) -> None:
    same(entry.example, entry.here, entry.takes, eval(entry.example, {**vars(torch.nn)}))


@pytest.mark.parametrize("written", FUNCTIONS)
def test_a_function_of_torch_and_its_translation_compute_the_same(written: str) -> None:
    class Function(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return FUNCTIONS[written](x)

    found = translate(written, 0)
    assert found is not None
    assert found.sure
    same(written, found.text, "8x16x16", Function())


def test_what_is_not_executed_is_known() -> None:
    rest = [entry.example for entry in SURE if entry not in MODULES and entry.example not in FUNCTIONS]
    assert {example.partition("(")[0] for example in rest} == {*NOT_IN_TORCH}


@pytest.mark.parametrize("entry", MODULES, ids=[entry.example for entry in MODULES])
@single_threaded
def test_a_layer_with_any_arguments_and_its_translation_compute_the_same(entry: Entry) -> None:
    executed = 0
    tensor = torch.rand(4, *map(int, entry.takes.split("x")))
    chance = random.Random(entry.example)
    for written, original in calls(entry, vars(torch.nn), lambda one: one(tensor.clone()), chance):
        found = translate(written, 0)
        assert found is not None, written
        if not found.sure:
            continue
        spec = f"input {entry.takes}\n{found.text}\n"
        if any(one.code.startswith("E") for one in findings(spec)):
            assert "id" in found.text or found.text == "prelu", f"{written} is not {found.text}"
            continue
        same(written, found.text, entry.takes, original)
        executed += 1
    assert executed or not parameters(entry.arguments)
