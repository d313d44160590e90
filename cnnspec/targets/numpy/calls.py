"""How each layer is said: which function of `layers/`, with which arguments. One entry
a word; what is not here is Unsupported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cnnspec.lower.call import NOTHING, Built, Slot, Use, W
from cnnspec.lower.symbolic import Apply, Var
from cnnspec.lower.writer import Code, Group, call

if TYPE_CHECKING:
    from cnnspec.ops.base import Initial, Op


def given(use: Use, name: str | None, field: str, default: Any = NOTHING) -> Slot:
    """A field as an argument."""
    return Slot(name, plain(getattr(use.op, field)), W(field), default)


def _said(function: str, slots: tuple[Slot, ...] = (), form: str = "layer") -> Built:
    return Built(function, slots, form=form)


def plain(value: Any) -> Any:
    """Exact numbers as Python's own."""
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else float(value)
    if isinstance(value, tuple):
        return tuple(plain(entry) for entry in value)
    return value


Emitter = Callable[[Use], Built]
EMITTERS: dict[str, Emitter] = {}


def emits(*words: str) -> Callable[[Emitter], Emitter]:
    def register(emitter: Emitter) -> Emitter:
        for word in words:
            EMITTERS[word] = emitter
        return emitter

    return register


@dataclass(frozen=True, slots=True)
class Input:
    """The layer's input of that number as an argument; or (`size`) its height and width."""

    number: int
    size: bool = False


# --- convolutions -----------------------------------------------------------------------------------------


@emits("conv")
def conv(use: Use) -> Built:
    op = use.op
    sliding = (*_window(use, "same"), *_bias_and_starts(use))
    if op.connect is not None:
        table = Group("[", tuple(f"[{', '.join(map(str, row))}]" for row in op.connect), "]")
        return _said("conv_table", (Slot("table", table), *sliding))
    K = given(use, "K", "K")
    if not use.any(lambda op: op.G != 1):
        return _said("conv", (K, *sliding))
    return _said("conv_groups", (K, given(use, "G", "G"), *sliding))


@emits("dwconv")
def dwconv(use: Use) -> Built:
    K = None if use.op.K in (None, use.arriving[0][0]) else use.op.K
    return _said(
        "dwconv",
        (Slot("K", K, W("K"), None), *_window(use, "same"), *_bias_and_starts(use)),
    )


@emits("deconv")
def deconv(use: Use) -> Built:
    return _said(
        "deconv",
        (
            given(use, "K", "K"),
            *_window(use, "cut_to_same"),
            given(use, "G", "G", 1),
            given(use, "extra", "extra", 0),
            *_bias_and_starts(use),
        ),
    )


def _window(use: Use, same: str) -> tuple[Slot, ...]:
    op = use.op
    P = Slot("P", plain(op.P), W("P"), 0)
    if op.P == "same":
        first = (Slot(None, Input(0)),) if same == "same" else ()
        sizes = Slot(None, op.F, W("F")), Slot("S", op.S, W("S"), 1), Slot("D", op.D, W("D"), 1)
        P = Slot("P", Built(same, (*first, *sizes)))
    return given(use, "F", "F"), given(use, "S", "S", 1), P, given(use, "D", "D", 1)


def _bias_and_starts(use: Use) -> tuple[Slot, ...]:
    """Whether there is a bias; how weights start where the spec says so."""
    op = use.op
    weights = {weight.name: weight.initial for weight in op.weights(*use.arriving)}
    found = [Slot("bias", op.has_bias, None, True)]
    if op.init is not None or op.weight_values is not None:
        found.append(Slot("start", _start(weights["weight"], op.init, op)))
    if op.has_bias and (op.bias_values is not None or op.init is not None):
        found.append(Slot("start_bias", _start(weights["bias"], None, op)))
    return tuple(found)


def _start(initial: Initial, init: Any, op: Op) -> Code:
    """`he`, `normal(0.01)`, `literal(…)`."""
    if init is not None and init.scheme in ("he", "xavier") and getattr(op, "connect", None) is None:
        return str(init.scheme)
    match initial.distribution:
        case "signs":
            return "signs"
        case "bilinear":
            return "bilinear_filters"
        case "values":
            return call("literal", *(plain(Fraction(value)) for value in initial.values), shape=initial.shape)
        case distribution:
            return call(str(distribution), plain(Fraction(repr(initial.value))))


