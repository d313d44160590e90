"""Classes as text: the constructor, the forward, and the file around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cnnspec.ir.graph import Graph
from cnnspec.lower.library import needed
from cnnspec.lower.names import MODULE_ATTRIBUTES, Namer, attribute_name, camel, string
from cnnspec.lower.symbolic import Apply, Var, python
from cnnspec.lower.symbolic import replaced as node_replaced
from cnnspec.lower.writer import Group, Writer, listed, literal
from cnnspec.targets.torch.expressions import is_short
from cnnspec.targets.torch.fold import FOLD_BODY, Folds
from cnnspec.targets.torch.forward import Forward
from cnnspec.targets.torch.library import pieces, reserved
from cnnspec.targets.torch.pieces import Growing, Piece, assigned_in, calls_in, code
from cnnspec.targets.torch.plan import ClassPlan, Guard, If, Item, Parameter, Plan, PlanStep, ifs_of, steps_of
from cnnspec.targets.torch.planning import Planner
from cnnspec.targets.torch.repeated import named

TORCH_NAMES = frozenset({"Tensor", "Parameter"})


@dataclass(slots=True)
class File:
    """One emitted file in the making."""

    graph: Graph
    builder: Planner
    names: dict[int, str] = field(default_factory=dict)
    ordered: list[ClassPlan] = field(default_factory=list)
    shared_names: dict[str, str] = field(default_factory=dict)
    model: str = ""
    folds: Folds | None = None

    def text(self) -> str:
        root = self.builder.root()
        namer = Namer(reserved() | TORCH_NAMES)
        self.model = namer.take(camel(self.graph.name))
        for piece in self._root_pieces(root):
            self._collect(piece)
        body = Writer()
        self._classes(body, namer)
        self._model(body, root)
        if self.folds is not None and self.folds.pairs:
            self._fold(body, self.folds)
        self._main(body)
        head = Writer()
        head.line("import torch")
        head.line("from torch import Tensor, nn")
        head.gap(2)
        for text in needed(str(body), pieces()):
            head.text(text)
            head.gap(2)
        head.extend(body.written)
        return str(head)

    # --- what is needed -------------------------------------------------------------------------------

    def _root_pieces(self, root: Plan) -> Iterator[Piece]:
        yield from self._pieces(root, True)
        yield from self.builder.shared.values()

    def _pieces(self, plan: Plan, own_forward: bool) -> Iterator[Piece]:
        """What a class makes."""
        for _, node in plan.lets:
            yield node
        for step in plan.steps:
            if step.piece is not None and _is_attribute(step, own_forward):
                yield step.piece
        for number in plan.asked():
            yield plan.conditions[number]

    def _collect(self, piece: Piece) -> None:
        for plan in calls_in(piece):
            if id(plan) not in self.names:
                self.names[id(plan)] = ""
                for inner in self._pieces(plan.plan, plan.form == "module"):
                    self._collect(inner)
                self.ordered.append(plan)

    def _name(self, function: str | ClassPlan) -> str:
        return self.names[id(function)] if isinstance(function, ClassPlan) else function

    # --- classes --------------------------------------------------------------------------------------

    def _classes(self, writer: Writer, namer: Namer) -> None:
        """The classes, the inner ones first. Equal parts without a name of their own are one, and so is a
        block that is the same at two ranks."""
        variables = {parameter.variable for plan in self.ordered for parameter in plan.all_parameters}
        variables |= {name for plan in self.ordered for name, _ in plan.plan.lets}
        known: dict[tuple[str, ...], str] = {}  # by the text, headed by the block's name
        for plan in self.ordered:
            self.names[id(plan)] = "Part"
            trial = Writer()
            self._class(trial, plan)
            text = ("" if plan.unnamed else plan.wanted, *trial.written)
            if text in known:
                self.names[id(plan)] = known[text]
                continue
            wanted = plan.wanted
            if plan.form == "function":
                wanted = wanted[0].lower() + wanted[1:]
                if wanted in variables:
                    wanted = f"make_{wanted}"
            elif not namer.free(wanted):
                wanted += "Block"
            self.names[id(plan)] = known[text] = namer.take(wanted)
            self._class(writer, plan)

    def _class(self, writer: Writer, plan: ClassPlan) -> None:
        name = self.names[id(plan)]
        signature = [_parameter(parameter) for parameter in plan.parameters]
        if plan.form == "function":
            with writer.block(Group(f"def {name}(", tuple(signature), ") -> nn.Module:")):
                self._lets(writer, plan.plan)
                self._returned(writer, plan)
            writer.gap(2)
            return
        base = {"chain": "nn.Sequential", "module": "nn.Module", "list": "nn.ModuleList"}.get(plan.form)
        if base is None:
            base = self._name(plan.base.function)
        elif plan.form == "list":
            base = "nn.ModuleList"
        with writer.block(f"class {name}({base}):"):
            lines = len(writer.written)
            attributes = self._constructor(writer, plan, signature)
            if plan.form in ("module", "list"):
                if len(writer.written) > lines:
                    writer.gap(1)
                names = {place: plan.tensors[place] for place in plan.takes}
                self._forward(writer, plan.plan, names, attributes)
            elif len(writer.written) == lines:
                writer.doc("Passes on what arrives.")
        writer.gap(2)

    def _returned(self, writer: Writer, plan: ClassPlan) -> None:
        """The layer that a function returns; one under a condition is else the identity."""
        made = code(plan.base, self._name)
        if plan.plan.optional is None:
            writer.put("return ", made)
            return
        texts = []
        items = plan.plan.items
        while isinstance(item := items[0], If):
            side, items = bool(item.then), item.then or item.otherwise
            node = plan.plan.conditions[item.condition]
            text = python(node)
            texts.append(text if side else f"not ({text})" if isinstance(node, Apply) else f"not {text}")
        with writer.block(f"if {' and '.join(texts)}:"):
            writer.put("return ", made)
        writer.line("return nn.Identity()")

    def _constructor(self, writer: Writer, plan: ClassPlan, signature: list[str]) -> dict[int, str]:
        held: dict[int, str] = {}
        body = Writer()
        body.level = writer.level + 1
        with_steps = [step for step in plan.plan.steps if _is_attribute(step, plan.form != "chain")]
        single = plan.plan.single
        if single is not None and isinstance(single.piece, Growing):
            body.line("super().__init__()")
            self._lets(body, plan.plan)
            self._growing(body, "self", single.piece)
        elif plan.form == "layer" or plan.form == "list":
            self._lets(body, plan.plan)
            items = code(plan.base, self._name)
            assert isinstance(items, Group)
            body.put("", Group("super().__init__(", items.items, items.close))
        else:
            if not with_steps and not plan.plan.asked():
                return held
            body.line("super().__init__()")
            made = self._with_names(plan)
            self._lets(body, made)
            held = self._statements(body, made, plan.form != "chain")
        with writer.block(Group("def __init__(", ("self", *signature), ") -> None:")):
            writer.extend(body.written)
        return held

    def _with_names(self, plan: ClassPlan) -> Plan:
        """The class's plan, with names for what its constructor says often."""
        steps = [step for step in plan.plan.steps if _is_attribute(step, plan.form != "chain")]
        known = {parameter.variable for parameter in plan.parameters} | {name for name, _ in plan.plan.lets}
        loops = {name for step in steps for name in assigned_in(step.piece)}
        taken = {*reserved(), *self.names.values(), *known, *loops}
        lets, renamed = named(steps, known - loops, taken)
        by = dict(zip(map(id, steps), renamed, strict=True))
        return replace(
            plan.plan,
            lets=[*plan.plan.lets, *lets],
            items=_with_steps(plan.plan.items, by),
        )

    def _lets(self, writer: Writer, plan: Plan) -> None:
        for name, node in plan.lets:
            writer.put(f"{name} = ", python(node))

    def _statements(self, writer: Writer, plan: Plan, with_forward: bool) -> dict[int, str]:
        """The constructor's statements; gives the attributes that hold conditions for `forward`."""
        namer = Namer(MODULE_ATTRIBUTES | {step.name for step in plan.steps})
        held: dict[int, str] = {}
        made: dict[int, tuple[Guard, ...]] = {}
        """The conditions that have an attribute, with those that it is set under."""
        annotated = _types(plan)

        def hold(number: int, under: tuple[Guard, ...]) -> None:
            if with_forward and number not in held:
                node = plan.conditions[number]
                for other, made_under in made.items():
                    if plan.conditions[other] == node and made_under == under[: len(made_under)]:
                        held[number] = held[other]
                        return
                made[number] = under
                held[number] = namer.take(_condition_name(plan, number))
                writer.put(f"self.{held[number]} = ", python(node))

        def decide(item: If, under: tuple[Guard, ...]) -> None:
            hold(item.condition, under)
            opened = False
            for holds in (True, False):
                side = item.side(holds)
                if not any(_is_attribute(step, with_forward) for step in steps_of(side)):
                    state(side, under)  # nothing to make: its conditions are all that forward asks for
                    continue
                node = plan.conditions[item.condition]
                text = f"self.{held[item.condition]}" if item.condition in held else python(node)
                if not holds:
                    bare = item.condition in held or not isinstance(node, Apply)
                    text = f"not {text}" if bare else f"not ({text})"
                writer.line("else:" if opened else f"if {text}:")
                opened = True
                with writer.indented():
                    state(side, (*under, (item.condition, holds)))

        def state(items: Sequence[Item], under: tuple[Guard, ...]) -> None:
            for item in items:
                if isinstance(item, If):
                    decide(item, under)
                    continue
                for number in _decided_by(item):
                    hold(number, under)
                if _is_attribute(item, with_forward):
                    self._attribute(writer, item, annotated)

        state(plan.items, ())
        return held

    def _attribute(self, writer: Writer, step: PlanStep, annotated: set[str]) -> None:
        piece = step.piece
        assert piece is not None
        if isinstance(piece, Growing):
            if piece.start is not None and piece.variable is not None:
                writer.line(f"{piece.variable} = {python(piece.start)}")
            writer.line(f"self.{step.name} = {piece.container}()")
            self._passes(writer, f"self.{step.name}", piece)
            return
        kind = ": nn.Module" if step.name in annotated else ""
        annotated.discard(step.name)
        writer.put(f"self.{step.name}{kind} = ", code(piece, self._name))

    def _growing(self, writer: Writer, target: str, piece: Growing) -> None:
        """The loop of a class that is one repeat; it may count up its own argument."""
        if isinstance(piece.start, Var) and piece.variable is not None:
            from cnnspec.targets.torch.pieces import with_nodes

            by = {piece.variable: piece.start}
            update = None if piece.update is None else node_replaced(piece.update, by)
            element = with_nodes(piece.element, by)
            piece = Growing(
                piece.container, element, piece.index, piece.count, piece.start.name, None, update
            )
        elif piece.start is not None:
            writer.line(f"{piece.variable} = {python(piece.start)}")
        self._passes(writer, target, piece)

    def _passes(self, writer: Writer, target: str, piece: Growing) -> None:
        writer.line(f"for {piece.index} in range({python(piece.count)}):")
        with writer.indented():
            writer.put("", Group(f"{target}.append(", (code(piece.element, self._name),)))
            if piece.update is not None and piece.variable is not None:
                update = piece.update
                if (
                    isinstance(update, Apply)
                    and update.operator == "+"
                    and update.arguments[0] == Var(piece.variable)
                ):
                    writer.line(f"{piece.variable} += {python(update.arguments[1])}")
                else:
                    writer.line(f"{piece.variable} = {python(update)}")

    def _forward(
        self, writer: Writer, plan: Plan, tensors: dict[int, str], held: dict[int, str], *, root: bool = False
    ) -> None:
        namer = Namer(reserved() | set(tensors.values()))
        modules = {}
        signature = ["self", *(f"{tensor}: Tensor" for tensor in tensors.values())]
        for key in plan.needs:
            if root:
                modules[key] = f"self.{self.shared_names[key]}"
            else:
                modules[key] = namer.take(key)
                signature.append(f"{modules[key]}: nn.Module")
        count = len(plan.outputs)
        returns = "Tensor"
        if count > 1:
            returns = f"tuple[{', '.join(['Tensor'] * count)}]" if count <= 4 else "tuple[Tensor, ...]"
        body = Writer()
        body.level = writer.level + 1
        forward = Forward(
            plan, body, tensors, modules, lambda number: f"self.{held[number]}", namer, comments=root
        )
        forward.write()
        with writer.block(Group("def forward(", tuple(signature), f") -> {returns}:")):
            writer.extend(body.written)

    # --- the model and main ---------------------------------------------------------------------------

    def _model(self, writer: Writer, root: Plan) -> None:
        for key in self.builder.shared:
            self.shared_names[key] = attribute_name(key)
        with writer.block(f"class {self.model}(nn.Module):"):
            if self.graph.title.strip():
                writer.doc(self.graph.title)
                writer.gap(1)
            constructor = Writer()
            constructor.level = writer.level + 1
            for key, call in self.builder.shared.items():
                constructor.put(f"self.{self.shared_names[key]} = ", code(call, self._name))
            held = self._statements(constructor, root, True)
            if constructor.written:
                with writer.block("def __init__(self) -> None:"):
                    writer.line("super().__init__()")
                    writer.extend(constructor.written)
                writer.gap(1)
            variables = Namer(reserved())
            inputs = self.graph.inputs
            tensors = ["x"] if len(inputs) == 1 else [variables.take(name) for name in inputs]
            self._forward(writer, root, dict(enumerate(tensors)), held, root=True)
        writer.gap(2)

    def _fold(self, writer: Writer, folds: Folds) -> None:
        """The function that turns a trained network's state_dict into this one's."""
        pairs = folds.pairs
        alike = len({pair.eps for pair in pairs}) == 1
        eps = literal(pairs[0].eps)
        by_name = folds.rule if alike else None
        if by_name is not None:
            items = [f"{string(norm)}: {string(layer)}" for norm, layer in by_name.items()]
            writer.put("CONVOLUTIONS = ", listed(items, "{", "}"))
        else:
            rows = [
                listed([string(pair.norm), string(pair.layer), literal(pair.eps)], "(", ")") for pair in pairs
            ]
            writer.put("CONVOLUTIONS = ", listed(rows))
        writer.gap(2)
        with writer.block("def fold_batch_norm(state: dict[str, Tensor]) -> dict[str, Tensor]:"):
            writer.doc("This network's state_dict from that of the one with batch normalisation.")
            if by_name is not None:
                writer.line("pairs = []")
                with writer.block("for key in state:"):
                    writer.line('norm = key.removesuffix(".running_var")')
                    writer.line('scope, dot, name = norm.rpartition(".")')
                    writer.line('conv = f"{scope}{dot}{CONVOLUTIONS.get(name)}"')
                    with writer.block('if norm != key and f"{conv}.weight" in state:'):
                        writer.line(f"pairs.append((norm, conv, {eps}))")
                text = FOLD_BODY
            else:
                text = FOLD_BODY.replace("in pairs:", "in CONVOLUTIONS:")
            writer.extend(text.split("\n"))
        writer.gap(2)

    def _main(self, writer: Writer) -> None:
        body = self.graph.root
        with writer.block("def main() -> None:"):
            writer.line(f"model = {self.model}().eval()")
            tensors = []
            for value, name in enumerate(self.graph.inputs):
                shape = body.values[value]
                assert shape is not None
                text = f"torch.randn({', '.join(map(str, (2, *shape)))})"
                tensors.append(text)
                _ = name
            with writer.block("with torch.no_grad():"):
                if len(body.outputs) == 1:
                    writer.put("y = ", Group("model(", tuple(tensors)))
                else:
                    writer.put("outputs = ", Group("model(", tuple(tensors)))
            weights = 'print(f"{sum(p.numel() for p in model.parameters()):,} weights")'
            if len(body.outputs) == 1:
                writer.line("print(tuple(y.shape))")
            else:
                with writer.block("for y in outputs:"):
                    writer.line("print(tuple(y.shape))")
            writer.line(weights)
        writer.gap(2)
        with writer.block('if __name__ == "__main__":'):
            writer.line("main()")


