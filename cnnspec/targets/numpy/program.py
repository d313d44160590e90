"""The text of the file: its head, the layers, the network, and the functions for its users."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from cnnspec.ir.graph import Graph
from cnnspec.lower.library import needed
from cnnspec.lower.names import Namer, escaped
from cnnspec.lower.writer import Code, Group, Writer
from cnnspec.ops.base import axes_of, written_shape
from cnnspec.targets.numpy.alike import Alike
from cnnspec.targets.numpy.build import functions
from cnnspec.targets.numpy.layers import pieces
from cnnspec.targets.numpy.naming import name_tensors
from cnnspec.targets.numpy.statements import Function
from cnnspec.targets.numpy.text import Backward, Forward

OWN = (
    *("np", "params", "net", "training", "rng", "masks", "trace", "loss", "target", "seed", "dtype"),
    *("init", "forward", "record", "backward", "loss_and_grads", "step"),
)
"""Names of the emitted file: no name of a spec may replace them."""

WIDTH = 110
"""The longest line of code: as in the layers that are copied into the file."""


def program(graph: Graph) -> str:
    layers = pieces()
    own = _own(graph, layers)
    copied = needed(own, layers)
    others = layers.keys() - copied.names
    if not others.isdisjoint(name.removesuffix("2") for name in re.findall(r"\w+2\b", own)):
        own = _own(graph, layers.keys() & copied.names)  # the author may have these names
    writer = Writer()
    _head(writer, graph)
    for text in copied.texts:
        writer.gap(2)
        writer.text(text)
    writer.gap(2)
    writer.text(own)
    return str(writer)


def _own(graph: Graph, layers: Iterable[str]) -> str:
    """The code of this network, which does not use the names of these layers for anything else."""
    functions_in_order = functions(graph, Namer([*OWN, *layers]))
    own = Writer(width=WIDTH)
    whole = [function for function in functions_in_order if function.alone is None]
    for function in whole:
        name_tensors(function)
    for function in reversed(whole):  # writing the callers first shows which outputs are not used
        Backward(Writer(width=WIDTH), function).function(function)
    alike = Alike()
    for function in whole:
        alike.renamed(function)
        alike.add(function, *_function(function))
    for text in alike.texts:
        own.gap(2)
        own.text(text)
    own.gap(2)
    _interface(own, graph, functions_in_order[-1])
    return str(own)


def _head(writer: Writer, graph: Graph) -> None:
    title = f": {graph.title}" if graph.title else ""
    writer.line(f'"""{escaped(f"{graph.name}{title}")}')
    writer.line()
    shapes = [shape for shape in graph.root.values[: graph.root.inputs] if shape is not None]
    ranks = {len(shape) for shape in shapes if len(shape) > 1} or {3}
    axes = ", ".join(axes_of(max(shapes, key=len))) if len(ranks) == 1 and ranks != {3} else "H, W"
    writer.text(_ABOUT.format(axes=axes, one=_IMAGES if ranks == {3} else _OTHERS))
    writer.line()
    writer.line("import numpy as np")


_ABOUT = """
init() draws the weights, forward() runs the network, loss_and_grads() and backward()
compute the gradients, step() updates the weights. Inputs and outputs are arrays of shape
(N, C, {axes}), as in PyTorch; inside, the channels are last, (N, {axes}, C). The names and
layouts of the weights are those of PyTorch's state_dict. {one}
\"\"\"
"""
_IMAGES = """One number for S, P, F and the
like is that of rows and columns."""
_OTHERS = """One number for S, P, F and the
like is that of every axis. Formulas are written for images, (N, H, W, C); they hold for
any number of axes."""


def _function(function: Function) -> tuple[str, str]:
    """A block or the network: its forward pass and its backward pass."""
    title = "The network."
    template, first = function.source.template, function.source.uses[0]
    if template.kind == "block":
        shapes = [first.shape(0), first.shape(template.outputs[0])]
        title = f"The block {function.name}, first used for {' -> '.join(map(written_shape, shapes))}."
    elif template.kind == "layers":
        title = "Layers that a block is given."
    forward, backward = Writer(width=WIDTH), Writer(width=WIDTH)
    Forward(forward, function).function(function, title)
    Backward(backward, function).function(function)
    return str(forward).strip("\n"), str(backward).strip("\n")


def _loss(graph: Graph) -> str:
    """The default loss of a training step."""
    shapes = [graph.root.values[value] for value in graph.root.outputs]
    vectors = all(shape is not None and len(shape) == 1 and shape[0] > 1 for shape in shapes)
    return "cross_entropy" if vectors else "squared_error"