@emits("fc")
def fc(use: Use) -> Built:
    return _said("fc", (Slot(None, use.op.K, W("K")), *_bias_and_starts(use)))


@emits("rbf")
def rbf(use: Use) -> Built:
    op = use.op
    start: tuple[Slot, ...] = ()
    if op.init is not None or op.weight_values is not None:
        start = (Slot("start", _start(op.weights(*use.arriving)[0].initial, op.init, op)),)
    return _said("rbf", (Slot(None, op.K, W("K")), *start))


# --- pooling ----------------------------------------------------------------------------------------------


def _pool_window(op: Any, use: Use, before: Input) -> tuple[Slot, ...]:
    P = Slot("P", plain(op.P), W("P"), 0)
    if op.P == "same":
        step = Slot("S", op.stride, W("F" if op.S is None else "S"), 1)
        sizes = Slot(None, op.size, W("F")), step, Slot("D", op.dilation, W("D"), 1)
        P = Slot("P", Built("same", (Slot(None, before), *sizes)))
    stride = () if op.S is None else (Slot("S", op.stride, W("S"), op.size),)
    return Slot("F", op.size, W("F")), *stride, P


@emits("maxpool")
def maxpool(use: Use) -> Built:
    op = use.op
    if op.size_out is not None:
        return _said("maxpool_to", (given(use, "out", "size_out"),))
    window = _pool_window(op, use, Input(0))
    return _said("maxpool", (*window, given(use, "D", "D", 1), Slot("ceil", op.ceil, None, False)))


@emits("unpool")
def unpool(use: Use) -> Built:
    op = use.op.maxpool
    hidden = Use(op, (op,), (use.arriving[1],), use.arriving[0])
    if op.size_out is not None:
        return _said("unpool_to", (Slot(None, Input(1)),))
    window = _pool_window(op, hidden, Input(1))
    rest = (given(hidden, "D", "D", 1), Slot("ceil", op.ceil, None, False))
    return _said("unpool", (Slot(None, Input(1)), *window, *rest))


@emits("avgpool")
def avgpool(use: Use) -> Built:
    op = use.op
    if op.size_out is not None:
        return _said("avgpool_to", (given(use, "out", "size_out"),))
    window = _pool_window(op, use, Input(0))
    if not op.ceil and not op.exclude_pad:
        return _said("avgpool", window)
    flags = Slot("ceil", op.ceil, None, False), Slot("exclude_pad", op.exclude_pad, None, False)
    return _said("avgpool_counted", (*window, *flags))


@emits("subsample")
def subsample(use: Use) -> Built:
    op = use.op
    stride = () if op.S is None else (Slot("S", op.stride, W("S"), op.size),)
    return _said("subsample", (Slot("F", op.size, W("F")), *stride))


# --- layers without arguments, or with plain ones -----------------------------------------

for _word, _function in {
    "gap": "gap",
    "gmp": "gmp",
    "cmean": "cmean",
    "cmax": "cmax",
    "relu": "relu",
    "relu6": "relu6",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "mish": "mish",
    "hswish": "hswish",
    "hsigmoid": "hsigmoid",
    "sigmoid": "sigmoid",
    "softplus": "softplus",
    "softmax": "softmax",
    "logsoftmax": "logsoftmax",
    "abs": "absolute",
    "l2norm": "l2norm",
    "flatten": "flatten",
}.items():
    EMITTERS[_word] = lambda use, function=_function: _said(function)  # type: ignore[misc]


@emits("leaky")
def leaky(use: Use) -> Built:
    return _said("leaky", (given(use, "slope", "slope", 0.01),))


@emits("prelu")
def prelu(use: Use) -> Built:
    return _said("prelu", (Slot("one", use.op.one, None, False),))


@emits("elu")
def elu(use: Use) -> Built:
    return _said("elu", (given(use, "alpha", "alpha", 1),))


@emits("tanh")
def tanh(use: Use) -> Built:
    return _said("tanh", (given(use, "amp", "amp", 1), given(use, "gain", "gain", 1)))


