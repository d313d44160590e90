"""Training programs in NumPy: torch's losses, torch's promises, and what is refused."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cnnspec.diagnostics import Source
from cnnspec.training.numpy import refused
from cnnspec.training.read import read
from tests.training.running import RECIPE, built, log, run, write_data, write_folders

ADAM = '[optimizer]\nname = "adam"\nrate = 0.01\n'
EVERY = RECIPE.replace("0.01", "0.01\nweight_decay = 0.01") + "[run]\nsave_every = 2\nclip = 1.0\nema = 0.9\n"
NORMED = "model Small\ninput 1x8x8\nc1: conv F3 P1 K6 -> bn -> relu\nmaxpool F2\nflatten -> fc 4\n"
TWO = "model Two\ninput 1x8x8\nconv F3 P1 K6 -> tanh\na: gap\nmain: @a -> fc 4 -> softmax\naux: @a -> fc 4\n"
TWO += "output @main, @aux\n"
MAPS = "model Maps\ninput 1x8x8\nconv F3 P1 K4\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = built(tmp_path_factory.mktemp("whole"), recipe=EVERY, target="numpy")
    write_data(folder / "data.npz")
    run(folder)
    return folder


def copied(folder: Path, to: Path, *names: str) -> Path:
    to.mkdir()
    for name in ("net.py", "train.py", "data.npz", *names):
        (to / name).write_bytes((folder / name).read_bytes())
    return to


def module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program of a folder, in float64."""
    found = ModuleType("")
    for name in ("net", "train"):
        text = (
            (folder / f"{name}.py").read_text().replace("float32", "float64").replace(".float()", ".double()")
        )
        found = ModuleType(name)
        found.__file__ = str(folder / "train.py")
        monkeypatch.setitem(sys.modules, name, found)
        exec(compile(text, name, "exec"), found.__dict__)
    return found


SAME = {
    "adam, flip, crop, erase, batch norm": (NORMED, RECIPE),
    "adam, decay, clip, ema": (NORMED, EVERY),
    "nesterov": (NORMED, 'name = "sgd"\nrate = 0.1\nmomentum = 0.9\nnesterov = true\nweight_decay = 0.01'),
    "momentum, decay of all": (
        NORMED,
        'name = "sgd"\nrate = 0.1\nmomentum = 0.9\nweight_decay = 0.01\ndecay_all = true',
    ),
    "adamw": (NORMED, 'name = "adamw"\nrate = 0.01\nweight_decay = 0.1'),
    "rmsprop": (NORMED, 'name = "rmsprop"\nrate = 0.01\nmomentum = 0.5'),
    "smoothing, accumulated": (NORMED, RECIPE + "[loss]\nsmoothing = 0.1\n[run]\naccumulate = 2\n"),
    "two outputs": (TWO, RECIPE + "[loss.aux]\nweight = 0.3\n"),
    "maps, a label that does not count": (MAPS, "maps:[loss]\nignore = 3\n"),
    "maps, rotated and bent": (MAPS, "maps:rotate = 30\nelastic = 1.5\n"),
    "dice": (MAPS, 'maps:[loss]\nkind = "dice"\n'),
    "dice of one channel": (MAPS.replace("K4", "K1 -> sigmoid"), 'yes:[loss]\nkind = "dice"\n'),
    "bce": (MAPS.replace("K4", "K1"), 'yes:[loss]\nkind = "bce"\n'),
    "bce of a sigmoid": (MAPS.replace("K4", "K1 -> sigmoid"), 'yes:[loss]\nkind = "bce"\n'),
    "mse": (MAPS.replace("K4", "K1"), 'yes:[loss]\nkind = "mse"\n'),
    "the middle of maps": (MAPS.replace(" P1", ""), "maps:[loss]\nignore = 3\n"),
    "signals": (NORMED.replace("1x8x8", "2x32"), "2x32:"),
    "volumes": (NORMED.replace("1x8x8", "1x4x4x4"), "4x4x4:"),
}


