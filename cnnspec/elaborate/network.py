"""The statements of a file: knobs, variants, inputs, blocks, outputs; and the graph that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cnnspec.diagnostics import WHOLE_FILE, Edit, Related, Sink, Source
from cnnspec.elaborate.binding import written_or
from cnnspec.elaborate.blocks import refuse_cycles
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.elaborator import Elaborator, OverBudget, Unknown
from cnnspec.elaborate.ends import Ends
from cnnspec.elaborate.layers import means_input
from cnnspec.elaborate.limits import DEEPEST, Limits, Spent
from cnnspec.elaborate.naming import Names, named_steps, names_of
from cnnspec.elaborate.text_facts import references
from cnnspec.elaborate.values import NoValue, Value, shown
from cnnspec.ir.graph import Block, BlockParameter, Graph
from cnnspec.language import tree


def variants(file: tree.File) -> tuple[str, ...]:
    """The names of a spec's variants, in the order of the text."""
    return tuple(statement.name for statement in file.statements if isinstance(statement, tree.Variant))


def elaborate(
    file: tree.File,
    source: Source,
    sink: Sink,
    *,
    variant: str | None = None,
    settings: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    spent: Spent | None = None,
) -> Graph | None:
    """The graph of a spec with `variant`'s knobs and then `settings` (`--set`: expressions by knob) in
    place.

    Findings go to `sink`. After an error the graph still holds what could be worked out, with unknown
    shapes as None; None comes back only where a budget is used up. Elaborations that are given one `spent`
    share the budget of work.
    """
    limits = limits or Limits()
    if limits.depth > DEEPEST:
        raise ValueError(f"a depth of {limits.depth}: {DEEPEST} is the most")
    return _Network(file, source, sink, limits).make(variant, settings or {}, spent or Spent())


