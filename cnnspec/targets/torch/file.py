"""The emitted file: its imports, its classes, the model, and the function that folds a trained network's
weights."""

from __future__ import annotations

from collections.abc import Mapping, Set

from cnnspec import __version__
from cnnspec.elaborate.reserved import attribute_name
from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from cnnspec.ir.serialize import fingerprint
from cnnspec.lower.call import Call
from cnnspec.lower.library import needed
from cnnspec.lower.names import Namer, camel, escaped, string
from cnnspec.lower.writer import Group, Writer, listed, literal
from cnnspec.targets.torch import alike, classes, rules
from cnnspec.targets.torch.fold import FOLD_BODY, Folds, Pair, folded
from cnnspec.targets.torch.library import IMPORTED, OF_TORCH, pieces, reserved
from cnnspec.targets.torch.pieces import Piece, calls_in, code
from cnnspec.targets.torch.plan import ClassPlan, Plan
from cnnspec.targets.torch.planning import planned
from cnnspec.targets.torch.repeated import PLAIN

DEVICE = ("device: torch.device | str | None = None", "dtype: torch.dtype | None = None")
"""The parameters of the model's constructor."""


def text(graph: Graph, fold_bn: bool) -> str:
    """The whole program."""
    folds = folded(graph) if fold_bn else None
    root, shared, parameters = planned(graph, folds.sites if folds is not None else {})
    namer = Namer({*reserved(), "main"})
    name = namer.take(camel(graph.name))
    several = namer.take(f"{name}Outputs") if len(root.outputs) > 1 else ""
    ordered: dict[ClassPlan, None] = {}
    for piece in (*classes.made_by(root, True), *shared.values()):
        _collect(piece, ordered)
    starts = rules.settle([root, *(one.plan for one in ordered)], ordered, shared)
    body = Writer()
    alike.put(body, namer, list(ordered))
    classes.name_numbers(root, parameters, True, {plan.name for plan in ordered}, PLAIN)
    _model(body, graph, name, several, root, shared, starts, classes.listed(parameters))
    if folds is not None and folds.pairs:
        _fold(body, folds)
    _main(body, graph, name)
    head = Writer()
    settings = "".join(f", {name} = {value}" for name, value in graph.settings.items())
    model = escaped(f"{graph.name}{settings}{', batch normalisation folded' if fold_bn else ''}")
    head.line(f"# Written by cnnspec {__version__}: model {model} (IR {fingerprint(graph)})")
    copied = needed(str(body), pieces())
    if imports := _imports(copied.names, IMPORTED):
        head.extend(imports)
        head.gap(1)
    head.line("import torch")
    head.line("from torch import Tensor, nn")
    head.extend(_imports(copied.names, OF_TORCH))
    head.gap(2)
    for one in copied.texts:
        head.text(one)
        head.gap(2)
    head.extend(body.written)
    return str(head)


def _imports(used: Set[str], names: Mapping[str, str]) -> list[str]:
    """The imports that a program needs of these names."""
    by_module: dict[str, list[str]] = {}
    for name, module in names.items():
        if name in used:
            by_module.setdefault(module, []).append(name)
    return [f"from {module} import {', '.join(of_it)}" for module, of_it in by_module.items()]


def _collect(piece: Piece, ordered: dict[ClassPlan, None], around: tuple[ClassPlan, ...] = ()) -> None:
    """The classes that a piece needs, the inner ones first; `around` are the classes that the piece is
    inside."""
    for plan in calls_in(piece):
        if plan not in ordered and plan not in around:
            defaults = [parameter.default for parameter in plan.parameters if parameter.default is not None]
            for inner in (*defaults, *classes.made_by(plan.plan, plan.form == "module")):
                _collect(inner, ordered, (*around, plan))
            ordered[plan] = None


