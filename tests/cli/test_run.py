"""`cnnspec run`: what goes in, the weights, what comes out; what does not fit is a finding."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnspec import build
from tests.cli.conftest import Command

SMALL = """\
model Small
input 2x6x6
a: conv F3 K3 -> bn -> relu
flatten -> fc 4
"""

TWO = """\
model Two
input left: 1x2x2
input right: 1x2x2
sum: add [ @left | @right ]
gap: @sum -> avgpool F2
output @sum, @gap
"""


def matrix(*rows: str) -> str:
    """How a volume is shown: its rows, indented."""
    return "".join(f"  {row}\n" for row in rows)


def csv(path: Path, *planes: Any) -> Path:
    path.write_text("\n".join("".join(",".join(map(str, row)) + "\n" for row in plane) for plane in planes))
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.cnn"
    path.write_text(SMALL)
    return path


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "two.cnn"
    path.write_text(TWO)
    return path


def tensors(small: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Weights of SMALL that are nobody's start."""
    names: dict[str, Any] = {}
    exec(build(small, target="numpy"), names)
    params = names["init"](seed=7)
    params["a.bn.running_mean"] = np.linspace(-1, 1, 3).astype(np.float32)
    params["a.bn.running_var"] = np.linspace(0.5, 2, 3).astype(np.float32)
    return params


# --- by hand ----------------------------------------------------------------------------------------------


def test_the_edge_detector_gives_the_matrix_of_the_notes(cnnspec: Command, tmp_path: Path) -> None:
    halves = csv(tmp_path / "halves.csv", [[10, 10, 10, 0, 0, 0]] * 6)
    ran = cnnspec("run", "zoo:edge_detector", "--input", halves)
    assert (ran.status, ran.err) == (0, "")
    assert matrix(*[" 0  30  30   0"] * 4) in ran.out
    assert "weights: given in the spec\n" in ran.out


def test_the_5x5_exercise_layer_by_layer(cnnspec: Command, tmp_path: Path) -> None:
    line = csv(tmp_path / "line.csv", 255 * np.diag([1, 1, 1, 1, 0]))
    ran = cnnspec("run", "zoo:threshold_5x5", "--input", line, "--trace")
    assert matrix(" 265  -500  -500", "-500   265  -500", "-500  -500    10") in ran.out
    assert matrix("265    0    0", "  0  265    0", "  0    0   10") in ran.out


def test_the_layers_of_a_trace_are_in_the_json(cnnspec: Command, tmp_path: Path) -> None:
    line = csv(tmp_path / "line.csv", 255 * np.diag([1, 1, 1, 1, 0]))
    ran = cnnspec("run", "zoo:threshold_5x5", "--input", line, "--trace", "--format", "json")
    document = json.loads(ran.out)
    assert document["ok"] is True
    assert [row["name"] for row in document["layers"]] == ["conv", "relu"]
    assert document["layers"][1]["values"] == [[[265, 0, 0], [0, 265, 0], [0, 0, 10]]]
    assert document["outputs"][0]["zeros"] == pytest.approx(6 / 9)
    assert document["weights"] == {"from": "spec", "file": None, "seed": None}


def test_several_inputs_and_outputs(cnnspec: Command, two: Path, tmp_path: Path) -> None:
    left = csv(tmp_path / "left.csv", [[1, 2], [3, 4]])
    np.save(tmp_path / "right.npy", [[[10, 20], [30, 40]]])
    out = tmp_path / "out.npz"
    given = ("--input", f"left={left}", "--input", f"right={tmp_path / 'right.npy'}")
    ran = cnnspec("run", two, *given, "--trace", "-o", out)
    assert (ran.status, ran.err) == (0, "")
    assert matrix("11  22", "33  44") in ran.out
    with np.load(out) as made:
        assert made["sum"].tolist() == [[[[11, 22], [33, 44]]]]
        assert made["gap"].tolist() == [[[[27.5]]]]
    assert cnnspec("run", two, "--input", left).status == 2
    assert "--input right=FILE" in cnnspec("run", two, "--input", f"left={left}").err
    assert "did you mean left?" in cnnspec("run", two, "--input", f"lfet={left}").err
    assert cnnspec("run", two, *given, "-o", tmp_path / "out.npy").status == 2


