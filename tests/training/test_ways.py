"""The ways in which a program can work: several processes, FSDP, bfloat16, compiled."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from tests.training.running import RECIPE, built, log, run, write_data

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=3")
NORMED = "model Small\ninput 1x8x8\nconv F3 P1 K6 -> bn -> relu\nmaxpool F2\nflatten -> fc 4\n"
PLAIN = NORMED.replace(" -> bn", "")


def folder_of(path: Path, spec: str = NORMED, more: str = "") -> Path:
    """A run of two epochs."""
    folder = built(path, spec, RECIPE.replace("epochs = 4", "epochs = 2") + more)
    write_data(folder / "data.npz")
    return folder


def test_with_batch_norm_two_processes_are_two_parts_of_a_batch(tmp_path: Path) -> None:
    """The gradients are the same; each process has running statistics of its own, whose mean is kept."""
    two = folder_of(tmp_path / "two")
    text = (two / "train.py").read_text()
    own = "        own = [one.clone() for one in running_statistics(net)]\n"
    own += '        torch.save(own, options.out / f"{team.rank}.pt")\n'
    average = "        average_over_processes("
    assert average in text
    (two / "train.py").write_text(text.replace(average, own + average))
    run(two, processes=2)
    parts = folder_of(tmp_path / "parts", more="[run]\naccumulate = 2\n")
    run(parts)
    for a, b in zip(log(parts), log(two), strict=True):
        assert float(a["loss"]) == pytest.approx(float(b["loss"]), rel=1e-4)
    weights = load_file(two / "last.safetensors")
    for key, value in load_file(parts / "last.safetensors").items():
        if key.startswith("net.") and "running" not in key and "tracked" not in key:
            assert torch.allclose(value, weights[key], atol=1e-6, rtol=0), key
    names = ("net.unit.bn.running_mean", "net.unit.bn.running_var")
    found = [value for key, value in weights.items() if "running_" in key]
    assert len(found) == len(names)
    for kept, *each in zip(found, torch.load(two / "0.pt"), torch.load(two / "1.pt"), strict=True):
        assert not torch.equal(*each)
        assert torch.equal(kept, (each[0] + each[1]) / 2)


def killed_in_the_second_epoch(folder: Path) -> None:
    """One of two processes, the first time that the program runs."""
    text = (folder / "train.py").read_text()
    kill = "            progress.step += 1\n"
    kill += '            first = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0"\n'
    kill += "            if progress.step == 13 and team.rank == 1 and first:\n"
    kill += "                os.kill(os.getpid(), 9)\n"
    (folder / "train.py").write_text(text.replace("            progress.step += 1\n", kill))


def test_after_a_process_was_killed_nothing_is_different(tmp_path: Path) -> None:
    """The other one ends, too; both go on from the last checkpoint."""
    whole, killed = folder_of(tmp_path / "whole"), folder_of(tmp_path / "killed")
    run(whole, processes=2)
    unchanged = (killed / "train.py").read_text()
    killed_in_the_second_epoch(killed)
    run(killed, processes=2, status=(1, -signal.SIGKILL))
    (killed / "train.py").write_text(unchanged)
    run(killed, "--resume", processes=2)
    assert (whole / "last.safetensors").read_bytes() == (killed / "last.safetensors").read_bytes()
    assert log(whole) == log(killed)


@pytest.mark.heavy
def test_torchrun_starts_a_killed_process_again(tmp_path: Path) -> None:
    """On a busy machine processes may miss each other at the start: then torchrun starts them again, too."""
    whole, killed = folder_of(tmp_path / "whole"), folder_of(tmp_path / "killed")
    run(whole, "--resume", before=TORCHRUN)
    killed_in_the_second_epoch(killed)
    run(killed, "--resume", before=TORCHRUN)
    assert (whole / "last.safetensors").read_bytes() == (killed / "last.safetensors").read_bytes()
    assert log(whole) == log(killed)


def test_fsdp_is_one_process(tmp_path: Path) -> None:
    """Also after half of it was done by the other way of working: a checkpoint has whole weights."""
    one, two = (
        folder_of(tmp_path / "one", PLAIN),
        folder_of(tmp_path / "two", PLAIN, '[run]\nparallel = "fsdp"\n'),
    )
    run(one)
    text = (two / "train.py").read_text()
    stop = "            progress.step += 1\n            if progress.step == 13 and not options.resume:\n"
    stop += "                os._exit(3)\n"
    (two / "train.py").write_text(text.replace("            progress.step += 1\n", stop))
    run(two, processes=2, status=3)
    (two / "train.py").write_text(text)
    run(two, "--resume", processes=2)
    for a, b in zip(log(one), log(two), strict=True):
        assert float(a["loss"]) == pytest.approx(float(b["loss"]), rel=1e-4)
        assert a["accuracy"] == b["accuracy"]
    others = load_file(two / "last.safetensors")
    tensors = load_file(one / "last.safetensors")
    assert set(tensors) == set(others)
    for key, value in tensors.items():
        assert torch.allclose(value, others[key], atol=1e-4), key


def test_a_model_is_exported_with_its_names(tmp_path: Path) -> None:
    spec = "model Two\ninput photo: 1x8x8\nconv F3 P1 K6 -> relu\na: gap\n"
    spec += "main: @a -> fc 4\naux: @a -> fc 4\noutput @main, @aux\n"
    more = "[loss.aux]\nweight = 0.3\n[run]\nonnx = true\n"
    folder = folder_of(tmp_path / "onnx", spec, more)
    run(folder)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    assert [one.name for one in session.get_inputs()] == ["photo"]
    assert [one.name for one in session.get_outputs()] == ["main", "aux"]
    (first, _) = session.run(None, {"photo": np.zeros((5, 1, 8, 8), np.float32)})
    assert first.shape == (5, 4)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = folder_of(tmp_path_factory.mktemp("plain"))
    run(folder)
    return folder


@pytest.mark.parametrize(
    ("more", "backend"),
    [
        ("amp = true\n", ""),
        ("channels_last = true\n", ""),
        ("compile = true\n", "aot_eager"),
        pytest.param("compile = true\n", "", marks=pytest.mark.heavy),  # a minute of a C++ compiler
    ],
)
def test_other_ways_reach_the_same(plain: Path, tmp_path: Path, more: str, backend: str) -> None:
    """The loss after an epoch is within a percent, or nearly so, of the plain way's."""
    other = folder_of(tmp_path / "other", more="[run]\n" + more)
    if backend:
        text = (other / "train.py").read_text()
        compiled = "torch.compile(model"
        assert compiled in text
        (other / "train.py").write_text(text.replace(compiled, f'{compiled}, backend="{backend}"'))
    run(other)
    assert float(log(other)[0]["loss"]) == pytest.approx(float(log(plain)[0]["loss"]), rel=0.01)


def test_the_log_goes_to_tensorboard_too(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = folder_of(tmp_path, more="[run]\ntensorboard = true\n")
    run(folder)
    events = accumulator.EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    found = [(one.step, pytest.approx(one.value, rel=1e-4)) for one in events.Scalars("loss")]
    assert [(int(row["epoch"]), float(row["loss"])) for row in log(folder)] == found
