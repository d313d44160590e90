"""Names and titles that try to break the emitted code: every one gives a file that runs, with the IR's
keys."""

from __future__ import annotations

import ast

import pytest
import torch

from cnnspec.elaborate.reserved import MODULE_ATTRIBUTES, attribute_name
from cnnspec.lower.names import BUILTINS, Namer, camel, escaped, identifier, string
from cnnspec.lower.writer import Writer
from tests.targets.torch.support import (
    built,
    executed,
    graph_of,
    inputs_of,
    keys_of,
    model_class,
    outputs_of,
    program,
    shapes_of,
)

TITLES = [
    'quotes " and \\" and """ and more""""',
    "it's; import os #",
    "ends in a backslash \\",
    "\\N{BULLET} \\x41 \\u0041 \\",
    "new\\nline",
    "tabs\tand  blanks ",
    "Über Faltungsnetze — 卷积 \U0001f600",
    "{braces} %s {0} {x!r}",
    '"',
    '"""',
    "    ",
    "word " * 60,
    "a" * 300,
    "\x0b\x0c\x85\u2028\u2029",
]


def spec_text(model: str = "M", title: str = "t") -> str:
    return f'model {model} "{title}"\ninput 3x8x8\nconv F3 P1 K4 -> relu\n'


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_only_a_docstring(title: str) -> None:
    graph = graph_of(spec_text()).model_copy(update={"title": title})
    text = program(graph)
    assert text.isascii()
    assert all(char >= " " or char == "\n" for char in text)
    model = next(
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef) and node.name == "M"
    )
    doc = ast.get_docstring(model, clean=False)
    if title.strip():
        assert doc is not None
        assert doc.split() == title_words(title)
    assert len(model.body) == (4 if title.strip() else 3)
    model_class(executed(text))()(torch.randn(1, 3, 8, 8))


def title_words(title: str) -> list[str]:
    """The words of a title; only blanks break it."""
    return (
        [word for word in title.replace("\t", "\\t").encode().decode().split(" ") if word]
        if "\t" not in title
        else title.split()
    )


def test_carriage_returns_and_control_characters() -> None:
    title = "a\rimport os\r\nraise SystemExit\x00\x1b[31m\x7f\ud800"
    text = program(graph_of(spec_text()).model_copy(update={"title": title}))
    assert "\r" not in text
    assert "\x1b" not in text
    assert text.isascii()
    tree = ast.parse(text)
    assert [
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    ] == ["torch"]


@pytest.mark.parametrize(
    "text", ['"', '"""', "\\", "\r\n\t", "\x00\x7f\x80\xff", "\u2028\ud800\U0001f600", "ä{x}'"]
)
def test_the_escaper_gives_the_text_back(text: str) -> None:
    assert ast.literal_eval(string(text)) == text
    assert ast.literal_eval(f'"""{escaped(text)}"""') == text
    assert string(text).isascii()
    assert "\n" not in string(text)


LABELS = [
    "train",
    "eval",
    "forward",
    "half",
    "type",
    "float",
    "double",
    "parameters",
    "modules",
    "children",
    "apply",
    "training",
    "to",
    "cuda",
    "state_dict",
    "in",
    "is",
    "lambda",
    "class",
    "match",
    "case",
    "self",
    "append",
    "pop",
    "x",
    "y",
    "z",
    "torch",
    "nn",
    "Tensor",
    "sequential",
    "layer",
    "parts",
    "gate",
    "branch1",
    "shortcut",
    "super",
    "range",
    "model",
    "main",
    "has_conv",
    "print",
    "i",
    "channels",
    "zero_grad",
    "register_buffer",
    "crop",
    "unpool",
]


@pytest.mark.parametrize("label", LABELS)
def test_labels_that_somebody_has_taken(label: str) -> None:
    """As a layer, as a chain, as a tensor read twice, as an input."""
    texts = [
        f"input 3x8x8\n{label}: conv F3 P1 K4\nconv F1 K2\n",
        f"input 3x8x8\n{label}: conv F3 P1 K4 -> bn -> relu\nconv F1 K2\n",
        f"input 3x8x8\n{label}: conv F3 P1 K4\nconv F1 K4 -> add [ id | @{label} ]\n",
        f"input {label}: 3x8x8\ninput other: 3x8x8\nadd [ @{label} | @other ] -> conv F1 K2\n",
        f"input 3x8x8\n{label}: maxpool F2 -> conv F1 K3\nconv F1 K4\nupsample like=@{label}\n",
    ]
    for text in texts:
        try:
            graph = graph_of(text)
        except AssertionError:
            continue  # the language itself refuses it
        works(graph)