def test_inputs_of_different_numbers_of_images(cnnspec: Command, two: Path, tmp_path: Path) -> None:
    for name, count in (("left", 2), ("right", 3), ("one", 1)):
        np.save(tmp_path / f"{name}.npy", np.zeros((count, 1, 2, 2)))
    left, right, one = (tmp_path / f"{name}.npy" for name in ("left", "right", "one"))
    ran = cnnspec("run", two, "--input", f"left={left}", "--input", f"right={right}")
    assert ran.status == 2
    assert "left has 2, right has 3" in ran.err
    assert cnnspec("run", two, "--input", f"left={left}", "--input", f"right={one}").status == 0


def test_sums_and_copies_are_traced_in_their_places(cnnspec: Command, tmp_path: Path) -> None:
    """A sum is no function of the program, `id` not even a line: each row shows its own volume."""
    spec = tmp_path / "sums.cnn"
    spec.write_text("""\
input 1x1x2
block f(k) {
  add [ times 2 | times (k) | id ]
  relu
  sub [ id | times 3 ]
}
f(5)
f(7)
shared g() { times (-1) -> add [ id | times 2 ] }
g()
g()
""")
    csv(tmp_path / "x.csv", [[1, 2]])
    ran = cnnspec("run", spec, "--input", tmp_path / "x.csv", "--trace", "--format", "json")
    layers = {row["name"]: row.get("values") for row in json.loads(ran.out)["layers"]}
    first = {name: value[0][0][0] for name, value in layers.items()}
    assert all(value is not None for value in layers.values())
    assert [first[f"f1.{name}"] for name in ("times1", "times2", "add", "relu", "times3", "sub")] == [
        2, 5, 8, 8, 24, -16,
    ]  # fmt: skip
    assert [first[f"f2.{name}"] for name in ("times1", "times2", "add", "relu", "sub")] == [
        -32,
        -112,
        -160,
        0,
        0,
    ]


@pytest.mark.parametrize(("merge", "whole"), [("add", 45), ("sub", -43)])
def test_a_sum_of_many_branches_is_traced_whole(
    cnnspec: Command, tmp_path: Path, merge: str, whole: int
) -> None:
    spec = tmp_path / "many.cnn"
    branches = " | ".join(f"times {factor}" for factor in range(1, 10))
    spec.write_text(f"input 1x1x1\n{merge} [ {branches} ]\nrelu\nadd [ id | id ]\n")
    csv(tmp_path / "x.csv", [[1]])
    ran = cnnspec("run", spec, "--input", tmp_path / "x.csv", "--trace", "--format", "json")
    shown = {row["name"]: row["values"][0][0][0] for row in json.loads(ran.out)["layers"]}
    last = "add" if merge == "sub" else "add2"
    first = "sub" if merge == "sub" else "add1"
    assert (shown[first], shown[last]) == (whole, 2 * max(whole, 0))


# --- inputs -----------------------------------------------------------------------------------------------


