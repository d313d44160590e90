"""Networks of torchvision and of timm, imported: weights, outputs and gradients beside the modules.

    make import                                                 torchvision, then timm's pure CNNs
    python -m tests.sources.packages torchvision resnet18 …     some of them
    python -m tests.sources.packages timm --only-import         without numbers: what cannot be said

Each network is imported in a process of its own, forked from one that has the libraries. Weights are random;
images are as small as the network permits.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cnnspec.sources.layers import Hole
from cnnspec.structure import spec
from tests.sources.support import LIMIT, Imported, beside, listed, with_numbers

EXPECTED: dict[str, Any] = tomllib.loads(Path(__file__).with_name("packages.toml").read_text("utf-8"))
SECONDS = 900
MOST_WEIGHTS = 100_000_000
"""Networks with more are compared in eval mode only, on a machine of 24 GB."""


def torchvision_names() -> list[str]:
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


def timm_names() -> list[str]:
    import timm
    from timm.models import _registry

    families = EXPECTED["timm"]["families"]
    return [name for name in timm.list_models() if _registry._model_to_module[name] in families]


def timm_module(name: str) -> nn.Module:
    import timm

    return timm.create_model(name)


MAKE: dict[str, tuple[Callable[[], list[str]], Callable[[str], nn.Module]]] = {
    "torchvision": (torchvision_names, torchvision_module),
    "timm": (timm_names, timm_module),
}


def one(package: str, name: str, only_import: bool) -> dict[str, Any]:
    """What came of a network."""
    for init in dir(nn.init):  # how weights start takes minutes, and they are drawn anew
        if init.endswith("_") and not init.startswith("_"):
            setattr(nn.init, init, lambda tensor, *_, **__: tensor)
    torch.manual_seed(0)
    module = MAKE[package][1](name).eval()
    sizes = EXPECTED[package].get("sizes", {})
    side = next((side for start, side in sizes.items() if name.startswith(start)), 64)
    shape = (2, 3, side, side)
    start = time.monotonic()
    try:
        trace, layers = listed(module, torch.zeros(shape))
    except Exception as error:
        size = getattr(module, "default_cfg", {}).get("input_size", (3, 224, 224))
        if isinstance(error, AssertionError | RuntimeError) and size[1] != side:
            shape = (2, *size)
            trace, layers = listed(module, torch.zeros(shape))
        else:
            raise
    found: dict[str, Any] = {"layers": len(layers.layers), "seconds": round(time.monotonic() - start, 1)}
    holes = [f"{hole.what}: {hole.why} ({hole.place})" for hole in layers.layers if isinstance(hole, Hole)]
    if holes:
        return found | {"holes": list(Counter(holes))[:6]}
    start = time.monotonic()
    if only_import:
        return found | {"misfits": list(layers.misfits())[:2]}
    imported = Imported(module, trace, layers, spec(layers))
    found |= {"structure": round(time.monotonic() - start, 1), "form": imported.spec.form}
    found |= {"lines": len(imported.spec.text.splitlines()), "unused": imported.unused[:5]}
    with_numbers(module)
    weights = sum(weight.numel() for weight in module.parameters())
    ours = sum(weight.numel() for weight in imported_parameters(imported))
    image = torch.randn(shape, dtype=torch.float64)
    differences = beside(imported, image, train=weights <= MOST_WEIGHTS)
    return found | {"weights": [weights, ours], "differences": [*differences]}


def imported_parameters(found: Imported) -> Iterator[torch.Tensor]:
    keys = set(found.spec.keys.values())
    return (weight for key, weight in found.module.named_parameters() if key in keys)


def in_a_fork(package: str, name: str, only_import: bool) -> dict[str, Any]:
    """The same in a process of its own, which a failed export cannot spoil for the next."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        import signal

        signal.alarm(SECONDS)
        try:
            found = one(package, name, only_import)
        except BaseException as error:
            import traceback

            last = traceback.extract_tb(error.__traceback__)[-1]
            text = " ".join(str(error).split())[:300]
            found = {"failed": f"{type(error).__name__}: {text} ({Path(last.filename).name}:{last.lineno})"}
        with os.fdopen(writer, "w") as file:
            file.write(json.dumps(found))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"failed": "the process was stopped"}


def well(found: dict[str, Any]) -> bool:
    """Whether all is as it must be."""
    if "differences" not in found:
        return found.get("misfits") == []
    mine, its = found["weights"]
    return mine == its and not found["unused"] and max(found["differences"]) < LIMIT


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("package", choices=MAKE)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--only-import", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    names = options.names or MAKE[options.package][0]()
    expected = EXPECTED[options.package].get("holes", {})
    right, bad = 0, []
    for name in names:
        found = in_a_fork(options.package, name, options.only_import)
        right += well(found)
        if not well(found) and not any(name.startswith(start) for start in expected):
            bad.append(name)
        print(name, "ok" if well(found) else "--", json.dumps(found), flush=True)
    print(f"{right} of {len(names)} imported; unexpected: {', '.join(bad) or 'none'}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
