"""The call of each layer: the function of `layers/` and its arguments.

A layer is called by the function of its name, with the op's fields that are parameters of this function; the
emitters below are for the exceptions. A layer that has neither is `Unsupported`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnspec.lower.call import NOTHING, Built, LayerUse, Slot, W, border
from cnnspec.lower.symbolic import Apply, Var, plain
from cnnspec.lower.writer import Code, Group, call
from cnnspec.ops.base import axes_of
from cnnspec.ops.normalised import unnormalised
from cnnspec.ops.sliding import ENDS
from cnnspec.ops.start import of_numbers
from cnnspec.targets.numpy.layers import pieces

if TYPE_CHECKING:
    from cnnspec.ops.base import Initial, Op

Emitter = Callable[[LayerUse], Built]


def function(name: str, use: LayerUse, *first: Slot, **special: Slot | None) -> Built:
    """A call of this function: the slots of `first` by position, then its parameters by name. The value of
    each is the op's field of that name, unless `special` replaces it (None: left out)."""
    slots = list(first)
    parameters = pieces()[name].parameters
    for parameter, default in parameters.items():
        if parameter in special:
            slot = special[parameter]
            if slot is not None:
                own = default if slot.default is NOTHING else slot.default
                slots.append(Slot(parameter, slot.value, slot.source, own))
        elif parameter in type(use.op).model_fields:
            slots.append(Slot(parameter, plain(getattr(use.op, parameter)), W(parameter), default))
    return Built(name, tuple(slots), form="merge" if next(iter(parameters)) == "net" else "layer")


EMITTERS: dict[str, Emitter] = {
    name: partial(function, name) for name in pieces() if f"{name}_backward" in pieces()
}
"""The emitters by the layer's word, which is nearly always the function's name too."""

for _word, _name in {"abs": "absolute", "max": "maximum"}.items():
    EMITTERS[_word] = EMITTERS[_name]
for _word in ("id", "none"):
    EMITTERS[_word] = lambda use: Built("", form="alias")


def emits(*words: str) -> Callable[[Emitter], Emitter]:
    def register(emitter: Emitter) -> Emitter:
        EMITTERS.update(dict.fromkeys(words, emitter))
        return emitter

    return register


@dataclass(frozen=True, slots=True)
class Input:
    """The layer's input of this number as an argument; with `size`, the input's size along each axis."""

    number: int
    size: bool = False


def normalised(op: Op) -> str:
    """The code around the place of a layer's weights, where these are normalised."""
    how = getattr(op, "normalised", None)
    if how in (None, "plain"):
        return ""
    options: dict[str, Code] = {}
    if how != "weight" and op.word == "deconv":
        options["axis"] = "1"
    if how == "scaled" and op.gamma != 1:  # type: ignore[attr-defined]
        options["gamma"] = repr(float(op.gamma))  # type: ignore[attr-defined]
    if how in ("standardized", "scaled") and float(op.weight_eps) != 1e-6:  # type: ignore[attr-defined]
        options["eps"] = repr(float(op.weight_eps))  # type: ignore[attr-defined]
    name = {"spectral": "Spectral", "weight": "WeightNorm"}.get(how, str(how).capitalize())
    return f"{name}({', '.join(['{}', *(f'{key}={value}' for key, value in options.items())])})"


# --- convolutions and fully connected layers --------------------------------------------------------------


@emits("conv")
def conv(use: LayerUse) -> Built:
    special = {"P": _padding(use, "same", Slot(None, Input(0))), **_bias_and_starts(use)}
    if use.op.connect is not None:
        table = Group("[", tuple(f"[{', '.join(map(str, row))}]" for row in use.op.connect), "]")
        return function("conv_table", use, table=Slot(None, table), **special)
    if use.op.offsets:
        return function("conv_moved", use, **special)
    name = "conv_groups" if use.any(lambda op: op.G != 1) else "conv"
    return function(name, use, **special)


@emits("dwconv")
def dwconv(use: LayerUse) -> Built:
    K = None if use.op.K in (None, use.inputs[0][0]) else use.op.K
    P = _padding(use, "same", Slot(None, Input(0)))
    return function("dwconv", use, K=Slot(None, K, W("K")), P=P, **_bias_and_starts(use))


@emits("deconv")
def deconv(use: LayerUse) -> Built:
    return function(
        "deconv", use, P=_padding(use, "cut_to_same", Slot(None, Input(0))), **_bias_and_starts(use)
    )