def test_a_batch_of_arrays_is_what_the_program_gives(cnnspec: Command, small: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 6, 6)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    ran = cnnspec("run", small, "--input", tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--seed", "3")
    assert ran.status == 0, ran.err
    assert "random (seed 3)" in ran.out
    assert "top 4 of image 3" in ran.out
    names: dict[str, Any] = {}
    exec(build(small, target="numpy"), names)
    wanted = names["forward"](names["init"](3), x)
    assert np.array_equal(np.load(tmp_path / "y.npy"), wanted)


def test_planes_of_a_table(cnnspec: Command, tmp_path: Path) -> None:
    spec = tmp_path / "sum.cnn"
    spec.write_text("input 2x2x2\nconv F1 K1 nobias weight=[1 | 10]\n")
    (tmp_path / "x.csv").write_text("# two planes\n1;2\n3;4\n\n\n5 6 # the second\n7 8\n")
    ran = cnnspec("run", spec, "--input", tmp_path / "x.csv")
    assert matrix("51  62", "73  84") in ran.out
    (tmp_path / "vector.cnn").write_text("input 3\ntimes 1\n")
    (tmp_path / "v.csv").write_text("1\n2\n3\n")
    assert matrix("1  2  3") in cnnspec("run", tmp_path / "vector.cnn", "--input", tmp_path / "v.csv").out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3\n", "line 2 has 1 number,"),
        ("1,2\n3,x\n", "line 2: could not convert"),
        ("", "is empty"),
        ("1,2\n3,nan\n", "not finite"),
        ("1,2\n\n3,4\n5,6\n", "must have equal sizes: the first is 1x2, plane 2 is 2x2"),
        ("1,2,3\n", "expected 1x2x2 or Nx1x2x2 for input, found 1x1x3"),
        (b"\xff\xfe1", "not UTF-8"),
    ],
)
def test_a_table_that_does_not_fit(cnnspec: Command, tmp_path: Path, text: str | bytes, message: str) -> None:
    spec = tmp_path / "plane.cnn"
    spec.write_text("input 1x2x2\nrelu\n")
    table = tmp_path / "x.csv"
    table.write_bytes(text.encode() if isinstance(text, str) else text)
    ran = cnnspec("run", spec, "--input", table)
    assert (ran.status, ran.out) == (2, "")
    assert "error[E708]" in ran.err
    assert message in ran.err


def test_an_array_that_does_not_fit(cnnspec: Command, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    cases = {
        "np.moveaxis": np.zeros((6, 6, 2)),
        "expected 2x6x6": np.zeros((2, 6, 5)),
        "can run code": np.array([print], dtype=object),
        "not numbers": np.zeros((2, 6, 6), "U3"),
    }
    for message, array in cases.items():
        np.save(path, array, allow_pickle=True)
        ran = cnnspec("run", small, "--input", path)
        assert (ran.status, ran.out) == (2, "")
        assert "error[E708]" in ran.err
        assert message in ran.err
    np.save(path, np.zeros((2, 6, 6)))
    path.write_bytes(path.read_bytes()[:200])
    assert "not a complete .npy file" in cnnspec("run", small, "--input", path).err
    assert "error[E701]" in cnnspec("run", small, "--input", tmp_path / "none.npy").err
    (tmp_path / "x.docx").write_text("")
    assert "found .docx" in cnnspec("run", small, "--input", tmp_path / "x.docx").err
    os.mkfifo(tmp_path / "fifo.npy")
    assert "error[E702]" in cnnspec("run", small, "--input", tmp_path / "fifo.npy").err


def test_an_image(cnnspec: Command, tmp_path: Path) -> None:
    line = tmp_path / "line.png"
    Image.fromarray((255 * np.diag([1, 1, 1, 1, 0])).astype(np.uint8)).save(line)
    ran = cnnspec("run", "zoo:threshold_5x5", "--input", line)
    assert matrix("265    0    0", "  0  265    0", "  0    0   10") in ran.out
    scaled = cnnspec(
        "run", "zoo:threshold_5x5", "--input", line, "--scale", "2/255", "--mean", "-255", "--format", "json"
    )
    assert json.loads(scaled.out)["inputs"][0]["values"][0][0] == [257, 255, 255, 255, 255]


def test_the_channels_of_an_image(cnnspec: Command, tmp_path: Path) -> None:
    spec = tmp_path / "colour.cnn"
    spec.write_text("input 3x1x2\ntimes 1\n")
    Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)).save(tmp_path / "x.png")
    ran = cnnspec("run", spec, "--input", tmp_path / "x.png", "--std", "1,2,3", "--format", "json")
    assert json.loads(ran.out)["inputs"][0]["values"] == [[[1, 4]], [[1, 2.5]], [[1, 2]]]
    spec.write_text("input 2x1x2\ntimes 1\n")
    assert "1, 3 or 4 channels" in cnnspec("run", spec, "--input", tmp_path / "x.png").err


