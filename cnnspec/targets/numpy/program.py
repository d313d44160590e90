"""The file: what it begins with, the layers, the network, what one calls."""

from __future__ import annotations

from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from cnnspec.lower.names import Namer, escaped, string
from cnnspec.lower.writer import Group, Writer
from cnnspec.targets.numpy.build import Builder
from cnnspec.targets.numpy.library import needed, pieces
from cnnspec.targets.numpy.naming import name_tensors
from cnnspec.targets.numpy.statements import Call, Function, If, Loop, Step
from cnnspec.targets.numpy.text import Backward, Forward, differentiated

MOST_COLUMNS = 110
OWN = (
    *("np", "params", "net", "training", "rng", "masks", "loss", "target", "seed", "dtype"),
    *("init", "forward", "record", "backward", "loss_and_grads", "inside", "outside", "FROZEN"),
)
"""Names of the emitted file that nothing of a spec's may take."""


def program(graph: Graph) -> str:
    namer = Namer([*OWN, *pieces()])
    builder = Builder(graph, namer)
    network = builder.network()
    for function in builder.functions:
        wanted = differentiated(function.steps) | set(function.outputs)
        function.differentiable = tuple(tensor in wanted for tensor in function.inputs)
    used = {name for function in builder.functions for name in _layers(function.steps)}
    writer = Writer()
    _head(writer, graph)
    text = _functions(builder)
    frozen = [key for entry in flat(graph) for key, weight in entry.weights if weight.role == "frozen"]
    loss = _loss(graph)
    if "multiple(" in text:
        used.add("multiple")
    names = {"Net", *loss}
    for name in used:
        names.add(name)
        if f"{name}_backward" in pieces():
            names.add(f"{name}_backward")
    names |= {
        name
        for name in (
            "same",
            "cut_to_same",
            "he",
            "xavier",
            "normal",
            "uniform",
            "constant",
            "signs",
            "bilinear_filters",
            "literal",
        )
        if f"{name}(" in text or f"={name}" in text
    }
    writer.gap(2)
    for piece in needed(names):
        writer.gap(1 if "\n" not in piece.text else 2)
        writer.text(piece.text)
    writer.gap(2)
    writer.text(text)
    _interface(writer, graph, network, frozen, loss)
    return str(writer)


def _head(writer: Writer, graph: Graph) -> None:
    title = f": {graph.title}" if graph.title else ""
    writer.line(f'"""{escaped(f"{graph.name}{title}")}')
    writer.line()
    writer.text(_ABOUT)
    writer.line()
    writer.line("import numpy as np")


_ABOUT = """
init() draws the weights, forward() runs the network, loss_and_grads() and backward()
work out the gradients. A volume is an array (N, H, W, C) inside, the channels last, and
(N, C, H, W) outside, as in PyTorch; so are the weights' names and layouts: those of
its state_dict. Of S, P, F and the like, one number serves rows and columns.
\"\"\"
"""


def _functions(builder: Builder) -> str:
    writer = Writer()
    for function in builder.functions:
        name_tensors(function)
        writer.gap(2)
        title = f"The block {function.name}" if function.doc else "The network."
        if function.doc:
            title += f", first used for {function.doc}."
        Forward(writer).function(function, title)
        writer.gap(2)
        Backward(writer, function.namer.child()).function(function)
    return str(writer)


def _layers(steps: list[Step]) -> list[str]:
    found = []
    for step in steps:
        match step:
            case Call() if step.form in ("layer", "merge"):
                found.append(step.function)
            case If():
                found += _layers(step.then) + _layers(step.otherwise)
            case Loop():
                found += _layers(step.body)
    return found


def _loss(graph: Graph) -> list[str]:
    """What a training step makes small where nothing is said."""
    shapes = [graph.root.values[value] for value in graph.root.outputs]
    vectors = all(shape is not None and len(shape) == 1 and shape[0] > 1 for shape in shapes)
    return ["cross_entropy"] if vectors else ["squared_error"]


