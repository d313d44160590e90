"""Networks of torchvision and of timm, imported: weights, outputs and gradients beside the modules.

    make import                                                 torchvision, then timm's pure CNNs
    python -m tests.sources.packages torchvision resnet18 …     some of them
    python -m tests.sources.packages timm --all --only-import   all of timm, without numbers: no traceback

Each network is imported in a process of its own, forked from one that has the libraries. Weights are random;
images are as small as the network permits. `packages_timm.toml` says what came of each, and is written again
after each network; `--resume` leaves out the networks that are in it.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import nn

from cnnspec.sources.calls.translate import NeedsValues
from cnnspec.sources.layers import Hole
from cnnspec.structure import spec
from tests.sources.support import LIMIT, Imported, beside, listed, with_numbers

EXPECTED: dict[str, Any] = tomllib.loads(Path(__file__).with_name("packages.toml").read_text("utf-8"))
SECONDS = 900
MOST_IN_A_PROCESS = 20
MOST_WEIGHTS = 200_000_000
"""Networks with more are compared in eval mode only, on a machine of 24 GB."""


def torchvision_names(_: bool = False) -> list[str]:
    from torchvision import models

    names = [*models.list_models(module=models), *models.list_models(module=models.segmentation)]
    return [one for one in names if not one.startswith(("vit_", "swin_"))]


def torchvision_module(name: str) -> nn.Module:
    from torchvision import models

    options: dict[str, Any] = {"weights": None}
    if name.startswith(("fcn", "deeplab", "lraspp")):
        options["weights_backbone"] = None
    if name.startswith(("fcn", "deeplab")):
        options["aux_loss"] = True
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    return models.get_model(name, **options)


def timm_names(all_of_them: bool = False) -> list[str]:
    import timm
    from timm.models import _registry

    families = EXPECTED["timm"]["families"]
    module = _registry._model_to_module
    return [name for name in timm.list_models() if all_of_them or module[name] in families]


def timm_module(name: str) -> nn.Module:
    import timm

    return timm.create_model(name)


MAKE: dict[str, tuple[Callable[[bool], list[str]], Callable[[str], nn.Module]]] = {
    "torchvision": (torchvision_names, torchvision_module),
    "timm": (timm_names, timm_module),
}


def one(package: str, name: str, only_import: bool) -> dict[str, Any]:
    """What came of a network."""
    torch.manual_seed(0)
    sizes = EXPECTED[package].get("sizes", {})
    side = next((side for start, side in sizes.items() if name.startswith(start)), 64)
    start = time.process_time()
    module, trace, layers, shape = _listed(package, name, side, "meta" if only_import else "cpu")
    found: dict[str, Any] = {"layers": len(layers.layers), "seconds": round(time.process_time() - start, 1)}
    holes = [hole for hole in layers.layers if isinstance(hole, Hole)]
    if holes:
        found["holes"] = list(dict.fromkeys(f"{hole.what}: {hole.why} ({hole.place})" for hole in holes))[:6]
    if holes and not only_import:
        return found
    start = time.process_time()
    imported = Imported(module, trace, layers, spec(layers))
    found |= {"structure": round(time.process_time() - start, 1), "form": imported.spec.form}
    found |= {"lines": len(imported.spec.text.splitlines()), "unused": imported.unused[:5]}
    if only_import:
        return found
    start = time.process_time()
    with_numbers(module)
    weights = sum(weight.numel() for weight in module.parameters())
    ours = sum(weight.numel() for weight in imported_parameters(imported))
    image = torch.randn(shape, dtype=torch.float64)
    differences = beside(imported, image, train=weights <= MOST_WEIGHTS)
    found |= {"weights": [weights, ours], "differences": [*differences]}
    return found | {"numbers": round(time.process_time() - start, 1)}


def _listed(package: str, name: str, side: int, device: str) -> Any:
    """The module, its trace and layers, and the shape of the image: the small one, or the package's own."""
    with torch.device(device):
        try:
            module = MAKE[package][1](name).eval()
        except (NotImplementedError, RuntimeError):  # a constructor that reads numbers
            if device == "cpu":
                raise
            return _listed(package, name, side, "cpu")
        size = getattr(module, "default_cfg", {}).get("input_size", (3, 224, 224))
        shapes = [(2, 3, side, side), (2, *size)]
        for shape in shapes:
            try:
                return module, *listed(module, torch.zeros(shape)), shape
            except (AssertionError, RuntimeError):
                if shape == shapes[-1]:
                    raise
            except NeedsValues:
                break
    return _listed(package, name, side, "cpu")


def imported_parameters(found: Imported) -> Iterator[torch.Tensor]:
    rearranged = found.layers.rearranged
    keys = {rearranged[key].key if key in rearranged else key for key in found.spec.keys.values()}
    return (weight for key, weight in found.module.named_parameters() if key in keys)


