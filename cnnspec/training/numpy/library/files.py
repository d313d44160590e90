"""Files, written whole or not at all; a checkpoint of another run is refused."""

import hashlib
import io
import json
import os

import numpy as np

from cnnspec.training.numpy.library.chance import Refused


def write_whole(path, content):
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


def save(path, arrays):
    """Arrays by name as an .npz file."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    write_whole(path, file.getvalue())


def load_checkpoint(path, identity):
    """The arrays and the progress of a checkpoint, if it is whole and of this run."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        progress = json.loads(str(arrays.pop("progress")))
        found = progress["identity"]
        others = [what for what, value in identity.items() if found[what] != value]
    except Exception:  # a damaged archive raises errors of many kinds
        what = "is damaged, or is not a checkpoint of this program"
        raise Refused(f"{path} {what}") from None
    if others:
        raise Refused(f"{path} is of another {others[0]}: start in another folder")
    return arrays, progress


def hash_of(*parts):
    """What tells two files, recipes or data sets apart."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr(np.shape(part)).encode() + bytes(part))
    return digest.hexdigest()[:32]
