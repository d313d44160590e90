"""What a training program promises, on a network and a data set of seconds."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.training.running import RECIPE, built, log, run, start, write_data, write_folders

EVERY = RECIPE.replace("0.01", "0.01\nweight_decay = 0.01") + "[run]\nsave_every = 2\nclip = 1.0\nema = 0.9\n"

FOLDERS = """\
[data]
source = "folder"
path = "images"

[optimizer]
name = "rmsprop"
rate = 0.01

[schedule]
epochs = 2
batch = 8
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = built(tmp_path_factory.mktemp("whole"), recipe=EVERY)
    write_data(folder / "data.npz")
    run(folder)
    return folder


def copied(folder: Path, to: Path, *names: str) -> Path:
    to.mkdir(exist_ok=True)
    for name in ("net.py", "train.py", "data.npz", *names):
        shutil.copy(folder / name, to / name)
    return to


def test_it_learns_and_says_so(folder: Path) -> None:
    rows = log(folder)
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["step"] for row in rows] == ["9", "18", "27", "36"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    result = json.loads((folder / "result.json").read_text())
    assert result["ok"] is True
    assert f"{100 * result['best']['accuracy']:.2f}" == max((row["accuracy"] for row in rows), key=float)
    weights = load_file(folder / "best.safetensors")
    assert {key.rpartition(".")[0] for key in weights} == {"c1.conv", "c1.bn", "fc"}


@pytest.mark.parametrize("step", [11, 18])
def test_a_run_that_was_killed_ends_as_if_it_had_not(folder: Path, tmp_path: Path, step: int) -> None:
    """kill -9 in the middle of an epoch, two steps after a checkpoint or one, and right after an epoch's."""
    other = copied(folder, tmp_path / "killed")
    text = (other / "train.py").read_text()
    kill = f"            progress.step += 1\n            if progress.step == {step} and not options.resume:\n"
    kill += "                os.kill(os.getpid(), 9)\n"
    (other / "train.py").write_text(text.replace("            progress.step += 1\n", kill))
    run(other, status=-signal.SIGKILL)
    assert not (other / "result.json").exists()
    (other / "train.py").write_text(text)
    run(other, "--resume")
    for name in ("last.safetensors", "best.safetensors", "result.json"):
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name
    assert log(folder) == log(other)


def test_a_finished_run_says_its_result_again(folder: Path, tmp_path: Path) -> None:
    other = copied(folder, tmp_path / "again", "last.safetensors", "log.csv")
    assert "last.safetensors exists: --resume goes on from it" in run(other, status=2)
    assert re.search("^best: epoch ", run(other, "--resume"), re.M)
    assert (folder / "log.csv").read_bytes() == (other / "log.csv").read_bytes()


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("BOOM",))


@pytest.mark.parametrize("how", ["cut", "changed", "foreign", "pickled", "seed", "network", "data set"])
def test_a_checkpoint_that_is_not_this_runs_is_refused(folder: Path, tmp_path: Path, how: str) -> None:
    other = copied(folder, tmp_path / "refused", "last.safetensors", "log.csv")
    last = other / "last.safetensors"
    expected = "damaged"
    data = last.read_bytes()
    if how == "cut":
        last.write_bytes(data[:-100])
    elif how == "changed":
        last.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    elif how == "foreign":
        save_file(load_file(last), last)
    elif how == "pickled":
        last.write_bytes(pickle.dumps(Bomb()))
    elif how == "seed":
        text = (other / "train.py").read_text()
        (other / "train.py").write_text(text.replace("SEED = 0", "SEED = 1"))
        expected = "is of another recipe"
    elif how == "network":
        (other / "net.py").write_text((other / "net.py").read_text() + "\n")
        expected = "is of another network"
    else:
        write_data(other / "data.npz", 151)
        expected = "is of another data set"
    before = last.read_bytes()
    printed = run(other, "--resume", status=2)
    assert expected in printed
    assert "BOOM" not in printed
    assert "Traceback" not in printed
    assert last.read_bytes() == before


