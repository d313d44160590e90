"""The knobs that a model's constructor takes: `Model(classes=10)` is the model of `--set classes=10`."""

from __future__ import annotations

import inspect
from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import nn

from cnnspec.ir.expr import parsed
from tests.targets.torch.support import SPECS, executed, graph_of, keys_of, model_class, program, spec, zoo


def arguments_of(cls: Any) -> list[str]:
    return [name for name in inspect.signature(cls).parameters if name not in ("device", "dtype")]


def same_as_set(text: str, variant: str | None, name: str, cls: Any, value: Any) -> None:
    """With another value: the weights, and what torch prints of every layer, as `--set` has them."""
    other = graph_of(text, variant, settings={name: str(Fraction(value).limit_denominator(10**6))})
    with torch.device("meta"):
        made, wanted = cls(**{name: value}), model_class(executed(program(other)))()
    shapes = {key: tuple(weight.shape) for key, weight in made.state_dict().items()}
    assert shapes == keys_of(other)
    assert str(made) == str(wanted)
    passes = [(type(one).__name__, own) for one in (made, wanted) for own in plain(one)]
    assert passes[: len(passes) // 2] == passes[len(passes) // 2 :]


def plain(model: nn.Module) -> list[dict[str, Any]]:
    """The numbers that the layers keep; `starts` are functions, each program's own."""
    return [
        {
            key: value
            for key, value in vars(one).items()
            if isinstance(value, (int, float, tuple, list, str)) and key != "starts"
        }
        for one in model.modules()
    ]


SMALL = ("classic/lenet5", "light/efficientnet", "tasks/fsrcnn", "tasks/unet", "light/shufflenet_v2")


@pytest.mark.parametrize(
    ("path", "variant"),
    [
        pytest.param(*one, marks=[] if one[0].removesuffix(".cnn") in SMALL else [pytest.mark.heavy])
        for one in zoo()
    ],
)
def test_the_zoo(path: str, variant: str | None) -> None:
    graph = spec(path, variant)
    cls = model_class(executed(program(graph)))
    found = arguments_of(cls)
    assert not set(found) - set(graph.arguments)
    text = (SPECS / path).read_text("utf-8")
    for name in found:
        given = parsed(graph.knobs[name])
        assert isinstance(given, int | Fraction)
        same_as_set(text, variant, name, cls, 3 * given if isinstance(given, int) else float(given) / 4)
    if "let classes" in text:
        assert "classes" in found


def arguments(text: str) -> list[str]:
    cls = model_class(executed(program(graph_of(text))))
    found = arguments_of(cls)
    for name in found:
        same_as_set(text, None, name, cls, 3 * int(parsed(graph_of(text).knobs[name])))  # type: ignore[call-overload]
    return found


def test_a_number_goes_on_through_the_layers_and_blocks_that_read_it() -> None:
    blocks = "block unit(k) { conv F3 P1 K=k -> bn -> relu }\n"
    blocks += "block se() { mul [ id | gap -> conv F1 K=C ] }\n"
    text = f"let k = 8\nlet classes = 10\n{blocks}input 3x8x8\nunit(k) -> [unit(2*k)]*2 -> se()\n"
    text += "concat [ unit(k) | maxpool F3 S1 P1 ] -> flatten -> fc 3*classes -> relu -> fc classes\n"
    assert arguments(text) == ["k", "classes"]


def test_blocks_are_passed_the_knobs_that_they_read() -> None:
    """Directly or through others; a claim does not read, and a parameter of that name is another number."""
    text = """\
let g = 4
let classes = 10
block layer(s=1) { concat [ id | conv F1 S=s K=2*g -> relu -> conv F3 P1 K=g ] }
block scores() { gap -> fc classes }
block head(g) { conv F1 K=g -> scores() }
input 3x8x8
conv F3 P1 K=2*g => (2*g)x8x8
[layer()]*3 -> layer(s=1)
head(6)
"""
    assert arguments(text) == ["g", "classes"]
    made = program(graph_of(text))
    assert "class Layer(nn.Module):\n    def __init__(self, in_channels: int, g: int, s: int = 1)" in made
    assert "*(Layer(2 * g + g * i, g) for i in range(3))" in made
    assert "self.head = Head(6 * g, 6, classes)" in made


def test_layers_that_a_block_is_given_do_not_stop_a_knob() -> None:
    blocks = "block unit(k, act=relu, extra=id) { conv F3 P1 K=k -> bn -> act -> extra }\n"
    text = f"let k = 8\nlet classes = 10\n{blocks}block head(act) {{ act -> gap -> fc classes }}\n"
    text += "input 3x8x8\nunit(k) -> unit(2*k, [leaky 0.1], [maxpool F2 -> bn]) -> head(silu)\n"
    assert arguments(text) == ["k", "classes"]


def test_a_condition_that_the_program_itself_decides_may_depend_on_it() -> None:
    """The width of a residual network: the constructor decides whether a shortcut needs a projection."""
    shortcut = "if s > 1 or c != w [ conv F1 S=s K=w ]"
    block = f"block unit(w, s) {{ let c = C\n add [ conv F3 S=s P1 K=w | {shortcut} ] }}\n"
    text = f"let k = 2\n{block}input 3x8x8\nconv F3 P1 K16\n[unit(16*k, 1)]*2\nunit(32*k, 2)\n"
    assert arguments(text) == ["k"]
    same_as_set(text, None, "k", model_class(executed(program(graph_of(text)))), 1)


def test_a_side_that_is_not_taken_does_not_count() -> None:
    """The auxiliary head of Inception v3 counts the classes, too."""
    block = "block b(n) { if n > 1 [ conv F1 K=classes ] -> conv F1 K=n }\n"
    text = f"let classes = 10\nlet heads = 0\n{block}input 3x8x8\nconv F3 K4 -> b(1)\n"
    text += "if heads == 1 [ if classes > 5 [ relu ] -> conv F1 K=classes ]\nflatten -> fc classes\n"
    assert arguments(text) == ["classes"]
    assert arguments(text.replace("b(1)", "b(2) -> b(1)")) == ["classes"]


@pytest.mark.parametrize(
    "text",
    [
        "let k = 4\ninput 3x8x8\nconv F3 K=k\nif k == 4 [ relu ]\n",  # decides about a step
        "let k = 4\ninput 3x8x8\n[conv F3 P1 K4]*k\nflatten -> fc k\n",  # counts
        "let k = 3\ninput (k)x8x8\nconv F3 K=k\n",  # is the input's
        "let k = 4\nblock b() { [relu]*k }\ninput 3x8x8\nb() -> conv F1 K=k\n",  # counts, in a block
        "let k = 4\nblock b() { conv F1 K=k }\nblock f(k) { b() }\ninput 3x8x8\nf(5)\n",  # hidden
        "let k = 4\nblock b() { conv F1 K=k }\nblock f(act) { act }\ninput 3x8x8\nf([b()])\n",  # in layers
        "let k = 4\nvariant A: k = 4\nvariant B: k = 1.5\ninput 3x8x8\nconv F3 K=2*k\n",  # a fraction
        "let k = 4\ndefault conv K=k\nblock b() { conv F3 }\ninput 3x8x8\nconv F3 -> b()\n",  # a default
        "let k = 4\nblock b() { if C > 4 [ relu ] -> conv F1 K4 }\ninput 3x8x8\nconv F3 K=k -> b()\n",
        "let k = 4\nblock b() { [relu]*C }\ninput 3x8x8\nconv F3 K=k -> b()\n",
        "let k = 4\nblock b() { [relu]*(C-4) -> conv F1 K4 }\ninput 3x8x8\nconv F3 K=k -> b()\n",
        "let k = 4\nblock b(n) { if n > 4 [ relu ] -> conv F1 K4 }\ninput 3x8x8\nb(k)\n",
        "let k = 4\nshared b() { conv F1 K4 }\ninput 3x8x8\nconv F3 K=k -> b()\n",
        "let k = 4\ninput 3x8x8\nconv F3 K=k -> add [ id | conv F1 K4 ]\n",  # no other value fits
        "let k = 4\ninput 3x8x8\nconv F3 K=(8 if k == 4 else 6)\n",  # chooses
        "let k = (2, 4)\nlet n = k(1)\ninput 3x8x8\n[conv F3 P1 K=k(i)]*2\nconv F3 K=n\n",  # is computed
        "let p = 0.5\ninput 3x8x8\nconv F3 K=8*p\n",  # whole for this fraction alone
    ],
)
def test_a_knob_that_reaches_more_than_numbers_is_no_argument(text: str) -> None:
    assert arguments(text) == []


def test_comments_have_the_shapes_of_the_spec_itself() -> None:
    text = program(graph_of("let k = 10\ninput 3x8x8\nconv F3 P1 K=k\n[concat [ id | relu ]]*2\ngap -> fc 5"))
    assert "x = self.conv(x)  # 10x8x8" in text
    assert "self.conv = nn.Conv2d(3, k, kernel_size=3, padding=1)" in text


def test_written_in_their_class() -> None:
    text = program(
        graph_of("let classes = 10\nlet drop = 0.2\ninput 3x8x8\nflatten -> dropout drop -> fc classes")
    )
    assert "self.dropout = nn.Dropout(drop)" in text
    assert "self.fc = nn.Linear(192, classes)" in text
    assert "        classes: int = 10,\n        drop: float = 0.2,\n        device:" in text
