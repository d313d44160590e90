"""What a person sees of a run: a line that fits the terminal, and a line for each epoch."""

from __future__ import annotations

import io
import re

import pytest

from cnnspec.training.library.report import ProgressBar


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [200, 80, 60, 40, 20])
def test_the_bar_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It becomes shorter first, and the text after it."""
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", str(columns))
    bar = ProgressBar()
    assert not bar.due(1)
    bar.show(3, 1500, 2000, 32, 0.12345)
    (shown,) = re.findall("^\r(.*)\x1b\\[K$", screen.getvalue())
    assert len(shown) < columns
    whole = "epoch 3 [###############.....] step 1,500/2,000  loss 0.1235  "
    assert shown.startswith(whole if columns == 200 else "epoch 3"[: columns - 1])
    assert (" left" in shown) == (columns >= 80)


def test_without_a_terminal_there_are_epochs_alone(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar()
    bar.end_epoch({"epoch": "1", "step": "9", "loss": "0.5", "accuracy": "97.10", "seconds": "1.25"})
    bar.clear()
    assert capsys.readouterr() == ("epoch 1  loss 0.5  accuracy 97.10  1.25 s\n", "")