def test_a_full_disk_leaves_the_last_checkpoint_whole(folder: Path, tmp_path: Path) -> None:
    """Files may only be as long as the log: a checkpoint cannot be written any more."""
    other = copied(folder, tmp_path / "full")
    text = (other / "train.py").read_text()
    full = "            progress.step += 1\n            if progress.step == 11 and not options.resume:\n"
    full += "                import resource, signal\n"
    full += "                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    full += "                resource.setrlimit(resource.RLIMIT_FSIZE, (2000, -1))\n"
    (other / "train.py").write_text(text.replace("            progress.step += 1\n", full))
    assert "last.safetensors cannot be written: File too large" in run(other, status=2)
    assert not list(other.glob(".*.tmp"))
    assert b'\\"step\\": 10,' in (other / "last.safetensors").read_bytes()[:10_000]
    load_file(other / "last.safetensors")
    (other / "train.py").write_text(text)
    run(other, "--resume")
    assert (folder / "last.safetensors").read_bytes() == (other / "last.safetensors").read_bytes()


def test_ctrl_c_ends_it_cleanly(folder: Path, tmp_path: Path) -> None:
    other = copied(folder, tmp_path / "stopped")
    text = (other / "train.py").read_text().replace("EPOCHS = 4", "EPOCHS = 100000")
    (other / "train.py").write_text(text)
    child = start(other)
    assert child.stdout is not None
    assert child.stdout.readline().startswith("epoch 1  loss ")
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert errors == "\nstopped; --resume goes on from the last checkpoint\n"
    load_file(other / "last.safetensors")


def test_two_processes_are_one(tmp_path: Path) -> None:
    """Without batch norm and dropout: the same losses, weights and results but for rounding."""
    spec = "model Small\ninput 1x8x8\nconv F3 P1 K6 -> relu\nmaxpool F2\nflatten -> fc 4\n"
    one, two = built(tmp_path / "one", spec), built(tmp_path / "two", spec)
    for each in (one, two):
        write_data(each / "data.npz")
    run(one)
    run(two, processes=2)
    for a, b in zip(log(one), log(two), strict=True):
        assert float(a["loss"]) == pytest.approx(float(b["loss"]), rel=1e-4)
        assert a["accuracy"] == b["accuracy"]
    weights = load_file(two / "best.safetensors")
    for key, value in load_file(one / "best.safetensors").items():
        assert torch.allclose(value, weights[key], atol=1e-4, rtol=0), key


def test_it_runs_where_cnnspec_is_not_installed(folder: Path, tmp_path: Path) -> None:
    """As every program here does that runs in a forked process."""
    other = copied(folder, tmp_path / "alone", "last.safetensors", "log.csv")
    assert "best: epoch" in run(other, "--resume")
    (other / "train.py").write_text("import cnnspec\n")
    assert "ModuleNotFoundError" in run(other, status=1)


def test_expectations_are_checked_to_their_precision(folder: Path, tmp_path: Path) -> None:
    rate = json.loads((folder / "result.json").read_text())["best"]["accuracy"] * 100
    for text, status in ((f"{rate + 0.4:.0f}%", None), (f"{rate + 3:.1f}%", 1)):
        recipe = EVERY + f'[expect]\naccuracy = "{text}"\n'
        other = built(tmp_path / text, recipe=recipe)
        for name in ("data.npz", "last.safetensors", "log.csv"):
            shutil.copy(folder / name, other / name)
        status = status if status is not None else int(round(rate) < float(text[:-1]))
        printed = run(other, "--resume", status=status)
        assert (f"expected: accuracy {float(text[:-1]):g} %" in printed) == bool(status)


