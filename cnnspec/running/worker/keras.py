"""The configuration and the weights of a Keras model in HDF5: `cnnspec import model.h5`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from cnnspec.running.worker.messages import Fault, Missing, reading

MOST_MEMORY = 16 << 30
ENDINGS = (".h5", ".hdf5", ".keras")


def work(job: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The configuration, as text."""
    limited()
    with reading("E811", job["file"]):
        try:
            from cnnspec.sources.keras.config import Refused
            from cnnspec.sources.keras.weights import config_of
        except ImportError as error:
            raise Missing("h5", str(error)) from None
        try:
            return {"config": config_of(job["file"]).decode("utf-8", "replace")}
        except Refused as why:
            raise Fault(str(why), help=_HELP) from None
        except Exception as error:
            raise _broken(error) from None


def arrays(job: Mapping[str, Any], folder: str) -> Any:
    """The weights of a file by the keys of the model's trace."""
    limited()
    try:
        from cnnspec.sources.keras.config import Refused, load, unzipped
        from cnnspec.sources.keras.convert import converted
        from cnnspec.sources.keras.weights import config_of, weights_of
    except ImportError as error:
        raise Missing("h5", str(error)) from None
    path, size = job["model"], next(iter(job["inputs"].values()), None)
    if os.path.splitext(path)[1].lower() not in (*ENDINGS, ".json"):
        raise Fault("weights in HDF5 are those of a Keras model, which this is not", help=_SAVE)
    try:
        if path.lower().endswith((".h5", ".hdf5")):
            data = config_of(path)
        elif path.lower().endswith(".keras"):
            data = unzipped(path)
        else:
            with open(path, "rb") as file:
                data = file.read()
        trace, layouts = converted(load(data), None if size is None else tuple(size))
        return weights_of(job["weights"], trace, layouts, folder)
    except Refused as why:
        raise Fault(str(why)) from None
    except Exception as error:
        raise _broken(error) from None


def reading_of(held: Any) -> Callable[[str], Any]:
    """A function that reads a weight by its key."""
    from cnnspec.sources.keras.config import Refused

    def read(key: str) -> Any:
        try:
            return held.read(key)
        except Refused as why:
            raise Fault(str(why)) from None
        except Exception as error:
            raise _broken(error) from None

    return read


def _broken(error: Exception) -> Fault:
    """The finding for an error of HDF5, whose errors have no common class."""
    return Fault(f"this is not a complete HDF5 file: {error}"[:300])


def limited() -> None:
    with suppress(ImportError, ValueError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))


_HELP = (
    "a file of weights alone goes with the configuration, `model.to_json()` in a .json: "
    "`cnnspec import model.json --weights model.weights.h5 --weights-out ours.safetensors`"
)
_SAVE = "save the weights as safetensors"