def _interface(writer: Writer, graph: Graph, network: Function) -> None:
    """The functions that users call. Inputs and outputs are arrays where there is one, tuples where there are
    several."""
    inputs = [network.names[tensor] for tensor in network.inputs]
    several = len(network.outputs) > 1
    outside = "tuple(outside(one) for one in y)" if several else "outside(y)"
    options = ("rng=None", "masks=None", "trace=None")
    _init(writer, graph, network)
    with _defined(writer, "forward", ("params", *inputs, "training=False", *options), _FORWARD):
        writer.line("net = Net(params, training, rng=rng, masks=masks, trace=trace)")
        writer.put("y = ", _called(network, [f"inside({name})" for name in inputs]))
        writer.line(f"return {outside}")
    with _defined(writer, "record", ("params", *inputs, "training=True", *options), _RECORD):
        writer.line("net = Net(params, training, keep=True, rng=rng, masks=masks, trace=trace)")
        writer.put("y = ", _called(network, [f"inside({name})" for name in inputs]))
        writer.line(f"return {outside}, net")
    with _defined(writer, "backward", ("dy", "net"), _BACKWARD):
        if several:
            writer.line("first, *others = map(inside, dy)")
        arguments = "first, net, *others" if several else "inside(dy), net"
        writer.line(f"dx = {network.name}_backward({arguments})")
        zeros = "net.grads.get(key, np.zeros_like(value))"
        writer.line(f"grads = {{key: {zeros} for key, value in net.trained.items()}}")
        dx = "outside(dx)" if len(inputs) == 1 else "tuple(outside(one) for one in dx)"
        writer.line(f"return {dx}, grads")
    loss = (f"loss={_loss(graph)}", "training=True", "rng=None", "masks=None")
    with _defined(writer, "loss_and_grads", ("params", *inputs, "target", *loss), _LOSS_AND_GRADS):
        writer.put("y, net = ", Group("record(", ("params", *inputs, "training", "rng", "masks")))
        writer.line("value, dy = loss(y, target)")
        writer.line("dx, grads = backward(dy, net)")
        writer.line("return value, grads, dx, net.stats")
    with _defined(writer, "step", ("params", "grads", "stats", "rate"), _STEP):
        writer.line("moved = {key: params[key] - rate * grad for key, grad in grads.items()}")
        writer.line("moved = {key: one.astype(params[key].dtype) for key, one in moved.items()}")
        writer.line("return {**params, **stats, **moved}")


def _init(writer: Writer, graph: Graph, network: Function) -> None:
    empty = []
    for value in range(len(network.inputs)):
        C, *size = graph.root.values[value] or ()
        empty.append(f"np.empty(({', '.join(map(str, [0, *size, C]))}), dtype)")
    with _defined(writer, "init", ("seed=0", "dtype=np.float32"), _INIT):
        writer.line("net = Net({}, rng=np.random.default_rng(seed), draw=np.dtype(dtype).type)")
        writer.put("", _called(network, empty))
        writer.line("return net.params")


@contextmanager
def _defined(writer: Writer, name: str, parameters: tuple[str, ...], doc: str) -> Iterator[None]:
    writer.gap(2)
    with writer.block(Group(f"def {name}(", parameters), ":"):
        writer.text(f'"""{doc}"""')
        yield


def _called(network: Function, arguments: list[str]) -> Code:
    """The call of the network: the first input, the place, the other inputs."""
    return Group(f"{network.name}(", (arguments[0], "net", *arguments[1:]))


_INIT = """\
New weights. An empty batch runs through the network, and each layer draws its weights
then, since the depth of its input is known."""

_FORWARD = """\
The output of the network. In training, dropout takes its mask from `masks`, by the
layer's name (1: keep the number), or draws one from `rng`. trace(name, y) is called
with the output of each layer."""

_RECORD = """\
As forward, but returns y and what backward needs. The new running statistics are in
its `stats`, by name; `params` is not changed."""

_BACKWARD = """\
From dL/dy: dL/dx, and the gradient of each trainable weight by its name."""

_LOSS_AND_GRADS = """\
The loss, the gradient of each trainable weight, that of the input, and the new
running statistics. loss(y, target) gives its value and dL/dy."""

_STEP = """\
The params after one step down the gradients, with the new running statistics; each
keeps its type, whatever the type of the rate."""