def _model(
    writer: Writer,
    graph: Graph,
    model: str,
    several: str,
    root: Plan,
    shared: dict[str, Call],
    starts: rules.Rules,
    arguments: list[str],
) -> None:
    """The model's class; `several` is the class of its outputs, where there are more than one."""
    if several:
        with writer.block(f"class {several}(NamedTuple):"):
            fields = Namer()
            for output in graph.outputs:  # `count` and `index` are methods of every tuple
                name = fields.take(f"{output}_" if output in ("count", "index") else output)
                writer.line(f"{name}: Tensor")
        writer.gap(2)
    names = {key: attribute_name(key) for key in shared}
    with writer.block(f"class {model}(nn.Module):"):
        if graph.title.strip():
            writer.doc(graph.title)
            writer.gap(1)
        constructor = Writer(writer.level + 2)
        for key, call in shared.items():
            constructor.put(f"self.{names[key]} = ", code(call))
        held = classes.constructed(constructor, root, True)
        classes.declare(writer, held)
        with writer.block(Group("def __init__(", ("self", *arguments, *DEVICE), ") -> None:")):
            writer.line("super().__init__()")
            if constructor.written:  # nothing is allocated elsewhere first
                with writer.block("with torch.device(device) if device is not None else nullcontext():"):
                    writer.extend(constructor.written)
            writer.line("self.to(dtype=dtype)")
            weighted = any(entry.weights for entry in flat(graph))
            if weighted:  # weights are drawn on the device, in this type
                writer.line("self.init_weights()")
        writer.gap(1)
        if weighted:
            rules.put(writer, starts, str(writer))
            writer.gap(1)
        variables = Namer(reserved())
        again = sum(root.inputs[0] in item.reads for item in root.items) > 1  # beside the tensors of the way
        named = len(graph.inputs) > 1 or (again and graph.inputs[0] != "input")
        inputs = [variables.take(name if named else "x") for name in graph.inputs]
        classes.forward(writer, root, dict(zip(root.inputs, inputs, strict=True)), held, names, several)
    writer.gap(2)


def _fold(writer: Writer, folds: Folds) -> None:
    """The function that turns the state_dict of a trained network into the state_dict of this one."""
    alike = len({pair.eps for pair in folds.pairs}) == 1
    if folds.rule is not None and alike:
        items = [f"{string(norm)}: {string(layer)}" for norm, layer in folds.rule.items()]
        writer.put("CONVOLUTIONS = ", listed(items, "{", "}"))
    else:
        writer.put("CONVOLUTIONS = ", listed([_row(pair) for pair in folds.pairs]))
    writer.gap(2)
    with writer.block("def fold_batch_norm(state: dict[str, Tensor]) -> dict[str, Tensor]:"):
        writer.doc("Converts the state_dict of the network with batch normalisation.")
        text = FOLD_BODY.replace("in pairs:", "in CONVOLUTIONS:")
        if folds.rule is not None and alike:
            writer.line("pairs = []")
            with writer.block("for key in state:"):
                writer.line('norm = key.removesuffix(".running_var")')
                writer.line('scope, dot, name = norm.rpartition(".")')
                writer.line('conv = f"{scope}{dot}{CONVOLUTIONS.get(name)}"')
                with writer.block('if norm != key and f"{conv}.weight" in state:'):
                    writer.line(f"pairs.append((norm, conv, {literal(folds.pairs[0].eps)}))")
            text = FOLD_BODY
        writer.extend(text.split("\n"))
    writer.gap(2)


def _row(pair: Pair) -> Group:
    return listed([string(pair.norm), string(pair.layer), literal(pair.eps)], "(", ")")


def _main(writer: Writer, graph: Graph, model: str) -> None:
    """`main()`: the network on random numbers."""
    root = graph.root
    with writer.block("def main() -> None:"):
        writer.line(f"model = {model}().eval()")
        shapes = [root.values[value] or () for value in range(len(graph.inputs))]
        tensors = tuple(f"torch.randn({', '.join(map(str, (2, *shape)))})" for shape in shapes)
        with writer.block("with torch.no_grad():"):
            writer.put("y = " if len(root.outputs) == 1 else "outputs = ", Group("model(", tensors))
        if len(root.outputs) == 1:
            writer.line("print(tuple(y.shape))")
        else:
            with writer.block("for y in outputs:"):
                writer.line("print(tuple(y.shape))")
        writer.line('print(f"{sum(p.numel() for p in model.parameters()):,} weights")')
    writer.gap(2)
    with writer.block('if __name__ == "__main__":'):
        writer.line("main()")