def test_an_image_of_another_size_is_refused_or_scaled(cnnspec: Command, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (64, 48), (255, 255, 255)).save(photo)
    ran = cnnspec("run", "zoo:threshold_5x5", "--input", photo)
    assert ran.status == 2
    assert "error[E708]: expected an image of 5x5 (height x width) for input, found 48x64" in ran.err
    assert "--resize scales it to 5x5" in ran.err
    document = json.loads(cnnspec("run", "zoo:threshold_5x5", "--input", photo, "--format", "json").out)
    assert [one["code"] for one in document["diagnostics"]] == ["E708"]
    ran = cnnspec("run", "zoo:threshold_5x5", "--input", photo, "--resize")
    assert ran.status == 0
    assert "input: scaled from 48x64 to 5x5\ninput: converted to grey\n" in ran.out
    assert matrix(*["265  265  265"] * 3) in ran.out


def test_an_image_that_is_none_or_too_large(cnnspec: Command, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 5\n")
    assert "not an image that can be read" in cnnspec("run", "zoo:threshold_5x5", "--input", path).err
    Image.new("1", (10_000, 6_000)).save(path)  # some kilobytes, sixty million pixels
    assert path.stat().st_size < 20_000
    ran = cnnspec("run", "zoo:threshold_5x5", "--input", path, "--resize")
    assert ran.status == 2
    assert "more than 50,000,000 pixels" in ran.err


# --- weights ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["safetensors", "npz"])
def test_weights_of_the_torch_program_give_its_output(
    cnnspec: Command, small: Path, tmp_path: Path, form: str
) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    names: dict[str, Any] = {"__name__": "emitted"}
    exec(build(small, target="torch"), names)
    model = names["Small"]().eval()
    state = {key: torch.from_numpy(value) for key, value in tensors(small).items()}
    model.load_state_dict(state)
    path = tmp_path / f"w.{form}"
    if form == "npz":
        np.savez(path, **{key: value.numpy() for key, value in model.state_dict().items()})
    else:
        save_file(model.state_dict(), path)
    x = torch.randn(2, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    np.save(tmp_path / "x.npy", x.numpy())
    ran = cnnspec("run", small, "--input", tmp_path / "x.npy", "--weights", path, "-o", tmp_path / "y.npy")
    assert ran.status == 0, ran.err
    assert f"weights: {path}\n" in ran.out
    with torch.no_grad():
        wanted = model(x).numpy()
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), wanted, rtol=1e-5, atol=1e-6)


def test_what_may_be_missing_and_what_may_not(cnnspec: Command, small: Path, tmp_path: Path) -> None:
    params = tensors(small)
    path = tmp_path / "w.npz"
    del params["a.bn.num_batches_tracked"]
    np.savez(path, **params)
    assert cnnspec("run", small, "--random", "--weights", path).status == 0
    params["fcc.weight"] = params.pop("fc.weight")
    params["a.conv.weight"] = params["a.conv.weight"][:2]
    np.savez(path, **params)
    ran = cnnspec("run", small, "--random", "--weights", path)
    assert (ran.status, ran.out) == (2, "")
    assert (
        "error[E707]: these weights do not fit: of 9 names, 1 missing, 1 too many, 1 of another shape"
        in ran.err
    )
    assert "a.conv.weight: the file has 2x2x3x3, the spec 3x2x3x3" in ran.err
    assert "fc.weight (4x48) is missing; is it fcc.weight?" in ran.err
    assert "fcc.weight (4x48) is not in the spec" in ran.err
    document = json.loads(cnnspec("run", small, "--random", "--weights", path, "--format", "json").out)
    assert [one["code"] for one in document["diagnostics"]] == ["E707"]
    assert document["ok"] is False


def test_weights_that_are_not_finite(cnnspec: Command, small: Path, tmp_path: Path) -> None:
    params = tensors(small)
    params["fc.bias"][1] = np.nan
    np.savez(tmp_path / "w.npz", **params)
    ran = cnnspec("run", small, "--random", "--weights", tmp_path / "w.npz")
    assert ran.status == 2
    assert "error[E707]: fc.bias: 1 of its 4 numbers are not finite (NaN or ∞)" in ran.err