class _Network(Ends):
    """One elaboration of one file."""

    def make(self, variant: str | None, settings: Mapping[str, str], spent: Spent) -> Graph | None:
        if spent.work:  # a further variant goes through the statements again
            spent.work += len(self.file.statements)
        self.sort_statements()
        named = {one.name: one.name_span or one.span for one in self.inputs if one.name is not None}
        self.check_labels(self.file.statements, named)
        for repeat in self.facts.repeats:
            self.check_labels(repeat.body.items)
        for block in self.blocks.values():
            self.check_block(block)
        self.unusable.update(one.name for one in self.broken if one.word in ("block", "shared") and one.name)
        unclosed = any(finding.code == "E105" for finding in self.sink)  # a way round is a guess then
        unusable = self.unusable | refuse_cycles(self.blocks, Sink() if unclosed else self.sink)
        walker = Elaborator(self.source.text, self.sink, self.limits, self.blocks, unusable, spent)
        walker.global_starts = {name: let.span.start for name, let in self.lets.items()}
        walker.failed_labels = frozenset(one.name for one in self.broken if one.name)
        chosen = self.choose_variant(variant)
        knobs = self.knobs(chosen, settings)
        self.defaults(walker)
        builder = BodyBuilder(names_of(self.lines, collapse=False), walker.globals)
        walker.top_names = self.top_names(builder.names)
        walker.several_inputs = len(self.inputs) > 1
        names = self.take_inputs(builder)
        walker.references_around = dict(references(self.file.statements))
        try:
            self.run(walker, builder, knobs)
            return self.finish(walker, builder, names, chosen, settings)
        except OverBudget:
            return None

    def top_names(self, names: Names) -> set[str]:
        """The names at the model's top, but those of uses of shared blocks, whose weights stand under the
        block's."""
        uses = {
            id(step)
            for line in self.lines
            for step in named_steps(line.steps)
            if isinstance(step, tree.CallStep) and step.name in self.blocks and self.blocks[step.name].shared
        }
        return {name for step, name in names.steps.items() if step not in uses} | set(names.lines.values())

    def take_inputs(self, builder: BodyBuilder) -> tuple[str, ...]:
        if not self.inputs:
            if not self.misspelt_input():
                self.sink.report(
                    "E401",
                    "this spec has no input",
                    self.lines[0].span if self.lines else WHOLE_FILE,
                    help="begin the network with one, depth first: `input 3x224x224`",
                )
            builder.current = builder.add_input(None, WHOLE_FILE)  # the rest is still looked through
            return ("input",)
        names: list[str] = []
        for statement in self.inputs:
            name = statement.name or "input"
            if name in names:
                first = self.inputs[names.index(name)]
                self.sink.report(
                    "E209",
                    f"there are two inputs `{name}`",
                    statement.name_span or statement.span,
                    related=(Related(first.span, "the first stands here"),),
                    help="name each: `input left: 1x105x105`",
                )
                continue
            value = builder.add_input(None, statement.shape.span)  # its shape waits for the `let`s before it
            if statement.name is not None:
                builder.labels[statement.name] = value
                builder.label_spans[statement.name] = statement.name_span or statement.span
            names.append(name)
        return tuple(names)

    def misspelt_input(self) -> bool:
        """Whether something is meant as `input`, and has its finding; or the whole file is Python."""
        heads = (line.steps[0] for line in self.lines)
        return (
            any(one.word == "input" for one in self.broken)
            or any(line.label == "input" for line in self.lines)
            or any(isinstance(head, tree.LayerStep) and means_input(head) for head in heads)
            or "input" in self.facts.calls
            or any(one.cause in ("python", "darknet", "input") for one in self.sink)
        )

    def run(self, walker: Elaborator, builder: BodyBuilder, knobs: dict[str, Value]) -> None:
        value = 0
        seen: set[str] = set()
        for statement in self.file.statements:
            match statement:
                case tree.Let():
                    if statement.name in knobs:
                        walker.globals.names[statement.name] = knobs[statement.name]
                    else:
                        walker.run_let(builder, statement)
                case tree.Input():
                    name = statement.name or "input"
                    if name in seen:
                        continue
                    seen.add(name)
                    if value in builder.read:
                        self.sink.report(
                            "E405",
                            "this input stands behind a line that reads it",
                            statement.span,
                            help="inputs come before the lines that read them",
                        )
                    builder.values[value] = self.shape_of(walker, builder, statement)
                    if len({one.name for one in self.inputs}) == 1:
                        builder.current = value
                    value += 1
                case tree.Line() | tree.ErrorStatement():
                    walker.run_items(builder, (statement,))
                case _:
                    pass

    def shape_of(
        self, walker: Elaborator, builder: BodyBuilder, statement: tree.Input
    ) -> tuple[int, ...] | None:
        from cnnspec.elaborate.values import whole

        sizes = []
        for dim in statement.shape.dims:
            try:
                size = whole(dim, walker.lookup_in(builder), self.limits.digits)
                if size < 1:
                    raise NoValue(
                        "E205",
                        f"a dimension is at least 1, not {size}",
                        dim.span,
                        help="3x224x224, for instance",
                    )
                if size > self.limits.dimension:
                    raise NoValue(
                        "E604",
                        f"{size:,} is more than the largest size allowed, {self.limits.dimension:,}",
                        dim.span,
                        help="no tensor has room for so much",
                    )
            except NoValue as problem:
                problem.tell(self.sink)
                return None
            except Unknown:
                return None
            sizes.append(size)
        if len(sizes) not in (1, 3):
            text = "x".join(map(str, sizes))
            way = f"`input 1x{text}` for one channel" if len(sizes) == 2 else "leave the batch axis out"
            right = {2: f"1x{text}", 4: "x".join(map(str, sizes[1:]))}.get(len(sizes), "")
            self.sink.report(
                "E205",
                f"an input is depth x height x width or one number, and this has {len(sizes)} sizes",
                statement.shape.span,
                help=f"{way}: `{right}`" if len(sizes) == 4 else way,
                fix=(Edit(statement.shape.span, right),) if right else (),
            )
            return None
        return tuple(sizes)

    def finish(
        self,
        walker: Elaborator,
        builder: BodyBuilder,
        names: tuple[str, ...],
        variant: tree.Variant | None,
        settings: Mapping[str, str],
    ) -> Graph:
        outputs, labels = self.outputs(walker, builder)
        if not builder.steps and not self.sink.has_errors:
            self.sink.report(
                "E403",
                "this spec has nothing to compute: no layer follows the input",
                self.inputs[0].span,
                help="add a line such as `conv F3 P1 K64 -> relu`",
            )
        root = walker.close(builder, outputs)
        self.tell_unread(walker, builder)
        if unused := self.unread_names():
            from cnnspec.elaborate.unused import tell_mistakes, with_those_inside

            tell_mistakes(walker, with_those_inside(unused, self.blocks, tuple(self.lines)))
        claims = self.claims(walker, builder, variant)
        name = self.model.name if self.model else _name_of_file(self.source.name)
        assert root == len(walker.bodies) - 1
        return Graph.model_construct(
            name=variant.name if variant else name,
            title=self.model.title if self.model else "",
            variant=variant.name if variant else None,
            settings=dict(settings),
            knobs={name: shown(value) for name, value in walker.globals.names.items()},
            inputs=names,
            outputs=labels,
            blocks=tuple(
                Block.model_construct(
                    name=block.name,
                    parameters=tuple(
                        BlockParameter.model_construct(
                            name=p.name,
                            kind=p.kind,  # type: ignore[arg-type]
                            default=None if p.default is None else written_or(p.default),
                        )
                        for p in block.parameters
                    ),
                    shared=block.shared,
                    span=block.span,
                )
                for block in self.blocks.values()
            ),
            bodies=tuple(walker.bodies),
            claims=claims,
            file=self.source.name,
        )


def _name_of_file(name: str) -> str:
    """`my-net.cnn` → `my_net`: the model's name where the spec gives none."""
    stem = re.split(r"[/\\]", name)[-1].split(".")[0]
    cleaned = re.sub(r"[^A-Za-z0-9_]", "_", stem).lstrip("_0123456789")
    return cleaned or "Network"


__all__ = ["elaborate", "variants"]
