"""How each layer is said: which function of `layers/`, with which arguments. One entry
a word; what is not here is Unsupported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cnnspec.targets.symbolic import Apply, Const, Node, Var
from cnnspec.targets.writer import Code, Group, call

if TYPE_CHECKING:
    from cnnspec.ops.base import Initial, Op, Shape

NOTHING = object()


@dataclass(frozen=True, slots=True)
class Given:
    """An argument: its value in this use, the author's expression for it, what it is
    where it is left out."""

    name: str | None
    value: Any
    source: Node | None = None
    default: Any = NOTHING


@dataclass(frozen=True, slots=True)
class Said:
    """A layer as a call. form: see statements.Call; `alias`: it gives the tensor that
    it gets."""

    function: str
    arguments: tuple[Given, ...] = ()
    form: str = "layer"


@dataclass(slots=True)
class Use:
    """One layer of one use: its arguments, its shapes, and the author's expressions for
    the arguments (a node for each dimension that was written as one)."""

    op: Any
    arriving: tuple[Shape, ...]
    out: Shape
    written: dict[str, tuple[Node | None, ...]]

    def node(self, field: str, place: int | None = None) -> Node | None:
        """The author's expression for a field: of one dimension, or of all together."""
        nodes = self.written.get(field)
        if nodes is None:
            return None
        if place is not None:
            return nodes[place] if place < len(nodes) else None
        if len(nodes) == 1:
            return nodes[0]
        if any(node is None for node in nodes):
            return None
        return Apply("pair", tuple(node for node in nodes if node is not None))

    def given(self, name: str | None, field: str, default: Any = NOTHING) -> Given:
        """A field as an argument."""
        return Given(name, plain(getattr(self.op, field)), self.node(field), default)


def plain(value: Any) -> Any:
    """Exact numbers as Python's own."""
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else float(value)
    if isinstance(value, tuple):
        return tuple(plain(entry) for entry in value)
    return value


Emitter = Callable[[Use], Said]
EMITTERS: dict[str, Emitter] = {}


def emits(*words: str) -> Callable[[Emitter], Emitter]:
    def register(emitter: Emitter) -> Emitter:
        for word in words:
            EMITTERS[word] = emitter
        return emitter

    return register


def tensor(number: int) -> str:
    """Stands for the layer's input of that number until tensors have names."""
    return f"§in{number}"


# --- convolutions -----------------------------------------------------------------------------------------


@emits("conv")
def conv(use: Use) -> Said:
    op = use.op
    sliding = (*_window(use, "same"), *_bias_and_starts(use))
    if op.connect is not None:
        table = Group("[", tuple(f"[{', '.join(map(str, row))}]" for row in op.connect), "]")
        return Said("conv_table", (Given("table", table), *sliding))
    K = use.given("K", "K")
    if op.G == 1:
        return Said("conv", (K, *sliding))
    return Said("conv_groups", (K, use.given("G", "G"), *sliding))


@emits("dwconv")
def dwconv(use: Use) -> Said:
    K = None if use.op.K in (None, use.arriving[0][0]) else use.op.K
    return Said(
        "dwconv",
        (Given("K", K, use.node("K"), None), *_window(use, "same"), *_bias_and_starts(use)),
    )


@emits("deconv")
def deconv(use: Use) -> Said:
    return Said(
        "deconv",
        (
            use.given("K", "K"),
            *_window(use, "cut_to_same"),
            use.given("G", "G", 1),
            use.given("extra", "extra", 0),
            *_bias_and_starts(use),
        ),
    )


def _window(use: Use, same: str) -> tuple[Given, ...]:
    op = use.op
    P = Given("P", plain(op.P), use.node("P"), 0)
    if op.P == "same":
        first = (tensor(0),) if same == "same" else ()
        defaults = {"S": 1, "D": 1}
        P = Given("P", call(same, *first, _one(op.F), S=_one(op.S), D=_one(op.D), defaults=defaults))
    return use.given("F", "F"), use.given("S", "S", 1), P, use.given("D", "D", 1)


def _one(pair: tuple[int, int]) -> Any:
    return pair[0] if pair[0] == pair[1] else pair


