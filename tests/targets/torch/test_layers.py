"""Every layer, by its own example and with every argument: it runs, compiles, exports, and computes what it
should."""

from __future__ import annotations

import pytest
import torch

from cnnspec.ops import lookup, words
from cnnspec.targets.torch.layers import MODULES
from tests.oracle.network import run
from tests.targets.torch.support import built, disturb, graph_of, inputs_of, keys_of, outputs_of, shapes_of

SAID_IN_FORWARD = {"add", "mul", "sub", "max", "concat", "unpool"}
NO_STEP = {"id", "none"}

LAYERS = [
    "input 4x9x9\nconv F3x2 S2x1 P1x0 D1x2 K6 G2",
    "input 4x9x9\nconv F3 S2 Psame K6",
    "input 4x10x9\nconv F4 Psame K6 nobias",
    "input 4x9x9\nconv F3 S3 Psame D2 K6",
    "input 4x9x9\nconv F1 S2 Psame K6",
    "input 4x9x9\nconv F3 K5 connect=[0 1; 1; 2 3; 0 1 2 3; 3] P1",
    "input 4x9x9\nconv F3 K2 connect=[0 1; 1] nobias S2 D2 frozen",
    "input 4x9x9\nconv F3 K2 connect=[0 1; 1] Psame init=he",
    "input 4x9x9\nconv F3 K2 weight=[1 0 -1; 2 0 -2; 1/3 0 -1] bias=-500 -> relu",
    "input 1x6x6\nconv F3 K1 nobias weight=[1 0 -1; 1 0 -1; 1 0 -1] frozen",
    "input 2x6x6\nconv F1 K2 weight=[1 | 2 | 3 | 4] bias=[1 2]",
    "input 4x9x9\ndwconv F3 P1",
    "input 4x9x9\ndwconv F3 S2 K8 nobias",
    "input 4x9x9\ndwconv F3 S2 Psame init=xavier",
    "input 4x5x5\ndeconv F3 S2 P1 K6 extra=1",
    "input 4x5x5\ndeconv F3x2 S2x3 P1x0 K6 G2 extra=1x2 D1x2",
    "input 4x5x5\ndeconv F4 S2 Psame K6",
    "input 4x5x5\ndeconv F4 S2 P1 K4 init=bilinear frozen",
    "input 4x5x5\ndeconv F3 S2 Psame K6 nobias",
    "input 4x5x5\ndeconv F2 S3 Psame K6",
    "input 4x5x5\ndeconv F1 S2 Psame K6 nobias init=normal(0.1)",
    "input 4x9x8\nmaxpool F3 S2 P1 D1x2",
    "input 4x9x8\nmaxpool F3 S2 ceil",
    "input 4x9x8\nmaxpool F2 S3 Psame",
    "input 4x9x8\nmaxpool F3x2 S1 Psame",
    "input 4x9x8\nmaxpool out=4x3",
    "input 4x9x8\nmaxpool F1 S2 ceil",
    "input 4x9x8\navgpool F3 S2 P1",
    "input 4x9x8\navgpool F3 S2 P1 exclude_pad",
    "input 4x9x8\navgpool F3 S2 P1 ceil",
    "input 4x9x8\navgpool F3 S2 ceil exclude_pad",
    "input 4x9x8\navgpool F3x2 S2 Psame",
    "input 4x9x8\navgpool F3x2 S2 Psame exclude_pad",
    "input 4x9x8\navgpool out=7x5",
    "input 4x9x8\ngmp",
    "input 4x9x8\nsubsample F2",
    "input 4x9x8\nsubsample F3x2 S1x2 frozen",
    "input 4x9x8\nbn eps=1e-3 momentum=0.01 noaffine",
    "input 4x9x8\nbn frozen",
    "input 4\nbn eps=1e-3",
    "input 4x9x8\nin noaffine",
    "input 4x9x8\nln eps=1e-6 noaffine",
    "input 4\nln frozen",
    "input 4x9x8\ngn G2 eps=1e-3 noaffine",
    "input 4x9x8\nlrn size=3 alpha=5e-4 beta=0.5 k=2",
    "input 4x9x8\nlrn size=4",
    "input 4x9x8\nleaky 0.2",
    "input 4x9x8\nconv F1 K3 -> leaky 0",
    "input 4x9x8\nprelu one frozen",
    "input 1x9x8\nprelu",
    "input 4x9x8\nelu 0.5",
    "input 4x9x8\ntanh amp=1.7159 gain=2/3",
    "input 4x9x8\ntanh gain=1/2",
    "input 4x9x8\nlogsoftmax",
    "input 4x9x8\ndropout 0",
    "input 4x9x8\ndropout 1/3",
    "input 4x9x8\ndroppath 0.1",
    "input 4x9x8\nscale init=1e-6 one",
    "input 4\nscale frozen",
    "input 4x9x8\ntimes 1/3",
    "input 4x1x1\nfc 3 nobias",
    "input 4x1x1\nfc 3 init=zeros",
    "input 2\nfc 2 weight=[1 2; 3 4] bias=[5 6] frozen",
    "input 4\nfc 3 init=uniform(0.1) frozen",
    "input 4x1x1\nrbf 3",
    "input 4\nrbf 3 frozen weight=[1 1 1 1; -1 1 -1 1; 1 -1 1 -1]",
    "input 4\nrbf 3 init=normal(0.1)",
    "input 4x5x6\nupsample 2x3",
    "input 4x5x6\nupsample out=7x11",
    "input 4x5x6\nupsample out=7x11 bilinear",
    "input 4x5x6\nupsample 2 bilinear",
    "input 8x5x6\npixelshuffle 2",
    "input 4x6x6\npixelunshuffle 3",
    "input 6x5x6\nshuffle G3",
    "input 4x5x6\npad 2",
    "input 4x5x6\npad left=0 right=1 top=2 bottom=3",
    "input 4x5x6\npad 1 reflect",
    "input 4x5x6\npad 1 right=2 replicate",
    "input 4x5x6\npad channels=8",
    "input 4x5x6\npad channels=1:2 1",
    "input 4x5x6\ncrop 3x3",
    "input 4x5x6\ncrop 3x3 offset=1x2",
    "input 4x5x6\nslice 1:3",
    "input 4x5x6\nreshape 20x2x3",
    "input 120\nreshape 4x5x6",
    "input 4x5x6\nreshape 120",
    "input 4x9x8\na: maxpool F2\nconv F1 K3 -> upsample like=@a",
    "input x: 4x9x8\na: conv F3 S2 P1 K4\n@x -> crop like=@a offset=1x2 -> concat [ id | @a ]",
    "input x: 4x9x8\np: maxpool F3x2 S2 P1 D1x1 ceil\nunpool like=@p",
    "input 4x9x8\nconv F3x2 S2 Psame K3 connect=[0 1; 2; 1 3]",
    "input 4x9x8\nconv F2 Psame K3 D3 nobias connect=[0 1; 2; 1 3]",
    "input x: 4x9x8\np: maxpool F3 S3 Psame\nunpool like=@p",
    "input x: 4x10x11\np: maxpool F2 S3 D2x1 Psame\nunpool like=@p",
    "input x: 4x9x8\np: maxpool out=3x4\nunpool like=@p",
]