class Harmful:
    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.flag,)


def test_a_pickle_is_not_loaded(cnnspec: Command, small: Path, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    np.savez(tmp_path / "w.npz", allow_pickle=True, **{"fc.weight": np.array([Harmful(flag)], dtype=object)})
    ran = cnnspec("run", small, "--random", "--weights", tmp_path / "w.npz")
    assert ran.status == 2
    assert "error[E707]: fc.weight is pickled, and a pickle can run code" in ran.err
    for name in ("w.pt", "w.npz", "w.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(Harmful(flag)))
        ran = cnnspec("run", small, "--random", "--weights", tmp_path / name)
        assert ran.status == 2
        assert "error[E707]" in ran.err
    assert not flag.exists()
    pickle.loads((tmp_path / "w.pt").read_bytes())
    assert flag.exists(), "what was refused would have done harm"


@pytest.mark.parametrize("form", ["safetensors", "npz"])
def test_weights_cut_off(cnnspec: Command, small: Path, tmp_path: Path, form: str) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / f"w.{form}"
    if form == "npz":
        np.savez(path, **tensors(small))
    else:
        save_file(tensors(small), path)
    whole = path.read_bytes()
    for size in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        ran = cnnspec("run", small, "--random", "--weights", path)
        assert (ran.status, ran.out) == (2, "")
        assert "error[E707]: this is not a complete" in ran.err


def test_a_name_in_a_file_does_not_reach_the_terminal(cnnspec: Command, small: Path, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a\x1b[2J\nb": np.zeros(1, np.float32)}, tmp_path / "w.safetensors")
    ran = cnnspec("run", small, "--random", "--weights", tmp_path / "w.safetensors")
    assert ran.status == 2
    assert "\x1b" not in ran.err


# --- what comes out ---------------------------------------------------------------------------------------


def test_the_classes_of_a_classifier(cnnspec: Command, tmp_path: Path) -> None:
    spec = tmp_path / "classes.cnn"
    spec.write_text("input 3\ntimes 1\n")
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\nhorse\n")
    x = csv(tmp_path / "x.csv", [[0, 2, 1]])
    ran = cnnspec("run", spec, "--input", x, "--top", "2", "--labels", labels)
    assert ran.out.endswith("\ntop 2\n  dog     66.52%          2\n  horse   24.47%          1\n")
    spec.write_text("input 3x1x1\ntimes 1\n")
    np.save(tmp_path / "x.npy", [[[0]], [[2]], [[1]]])
    maps = cnnspec("run", spec, "--input", tmp_path / "x.npy", "--top", "2", "--labels", labels)
    assert maps.out.endswith("\ntop 2\n  dog     66.52%          2\n  horse   24.47%          1\n")
    spec.write_text("input 3\ntimes 1\n")
    shares = csv(tmp_path / "x.csv", [[0.1, 0.7, 0.2]])
    assert "class 1   70.00%" in cnnspec("run", spec, "--input", shares).out
    labels.write_text("cat\ndog\n")
    ran = cnnspec("run", spec, "--input", x, "--labels", labels)
    assert ran.status == 2
    assert "error[E708]: expected 3 labels, one per class, found 2" in ran.err


def test_of_distances_the_smallest_wins(cnnspec: Command, tmp_path: Path) -> None:
    spec = tmp_path / "rbf.cnn"
    spec.write_text("input 2\nrbf 3 weight=[0 0; 5 5; 1 1]\n")
    ran = cnnspec("run", spec, "--input", csv(tmp_path / "x.csv", [[1, 2]]), "--format", "json")
    (image,) = json.loads(ran.out)["outputs"][0]["top"]
    assert [(one["class"], one["score"]) for one in image] == [(2, 1), (0, 5), (1, 25)]


def test_feature_maps_as_pictures(cnnspec: Command, small: Path, tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    ran = cnnspec("run", small, "--random", "--save-maps", maps)
    assert ran.status == 0, ran.err
    assert sorted(path.name for path in maps.iterdir()) == [
        "000-input.png", "001-a.conv.png", "002-a.bn.png", "003-a.relu.png",
    ]  # fmt: skip
    with Image.open(maps / "003-a.relu.png") as sheet:
        pixels = np.asarray(sheet)
        assert sheet.mode == "L"
    assert pixels.min() == 0
    assert pixels.max() == 255
    ran = cnnspec("run", small, "--random", "--save-maps", maps)
    assert ran.status == 2
    assert "error[E705]" in ran.err
    assert cnnspec("run", small, "--random", "--save-maps", maps, "--force").status == 0


def test_a_sheet_shows_each_map_in_its_place() -> None:
    from cnnspec.running.worker.maps import GAP, GREY, sheet

    picture = sheet(np.arange(3 * 64 * 64).reshape(3, 64, 64))
    assert picture.shape == (2 * (64 + GAP) + GAP, 2 * (64 + GAP) + GAP)
    assert picture[GAP, GAP] == 0
    assert picture[2 * GAP + 64 + 63, GAP + 63] == 255
    assert (picture[2 * GAP + 64 :, 2 * GAP + 64 :] == GREY).all()


def test_an_existing_output_is_replaced_only_with_force(
    cnnspec: Command, small: Path, tmp_path: Path
) -> None:
    out = tmp_path / "y.npy"
    out.write_text("precious")
    ran = cnnspec("run", small, "--random", "-o", out)
    assert ran.status == 2
    assert "error[E705]" in ran.err
    assert out.read_text() == "precious"
    assert cnnspec("run", small, "--random", "-o", out, "--force").status == 0
    assert np.load(out).shape == (1, 4)
    np.save(tmp_path / "x.npy", np.zeros((2, 6, 6)))
    ran = cnnspec("run", small, "--input", tmp_path / "x.npy", "-o", tmp_path / "x.npy", "--force")
    assert "error[E704]" in ran.err
    assert np.load(tmp_path / "x.npy").shape == (2, 6, 6)


def test_a_wrong_spec_does_not_run(cnnspec: Command, wrong: Path, good: Path) -> None:
    ran = cnnspec("run", wrong, "--random")
    assert (ran.status, ran.out) == (1, "")
    assert "error[E301]" in ran.err
    assert cnnspec("run", good).status == 2
    assert cnnspec("run", good, "--random", "--variant", "B9").status == 2
    assert cnnspec("run", good, "--random", "-o", "y.txt").status == 2


def test_a_claim_that_fails_is_told_and_the_network_runs(cnnspec: Command, tmp_path: Path) -> None:
    spec = tmp_path / "claim.cnn"
    spec.write_text("input 1x1x2\nrelu => 1x1x3\n")
    ran = cnnspec("run", spec, "--random")
    assert ran.status == 1
    assert "error[E501]" in ran.err
    assert "1x1x2" in ran.out


def test_it_leaves_nothing_behind(small: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec", "run", str(small), "--random"],
        env={**os.environ, "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(scratch.iterdir()) == []


def test_an_input_from_standard_input(cnnspec: Command, tmp_path: Path) -> None:
    """Its format is read from how it begins."""
    table = "1,2\n3,4\n"
    spec = tmp_path / "net.cnn"
    spec.write_text("input 1x2x2\ntimes 2\n")
    array = io.BytesIO()
    np.save(array, np.array([[1.0, 2], [3, 4]]))
    for given in (table, array.getvalue()):
        document = json.loads(cnnspec("run", spec, "--input", "-", "--format", "json", stdin=given).out)
        assert document["outputs"][0]["values"] == [[[2, 4], [6, 8]]]
    ran = cnnspec("run", spec, "--input", "input=-", stdin="1,2\n")
    assert (ran.status, ran.out.count("\n")) == (2, 0)
    assert "E708" in ran.err
    assert "┌─ <stdin>" in ran.err
    assert cnnspec("run", "-", "--input", "-", stdin=table).status == 2
