"""What a person sees of a run: a line that is written over, a table of the epochs."""

import csv
import io
import shutil
import sys
import time
from pathlib import Path

from cnnspec.training.library.common import write_whole


class ProgressBar:
    """The progress of a run, in a line that is overwritten; nothing in a pipe."""

    def __init__(self, on: bool = True) -> None:
        self.on = on and sys.stderr.isatty()
        self.start = self.last = time.monotonic()
        self.first = -1

    def due(self, step: int) -> bool:
        """Updates the line twice a second, on a terminal only."""
        if self.first < 0:
            self.start, self.first = time.monotonic(), step
        return self.on and time.monotonic() - self.last > 0.5

    def show(self, epoch: int, step: int, steps: int, batch: int, loss: float) -> None:
        """The images per second since the start, and the time that is left."""
        self.last = time.monotonic()
        rate = (step - self.first) * batch / max(self.last - self.start, 1e-9)
        minutes, seconds = divmod(round((steps - step) * batch / max(rate, 1e-9)), 60)
        text = f" step {step:,}/{steps:,}  loss {loss:.4f}"
        text += f"  {rate:,.0f} images/s  {minutes}:{seconds:02} left"
        columns = shutil.get_terminal_size().columns - 1
        wide = min(20, columns - len(f"epoch {epoch} []{text}"))
        bar = ("#" * (wide * step // steps)).ljust(wide, ".")
        line = f"epoch {epoch}{f' [{bar}]' if bar else ''}{text}"[:columns]
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Makes room for other lines."""
        if self.on:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def end_epoch(self, entry: dict[str, str]) -> None:
        """The results of an epoch; log.csv has more."""
        self.clear()
        shown = ("epoch", "loss", "held_out_loss", "accuracy", "dice")
        results = "  ".join(f"{name} {entry[name]}" for name in shown if name in entry)
        print(f"{results}  {entry['seconds']} s", flush=True)


def read_log(path: Path, step: int) -> list[dict[str, str]]:
    """The number of epochs that are finished at this step."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if int(row["step"]) <= step]


def write_log(path: Path, rows: list[dict[str, str]]) -> None:
    """The table of the epochs as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())