@pytest.fixture(
    params=[*LAYERS, *(op.example for op in map(lookup, words()) if op is not None and op.example)]
)
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def smaller(text: str) -> str:
    """An example of the documentation, with fewer positions where they would take long."""
    return text


def test_it_computes_what_the_layer_says(text: str) -> None:
    graph = graph_of(text)
    torch.manual_seed(1)
    model = built(graph).double().eval()
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == keys_of(graph)
    if "weight=" not in text:
        disturb(model)
    inputs = inputs_of(graph, dtype=torch.float64)
    with torch.no_grad():
        outputs = outputs_of(model(*(x.clone() for x in inputs)))
        expected = run(graph, model.state_dict(), inputs)
    assert [tuple(y.shape[1:]) for y in outputs] == shapes_of(graph)
    for output, other in zip(outputs, expected, strict=True):
        # torch's softplus is x itself above 20
        torch.testing.assert_close(output, other, rtol=1e-8, atol=3e-9)


def test_frozen_weights_and_only_those_have_no_gradient(text: str) -> None:
    graph = graph_of(text)
    from cnnspec.ir.flat import flat

    roles = {key: weight.role for entry in flat(graph) for key, weight in entry.weights}
    for key, parameter in built(graph).named_parameters():
        assert parameter.requires_grad == (roles[key] == "trainable"), key


def test_every_word_has_an_emitter() -> None:
    """Closes ops × this target: a layer is a module or an expression of forward; none is left out."""
    every = set(words())
    assert every - SAID_IN_FORWARD - NO_STEP == set(MODULES)
    assert every >= SAID_IN_FORWARD
    tested = {entry.op.word for one in LAYERS for entry in _entries(one)}
    examples = {word for word in every if (op := lookup(word)) is not None and op.example}
    assert tested | examples | NO_STEP >= every


def _entries(text: str) -> list:  # type: ignore[type-arg]
    from cnnspec.ir.flat import flat

    return list(flat(graph_of(text)))