BLOCKS = [
    "tensor",
    "Tensor",
    "module",
    "conv2d",
    "nn",
    "torch",
    "M",
    "m",
    "sequential",
    "Sequential",
    "scale",
    "Scale",
    "LayerNorm2d",
    "layer_norm2d",
    "main",
    "super",
    "list",
    "type",
    "he",
    "multiple",
    "Slice",
    "crop_",
    "train",
]


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_called_like_something_else(name: str) -> None:
    texts = [
        f"""model M
block {name}(k) {{ conv F3 P1 K=k -> scale -> ln -> relu }}
input 3x8x8
{name}(4) -> {name}(6)
""",
        (
            f"model M\nblock {name}(k) {{ add [ id | conv F3 P1 K=C init=he ] -> slice 0:C//2 }}\n"
            f"input 4x8x8\n{name}(4) -> {name}(6)\n"
        ),
        f"model M\nblock {name}(k) {{ conv F3 P1 K=k }}\ninput 3x8x8\n[{name}(4)]*2 -> crop 2x2\n",
        f"model M\nshared {name}(k) {{ conv F3 P1 K=k -> relu }}\ninput 4x8x8\n{name}(4) -> {name}(4)\n",
    ]
    made = 0
    for text in texts:
        try:
            graph = graph_of(text)
        except AssertionError:
            continue
        works(graph)
        made += 1
    assert made or name in ("scale", "sequential")


PARAMETERS = [
    "in_channels",
    "self",
    "nn",
    "torch",
    "x",
    "super",
    "range",
    "in_",
    "lambda_",
    "out_channels",
    "stride",
    "kernel_size",
    "int",
    "multiple",
    "max",
    "channels",
    "type",
    "train",
    "Tensor",
    "he",
    "partial",
    "nullcontext",
]


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_called_like_something_else(name: str) -> None:
    texts = [
        (
            f"block b(K, {name}=2, S=1) {{ let hidden = {name}*C\n"
            " conv F3 P1 S=S K=hidden -> relu -> conv F1 K=K }\n"
            f"input 3x8x8\nb(K4) -> b(K6, {name}=3) -> b(K4 S2)\n"
        ),
        (
            f"block b({name}) {{ conv F3 P1 K=max({name}, 2) -> conv F1 K=multiple({name}, 4) }}\n"
            f"input 3x8x8\nb(4) -> b(6)\n"
        ),
        f"block b({name}, n) {{ [conv F3 P1 K={name}*(i+1) -> relu]*n }}\ninput 3x8x8\nb(4, 2) -> b(6, 3)\n",
        f"let {name} = 3\nblock b(k) {{ conv F3 P1 K={name}*k }}\ninput 3x8x8\nb(4) -> b(6)\n",
        f"let {name} = (4, 6)\ninput 3x8x8\n[conv F3 P1 K={name}(i) init=he -> relu]*2\n",
    ]
    for text in texts:
        try:
            graph = graph_of(text)
        except AssertionError:
            continue
        works(graph)


def test_names_that_differ_only_in_case_are_different_attributes() -> None:
    graph = graph_of(
        "block up(k) { conv F3 P1 K=k -> relu }\nblock Up(k) { conv F1 K=k -> relu }\n"
        "block UP(k) { conv F5 P2 K=k -> relu }\n"
        "input 3x8x8\nconv: up(4)\nConv: Up(5)\nCONV: UP(6)\nadd [ id | conv F1 K6 ]\n"
    )
    works(graph)


@pytest.mark.parametrize(
    "name", ["3d-net", "class", "my net", "__init__", "模型", "nn", "Tensor", "torch", "", "..", "x" * 200]
)
def test_the_model_may_be_called_anything(name: str) -> None:
    """Without a `model` line the file's name is the model's."""
    works(graph_of("input 3x8x8\nconv F1 K2\n").model_copy(update={"name": name}))


def works(graph) -> None:  # type: ignore[no-untyped-def]
    model = built(graph).eval()
    state = model.state_dict()
    assert {key: tuple(value.shape) for key, value in state.items()} == keys_of(graph)
    outputs = outputs_of(model(*inputs_of(graph)))
    assert [tuple(y.shape[1:]) for y in outputs] == shapes_of(graph)
    model.train().half().float().zero_grad()
    model.load_state_dict(state)


def test_the_list_of_reserved_names_is_the_installed_torchs() -> None:
    taken = set(dir(torch.nn.Module())) | set(dir(torch.nn.Sequential())) | set(dir(torch.nn.ModuleList()))
    public = {name for name in taken if not name.startswith("_")}
    assert public <= MODULE_ATTRIBUTES


def test_the_namer_gives_each_name_once() -> None:
    namer = Namer({"x"})
    assert [namer.take(name) for name in ("x", "x", "y", "in", "print", "a1", "a1")] == [
        "x2",
        "x3",
        "y",
        "in_",
        "print_",
        "a1",
        "a1_2",
    ]
    assert not namer.free("y")
    assert namer.free("w")
    assert BUILTINS.isdisjoint({namer.take("len"), namer.take("max")})
    assert attribute_name("train") == "train_"
    assert attribute_name("conv") == "conv"
    assert camel("dense_layer") == "DenseLayer"
    assert camel("ResNeXt50_32x4d") == "ResNeXt50_32x4d"
    assert identifier("3d net!") == "net_3d_net_"
    assert identifier("__") == "net"


def test_a_docstring_is_one_string_whatever_the_text() -> None:
    for text in TITLES:
        writer = Writer()
        writer.doc(text)
        assert isinstance(ast.literal_eval(str(writer).strip()), str)