def test_ruff_has_nothing_to_say(folder: Path) -> None:
    for line in (["check", "--select", "E4,E7,E9,F,I,B,UP"], ["format", "--check"]):
        child = subprocess.run(
            [sys.executable, "-m", "ruff", *line, "--isolated", "train.py"],
            cwd=folder,
            capture_output=True,
            check=False,
        )
        assert child.returncode == 0, child.stdout


def test_images_in_folders(tmp_path: Path) -> None:
    """Of any size and mode; a file that is no image is named."""
    folder = built(tmp_path / "run", recipe=FOLDERS, data="images")
    write_folders(folder / "images")
    run(folder)
    assert [row["step"] for row in log(folder)] == ["3", "6"]
    (folder / "images" / "val" / "class0" / "notes.txt").write_text("not an image")
    assert "notes.txt: cannot identify image file" in run(folder, "--resume", status=2)


MAPS = """\
[optimizer]
name = "sgd"
rate = 0.5
momentum = 0.9
nesterov = true

[schedule]
epochs = 15
batch = 16

[data]
source = "npz"
path = "data.npz"
"""
LOSSES = [
    ("conv F3 P1 K2", "[loss]\nignore = 255\n", "labels"),
    ("conv F3 P1 K2 -> softmax", '[loss]\nkind = "dice"\n', "classes"),
    ("conv F3 P1 K1 -> sigmoid", '[loss]\nkind = "bce"\n', "classes"),
    ("conv F3 P1 K1", '[loss]\nkind = "mse"\n', "images"),
]


@pytest.mark.parametrize(("layers", "loss", "target"), LOSSES, ids=["ignore", "dice", "bce", "mse"])
def test_labels_of_pixels(tmp_path: Path, layers: str, loss: str, target: str) -> None:
    """Where a pixel is bright; a pixel that does not count has the label 255."""
    recipe = (MAPS.replace("0.5", "0.05") if target == "images" else MAPS) + loss
    folder = built(tmp_path, f"model Maps\ninput 1x8x8\n{layers}\n", recipe)
    images = np.random.default_rng(0).integers(0, 256, (64, 8, 8)).astype(np.uint8)
    labels = (images > 127).astype(np.int64)
    if target == "images":
        labels = (images / 255).astype(np.float32)
    if target == "labels":
        labels[:, 0] = 255
    np.savez(folder / "data.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    run(folder)
    rows = log(folder)
    assert float(rows[-1]["held_out_loss"]) < float(rows[0]["loss"])
    assert ("accuracy" in rows[0], "dice" in rows[0]) == (target != "images", target != "images")
    if target != "images":
        assert float(rows[-1]["accuracy"]) > 75
        best = max(rows, key=lambda row: (float(row["dice"]), -float(row["held_out_loss"])))
        assert json.loads((folder / "result.json").read_text())["epoch"] == int(best["epoch"])
        assert 'return result["dice"], -result["loss"]' in (folder / "train.py").read_text()


def test_a_loss_that_is_no_number_ends_the_run(folder: Path, tmp_path: Path) -> None:
    """The checkpoint is that of the last good epoch."""
    other = copied(folder, tmp_path / "nan")
    text = (other / "train.py").read_text()
    (other / "train.py").write_text(
        text.replace(
            "    loss.backward()", '    loss = loss * (1 if step < 20 else float("inf"))\n    loss.backward()'
        )
    )
    printed = run(other, status=2)
    assert "train.py: the loss is " in printed
    assert "in epoch 3: use a lower rate, or a warm-up, or clip the gradient" in printed
    assert [row["epoch"] for row in log(other)] == ["1", "2"]
    load_file(other / "last.safetensors")


def test_without_held_out_images(folder: Path, tmp_path: Path) -> None:
    other = copied(folder, tmp_path / "none")
    arrays = dict(np.load(other / "data.npz"))
    np.savez(other / "data.npz", **arrays | {"x_test": arrays["x_test"][:0], "y_test": arrays["y_test"][:0]})
    assert "train.py: no images are held out: set validation = 0.1 in [data]\n" in run(other, status=2)
