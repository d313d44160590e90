"""The Python API as people use it: what is listed, what comes back, and what is said where it goes wrong."""

from __future__ import annotations

import inspect
import pydoc
from pathlib import Path

import numpy as np
import pytest

import cnnspec

TEXT = "model Small\ninput 3x8x8\na: conv F3 K4 -> relu\ngap -> fc 10\nexpect params 162\n"
FUNCTIONS = ("build", "check", "explain", "fmt", "load", "run", "torch_module", "verify")


def test_dir_and_help_show_every_function_with_its_types() -> None:
    assert {*FUNCTIONS, "SpecError"} <= set(dir(cnnspec))
    assert not {"Any", "TYPE_CHECKING", "annotations"} & set(dir(cnnspec))
    shown = pydoc.render_doc(cnnspec, renderer=pydoc.plaintext)
    for name in FUNCTIONS:
        function = getattr(cnnspec, name)
        signature = inspect.signature(function)
        assert all(one.annotation is not one.empty for one in signature.parameters.values()), name
        assert ">>> " in function.__doc__
        assert f"    {name}(" in shown


def test_the_rows_as_dicts_and_as_a_frame() -> None:
    (model,) = cnnspec.check(text=TEXT).models
    rows = model.table()
    assert [row["name"] for row in rows] == ["a.conv", "a.relu", "gap", "fc"]
    assert rows[0] == {
        "name": "a.conv", "layer": "conv F3 K4", "inputs": [(3, 8, 8)], "output": (4, 6, 6),
        "params": 112, "macs": 3888, "field": (3, 3), "line": 3,
    }  # fmt: skip
    pytest.importorskip("pandas")
    frame = model.dataframe()
    assert frame["params"].sum() == 162
    assert frame.loc["a.conv", "macs"] == 3888


def test_a_model_in_a_notebook() -> None:
    text = 'model Small\ninput 3x8x8\na: conv F3 K4 => params 112\nexpect params 1 # "<b>"\n'
    document = cnnspec.check(text=text)
    (model,) = document.models
    html = model._repr_html_()
    assert html == document._repr_html_()
    assert html.count("<tr>") == html.count("</tr>") == 3
    for part in (
        "<h4>Small</h4>",
        "conv F3 K4",
        "4x6x6",
        "✓ params 112",
        "✗ params 1",
        "error[E501], line 4",
    ):
        assert part in html
    many = cnnspec.check(text="input 3x8x8\n[relu]*1000\n").models[0]._repr_html_()
    assert "… 800 more layers" in many
    mistaken = cnnspec.check(text="input 3x8x8\nconv F9 K4 => 4x<\n")._repr_html_()
    assert "4x<" not in mistaken


def test_formatting() -> None:
    assert cnnspec.fmt(text="input 3x8x8\nconv K4 F3->relu\n") == "input 3x8x8\nconv F3 K4 -> relu\n"
    with pytest.raises(cnnspec.SpecError, match=r"E\d{3}"):
        cnnspec.fmt(text="conv F3 ((\n")


def test_running() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 8))
    y = cnnspec.run(text=TEXT, input=x, seed=1)
    assert y.shape == (2, 10)
    single, traced = cnnspec.run(text=TEXT, input=x[0], seed=1, trace=True)
    np.testing.assert_allclose(single, y[0], rtol=1e-5, atol=1e-6)
    assert {name: volume.shape for name, volume in traced.items()} == {
        "a.conv": (4, 6, 6), "a.relu": (4, 6, 6), "gap": (4, 1, 1), "fc": (10,),
    }  # fmt: skip
    assert cnnspec.run(cnnspec.load(text=TEXT), x).shape == (2, 10)


def test_running_with_weights_and_several_inputs_and_outputs(tmp_path: Path) -> None:
    text = "input a: 1x2x2\ninput b: 1x2x2\ns: add [ @a -> conv F1 K1 | @b ]\ng: gap\noutput @s, @g\n"
    inputs = {"a": np.ones((1, 2, 2)), "b": np.ones((1, 2, 2))}
    with pytest.raises(cnnspec.SpecError, match="E707"):
        cnnspec.run(text=text, input=inputs, weights={})
    (conv,) = [row for row in cnnspec.check(text=text).models[0].rows if row.op == "conv"]
    weights = {f"{conv.name}.weight": np.full((1, 1, 1, 1), 2.0), f"{conv.name}.bias": np.ones(1)}
    np.savez(tmp_path / "w.npz", **weights)
    for given in (weights, tmp_path / "w.npz"):
        y = cnnspec.run(text=text, input=inputs, weights=given)
        assert y["s"].tolist() == [[[4, 4], [4, 4]]]
        assert y["g"].tolist() == [[[4]]]
    with pytest.raises(cnnspec.SpecError, match="E708"):
        cnnspec.run(text=text, input=np.ones((1, 2, 2)))


LENET = "zoo:lenet5"
MISTAKES = {
    "a text for a path": (lambda: cnnspec.check("input 3x8x8\nconv F3 K4\n"), "pass it as text="),
    "one line of it": (lambda: cnnspec.check("input 3x8x8"), "pass it as text="),
    "a name of the zoo": (lambda: cnnspec.check("lenet5"), "did you mean `zoo:lenet5`"),
    "no such file": (lambda: cnnspec.check("nothing.cnn"), "No such file"),
    "a folder": (lambda: cnnspec.check("specs"), r"\.cnn files"),
    "no such layer": (lambda: cnnspec.explain(LENET, "C9"), "no layer C9; did you mean C1"),
    "no such page": (lambda: cnnspec.explain("convv"), "did you mean conv"),
    "no such target": (lambda: cnnspec.build(LENET, target="keras"), "expected numpy or torch"),
    "no such variant": (lambda: cnnspec.load("zoo:resnet", variant="ResNet5"), "did you mean `ResNet50`"),
    "no such knob": (lambda: cnnspec.load(LENET, settings={"q": 3}), "no `let q`"),
    "an input of another shape": (lambda: cnnspec.run(LENET, np.zeros((3, 8, 8))), r"found \(3, 8, 8\)"),
    "no input": (lambda: cnnspec.run(LENET), "expected inputs input, found none"),
    "a spec with errors": (lambda: cnnspec.run(text="input 1x8x8\nconv F9 K4\n", input=0), "E301"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_a_spec_error_with_a_hint(mistake: str) -> None:
    call, hint = MISTAKES[mistake]
    with pytest.raises(cnnspec.SpecError, match=hint):
        call()