@emits("bn")
def bn(use: Use) -> Built:
    affine = Slot("affine", use.op.affine, None, True)
    return _said("bn", (given(use, "eps", "eps", 1e-5), given(use, "momentum", "momentum", 0.1), affine))


@emits("in", "ln")
def instance_or_layer_norm(use: Use) -> Built:
    function = "instance_norm" if use.op.word == "in" else "ln"
    return _said(function, (given(use, "eps", "eps", 1e-5), Slot("affine", use.op.affine, None, True)))


@emits("gn")
def gn(use: Use) -> Built:
    affine = Slot("affine", use.op.affine, None, True)
    return _said("gn", (given(use, "G", "G"), given(use, "eps", "eps", 1e-5), affine))


@emits("lrn")
def lrn(use: Use) -> Built:
    return _said(
        "lrn",
        (
            given(use, "size", "size"),
            given(use, "alpha", "alpha", 1e-4),
            given(use, "beta", "beta", 0.75),
            given(use, "k", "k", 1),
        ),
    )


@emits("dropout", "droppath")
def dropout(use: Use) -> Built:
    return _said(use.op.word, (given(use, "p", "p", 0.5),))


@emits("scale")
def scale(use: Use) -> Built:
    return _said("scale", (given(use, "start", "start", 1), Slot("one", use.op.one, None, False)))


@emits("times")
def times(use: Use) -> Built:
    return _said("times", (Slot(None, plain(use.op.factor), W("factor")),))


# --- other places, other sizes ------------------------------------------------------------


@emits("upsample")
def upsample(use: Use) -> Built:
    op = use.op
    function = "upsample" if op.mode == "nearest" else "bilinear"
    if op.like:
        return _said(function, (Slot("out", Input(1, size=True)),))
    if op.size_out is not None:
        return _said(function, (given(use, "out", "size_out"),))
    axes = []
    for place, letter in enumerate("HW"):
        axes.append(Apply("*", (W("factor", place), Var(f"@{letter}"))))
    return _said(function, (Slot("out", use.out[1:], Apply("sizes", tuple(axes))),))


@emits("pixelshuffle", "pixelunshuffle")
def pixelshuffle(use: Use) -> Built:
    return _said(use.op.word, (Slot(None, use.op.factor, W("factor")),))


@emits("shuffle")
def shuffle(use: Use) -> Built:
    return _said("shuffle", (given(use, "G", "G"),))


@emits("pad")
def pad(use: Use) -> Built:
    op = use.op
    around = Apply("sizes", (W("border"), W("border")))
    sides = tuple(
        Slot(name, pair, around if pair[0] == pair[1] == op.border else None)
        for name, pair in (("rows", op.rows), ("columns", op.columns))
    )
    if op.mode != "zeros":
        mode = '"edge"' if op.mode == "replicate" else '"reflect"'
        return _said("pad_mirrored", (*sides, Slot("mode", mode)))
    return _said("pad", (*sides, Slot("channels", op.channels, W("channels"), (0, 0))))


@emits("crop")
def crop(use: Use) -> Built:
    op = use.op
    size = Slot("size", Input(1, size=True)) if op.like else Slot("size", use.out[1:], W("size"))
    offset = () if op.offset is None else (Slot("offset", op.offset, W("offset")),)
    return _said("crop", (size, *offset))


@emits("slice")
def slice_(use: Use) -> Built:
    low, high = use.op.channels
    return _said("channels", (Slot(None, low, W("channels", 0)), Slot(None, high, W("channels", 1))))


@emits("reshape")
def reshape(use: Use) -> Built:
    shape = use.op.shape
    return _said("reshape", tuple(Slot(None, size, W("shape", place)) for place, size in enumerate(shape)))


# --- merges -------------------------------------------------------------------------------


@emits("add")
def add(use: Use) -> Built:
    return _said("add", form="merge")


@emits("sub")
def sub(use: Use) -> Built:
    return _said("sub", form="merge")


@emits("mul")
def mul(use: Use) -> Built:
    return _said("mul", form="merge")


@emits("max")
def maximum(use: Use) -> Built:
    return _said("maximum", form="merge")


@emits("concat")
def concat(use: Use) -> Built:
    return _said("concat", form="merge")


@emits("id", "none")
def identity(use: Use) -> Built:
    return _said("", form="alias")
