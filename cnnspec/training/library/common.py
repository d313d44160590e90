"""What programs of both targets have: refusals, and files that are written whole."""

import hashlib
import math
import os
from pathlib import Path
from typing import Any


class Refused(Exception):
    """An error in the files or the command line, to be shown to the user."""


def printable(text: str) -> str:
    """A message that may have a file's name in it, without control characters."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def check_loss(loss: float, epoch: int) -> None:
    """Stops a run whose loss is not a number."""
    if not math.isfinite(loss):
        ways = "use a lower rate, or a warm-up, or clip the gradient"
        raise Refused(f"the loss is {loss} in epoch {epoch}: {ways}")


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file beside its place, which then takes its name: what was there stays
    whole, whatever interrupts.
    """
    beside = path.with_name(f".{path.name}.tmp")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)


def file_hash(path: Path) -> str:
    """A fingerprint of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def settings_hash(names: dict[str, Any]) -> str:
    """A fingerprint of the recipe: the constants of a program. Paths, threads, and
    when a run is saved or stops do not change its steps.
    """
    free = ("EXPECTED", "THREADS", "SAVE_EVERY", "PATIENCE")
    kept = {
        name: value
        for name, value in names.items()
        if name.isupper()
        and not name.startswith(free)
        and isinstance(value, (int, float, str, tuple))
    }
    return hashlib.sha256(repr(sorted(kept.items())).encode()).hexdigest()[:32]