def _bias_and_starts(use: Use) -> tuple[Given, ...]:
    """Whether there is a bias; how weights start where the spec says so."""
    op = use.op
    weights = {weight.name: weight.initial for weight in op.weights(*use.arriving)}
    found = [Given("bias", op.has_bias, None, True)]
    if op.init is not None or op.weight_values is not None:
        found.append(Given("start", _start(weights["weight"], op.init, op)))
    if op.has_bias and (op.bias_values is not None or op.init is not None):
        found.append(Given("start_bias", _start(weights["bias"], None, op)))
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
def fc(use: Use) -> Said:
    return Said("fc", (Given(None, use.op.K, use.node("K")), *_bias_and_starts(use)))


@emits("rbf")
def rbf(use: Use) -> Said:
    op = use.op
    start: tuple[Given, ...] = ()
    if op.init is not None or op.weight_values is not None:
        start = (Given("start", _start(op.weights(*use.arriving)[0].initial, op.init, op)),)
    return Said("rbf", (Given(None, op.K, use.node("K")), *start))


# --- pooling ----------------------------------------------------------------------------------------------


def _pool_window(op: Any, use: Use, before: str) -> tuple[Given, ...]:
    P = Given("P", plain(op.P), use.node("P"), 0)
    if op.P == "same":
        options: dict[str, Any] = {"S": _one(op.stride), "D": _one(op.dilation)}
        P = Given("P", call("same", before, _one(op.size), defaults={"D": 1}, **options))
    stride = Given("S", op.stride, use.node("S"), op.size)
    return Given("F", op.size, use.node("F")), stride, P


@emits("maxpool")
def maxpool(use: Use) -> Said:
    op = use.op
    if op.size_out is not None:
        return Said("maxpool_to", (use.given("out", "size_out"),))
    window = _pool_window(op, use, tensor(0))
    return Said("maxpool", (*window, use.given("D", "D", 1), Given("ceil", op.ceil, None, False)))


@emits("unpool")
def unpool(use: Use) -> Said:
    op = use.op.maxpool
    hidden = Use(op, (use.arriving[1],), use.arriving[0], {})
    if op.size_out is not None:
        return Said("unpool_to", (Given(None, tensor(1)),))
    window = _pool_window(op, hidden, tensor(1))
    rest = (hidden.given("D", "D", 1), Given("ceil", op.ceil, None, False))
    return Said("unpool", (Given(None, tensor(1)), *window, *rest))


@emits("avgpool")
def avgpool(use: Use) -> Said:
    op = use.op
    if op.size_out is not None:
        return Said("avgpool_to", (use.given("out", "size_out"),))
    window = _pool_window(op, use, tensor(0))
    if not op.ceil and not op.exclude_pad:
        return Said("avgpool", window)
    flags = Given("ceil", op.ceil, None, False), Given("exclude_pad", op.exclude_pad, None, False)
    return Said("avgpool_counted", (*window, *flags))


@emits("subsample")
def subsample(use: Use) -> Said:
    op = use.op
    return Said(
        "subsample", (Given("F", op.size, use.node("F")), Given("S", op.stride, use.node("S"), op.size))
    )


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
    EMITTERS[_word] = lambda use, function=_function: Said(function)  # type: ignore[misc]


@emits("leaky")
def leaky(use: Use) -> Said:
    return Said("leaky", (use.given("slope", "slope", 0.01),))


@emits("prelu")
def prelu(use: Use) -> Said:
    return Said("prelu", (Given("one", use.op.one, None, False),))


@emits("elu")
def elu(use: Use) -> Said:
    return Said("elu", (use.given("alpha", "alpha", 1),))


@emits("tanh")
def tanh(use: Use) -> Said:
    return Said("tanh", (use.given("amp", "amp", 1), use.given("gain", "gain", 1)))


@emits("bn")
def bn(use: Use) -> Said:
    affine = Given("affine", use.op.affine, None, True)
    return Said("bn", (use.given("eps", "eps", 1e-5), use.given("momentum", "momentum", 0.1), affine))