def _interface(writer: Writer, graph: Graph, network: Function, frozen: list[str], loss: list[str]) -> None:
    """What one calls. Inputs and outputs are plain where there is one, tuples where
    there are several."""
    inputs = [tensor.name for tensor in network.inputs]
    empty = []
    for value in range(len(inputs)):
        C, *size = graph.root.values[value] or ()
        empty.append(f"np.empty(({', '.join(map(str, [0, *size, C]))}), dtype)")
    outputs = len(network.outputs)
    wholes = {
        "NETWORK": network.name,
        "INPUTS": ", ".join(inputs),
        "EMPTY": _around_net(empty),
        "GIVEN": _around_net([f"inside({name})" for name in inputs]),
        "OUT": "outside(y)" if outputs == 1 else "tuple(outside(one) for one in y)",
        "DY": "inside(dy), net" if outputs == 1 else "first, net, *others",
        "SPLIT": "" if outputs == 1 else "    first, *others = map(inside, dy)\n",
        "DX": "outside(dx)" if len(inputs) == 1 else "tuple(outside(one) for one in dx)",
        "FROZEN": "key not in FROZEN and " if frozen else "",
        "SIGNATURE": _signature(inputs, loss[0]),
    }
    writer.gap(2)
    if frozen:
        writer.put("FROZEN = ", Group("[", tuple(string(key) for key in frozen), "]"))
        writer.line('"""Weights that are not trained."""')
        writer.gap(2)
    text = _INTERFACE
    for word, code in wholes.items():
        text = text.replace(f"<{word}>", code)
    writer.text(text)


def _around_net(arguments: list[str]) -> str:
    """The first one, the place, the others: `x, net, skip`."""
    return ", ".join([arguments[0], "net", *arguments[1:]])


def _signature(inputs: list[str], loss: str) -> str:
    """The head of loss_and_grads, in one line where it fits."""
    named = [f"loss={loss}", "training=True", "rng=None", "masks=None"]
    line = f"def loss_and_grads({', '.join(['params', *inputs, 'target', *named])}):"
    if len(line) <= MOST_COLUMNS:
        return line
    return (
        "\n    ".join(["def loss_and_grads(", *(f"{one}," for one in ("params", *inputs, "target", *named))])
        + "\n):"
    )


_INTERFACE = '''
def inside(x):
    """(N, C, H, W) as (N, H, W, C)."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def outside(x):
    """(N, H, W, C) as (N, C, H, W)."""
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def init(seed=0, dtype=np.float32):
    """New weights. A batch of no images goes through the network, and each layer draws
    its weights when it comes by: a filter's depth is that of what arrives."""
    net = Net({}, rng=np.random.default_rng(seed), draw=np.dtype(dtype).type)
    <NETWORK>(<EMPTY>)
    return net.params


def forward(params, <INPUTS>, training=False, rng=None, masks=None):
    """What the network says. In training, dropout takes its mask from `masks`, by the
    layer's name (1: the number stays), or draws one from `rng`."""
    net = Net(params, training, rng=rng, masks=masks)
    y = <NETWORK>(<GIVEN>)
    return <OUT>


def record(params, <INPUTS>, training=True, rng=None, masks=None):
    """As forward; gives y and what backward needs. New running statistics are in its
    `stats`, by name; `params` stays as it is."""
    net = Net(params, training, keep=True, rng=rng, masks=masks)
    y = <NETWORK>(<GIVEN>)
    return <OUT>, net


def backward(dy, net):
    """From dL/dy: dL/dx, and the gradient of each trainable weight by its name."""
<SPLIT>    dx = <NETWORK>_backward(<DY>)
    grads = {
        key: net.grads.get(key, np.zeros_like(value))
        for key, value in net.params.items()
        if <FROZEN>key.endswith(("weight", "bias"))
    }
    return <DX>, grads


<SIGNATURE>
    """The loss, the gradient of each trainable weight, that of the input, and the new
    running statistics. loss(y, target) gives its value and dL/dy."""
    y, net = record(params, <INPUTS>, training, rng, masks)
    value, dy = loss(y, target)
    dx, grads = backward(dy, net)
    return value, grads, dx, net.stats
'''
