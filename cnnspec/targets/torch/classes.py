"""Classes as text: the constructor and `forward`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from cnnspec.elaborate.reserved import MODULE_ATTRIBUTES
from cnnspec.lower.names import Namer
from cnnspec.lower.over import clause, value_code
from cnnspec.lower.program import Condition, Tensor
from cnnspec.lower.symbolic import Apply, Node, Var, python, replaced
from cnnspec.lower.writer import Group, Writer, flat
from cnnspec.targets.torch.conditions import condition_name, only_conditions
from cnnspec.targets.torch.expressions import is_short
from cnnspec.targets.torch.forward import Forward
from cnnspec.targets.torch.library import reserved
from cnnspec.targets.torch.pieces import Changing, Growing, Piece, code, loop_variables, walk, with_nodes
from cnnspec.targets.torch.plan import ClassPlan, If, Item, Parameter, Plan, PlanStep, asked, steps_of
from cnnspec.targets.torch.repeated import SHORT, name_repeated
from cnnspec.targets.torch.slices import cuts

BASES = {"chain": "nn.Sequential", "module": "nn.Module", "list": "nn.ModuleList"}


def made_by(plan: Plan, with_forward: bool) -> Iterator[Piece]:
    """The code in a constructor: `let`s, attributes, conditions."""
    yield from (node for _, node in plan.lets)
    for step in attributes(plan.steps, with_forward):
        if step.piece is not None:
            yield step.piece
    yield from (condition.node for condition in asked(plan.items))


def attributes(steps: Iterable[PlanStep], with_forward: bool) -> list[PlanStep]:
    """The steps that are attributes; in a class with its own `forward`, short layers are expressions
    instead."""
    return [step for step in steps if step.piece is not None and not (with_forward and is_short(step.piece))]


def listed(parameters: Iterable[Parameter]) -> list[str]:
    """A constructor's arguments."""
    return [
        f"{parameter.variable}: {parameter.annotation}"
        + ("" if parameter.default is None else f" = {flat(code(parameter.default))}")
        for parameter in parameters
    ]


def head(plan: ClassPlan) -> Group | str:
    """The first line of a class or function."""
    if plan.form == "function":
        return Group(f"def {plan.name}(", tuple(listed(plan.parameters)), ") -> nn.Module:")
    base = BASES.get(plan.form) or plan.base.function
    return f"class {plan.name}({base if isinstance(base, str) else base.name}):"


def body(plan: ClassPlan, taken: Iterable[str]) -> list[str]:
    """The lines below it. `taken` are the names that the file already uses."""
    writer = Writer(1)
    if plan.form == "function":
        put_lets(writer, plan.plan.lets)
        _returned(writer, plan)
        return writer.written
    constructor = Writer(1)
    held = _constructor(constructor, plan, taken)
    declare(writer, held)
    writer.extend(constructor.written)
    if plan.form in ("module", "list"):
        if writer.written:
            writer.gap(1)
        names = {plan.plan.inputs[place]: plan.tensors[place] for place in plan.takes}
        forward(writer, plan.plan, names, held)
    elif not writer.written:
        writer.doc("Returns its input.")
    return writer.written


def declare(writer: Writer, held: Mapping[Condition, str]) -> None:
    """Declares the attributes that hold conditions. They are final, so that TorchScript compiles only one
    side of their `if`s."""
    for name in held.values():
        writer.line(f"{name}: Final[bool]")
    if held:
        writer.gap(1)


def _returned(writer: Writer, plan: ClassPlan) -> None:
    """The layer that a function returns; a layer under a condition has the identity as its other side."""
    layer = code(plan.base)
    if plan.plan.optional is None:
        writer.put("return ", layer)
        return
    texts = []
    items = plan.plan.items
    while isinstance(item := items[0], If):
        texts.append(_test(item.condition.node, bool(item.then)))
        items = item.then or item.otherwise
    with writer.block(f"if {' and '.join(texts)}:"):
        writer.put("return ", layer)
    writer.line("return nn.Identity()")


def _test(node: Node, holds: bool) -> str:
    return python(node if holds else Apply("not", (node,)))