def _padding(use: LayerUse, same: str, *first: Slot) -> Slot:
    op = use.op
    if op.P != "same":
        return Slot(None, plain(op.P), W("P"))
    sizes = Slot(None, op.F, W("F")), Slot("S", op.S, W("S"), 1), Slot("D", op.D, W("D"), 1)
    return Slot(None, Built(same, (*first, *sizes)))


def _starts(use: LayerUse) -> dict[str, Slot | None]:
    """The arguments for how weights start, where the spec gives it."""
    op = unnormalised(use.op)
    start = start_bias = None
    for weight in op.weights(*use.inputs):
        if weight.name == "weight" and (op.init is not None or op.weight_values is not None):
            start = Slot(None, _start(weight.initial, op.init, op))
        elif weight.name == "bias" and (op.bias_values is not None or op.init is not None):
            start_bias = Slot(None, _start(weight.initial, None, op))
    return {"start": start, "start_bias": start_bias}


def _bias_and_starts(use: LayerUse) -> dict[str, Slot | None]:
    return {"bias": Slot(None, use.op.has_bias), **_starts(use)}


def _start(initial: Initial, init: Any, op: Op) -> Code:
    """`he`, `normal(0.01)`, `literal(…)`."""
    if init is not None and init.scheme in ("he", "xavier") and getattr(op, "connect", None) is None:
        return "he_fan_out" if init.value == "fan_out" else str(init.scheme)
    match initial.distribution:
        case "signs":
            return "signs"
        case "bilinear":
            return "bilinear_filters"
        case "values":
            return call("literal", *(plain(Fraction(value)) for value in initial.values), shape=initial.shape)
        case distribution:
            more = {"mean": plain(Fraction(repr(initial.mean)))} if initial.mean else {}
            return call(str(distribution), plain(Fraction(repr(initial.value))), **more)


@emits("local")
def local(use: LayerUse) -> Built:
    starts = dict.fromkeys(("start", "start_bias"))
    if use.op.init is not None:
        first = [Slot(None, _start(weight.initial, None, use.op)) for weight in use.op.weights(*use.inputs)]
        starts = dict(zip(starts, (*first, None), strict=False))
    return function("local", use, P=_padding(use, "same", Slot(None, Input(0))), **starts)


@emits("fc")
def fc(use: LayerUse) -> Built:
    return function("fc", use, _positional(use, "K"), K=None, **_bias_and_starts(use))


@emits("rbf")
def rbf(use: LayerUse) -> Built:
    return function("rbf", use, _positional(use, "K"), K=None, start=_starts(use)["start"])


def _positional(use: LayerUse, field: str) -> Slot:
    """The op's field as a positional argument."""
    return Slot(None, plain(getattr(use.op, field)), W(field))


@emits("times", "pixelshuffle", "pixelunshuffle")
def by_a_factor(use: LayerUse) -> Built:
    return function(use.op.word, use, _positional(use, "factor"), factor=None)


@emits("pow")
def power(use: LayerUse) -> Built:
    return function("power", use, _positional(use, "p"), p=None)


@emits("in")
def instance_norm(use: LayerUse) -> Built:
    return _norm("instance_norm_running" if use.op.running else "instance_norm", use)


@emits("ln")
def ln(use: LayerUse) -> Built:
    return _norm("ln_all" if use.op.all and len(use.out) > 1 else "ln", use)


@emits("bn", "gn", "rms")
def norm(use: LayerUse) -> Built:
    return _norm(use.op.word, use)


def _norm(name: str, use: LayerUse) -> Built:
    """A normalisation. Its weights start at 1, or as `init=` gives it."""
    start = None
    if use.op.init is not None:
        start = Slot(None, _start(of_numbers(use.op.init), None, use.op))
    return function(name, use, start=start)


@emits("prelu")
def prelu(use: LayerUse) -> Built:
    if use.op.slopes == "positions" and len(use.out) > 1:
        return function("prelu_positions", use)
    return function("prelu", use, one=Slot(None, use.op.slopes == "one"))


@emits("softmax")
def softmax(use: LayerUse) -> Built:
    if use.op.positions:
        return function("softmax_positions", use)
    return function("softmax_groups" if use.op.G > 1 else "softmax", use)


@emits("l2norm")
def l2norm(use: LayerUse) -> Built:
    return function("l2norm_positions" if use.op.positions else "l2norm", use)


@emits("add")
def add(use: LayerUse) -> Built:
    return function("add_weighted" if use.op.weighted_branches else "add", use)


