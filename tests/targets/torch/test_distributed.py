"""Two processes, as torchrun starts them, with gloo, train an emitted program to the weights that one process
reaches with the same global batch; the program is a file that nothing but torch reads."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from tests import forked
from tests.targets.torch import distributed_worker as worker
from tests.targets.torch.support import graph_of, program, single_threaded

WORLD = 2

PLAIN = """
model Net
block residual(k, s=1) { add [ conv F3 S=s P1 K=k -> relu -> conv F3 P1 K=k | conv F1 S=s K=k ] -> relu }
shared same(k) { conv F3 P1 K=k -> relu }
input 1x8x8
stem: conv F3 P1 K8 -> relu
[residual(8)]*2 -> same(8) -> same(8)
concat [ conv F1 K4 | dwconv F3 P1 -> conv F1 K4 ] -> gn G2
gap -> fc 10
"""
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked from one with torch")
NORM = """
model Net
block unit(k, s=1) { conv F3 S=s P1 K=k nobias -> bn -> relu }
input 1x8x8
unit(8)
[add [ unit(8) -> unit(8) | id ]]*2
unit(16, s=2) -> gap -> fc 10
"""


@dataclass(frozen=True)
class Run:
    folder: Path
    statuses: list[int]
    printed: str

    def of(self, case: str) -> tuple[dict[str, torch.Tensor], list[float]]:
        assert self.statuses == [0] * WORLD, self.printed[-4000:]
        weights, losses = torch.load(self.folder / f"{case}.pt")
        return weights, losses


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All cases in one start of the processes, with what torchrun tells them."""
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this torch has no gloo")
    folder = tmp_path_factory.mktemp("team")
    (folder / "plain.py").write_text(program(graph_of(PLAIN)))
    (folder / "bn.py").write_text(program(graph_of(NORM)))
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn (in [dev]) is not installed")
    digits = datasets.load_digits()
    torch.save((torch.tensor(digits.images[:, None] / 16), torch.tensor(digits.target)), folder / "images.pt")
    shutil.copy(worker.__file__, folder / "worker.py")
    cases = (str(folder), "ddp", "fsdp2", "ddp_bn", "fsdp2_bn")
    return Run(folder, *forked.run(folder / "worker.py", cases, forked.team(WORLD)))


@pytest.mark.slow
@single_threaded
@pytest.mark.parametrize("how", ["ddp", "fsdp2"])
def test_two_processes_reach_the_weights_of_one(run: Run, how: str) -> None:
    """In float64, to 1e-10: only the order of the sums differs."""
    weights, losses = run.of(how)
    alone = worker.load(run.folder / "plain.py")
    before = {key: value.clone() for key, value in alone.state_dict().items()}
    expected = worker.train(alone, *torch.load(run.folder / "images.pt"), worker.STEPS["plain"])
    assert weights.keys() == alone.state_dict().keys()
    for key, value in alone.state_dict().items():
        torch.testing.assert_close(weights[key], value, atol=1e-10, rtol=1e-10)
        assert (value - before[key]).abs().max() > 1e-4, key
    assert losses == pytest.approx(expected, abs=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ddp", "fsdp2"])
def test_with_batch_norm_the_loss_falls(run: Run, how: str) -> None:
    """Each process normalises its own half, so the weights are not those of one process."""
    weights, losses = run.of(f"{how}_bn")
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])
    assert all(bool(value.isfinite().all()) for value in weights.values())
