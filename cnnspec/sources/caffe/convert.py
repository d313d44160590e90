"""From a prototxt to a trace. A blob is a name that one layer writes and others read; a layer may write the
blob that it reads (in place)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from cnnspec.notations.prototxt import Message, Unreadable, parsed
from cnnspec.ops.base import Shape
from cnnspec.sources.caffe.layer import layers_of
from cnnspec.sources.calls.record import NOT_FITTING, Record, Untranslatable, possible
from cnnspec.sources.calls.trace import Tensor, Trace, Value
from cnnspec.sources.layers import Scope

MOST_LAYERS = 20_000
LARGEST = 2**31


class Refused(ValueError):
    """The reason why a text is not a network of Caffe, or why a layer cannot be translated."""


@dataclass
class Context:
    """values: the tensor of each blob; left: the blobs of layers that are left out. layer: the layer that is
    being converted; name: its name."""

    layer: Message
    name: str = ""
    record: Record = field(default_factory=Record)
    values: dict[str, Tensor] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    shared: dict[str, tuple[Tensor, Shape]] = field(default_factory=dict)

    def option(self, *names: str) -> Message:
        """The layer's parameters: the first of these messages that it contains."""
        return next((self.layer.message(name) for name in names if self.layer.all(name)), Message({}, 0))

    def shape(self, tensor: Tensor) -> Shape:
        return self.record.shape(tensor)

    def hole(self, why: str, x: Tensor, shape: Sequence[int]) -> list[Tensor]:
        """A hole: a layer whose shape is known, with the reason why it cannot be translated."""
        return [self.call(self.layer.text("type"), shape, input=x, why=why)]

    def bottoms(self) -> list[Tensor]:
        try:
            return [self.values[name] for name in self.layer.texts("bottom")]
        except KeyError as error:
            raise Untranslatable(f"it reads {error}, which no layer gives") from None

    def only(self) -> Tensor:
        tensors = self.bottoms()
        if len(tensors) != 1:
            raise Untranslatable(f"it reads {len(tensors)} blobs")
        return tensors[0]

    def weight(self, place: int, *shape: int) -> Tensor:
        """A blob of weights, by its position in the layer, or by the name under which layers share it."""
        names = [one if isinstance(one, str) else one.text("name") for one in self.layer.all("param")]
        name = names[place] if place < len(names) else ""
        if name not in self.shared:
            stored = self.record.weight(f"{self.name}.{place}", shape)
            self.shared |= {name: (stored, shape)} if name else {}
            return stored
        stored, other = self.shared[name]
        if other != shape:
            raise Untranslatable(f"the weights {name!r} have another shape in another layer")
        return stored

    def calls(
        self, op: str, shapes: Sequence[Sequence[int]], arguments: Mapping[str, Value]
    ) -> tuple[Tensor, ...]:
        for shape in shapes:
            possible(shape)
        *around, own = self.name.split("/")
        paths = ["/".join(around[: place + 1]) for place in range(len(around))]
        scopes = (Scope(""), *(Scope(path.replace("/", ".")) for path in paths))
        return self.record.call(op, arguments, shapes, scopes, Scope(own), f"line {self.layer.line}")

    def call(self, op: str, /, shape: Sequence[int], **arguments: Value) -> Tensor:
        return self.calls(op, [shape], arguments)[0]


Converting: TypeAlias = Callable[[Context], Sequence[Tensor]]
LEFT_OUT = frozenset(
    (
        *("accuracy", "argmax", "silence", "python", "priorbox", "detectionoutput", "detectionevaluate"),
        *("softmaxwithloss", "softmaxloss", "sigmoidcrossentropyloss", "euclideanloss", "hingeloss"),
        *("infogainloss", "contrastiveloss", "smoothl1loss", "multiboxloss"),
    )
)
"""Layers that read the network's outputs but are not part of the network."""
DATA = frozenset(
    ("data", "imagedata", "hdf5data", "memorydata", "dummydata", "windowdata", "annotateddata", "videodata")
)
"""Layers that provide images, as every layer without an input does."""