@emits("attention")
def attention(use: LayerUse) -> Built:
    if not use.op.softmax:
        return function("attention_linear", use)
    if use.op.channels:
        return function("attention_channels", use)
    kinds = {"table": "attention_relative", "query": "attention_query", None: "attention"}
    return function(kinds[use.op.relative], use)


# --- pooling ----------------------------------------------------------------------------------------------


def _pool(name: str, use: LayerUse, before: int = 0, *first: Slot) -> Built:
    """A pooling whose windows slide over the input of this number."""
    op = use.op
    F = op.size
    P = Slot(None, plain(op.P), W("P")) if hasattr(op, "P") else None
    if P is not None and op.P == "same":
        step = Slot("S", op.stride, W("F" if op.S is None else "S"), 1)
        sizes = Slot(None, F, W("F")), step, Slot("D", op.dilation, W("D"), 1)
        P = Slot(None, Built("same", (Slot(None, Input(before)), *sizes)))
    S = None if op.S is None else Slot(None, op.stride, W("S"), F)
    return function(name, use, *first, F=Slot(None, F, W("F")), S=S, P=P)


def _pool_to(name: str, use: LayerUse) -> Built:
    return function(name, use, out=Slot(None, plain(use.op.size_out), W("size_out")))


@emits("maxpool")
def maxpool(use: LayerUse) -> Built:
    return _pool("maxpool", use) if use.op.size_out is None else _pool_to("maxpool_to", use)


@emits("unpool")
def unpool(use: LayerUse) -> Built:
    before = Slot(None, Input(1))
    pool = use.op.maxpool
    if pool.size_out is not None:
        return Built("unpool_to", (before,))
    return _pool("unpool", LayerUse(pool, (pool,), (use.inputs[1],), use.inputs[0]), 1, before)


@emits("avgpool")
def avgpool(use: LayerUse) -> Built:
    op = use.op
    if op.size_out is not None:
        return _pool_to("avgpool_to", use)
    return _pool("avgpool_counted" if op.ceil or op.exclude_pad else "avgpool", use)


@emits("blur")
def blur(use: LayerUse) -> Built:
    op, P = use.op, Slot(None, plain(use.op.P), W("P"))
    if op.P == "same":
        sizes = Slot(None, op.F, W("F")), Slot("S", op.S, W("S"), 1)
        P = Slot(None, Built("same", (Slot(None, Input(0)), *sizes)))
    return function("blur", use, P=P)


@emits("subsample")
def subsample(use: LayerUse) -> Built:
    return _pool("subsample", use)


# --- other positions, other sizes -------------------------------------------------------------------------


@emits("upsample")
def upsample(use: LayerUse) -> Built:
    op = use.op
    if op.like:
        out = Slot(None, Input(1, size=True))
    elif op.size_out is not None:
        out = Slot(None, plain(op.size_out), W("size_out"))
    else:
        letters = enumerate(axes_of(use.out))
        sizes = tuple(Apply("*", (W("factor", place), Var(f"@{letter}"))) for place, letter in letters)
        out = Slot(None, use.out[1:], Apply("sizes", sizes))
    if len(use.inputs[0]) == 1:
        return function("spread_over", use, size=out)
    return function("upsample" if op.mode == "nearest" else op.mode, use, out=out)


@emits("pad")
def pad(use: LayerUse) -> Built:
    op = use.op
    letters, widths = axes_of(use.out), op.ends(use.inputs[0])
    sides = [Slot(None, ends, border(op, *ENDS[axis])) for axis, ends in zip(letters, widths, strict=True)]
    if op.mode == "zeros":
        return Built("pad", (*sides, Slot("channels", op.channels, W("channels"), 0)))
    mode = '"edge"' if op.mode == "replicate" else '"reflect"'
    return Built("pad_mirrored", (*sides, Slot("mode", mode)))


@emits("crop")
def crop(use: LayerUse) -> Built:
    op = use.op
    size = Slot(None, Input(1, size=True)) if op.like else Slot(None, use.out[1:], W("size"))
    offset = None if op.offset is None else Slot(None, op.offset, W("offset"))
    return function("crop", use, size=size, offset=offset)


@emits("slice")
def slice_(use: LayerUse) -> Built:
    return Built(
        "channels", tuple(Slot(None, end, W("channels", n)) for n, end in enumerate(use.op.channels))
    )


@emits("reshape")
def reshape(use: LayerUse) -> Built:
    sizes = enumerate(use.op.shape)
    return Built("reshape", tuple(Slot(None, size, W("shape", place)) for place, size in sizes))
