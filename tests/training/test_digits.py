"""The first run: LeNet-5 on the digits that a package ships, by the recipe beside its spec."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 120
"""Of one core, to train LeNet-5 to 97 %."""


@pytest.mark.heavy
@pytest.mark.parametrize("target", ["torch", "numpy"])
def test_lenet_reads_digits(tmp_path: Path, target: str) -> None:
    """And what `run --dataset` counts is what the run has reported."""
    resource = pytest.importorskip("resource")
    if target == "torch":
        pytest.importorskip("torch")

    def cnnspec(*arguments: str) -> str:
        child = subprocess.run(
            [sys.executable, "-m", "cnnspec", *arguments, "--format", "json"],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert child.returncode == 0, child.stderr
        return child.stdout

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    cnnspec("train", "zoo:lenet5_modern", "--target", target, "-o", str(tmp_path / "run"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["best"]["accuracy"] >= 0.97
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < SECONDS
    ending = "npz" if target == "numpy" else "safetensors"
    weights = tmp_path / "run" / f"best.{ending}"
    scored = cnnspec("run", "zoo:lenet5_modern", "--weights", str(weights), "--dataset", "zoo:lenet5_modern")
    assert json.loads(scored)["accuracy"] == pytest.approx(result["best"]["accuracy"], abs=1e-3)
    assert json.loads(scored)["loss"] == pytest.approx(result["loss"], rel=1e-4)