def _constructor(writer: Writer, plan: ClassPlan, taken: Iterable[str]) -> dict[Condition, str]:
    """Writes the constructor. Returns the attributes that hold conditions for `forward`."""
    held: dict[Condition, str] = {}
    inner = Writer(writer.level + 1)
    single, with_forward = plan.plan.single, plan.form != "chain"
    if single is None and not attributes(plan.plan.steps, with_forward) and not asked(plan.plan.items):
        return held
    if single is not None and isinstance(single.piece, Growing):
        inner.line("super().__init__()")
        put_lets(inner, plan.plan.lets)
        _passes(inner, "self", single.piece)
    elif plan.form in ("layer", "list"):
        put_lets(inner, plan.plan.lets)
        base = code(plan.base)
        assert isinstance(base, Group)
        inner.put("", replace(base, open="super().__init__("))
    else:
        inner.line("super().__init__()")
        name_numbers(plan.plan, plan.parameters, with_forward, taken)
        held = constructed(inner, plan.plan, with_forward)
    with writer.block(Group("def __init__(", ("self", *listed(plan.parameters)), ") -> None:")):
        writer.extend(inner.written)
    return held


def name_numbers(
    plan: Plan, parameters: Iterable[Parameter], with_forward: bool, taken: Iterable[str], short: int = SHORT
) -> None:
    """Gives a name to each expression that a constructor repeats often."""
    steps = attributes(plan.steps, with_forward)
    known = {parameter.variable for parameter in parameters} | {name for name, _ in plan.lets}
    parts = (part for step in steps if step.piece is not None for part in walk(step.piece))
    loops = {name for part in parts for name in loop_variables(part)}
    plan.lets += name_repeated(steps, known - loops, {*reserved(), *taken, *known, *loops}, short)


def put_lets(writer: Writer, lets: Iterable[tuple[str, Node]]) -> None:
    """The `let`s."""
    for name, node in lets:
        writer.put(f"{name} = ", value_code(node, python(node)))


def constructed(writer: Writer, plan: Plan, with_forward: bool) -> dict[Condition, str]:
    """Writes the constructor's statements. Returns the attributes that hold conditions for `forward`."""
    cut = cuts(plan) if with_forward else {}
    bounds = {name for one in cut.values() for name in one.names}
    namer = Namer(MODULE_ATTRIBUTES | {step.name for step in plan.steps} | bounds)
    stated = only_conditions(plan) if with_forward else {}
    put_lets(writer, [let for let in plan.lets if let[0] not in stated])
    for one in cut.values():
        for name, value in zip(one.names, one.values, strict=True):
            writer.put(f"self.{name} = ", value)
    held: dict[Condition, str] = {}
    counted = Counter(step.name for step in plan.steps if step.piece is not None)
    annotated = {name for name, count in counted.items() if count > 1}
    """Attributes that are one layer or another, by an `if`."""

    def hold(condition: Condition) -> None:
        if with_forward and condition not in held:
            held[condition] = namer.take(condition_name(plan, condition))
            node = condition.node
            stands_for = stated.get(node.name, node) if isinstance(node, Var) else node
            writer.put(f"self.{held[condition]} = ", python(stands_for))

    def decide(item: If) -> None:
        nonlocal writer
        hold(item.condition)
        opened = False
        for holds in (True, False):
            side = item.side(holds)
            if not attributes(steps_of(side), with_forward):
                state(side)  # it makes no layer: `forward` needs only its conditions
                continue
            name = held.get(item.condition)
            node = item.condition.node if name is None else Var(f"self.{name}")
            outer, writer = writer, Writer(writer.level + 1)
            state(side)
            lines, writer = writer.written, outer
            test = _test(node, holds)
            if not attributes(steps_of(item.side(not holds)), with_forward) and _is_one_if(lines):
                test = f"{_bracketed(test)} and {_bracketed(lines[0].strip()[3:-1])}"
                lines = [line[4:] for line in lines[1:]]
            if opened:
                writer.otherwise(lines)
            else:
                writer.line(f"if {test}:")
                writer.extend(lines)
            opened = True

    def state(items: Sequence[Item]) -> None:
        for item in items:
            if isinstance(item, If):
                decide(item)
                continue
            for _, when, _ in item.arms:
                if when is not None:
                    hold(when[0])
            for step in attributes([item], with_forward):
                _attribute(writer, step, step.name in annotated)
                annotated.discard(step.name)

    for number, item in enumerate(plan.items):
        later = set(asked(plan.items[number + 1 :]))
        for condition in asked([item]):
            if condition in later:  # it is also needed outside the `if` that decides it first
                hold(condition)
        state([item])
    return held