@pytest.mark.parametrize(("spec", "recipe"), SAME.values(), ids=SAME)
def test_torch_and_numpy_learn_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, recipe: str
) -> None:
    """From the same weights, in float64: the losses of six steps, the weights, and the held-out results."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    kind, _, more = recipe.rpartition(":")
    if kind:
        recipe = RECIPE.replace("flip = true\n", "flip = true\nflip_vertical = true\n")
        recipe = recipe + more if more[:1] in ("", "[") else recipe.replace("erase = 0.5\n", more)
        if kind not in ("maps", "yes"):
            recipe = recipe.replace("flip_vertical = true\n", "")
    elif "[" not in recipe:
        recipe = RECIPE.replace('name = "adam"\nrate = 0.01', recipe)
    folders = [built(tmp_path / target, spec, recipe, target=target) for target in ("torch", "numpy")]
    write_data(tmp_path / "data.npz")
    if kind:
        images = np.random.default_rng(0).integers(0, 256, (64, 8, 8)).astype(np.uint8)
        classes = images // 64 if kind == "maps" else (images > 127).astype(np.int64)
        if kind not in ("maps", "yes"):  # signals or volumes
            images, classes = images.reshape(64, *map(int, kind.split("x"))), images[:, 0, 0] // 64
        np.savez(tmp_path / "data.npz", x_train=images, y_train=classes, x_test=images, y_test=classes)
    torch.set_default_dtype(torch.float64)
    try:
        theirs, ours = (module(one, monkeypatch) for one in folders)
        torch.manual_seed(0)
        net = getattr(theirs, spec.split()[1])()
        optimizer = theirs.make_optimizer(net)
        team = theirs.Team(0, 1, torch.device("cpu"))
        params = {key: value.numpy().copy() for key, value in net.state_dict().items()}
        state: dict[str, Any] = {}
        data, kept = ours.load_samples(tmp_path / "data.npz")
        for step in range(6):
            rows = ours.random_order(len(data.labels), 0, "order", 0)[: ours.BATCH]
            images, labels = data.images[rows], data.labels[rows]
            net.train()
            rate = ours.rate_at(step, 4)
            theirs.set_rate(optimizer, rate)
            loss = theirs.train_step(net, optimizer, images, labels, step, team)
            assert ours.train_step(params, state, images, labels, step, rate) == pytest.approx(
                float(loss), rel=1e-9, abs=1e-11
            )
        for key, value in net.state_dict().items():
            assert np.allclose(value.numpy(), params[key], rtol=1e-7, atol=1e-7), key
        held_out = theirs.evaluate(net, kept, team)
        assert ours.evaluate(params, kept) == pytest.approx(held_out, rel=1e-8)
    finally:
        torch.set_default_dtype(torch.float32)


def test_it_learns_and_says_so(folder: Path) -> None:
    rows = log(folder)
    assert [row["step"] for row in rows] == ["9", "18", "27", "36"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    result = json.loads((folder / "result.json").read_text())
    assert result["ok"] is True
    assert f"{100 * result['best']['accuracy']:.2f}" == max((row["accuracy"] for row in rows), key=float)


@pytest.mark.parametrize("step", [11, 18])
def test_a_run_that_was_killed_ends_as_if_it_had_not(folder: Path, tmp_path: Path, step: int) -> None:
    other = copied(folder, tmp_path / "killed")
    text = (other / "train.py").read_text()
    line = '            progress["step"] += 1\n'
    kill = f'            if progress["step"] == {step} and not options.resume:\n'
    assert line in text
    (other / "train.py").write_text(
        text.replace(line, line + kill + "                os.kill(os.getpid(), 9)\n")
    )
    run(other, status=-signal.SIGKILL)
    (other / "train.py").write_text(text)
    run(other, "--resume")
    for name in ("last.npz", "best.npz", "result.json"):
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name
    assert log(folder) == log(other)


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("BOOM",))


@pytest.mark.parametrize("how", ["cut", "changed", "foreign", "pickled", "recipe", "data set", "none"])
def test_a_checkpoint_that_is_not_this_runs_is_refused(folder: Path, tmp_path: Path, how: str) -> None:
    other = copied(folder, tmp_path / "refused", "last.npz", "log.csv")
    last, expected = other / "last.npz", "is damaged"
    data = last.read_bytes()
    if how == "cut":
        last.write_bytes(data[:-100])
    elif how == "changed":
        last.write_bytes(data[:300] + bytes([data[300] ^ 1]) + data[301:])
    elif how == "foreign":
        np.savez(last, a=np.zeros(3))
    elif how == "pickled":
        last.write_bytes(pickle.dumps(Bomb()))
    elif how == "recipe":
        text = (other / "train.py").read_text()
        (other / "train.py").write_text(text.replace("SEED = 0", "SEED = 1"))
        expected = "is of another recipe"
    elif how == "data set":
        write_data(other / "data.npz", 151)
        expected = "is of another data set"
    else:
        expected = "last.npz exists: --resume goes on from it"
    printed = run(other, *(() if how == "none" else ("--resume",)), status=2)
    assert expected in printed
    assert "BOOM" not in printed
    assert "Traceback" not in printed


def test_it_needs_numpy_alone(folder: Path, tmp_path: Path) -> None:
    other = copied(folder, tmp_path / "alone", "last.npz", "log.csv")
    hide = 'import runpy, sys; sys.modules |= dict.fromkeys(("cnnspec", "torch", "safetensors", "PIL")); '
    hide += 'del sys.argv[0]; sys.path.insert(0, sys.argv[0].rpartition("/")[0]); '
    hide += 'runpy.run_path(sys.argv[0], run_name="__main__")'
    assert "best: epoch" in run(other, "--resume", before=("-c", hide))


def test_an_expectation_that_is_not_met(folder: Path, tmp_path: Path) -> None:
    recipe = EVERY + '[expect]\naccuracy = "100%"\nloss = 0.001\n'
    other = built(tmp_path / "expected", recipe=recipe, target="numpy")
    for name in ("data.npz", "last.npz", "log.csv"):
        (other / name).write_bytes((folder / name).read_bytes())
    assert "expected: accuracy 100 %, loss 0.001" in run(other, "--resume", status=1)


OTHERS = (
    RECIPE.replace("[data]", "[data]\nmean = [0.5]\nstd = [0.2]"),
    RECIPE.replace('name = "adam"', 'name = "sgd"\nmomentum = 0.9\nnesterov = true'),
    RECIPE.replace('name = "adam"', 'name = "rmsprop"'),
)


@pytest.mark.parametrize("recipe", [EVERY, *OTHERS])
def test_ruff_has_nothing_to_say(tmp_path: Path, recipe: str) -> None:
    built(tmp_path, recipe=recipe, target="numpy")
    for line in (["check", "--select", "E4,E7,E9,F,I,B,UP"], ["format", "--check"]):
        child = subprocess.run(
            [sys.executable, "-m", "ruff", *line, "--isolated", "train.py"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert child.returncode == 0, child.stdout


@pytest.mark.parametrize(
    ("more", "message", "line"),
    [
        ("[run]\namp = true\n", "amp in [run] needs torch", 20),
        ('[run]\nparallel = "fsdp"\n', "parallel in [run] needs torch", 20),
    ],
)
def test_what_needs_torch_is_refused(more: str, message: str, line: int) -> None:
    source = Source("r.toml", RECIPE + more)
    recipe, reading = read(source)
    assert recipe is not None
    assert refused(recipe, reading)
    (finding,) = reading.sink
    assert (finding.code, finding.message) == ("E825", message)
    assert source.position(finding.span.start)[0] == line
    assert "--target torch" in finding.help


def test_images_are_scaled_as_torch_does() -> None:
    torch = pytest.importorskip("torch")
    from cnnspec.training.library.samples import resized

    images = np.random.default_rng(0).integers(0, 256, (3, 2, 13, 10)).astype(np.float32)
    for size in ((5, 4), (20, 31), (13, 7)):
        tensor, how = torch.from_numpy(images), {"mode": "bilinear", "antialias": True}
        expected = torch.nn.functional.interpolate(tensor, size, **how).numpy()
        assert np.allclose(resized(images, size), expected, atol=1e-3)
        assert resized(images.astype(np.uint8), size).dtype == np.uint8


@pytest.mark.parametrize("target", ["torch", "numpy"])
def test_it_stops_early(tmp_path: Path, target: str) -> None:
    """After two epochs without a better result; another data set is given on the command line."""
    if target == "torch":
        pytest.importorskip("torch")
    recipe = RECIPE.replace("rate = 0.01", "rate = 1e-12").replace("epochs = 4", "epochs = 50")
    folder = built(
        tmp_path / "run", NORMED.replace(" -> bn", ""), recipe + "[run]\npatience = 2\n", target=target
    )
    write_data(tmp_path / "other.npz")
    run(folder, "--data", str(tmp_path / "other.npz"))
    result = json.loads((folder / "result.json").read_text())
    assert len(log(folder)) == result["epoch"] + 2 < 50


@pytest.mark.parametrize("target", ["torch", "numpy"])
def test_of_equal_accuracies_the_lower_loss_is_better(tmp_path: Path, target: str) -> None:
    """All images are of one class: soon all answers are right, and the loss still falls."""
    if target == "torch":
        pytest.importorskip("torch")
    folder = built(tmp_path / "run", NORMED, target=target)
    write_data(folder / "data.npz", classes=1)
    run(folder)
    rows = log(folder)
    epochs = [(float(row["accuracy"]), -float(row["held_out_loss"]), int(row["epoch"])) for row in rows]
    assert json.loads((folder / "result.json").read_text())["epoch"] == max(epochs)[2]
    assert [one[0] for one in epochs].count(100) > 1


def test_images_in_folders(tmp_path: Path) -> None:
    recipe = RECIPE.replace('"npz"', '"folder"').replace('"data.npz"', '"images"\nside = 9')
    folder = built(tmp_path / "run", NORMED, recipe, data="images", target="numpy")
    write_folders(folder / "images")
    run(folder)
    assert [row["step"] for row in log(folder)] == ["1", "2", "3", "4"]
    (folder / "images" / "val" / "class0" / "notes.txt").write_text("not an image")
    assert "notes.txt: cannot identify image file" in run(folder, "--resume", status=2)


def test_streamed_images_are_those_in_memory(tmp_path: Path) -> None:
    """Crops that are drawn depend on the step alone: a run that was killed, and continued with other threads,
    is the run that was not."""
    recipe = RECIPE.replace('"npz"', '"folder"').replace('"data.npz"', '"images"\nside = 9')
    stream = recipe.replace("side = 9", "side = 9\nstream = true\nthreads = 2").replace("= 16", "= 4")
    crops = stream.replace("flip = true", "flip = true\narea = [0.3, 1.0]") + "[run]\nsave_every = 1\n"
    texts = {"kept": recipe.replace("= 16", "= 4"), "streamed": stream, "whole": crops, "killed": crops}
    write_folders(tmp_path / "images")
    made = {
        name: built(tmp_path / name, NORMED, text, data="../images", target="numpy")
        for name, text in texts.items()
    }
    for name in ("kept", "streamed", "whole"):
        run(made[name])
    assert log(made["kept"]) == log(made["streamed"]) != log(made["whole"])
    text = (made["killed"] / "train.py").read_text()
    line = '            progress["step"] += 1\n'
    kill = '            if progress["step"] == 9 and not options.resume:\n                os._exit(9)\n'
    assert line in text
    (made["killed"] / "train.py").write_text(text.replace(line, line + kill))
    run(made["killed"], status=9)
    (made["killed"] / "train.py").write_text(text.replace("THREADS = 2", "THREADS = 1"))
    run(made["killed"], "--resume")
    for name in ("last.npz", "best.npz"):
        assert (made["whole"] / name).read_bytes() == (made["killed"] / name).read_bytes(), name