def in_forks(package: str, names: Sequence[str], only_import: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """What came of each network, in processes of their own: one goes on to the next network until an export
    fails, which can spoil the process."""
    left = [*names]
    while left:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            with os.fdopen(writer, "w") as file:
                _several(package, left[:MOST_IN_A_PROCESS], only_import, file)
            os._exit(0)
        os.close(writer)
        before = len(left)
        with os.fdopen(reader) as file:
            for line in file:
                yield left.pop(0), json.loads(line)
        os.waitpid(child, 0)
        if len(left) == before:
            yield left.pop(0), {"failed": "the process was stopped"}


def _several(package: str, names: Sequence[str], only_import: bool, file: TextIO) -> None:
    import signal

    for name in names:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)  # of the processor
        try:
            found = one(package, name, only_import)
        except BaseException as error:
            import traceback

            last = traceback.extract_tb(error.__traceback__)[-1]
            text = " ".join(str(error).split())[:300]
            found = {"failed": f"{type(error).__name__}: {text} ({Path(last.filename).name}:{last.lineno})"}
        print(json.dumps(found), file=file, flush=True)
        if "failed" in found:
            return
        gc.collect()


def state_of(found: dict[str, Any]) -> tuple[str, Any]:
    """In a word, and what is kept of it."""
    if "failed" in found:
        return "failed", found["failed"]
    if "holes" in found:
        return "holes", found["holes"][0]
    if found["unused"]:
        return "failed", f"weights that no layer has: {', '.join(found['unused'])}"
    if "differences" not in found:
        return "imported", found["lines"]
    mine, its = found["weights"]
    if mine != its or not max(found["differences"]) < LIMIT:
        return "failed", f"{mine} weights, {its} of ours; differences {found['differences']}"
    return "equal" if its <= MOST_WEIGHTS else "outputs", found["lines"]


class Results:
    """The file with what came of each network: a table for each state, `name = what`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.states: dict[str, dict[str, Any]] = (
            tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        )

    def __contains__(self, name: str) -> bool:
        return any(name in found for found in self.states.values())

    def put(self, name: str, state: str, what: Any) -> None:
        for found in self.states.values():
            found.pop(name, None)
        self.states.setdefault(state, {})[name] = what
        text = [HEAD]
        for one in STATES:
            found = self.states.get(one, {})
            if found:
                text.append(f"\n[{one}]  # {len(found)}: {STATES[one]}\n")
            text += [f"{json.dumps(key)} = {json.dumps(found[key])}\n" for key in sorted(found)]
        self.path.write_text("".join(text), "utf-8")


HEAD = "# Written by tests/sources/packages.py: what came of each network that was imported.\n"
STATES = {
    "equal": "weights, outputs and gradients are equal; the number is that of the spec's lines",
    "outputs": "weights and outputs are equal; too large for gradients",
    "imported": "without numbers",
    "holes": "with what the language cannot say",
    "failed": "wrong",
}


def warm() -> None:
    """What every child needs is loaded once, and numbers are float64 throughout."""
    torch.Tensor.float = lambda self: self  # type: ignore[method-assign, assignment]
    for init in dir(nn.init):  # how weights start takes minutes, and they are drawn anew
        if init.endswith("_") and not init.startswith("_"):
            setattr(nn.init, init, lambda tensor, *_, **__: tensor)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    image = torch.zeros(2, 3, 8, 8)
    trace, layers = listed(module, image)
    beside(Imported(module, trace, layers, spec(layers)), image.double(), train=False)
    gc.collect()
    gc.freeze()  # a child that looks through these objects has to copy them


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("package", choices=MAKE)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--only-import", action="store_true", help="without numbers")
    parser.add_argument("--all", action="store_true", help="of timm, all models, not only pure CNNs")
    parser.add_argument("--resume", action="store_true", help="without those that are in the results")
    parser.add_argument("--results", type=Path, help="packages_PACKAGE.toml if left out")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    results = Results(options.results or Path(__file__).with_name(f"packages_{options.package}.toml"))
    names = options.names or MAKE[options.package][0](options.all)
    if options.resume:
        names = [name for name in names if name not in results]
    warm()
    expected = EXPECTED[options.package].get("holes", {})
    bad = []
    for name, found in in_forks(options.package, names, options.only_import):
        state, what = state_of(found)
        results.put(name, state, what)
        if state == "failed" or (state == "holes" and not any(fnmatch(name, one) for one in expected)):
            bad.append(name)
        print(name, state, json.dumps(found), flush=True)
    print(f"{len(names) - len(bad)} of {len(names)} as expected; not: {', '.join(bad) or 'none'}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