@emits("in", "ln")
def instance_or_layer_norm(use: Use) -> Said:
    function = "instance_norm" if use.op.word == "in" else "ln"
    return Said(function, (use.given("eps", "eps", 1e-5), Given("affine", use.op.affine, None, True)))


@emits("gn")
def gn(use: Use) -> Said:
    affine = Given("affine", use.op.affine, None, True)
    return Said("gn", (use.given("G", "G"), use.given("eps", "eps", 1e-5), affine))


@emits("lrn")
def lrn(use: Use) -> Said:
    return Said(
        "lrn",
        (
            use.given("size", "size"),
            use.given("alpha", "alpha", 1e-4),
            use.given("beta", "beta", 0.75),
            use.given("k", "k", 1),
        ),
    )


@emits("dropout", "droppath")
def dropout(use: Use) -> Said:
    return Said(use.op.word, (use.given("p", "p", 0.5),))


@emits("scale")
def scale(use: Use) -> Said:
    return Said("scale", (use.given("start", "start", 1), Given("one", use.op.one, None, False)))


@emits("times")
def times(use: Use) -> Said:
    return Said("times", (Given(None, plain(use.op.factor), use.node("factor")),))


# --- other places, other sizes ------------------------------------------------------------


@emits("upsample")
def upsample(use: Use) -> Said:
    op = use.op
    function = "upsample" if op.mode == "nearest" else "bilinear"
    if op.like:
        return Said(function, (Given("out", f"{tensor(1)}.shape[1:3]"),))
    if op.size_out is not None:
        return Said(function, (use.given("out", "size_out"),))
    axes = []
    for place, letter in enumerate("HW"):
        node = use.node("factor", place) or use.node("factor", 0) or Const(op.factor[place])
        axes.append(Apply("*", (node, Var(f"§in0.{letter}"))))
    return Said(function, (Given("out", use.out[1:], Apply("pair", tuple(axes))),))


@emits("pixelshuffle", "pixelunshuffle")
def pixelshuffle(use: Use) -> Said:
    return Said(use.op.word, (Given(None, use.op.factor, use.node("factor")),))


@emits("shuffle")
def shuffle(use: Use) -> Said:
    return Said("shuffle", (use.given("G", "G"),))


@emits("pad")
def pad(use: Use) -> Said:
    op = use.op
    border = use.node("border")
    around = None if border is None else Apply("pair", (border, border))
    sides = tuple(
        Given(name, pair, around if pair[0] == pair[1] == op.border else None)
        for name, pair in (("rows", op.rows), ("columns", op.columns))
    )
    if op.mode != "zeros":
        mode = '"edge"' if op.mode == "replicate" else '"reflect"'
        return Said("pad_mirrored", (*sides, Given("mode", mode)))
    return Said("pad", (*sides, Given("channels", op.channels, use.node("channels"), (0, 0))))


@emits("crop")
def crop(use: Use) -> Said:
    op = use.op
    size = (
        Given("size", f"{tensor(1)}.shape[1:3]") if op.like else Given("size", use.out[1:], use.node("size"))
    )
    offset = () if op.offset is None else (Given("offset", op.offset, use.node("offset")),)
    return Said("crop", (size, *offset))


@emits("slice")
def slice_(use: Use) -> Said:
    low, high = use.op.channels
    return Said(
        "channels", (Given(None, low, use.node("channels", 0)), Given(None, high, use.node("channels", 1)))
    )


@emits("reshape")
def reshape(use: Use) -> Said:
    shape = use.op.shape
    return Said(
        "reshape", tuple(Given(None, size, use.node("shape", place)) for place, size in enumerate(shape))
    )


# --- merges -------------------------------------------------------------------------------


@emits("add")
def add(use: Use) -> Said:
    return Said("+", form="sum")


@emits("sub")
def sub(use: Use) -> Said:
    return Said("-", form="difference")


@emits("mul")
def mul(use: Use) -> Said:
    return Said("mul", form="merge")


@emits("max")
def maximum(use: Use) -> Said:
    return Said("maximum", form="merge")


@emits("concat")
def concat(use: Use) -> Said:
    return Said("concat", form="merge")


@emits("id", "none")
def identity(use: Use) -> Said:
    return Said("", form="alias")
