"""The first run: LeNet-5 on the digits that a package ships, by the recipe beside its spec."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")


@pytest.mark.heavy
def test_lenet_reads_digits(tmp_path: Path) -> None:
    start = time.monotonic()
    child = subprocess.run(
        [sys.executable, "-m", "cnnspec", "train", "zoo:lenet5_modern", "-o", tmp_path / "run"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert json.loads((tmp_path / "run" / "result.json").read_text())["best"] >= 0.97
    assert time.monotonic() - start < 1200  # two minutes where nothing else runs
