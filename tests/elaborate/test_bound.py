"""What the arguments of a layer become: the op, written again in its canonical form, and what comes out."""

from __future__ import annotations

import pytest

from cnnspec.ir.expr import dump
from cnnspec.ir.graph import Layer
from cnnspec.ir.template import LayerSite
from cnnspec.ops.base import Shape
from tests.support import check_text

BOUND = [
    # a step on 3x8x8, the op as it is written, what comes out
    ("conv F3 K2", "F3 K2", (2, 6, 6)),
    ("conv F1x3 P0x1 K=C*2", "F1x3 P0x1 K6", (6, 8, 8)),
    ("conv F=3 S=2 P=1 K=(2)", "F3 S2 P1 K2", (2, 4, 4)),
    ("conv F=(1+2)x(C-2) K2", "F3x1 K2", (2, 6, 8)),
    ("conv F3 Psame S2 K2", "F3 S2 Psame K2", (2, 4, 4)),
    ("conv F3 P=same K2", "F3 Psame K2", (2, 8, 8)),
    ("conv F3 K2 nobias", "F3 K2 nobias", (2, 6, 6)),
    ("conv F3 K2 bias=1/2", "F3 K2 bias=[0.5]", (2, 6, 6)),
    ("conv F3 K2 init=normal(1/100) frozen", "F3 K2 frozen init=normal(0.01)", (2, 6, 6)),
    ("conv F1 K2 connect=[0 1; 2]", "F1 K2 connect=[0 1; 2]", (2, 8, 8)),
    ("pad channels=8", "channels=8", (11, 8, 8)),
    ("pad channels=(C)", "channels=3", (6, 8, 8)),
    ("pad channels=4:1", "channels=4:1", (8, 8, 8)),
    ("pad 2 left=0", "2 left=0", (3, 12, 10)),
    ("reshape 192", "192", (192,)),
    ("reshape (C*H*W)", "192", (192,)),
    ("reshape 12x4x4", "12x4x4", (12, 4, 4)),
    ("maxpool F2", "F2", (3, 4, 4)),
    ("maxpool out=4", "out=4", (3, 4, 4)),
    ("maxpool out=4x(H//4)", "out=4x2", (3, 4, 2)),
    ("upsample 2x1 bilinear", "2x1 bilinear", (3, 16, 8)),
    ("slice 0:2", "0:2", (2, 8, 8)),
    ("slice C-2:C", "1:3", (2, 8, 8)),
    ("slice 2", "0:2", (2, 8, 8)),
    ("crop 4x(H-1) offset=2x1", "4x7 offset=2x1", (3, 4, 7)),
    ("leaky 1/3", "1/3", (3, 8, 8)),
    ("leaky 0.01", "", (3, 8, 8)),
    ("tanh amp=1.7159 gain=2/3", "amp=1.7159 gain=2/3", (3, 8, 8)),
    ("dropout 1/2", "", (3, 8, 8)),
    ("flatten -> fc (2*C)", "384", (384,)),
]  # fmt: skip


@pytest.mark.parametrize(("step", "written", "out"), BOUND, ids=[row[0] for row in BOUND])
def test_bound(step: str, written: str, out: Shape) -> None:
    assert bound(f"input 3x8x8\n{step}\n") == (written, out)


DEFAULTS = [
    ("default conv nobias", "conv F1 K2", "F1 K2 nobias"),
    ("default conv nobias", "conv F1 K2 bias", "F1 K2"),
    ("default conv nobias", "conv F1 K2 bias=3", "F1 K2 bias=[3]"),
    ("default conv nobias\ndefault conv P1", "conv F3 K2", "F3 P1 K2 nobias"),
    ("default conv P1\ndefault conv P2", "conv F5 K2", "F5 P2 K2"),
    ("default conv dwconv P1 S2", "dwconv F3", "F3 S2 P1"),
    ("default conv P1", "dwconv F3", "F3"),
    ("default conv init=he", "conv F1 K2 weight=2", "F1 K2 weight=[2]"),
    ("default leaky 0.3", "leaky", "0.3"),
    ("default leaky 0.3", "leaky 0.4", "0.4"),
]


@pytest.mark.parametrize(("defaults", "step", "written"), DEFAULTS)
def test_with_defaults(defaults: str, step: str, written: str) -> None:
    assert bound(f"input 3x8x8\n{defaults}\n{step}\n")[0] == written


def test_a_default_holds_from_its_line_on() -> None:
    text = "input 3x8x8\nconv F1 K2\ndefault conv nobias\nconv F1 K2 -> conv F1 K2\n"
    graph = check_text(text)[0].graph
    assert graph is not None
    assert [step.op.written() for step in graph.root.steps if isinstance(step, Layer)] == [
        "F1 K2", "F1 K2 nobias", "F1 K2 nobias",
    ]  # fmt: skip


WRITTEN = [
    # in `block b(k)`, with `let n = 3` before it: the expressions of a layer's arguments that name something
    ("conv F3 K=k", {"K": "k"}),
    ("conv F3 K=k*n+1", {"K": ["+", ["*", "k", 3], 1]}),
    ("conv F3 K=--k", {"K": ["neg", ["neg", "k"]]}),
    ("conv F3 K=max(3, k)", {"K": ["max", 3, "k"]}),
    ("conv F3 K=(3 if C > 1 else 2)", {"K": ["if", [">", "C", 1], 3, 2]}),
    ("conv F3 K=(3 if n > 2 else k)", {"K": 3}),
    ("conv F3 K=(k if n > 2 else 3)", {"K": "k"}),
    (
        "conv F3 K=(k if C > 1 or 1/0 > q else 3)",
        {"K": ["if", ["or", [">", "C", 1], [">", ["/", 1, 0], "q"]], "k", 3]},
    ),
    ("conv F=(k)x3 K2", {"F": ["sizes", "k", 3]}),
    ("slice 0:k", {"channels": ["sizes", 0, "k"]}),
    ("slice k-1:n", {"channels": ["sizes", ["-", "k", 1], 3]}),
    ("pad channels=k", {"channels": ["sizes", 0, "k"]}),
    ("conv F3 K=(n/2*2)", {"K": 3}),
    ("dropout n/8", {"p": "3/8"}),
    ("conv F3 K=(2*3)", {}),
    ("conv F1 K4 weight=[1] bias=[1 2 3 4]", {}),
    ("conv F3 K4 init=he", {}),
]


@pytest.mark.parametrize(("step", "written"), WRITTEN)
def test_what_was_written(step: str, written: dict[str, object]) -> None:
    graph = check_text(f"let n = 3\nblock b(k) {{ {step} }}\ninput 3x8x8\nb(2)\n")[0].graph
    assert graph is not None
    (site,) = graph.templates[1].sites
    assert isinstance(site, LayerSite)
    assert {name: dump(node) for name, node in site.written.items()} == written
    (layer,) = graph.bodies[0].steps
    assert isinstance(layer, Layer)
    assert layer.named == tuple(written)


def bound(text: str) -> tuple[str, Shape | None]:
    model = check_text(text)[0]
    assert not [finding for finding in model.findings if finding.code.startswith("E")]
    assert model.graph is not None
    step = model.graph.root.steps[-1]
    assert isinstance(step, Layer)
    return step.op.written(), model.graph.root.values[-1]