def _is_one_if(lines: list[str]) -> bool:
    """Whether the lines are an `if` without an `else`, and nothing else."""
    level = len(lines[0]) - len(lines[0].lstrip())
    inside = all(line.startswith(" " * (level + 4)) for line in lines[1:])
    return lines[0].lstrip().startswith("if ") and lines[0].endswith(":") and inside


def _bracketed(test: str) -> str:
    return f"({test})" if " or " in test or " if " in test else test


def _attribute(writer: Writer, step: PlanStep, annotated: bool) -> None:
    if isinstance(step.piece, Growing):
        _set_sizes(writer, [(size.variable, size.start) for size in step.piece.sizes])
        writer.line(f"self.{step.name} = {step.piece.container}()")
        _passes(writer, f"self.{step.name}", step.piece)
    elif step.piece is not None:
        writer.put(f"self.{step.name}{': nn.Module' if annotated else ''} = ", code(step.piece))


def _passes(writer: Writer, target: str, piece: Growing) -> None:
    """The loop of a repeat. In a class that is one repeat, it may increase the constructor's own
    parameter."""
    sizes, element = piece.sizes, piece.element
    if target == "self":
        own = {size.variable: size.start for size in sizes if isinstance(size.start, Var)}
        if len(set(own.values())) == len(sizes):
            element = with_nodes(element, own)
            updates = [replaced(size.update, own) for size in sizes]
            sizes = tuple(
                size._replace(variable=own[size.variable].name, update=update)
                for size, update in zip(sizes, updates, strict=True)
            )
        else:
            _set_sizes(writer, [(size.variable, size.start) for size in sizes])
    writer.line(f"{clause(piece.index, piece.count, piece.over)}:")
    with writer.indented():
        writer.put("", Group(f"{target}.append(", (code(element),)))
        match sizes:
            case (Changing(variable, _, Apply("+", (Var(name), added))),) if name == variable:
                writer.line(f"{variable} += {python(added)}")
            case _:
                _set_sizes(writer, [(size.variable, size.update) for size in sizes])


def _set_sizes(writer: Writer, sizes: Sequence[tuple[str, Node]]) -> None:
    """`channels, height = k, 2 * height`, all at once."""
    names, nodes = zip(*sizes, strict=True)
    writer.line(f"{', '.join(names)} = {', '.join(map(python, nodes))}")


def forward(
    writer: Writer,
    plan: Plan,
    tensors: Mapping[Tensor, str],
    held: Mapping[Condition, str],
    shared: Mapping[str, str] | None = None,
    several: str = "",
) -> None:
    """Writes a `forward`. `shared`: for the model's own, the attributes of the shared blocks; elsewhere these
    are arguments. `several`: the class of the outputs where there are several; without it they are a
    tuple."""
    namer = Namer(reserved() | set(tensors.values()))
    signature = ["self", *(f"{tensor}: Tensor" for tensor in tensors.values())]
    modules = {} if shared is None else {key: f"self.{name}" for key, name in shared.items()}
    if shared is None:
        modules = {key: namer.take(key) for key in plan.needs}
        signature += [f"{module}: nn.Module" for module in modules.values()]
    modules |= {step.defines: f"self.{step.name}" for step in plan.steps if step.defines is not None}
    count = len(plan.outputs)
    returns = several or "Tensor"
    if count > 1 and not several:
        returns = f"tuple[{', '.join(['Tensor'] * count)}]" if count <= 4 else "tuple[Tensor, ...]"
    conditions = {condition: f"self.{name}" for condition, name in held.items()}
    body = Forward(plan, writer, tensors, modules, conditions, namer, shared is not None, several)
    with writer.block(Group("def forward(", tuple(signature), f") -> {returns}:")):
        body.write()
