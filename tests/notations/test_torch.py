"""Every translation of a torch layer, executed: the original and the translation, with the same weights, have
outputs of the same shape with the same numbers, also after a step of training."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import pytest
import torch

from cnnspec.notations import translate
from cnnspec.notations.entry import Entry, Parameter, parameters
from cnnspec.notations.torch import TORCH
from tests.support import findings
from tests.targets.torch.support import built, graph_of, single_threaded

SURE = [entry for entry in TORCH if entry.here and not entry.why]
MODULES = [entry for entry in SURE if hasattr(torch.nn, entry.example.partition("(")[0])]
FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "flatten(x, 1)": lambda x: torch.flatten(x, 1),
    "view(-1, 400)": lambda x: x.reshape(-1, 2048),
}
NOT_IN_TORCH = ("StochasticDepth", "DropPath", "LayerNorm2d")  # torchvision's and timm's
TRIES = 8
WRITTEN = {
    "known": ("0.3", "True", "False", "'tanh'", "'reflect'"),
    "K": ("8", "16"),
    "F": ("1", "2", "3", "(3, 2)", "[2, 3]"),
    "S": ("1", "2", "3", "(2, 1)", "None"),
    "P": ("0", "1", "(1, 0)", "'same'", "'valid'"),
    "D": ("1", "2", "(1, 2)"),
    "G": ("1", "2", "4", "8"),
    "extra": ("0", "1", "(0, 1)"),
    "out": ("1", "5", "(7, 4)", "(1, 1)", "(None, 3)"),
    "eps": ("1e-3", "1e-05", "0.01"),
    "momentum": ("0.1", "0.3", "None"),
    "size": ("3", "5"),
    "alpha": ("1e-3",),
    "beta": ("0.5",),
    "k": ("2", "2.0"),
    "*": ("2", "0.25", "2.0", "(2, 2)", ".5"),
    "mode": ("'nearest'", "'bilinear'", "'bicubic'", "'nearest-exact'"),
    "corners": ("None", "False", "True"),
    "factor": ("2", "3.0", "0.5", "(2, 2)", "(1, 3)"),
    "sides": ("1", "(1, 0, 2, 1)"),
    "slopes": ("1", "8"),
    "over_channels": ("1", "2", "-1", "-3", "None"),
    "volume": ("(2, 2, 4)", "(16,)", "[16, 1, 1]", "(4, 4)"),
    "": ("'reflect'", "'tanh'", "2", "True", "False", "0.5"),
}
"""What is drawn for a parameter, by its meaning; what torch does not take is passed over."""


def same(written: str, here: str, takes: str, original: torch.nn.Module) -> None:
    torch.manual_seed(0)
    tensor = torch.rand(4, *map(int, takes.split("x"))) * 6 - 3
    model = built(graph_of(f"input {takes}\n{here}\n" + ("relu\n" if here == "id" else "")))
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
    for written, original in calls(entry):
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


def calls(entry: Entry) -> Iterator[tuple[str, torch.nn.Module]]:
    """Calls that torch takes, and their modules: each value alone, and some at random together."""
    chance = random.Random(entry.example)
    tensor = torch.rand(4, *map(int, entry.takes.split("x")))
    name = entry.example.partition("(")[0]
    signature = [one for one in parameters(entry.arguments) if not one.name.startswith("+")]
    texts = []
    for values in each_alone(signature, chance, entry.takes):
        named = [f"{one.name}={value}" for one, value in zip(signature, values, strict=True) if value]
        texts.append(f"{name}({', '.join(named)})")
    for _ in range(TRIES):
        positional = chance.randint(0, len(signature))
        several = [
            (f"{one.name}=" if place >= positional else "") + drawn(chance, one, entry.takes)
            for place, one in enumerate(signature)
            if place < positional or one.default is None or chance.random() < 0.3
        ]
        texts.append(f"{name}({', '.join(several)})")
    for written in dict.fromkeys(texts):
        try:
            torch.manual_seed(0)
            original = eval(written, {**vars(torch.nn)})
            original(tensor.clone())
        except Exception:
            continue
        yield written, original


def each_alone(
    signature: Sequence[Parameter], chance: random.Random, takes: str
) -> Iterator[Sequence[str | None]]:
    for place, one in enumerate(signature):
        for value in values_of(one, takes):
            needed = [None if other.default else drawn(chance, other, takes) for other in signature]
            yield [*needed[:place], value, *needed[place + 1 :]]


def values_of(parameter: Parameter, takes: str) -> Sequence[str]:
    if parameter.name in ("in_channels", "num_features", "num_channels", "in_features"):
        return (takes.partition("x")[0],)
    return WRITTEN.get(parameter.meaning, ("True", "False"))


def drawn(chance: random.Random, parameter: Parameter, takes: str) -> str:
    if parameter.default is not None and chance.random() < 0.4:
        return parameter.default
    return chance.choice(values_of(parameter, takes))
