"""What a flow figure says: texts in the author's symbols, what is folded, and its limits."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

from cnnspec.drawing.draw import draw
from cnnspec.drawing.flow.diagram import Figure, TooLarge, words
from cnnspec.drawing.flow.fold import folded
from cnnspec.drawing.flow.labels import head_of, passes
from cnnspec.drawing.options import Options
from cnnspec.drawing.scene import Scene, Text
from tests.drawing.checks import checked, graph_of, groups

RESIDUAL = """\
block residual(k, s=1) {
  add [
      conv F3 S=s P1 K=k -> bn -> relu -> conv F3 P1 K=k -> bn
    | if s > 1 or C != k [ conv F1 S=s K=k -> bn ]
  ]
  relu
}
input 3x32x32
conv F3 P1 K16 -> bn -> relu
[residual(16)]*3 -> [residual(32, 2 if i == 0 else 1)]*3
gap -> fc 10
"""


def figure_of(text: str, options: Options | None = None) -> Figure:
    graph = graph_of(text)
    checked(graph, options)
    return folded(graph, options or Options())


def texts_of(picture: Scene) -> list[Text]:
    found = [item for group in picture.items for item in getattr(group, "items", ())]
    return [item for item in found if isinstance(item, Text)]


def boxes(figure: Figure, panel: int | None = None) -> list[str]:
    """Head, how often, and smaller lines of every box."""
    diagram = figure.network if panel is None else figure.panels[panel]
    found = []
    for node in diagram.nodes:
        times = f" {words(passes(node))}" if node.times and node.kind != "block" else ""
        below = "".join(f" / {words(line)}" for line in node.below if node.kind != "sign")
        found.append(words(head_of(node)) + times + below)
    return found


def network(text: str, **options: object) -> list[str]:
    return boxes(figure_of("input 4x16x16\n" + text, Options(**options)))[1:]  # type: ignore[arg-type]


def test_a_residual_network() -> None:
    figure = figure_of(RESIDUAL)
    assert boxes(figure) == [
        "input 3×32×32",
        "3×3 conv, 16 / BN, ReLU",
        "residual(16) ×3",
        "residual(32) ×3 / s = 2, then 1",
        "global avg pool",
        "fc 10",
    ]
    assert words(figure.panels[0].title) == "residual(k, s)"
    assert boxes(figure, 0) == [
        "x", "3×3 conv, k, /s / BN, ReLU", "3×3 conv, k / BN", "1×1 conv, k, /s / BN", "", "+", "ReLU",
    ]  # fmt: skip


CASES = {
    "windows": ("conv F1x7 K8 P0x3 -> maxpool F2 -> avgpool F3 S1 P1",
                ["1×7 conv, 8", "2×2 max pool, /2", "3×3 avg pool"]),
    "groups and dilation": ("conv F3 P2 D2 G2 K8", ["3×3 conv, 8, dilation 2, 2 groups"]),
    "chains": ("conv F3 K8 -> bn -> relu -> dropout 0.2 -> bn", ["3×3 conv, 8 / BN, ReLU, dropout 0.2, BN"]),
    "small ones together": ("bn -> relu -> conv F1 K8", ["BN, ReLU", "1×1 conv, 8"]),
    "a repeat is a box": ("[conv F3 P1 K8 -> relu]*3", ["3×3 conv, 8 ×3 / ReLU"]),
    "after a repeat": ("[conv F3 P1 K8]*3 -> relu", ["3×3 conv, 8 ×3", "ReLU"]),
    "numbers that differ": ("[conv F3 P1 K=2**i*8]*3", ["3×3 conv, 2^i·8 ×3"]),
    "one pass": ("[conv F3 P1 K8 -> maxpool F2]*1", ["3×3 conv, 8", "2×2 max pool, /2"]),
    "a frame": ("[conv F3 P1 K8 -> maxpool F2]*2", [" ×2"]),
    "vectors": ("flatten -> fc 10 -> softmax", ["flatten", "fc 10 / softmax"]),
    "adaptive": ("avgpool out=4x4 -> slice 0:2", ["avg pool to 4×4", "slice 0:2"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_texts(name: str) -> None:
    text, wanted = CASES[name]
    assert network(text + "\n") == wanted


UNITS = """\
block unit(K, F=1, act=relu) { conv F=F P=F//2 K=K -> bn -> act }
block two(k) { unit(K=k) -> unit(K=2*k, F3) }
block mix(k) { add [ unit(K=k) | unit(K=k, F3) ] }
"""


def test_windows_of_signals_and_volumes() -> None:
    signal = figure_of("input 4x64\nconv F3 P1 K8 -> maxpool F2 -> avgpool out=4\n")
    assert boxes(signal)[1:] == ["3-wide conv, 8", "2-wide max pool, /2", "avg pool to 4"]
    volume = figure_of("input 4x8x8x8\nconv F3 P1 K8 -> maxpool F1x2x2\n")
    assert boxes(volume)[1:] == ["3×3×3 conv, 8", "1×2×2 max pool, /1×2×2"]


def test_a_block_that_is_one_box_is_that_box() -> None:
    figure = figure_of(UNITS + "input 3x8x8\nunit(K8) -> unit(K8, F3, gelu) -> [unit(K8)]*2 -> two(4)\n")
    assert boxes(figure)[1:] == [
        "1×1 conv, 8 / BN, ReLU",
        "3×3 conv, 8 / BN, GELU",
        "1×1 conv, 8 ×2 / BN, ReLU",
        "two(4)",
    ]
    assert boxes(figure, 0) == ["x", "1×1 conv, k / BN, act", "3×3 conv, 2k / BN, act"]


def test_blocks_drawn_in_place_and_collapsed() -> None:
    text = UNITS + "input 3x8x8\nmix(4) -> two(4) -> unit(K8)\n"
    plain = figure_of(text, Options())
    assert boxes(plain)[1:] == ["mix(4)", "two(4)", "1×1 conv, 8 / BN, ReLU"]
    assert [words(panel.title) for panel in plain.panels] == ["mix(k)", "two(k)"]
    unfolded = figure_of(text, Options(levels=1))
    assert boxes(unfolded)[1:] == [
        "mix(4)", "1×1 conv, 4 / BN, ReLU", "3×3 conv, 8 / BN, ReLU", "1×1 conv, 8 / BN, ReLU",
    ]  # fmt: skip
    assert unfolded.network.nodes[1].inner is not None
    assert unfolded.panels == []
    collapsed = figure_of(text, Options(expand=("two",), collapse=("unit",), panels=False))
    assert boxes(collapsed)[1:] == ["mix(4)", "unit(K4)", "unit(K8, F3)", "unit(K8)"]


SKIPS = """\
input 4x32x32
a: conv F3 P1 K8 -> relu
b: maxpool F2 -> conv F3 P1 K8 -> relu
   maxpool F2 -> conv F3 P1 K8 -> relu
   upsample 2
   add [ @b -> conv F1 K8 | id ]
   upsample 2
   concat [ @a | id ]
   conv F1 K2
"""


def test_a_column_with_long_skips_is_wrapped() -> None:
    graph = graph_of(SKIPS)
    one, three = (checked(graph, Options(wrap=columns)) for columns in (1, 3))
    assert three.height < one.height / 2
    assert [group.name for group in groups(one, "tag")] == []
    assert [group.name for group in groups(three, "tag")] == ["b", "a"]
    names = ["".join(run.text for run in text.runs) for text in texts_of(three)]
    assert names.count("b") == 2  # the line has the name that is read further on
    assert "a  8×32×32" in names


def test_a_network_of_two_pages_is_wrapped_by_itself() -> None:
    layers = "".join(f"conv F3 P1 K{8 + number % 2}\n" for number in range(36))
    picture = checked(graph_of(f"input 4x8x8\na: conv F1 K8\n{layers}add [ @a -> conv F1 K9 | id ]\n"))
    assert picture.height < 660
    assert len(groups(picture, "tag")) == 1


def test_conditions() -> None:
    text = """\
block b(k) {
  if k > 4 [ conv F1 K4 -> maxpool F1 ] else [ conv F3 P1 K4 ]
  if k == 2 [ conv F1 K4 ]
  add [ conv F1 K4 | if k > 4 [ id ] else [ none ] ]
}
input 4x8x8
b(2) -> b(8)
"""
    figure = figure_of(text)
    edges = [words(edge.condition) for node in figure.panels[0].nodes for edge in node.inputs]
    assert [edge for edge in edges if edge] == ["if k > 4", "otherwise", "if k = 2", "otherwise", "if k > 4"]


def test_long_expressions_keep_their_names() -> None:
    lets = "".join(f"  let a{number} = a{number - 1} + a{number - 1}\n" for number in range(1, 40))
    text = f"block b(k) {{\n  let a0 = k\n{lets}  add [ conv F1 K=a39//2**39 | id ] -> relu\n}}\n"
    figure = figure_of(f"{text}input 4x8x8\nb(4)\n")
    text = boxes(figure, 0)[1]
    assert text.startswith("1×1 conv, a_39/")


def test_the_file_is_the_same_in_every_process() -> None:
    code = """
import sys
from cnnspec.drawing.draw import draw
from cnnspec.drawing.options import Options
from tests.drawing.checks import graph_of
graph = graph_of(sys.stdin.read())
for form in ("svg", "mermaid", "dot"):
    print(draw(graph, Options(), form).encode())
"""
    seeds = [os.environ | {"PYTHONHASHSEED": seed} for seed in ("1", "2")]
    command = [sys.executable, "-c", code]
    printed = {
        subprocess.run(command, input=RESIDUAL.encode(), capture_output=True, check=True, env=env).stdout
        for env in seeds
    }
    assert len(printed) == 1


def test_100_000_layers() -> None:
    unit = "block unit(k) { add [ conv F3 P1 K=k -> bn -> relu | id ] }\n"
    graph = graph_of(f"{unit}input 4x8x8\n[[unit(4)]*100]*200\n[conv F3 P1 K4 -> relu]*10000\n")
    begun = time.perf_counter()
    text = draw(graph, Options(), "svg")
    assert time.perf_counter() - begun < 10  # a guard; it takes a hundredth of a second
    assert len(text) < 10_000


DOUBLING = "".join(f"block b{n}() {{ b{n + 1}() -> b{n + 1}() }}\n" for n in range(14))
LARGE = {
    "boxes": ("".join(f"conv F3 P1 K{4 + number % 2}\n" for number in range(3_500)), 0),
    "unfolded blocks": ("b0()\n", 20),
    "skips": ("".join(f"l{n}: conv F1 K4\n" for n in range(200))
              + "".join(f"add [ id | @l{n} ]\n" for n in range(200)), 0),
    "outputs": ("".join(f"l{n}: conv F1 K4\n" for n in range(300))
                + f"output {', '.join(f'@l{n}' for n in range(300))}\n", 0),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_what_is_too_large_is_refused(name: str) -> None:
    text, levels = LARGE[name]
    blocks = f"{DOUBLING}block b14() {{ conv F1 K4 -> maxpool F1 }}\n" if "b0" in text else ""
    graph = graph_of(f"{blocks}input 4x8x8\n{text}")
    with pytest.raises(TooLarge):
        draw(graph, Options(levels=levels), "svg")


def test_titles_are_escaped() -> None:
    graph = graph_of(RESIDUAL)
    title = "<b>&\"'\x1b[31m ]]> \u202e \ud800"
    named = graph.model_copy(update={"name": "a<b&c", "title": title})
    text = draw(named, Options(), "svg")
    assert isinstance(text, str)
    root = ElementTree.fromstring(text)
    found = root.findtext("{http://www.w3.org/2000/svg}title") or ""
    assert found.startswith("a<b&c: <b>&\"'␛[31m ]]> \\u202e \\ud800")