def convert(text: str, size: Shape | None = None) -> Trace:
    """The trace of a network, for one image. size: C x H x W of the input, where the text does not give
    it."""
    from cnnspec.sources.caffe.layers import TABLE

    try:
        net = parsed(text)
        context = Context(net)
        layers = layers_of(net)
        if not layers or len(layers) > MOST_LAYERS:
            raise Refused(
                "no layers are found in it" if not layers else f"it has more than {MOST_LAYERS:,} layers"
            )
        _entering(context, net, size)
        for layer in layers:
            _convert(context, layer, TABLE, size)
    except Unreadable as why:
        raise Refused(str(why)) from None
    except (ValueError, IndexError) as why:  # a word in the place of a number
        raise why if isinstance(why, Refused) else Refused(str(why)[:200]) from None
    ends = _ends(context, layers)
    if not ends:
        raise Refused("no layers are found in it")
    outputs = [(name if len(ends) > 1 else "", context.values[name]) for name in ends]
    name = net.text("name")
    return context.record.trace(name if name.isidentifier() else "Model", 1, outputs)


def _ends(context: Context, layers: Sequence[Message]) -> list[str]:
    """The network's outputs: the blobs that no later layer reads."""
    ends: dict[str, None] = {}
    for layer in layers:
        if _kind(layer) in LEFT_OUT or _kind(layer) in DATA or _kind(layer) == "input":
            continue
        for name in layer.texts("bottom"):
            ends.pop(name, None)
        ends |= dict.fromkeys(name for name in layer.texts("top") if name in context.values)
    return list(ends)


def _kind(layer: Message) -> str:
    """The type of a layer in lower case: `convolution` for `Convolution`, and for the older form
    `CONVOLUTION`."""
    return layer.text("type").replace("_", "").lower()


def _entering(context: Context, net: Message, size: Shape | None) -> None:
    """Inputs at the head of the file: `input: "data"` with `input_dim` or `input_shape`."""
    names, flat = net.texts("input"), net.integers("input_dim")
    shapes = [message.integers("dim") for message in net.messages("input_shape")]
    shapes = shapes or [flat[place * 4 : place * 4 + 4] for place in range(len(names))]
    for name, shape in zip(names, shapes, strict=False):
        context.values[name] = context.record.input(name, _shape(name, shape[1:], size))


def _shapes_of(layer: Message) -> list[list[int]]:
    """The sizes of a layer that provides images, with the batch, where it gives them."""
    shapes: list[list[int]] = []
    for options in ("input_param", "dummy_data_param", "memory_data_param"):
        option = layer.message(options)
        shapes += (message.integers("dim") for message in option.messages("shape"))
        counts = option.integers("num") or option.integers("batch_size")
        sizes = (option.integers(name) for name in ("channels", "height", "width"))
        shapes += map(list, zip(counts, *sizes, strict=False))
    return shapes


def _shape(name: str, sizes: Sequence[int], size: Shape | None) -> Shape:
    shape = tuple(sizes) or size
    if not shape or not all(0 < one < LARGEST for one in shape):
        raise Refused(f"the size of its input {name} is not in it: say it, as CxHxW")
    return (1, *shape)


def _convert(context: Context, layer: Message, table: Mapping[str, Converting], size: Shape | None) -> None:
    context.layer, kind = layer, _kind(layer)
    tops = layer.texts("top")
    context.name = layer.text("name") or (tops[0] if tops else kind)
    bottoms = layer.texts("bottom")
    missing = [name for name in bottoms if name in context.left]
    if (kind in LEFT_OUT and bottoms) or (missing and kind not in ("roipooling", "crop", "reshape")):
        context.left |= {*tops} - context.values.keys()
        return
    if kind == "input" or kind in DATA or not bottoms:
        shapes = _shapes_of(layer)
        for place, top in enumerate(tops[: None if kind == "input" else 1]):
            if top not in context.values:
                sizes = shapes[min(place, len(shapes) - 1)][1:] if shapes else ()
                context.values[top] = context.record.input(top, _shape(top, sizes, size))
        return
    where = f"line {layer.line}: {layer.text('type')} {context.name}"
    if kind not in table and tops != bottoms:
        raise Refused(f"{where}: no layer of the language does this")
    try:
        outputs = table.get(kind, _in_place)(context)
    except Untranslatable as why:
        raise Refused(f"{where}: {why}") from None
    except Unreadable as why:
        raise Refused(f"{where}: {why}") from None
    except NOT_FITTING:
        raise Refused(f"{where}: its numbers do not fit its input") from None
    context.values |= zip(tops, outputs, strict=False)


def _in_place(context: Context) -> Sequence[Tensor]:
    """A layer that is not known, and writes what it reads: its shape is known."""
    x = context.only()
    return context.hole("no layer of the language does this", x, context.shape(x))
