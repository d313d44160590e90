"""Checkpoints: .npz files without pickles, refused if they are not this run's."""

import io
import json

import numpy as np

from cnnspec.training.library.common import Refused, write_whole


def save_arrays(path, arrays):
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