def _parameter(parameter: Parameter) -> str:
    default = "" if parameter.default is None else f" = {python(parameter.default)}"
    return f"{parameter.variable}: {parameter.annotation}{default}"


def _is_attribute(step: PlanStep, with_forward: bool) -> bool:
    """Whether the constructor makes it; a `forward` of its own writes short layers as expressions."""
    return step.piece is not None and not (with_forward and is_short(step.piece))


def _types(plan: Plan) -> set[str]:
    """Names that more than one layer has (on the two sides of an `if`)."""
    counted = Counter(step.name for step in plan.steps if step.piece is not None)
    return {name for name, count in counted.items() if count > 1}


def _decided_by(step: PlanStep) -> list[int]:
    return [arm.when[0] for arm in step.arms if arm.when is not None]


def _with_steps(items: Sequence[Item], by: Mapping[int, PlanStep]) -> list[Item]:
    """The items with other steps in place of some."""
    return [
        replace(item, then=_with_steps(item.then, by), otherwise=_with_steps(item.otherwise, by))
        if isinstance(item, If)
        else by.get(id(item), item)
        for item in items
    ]


def _condition_name(plan: Plan, number: int) -> str:
    """`has_conv4`, after the first layer that stands under the condition; `residual`, for a branch of an
    `add`."""
    for item in ifs_of(plan.items):
        if item.condition == number:
            for holds, word in ((True, "has"), (False, "without")):
                for step in steps_of(item.side(holds)):
                    if step.piece is not None and step.name:
                        return f"{word}_{step.name}"
    for step in plan.steps:
        if number in _decided_by(step):
            return "residual" if step.word == "add" else f"full_{step.word}"
    return "chosen"
