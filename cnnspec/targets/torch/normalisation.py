"""The torch code of normalisation layers."""

from __future__ import annotations

from typing import Any

from cnnspec.lower.call import Built, LayerUse, Slot, W, build, n, opt
from cnnspec.targets.torch.emitters import C, axes, each_size, emits


def _norm(op: Any) -> dict[str, Slot]:
    return {"eps": opt(float(op.eps), 1e-5, W("eps"))}


@emits("bn")
def bn(use: LayerUse) -> Built:
    named = _norm(use.op) | {
        "momentum": opt(float(use.op.momentum), 0.1, W("momentum")),
        "affine": opt(use.op.affine, True),
    }
    return build(f"nn.BatchNorm{max(axes(use), 1)}d", n(use.out[0], C), **named)


@emits("in")
def instance(use: LayerUse) -> Built:
    return build(
        f"nn.InstanceNorm{axes(use)}d",
        n(use.out[0], C),
        **_norm(use.op),
        momentum=opt(float(use.op.momentum), 0.1, W("momentum")),
        affine=opt(use.op.affine, False),
        track_running_stats=opt(use.op.running, False),
    )


@emits("ln")
def ln(use: LayerUse) -> Built:
    named = _norm(use.op) | {
        "elementwise_affine": opt(use.op.affine, True),
        "bias": opt(use.op.bias, True),
    }
    if use.op.all and axes(use):
        return build("nn.LayerNorm", each_size(use), **named)
    return build(f"LayerNorm{axes(use)}d" if axes(use) else "nn.LayerNorm", n(use.out[0], C), **named)


@emits("rms")
def rms(use: LayerUse) -> Built:
    function = f"RMSNorm{axes(use)}d" if axes(use) else "nn.RMSNorm"
    return build(
        function,
        n(use.out[0], C),
        eps=n(float(use.op.eps), W("eps")),
        elementwise_affine=opt(use.op.affine, True),
    )


@emits("grn")
def grn(use: LayerUse) -> Built:
    return build("GlobalResponseNorm", n(use.out[0], C), eps=opt(float(use.op.eps), 1e-6, W("eps")))


@emits("gn")
def gn(use: LayerUse) -> Built:
    named = _norm(use.op) | {"affine": opt(use.op.affine, True)}
    return build("nn.GroupNorm", n(use.op.G, W("G")), n(use.out[0], C), **named)


@emits("lrn")
def lrn(use: LayerUse) -> Built:
    defaults = {"alpha": 1e-4, "beta": 0.75, "k": 1.0}
    named = {name: opt(float(getattr(use.op, name)), default, W(name)) for name, default in defaults.items()}
    return build("nn.LocalResponseNorm", n(use.op.size, W("size")), **named)
