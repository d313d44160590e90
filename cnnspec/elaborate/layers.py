"""Layers: arguments bound, the shape rule asked, what does not fit told."""

from __future__ import annotations

from cnnspec.diagnostics import Edit, Related, Span
from cnnspec.elaborate.binding import Binder, Bound
from cnnspec.elaborate.builder import BodyBuilder, Part, made_by
from cnnspec.elaborate.naming import UNNAMED
from cnnspec.elaborate.state import UNKNOWN, State, Unknown, has_name, shown_shape
from cnnspec.ir.graph import Arm, Layer
from cnnspec.language import tree
from cnnspec.ops import lookup, words
from cnnspec.ops.base import Misfit, Op, Shape

_ASKED: dict[str, Part] = {"E301": "size", "E306": "size", "E305": "channels"}
"""What of the arriving shape does not fit, by finding; with the others it is all of it."""


class LayerSteps(State):
    """How a layer becomes a step of a body."""

    def layer(self, builder: BodyBuilder, step: tree.LayerStep, label: str | None) -> None:
        word = step.word
        if word in UNNAMED:
            if step.arguments:
                self.sink.report(
                    "E202",
                    f"`{word}` takes no arguments",
                    step.arguments[0].span,
                    help=f"write `{word}` alone",
                )
            if word == "none":
                self.sink.report(
                    "E404",
                    "`none` is a branch that is not there, and this is no branch",
                    step.span,
                    help="leave the step out; in a merge write `| none`",
                )
            return
        self.charge(builder, 1, step.span)
        name = builder.names.steps.get(id(step), word)
        op = self.op_of(word)
        if op is None or op.merges:
            self.unknown_word(builder, step, op)
            arriving = () if builder.current is None else (builder.current,)
            builder.current = self.hole(builder, name, word, step.span, arriving, label)
            return
        if not self.need_arriving(builder, step.span, word):
            builder.current = self.hole(builder, name, word, step.span, (), label)
            return
        assert builder.current is not None
        arriving_value = builder.current
        made = self.bind(builder, op, step)
        if made is None:
            builder.current = self.hole(builder, name, word, step.span, (arriving_value,), label)
            return
        instance, bound = made
        inputs = [arriving_value]
        for tensor in op.tensors:
            if tensor not in bound.tensors:
                continue
            if op.undoes is not None:
                found = self.resolve_undone(builder, op.undoes, bound.tensors[tensor])
                if found is None:
                    builder.current = self.hole(builder, name, word, step.span, (arriving_value,), label)
                    return
                instance = instance.model_copy(update={op.undoes: found[0]})
                inputs.append(found[1])
            else:
                value = self.resolve(builder, bound.tensors[tensor])
                if value is not None:
                    inputs.append(value)
        self.add_layer(
            builder, instance, bound, name, tuple(inputs), (), step.span, step.word_span, label, None
        )

    def bind(self, builder: BodyBuilder, op: type[Op], step: tree.LayerStep) -> tuple[Op, Bound] | None:
        self.spent.work += len(self.defaults) // 8
        defaults = [
            argument
            for start, word, arguments in self.defaults
            if word == step.word and start < step.span.start
            for argument in arguments
        ]
        start, end = step.span
        key = (self.text[start:end], len(defaults))
        kept = self._constant.get(key)
        if kept is not None:
            instance, bound, at = kept
            return instance, bound.moved(start - at)
        named = has_name(step.arguments)
        self.spent.work += 2 if named else 1
        binder = Binder(
            self.sink, self.lookup_in(builder), self.limits.digits, self.limits.dimension, self.text
        )
        try:
            made = binder.bind(op, step, defaults)
        except Unknown:
            return None
        if made is not None and not named and not made[1].written and not made[1].tensors:
            made[1].kept = not any(has_name((argument,)) for argument in defaults)
            if made[1].kept:
                self._constant[key] = (*made, start)
        return made

    def unknown_word(self, builder: BodyBuilder, step: tree.LayerStep, op: type[Op] | None) -> None:
        from cnnspec.diagnostics.suggest import nearest
        from cnnspec.elaborate.other_words import foreign_step, is_python, meant_as_label
        from cnnspec.notations.words import LAYERS

        if self.behind_statement(step.span.start):
            return
        if step.word in builder.labels and not step.arguments:
            label = f"@{step.word}"
            self.sink.report(
                "E201",
                f"there is no layer `{step.word}`; a tensor of that name there is",
                step.word_span,
                help=f"write `{label}`, at the head of a line or branch",
                fix=(Edit(step.word_span, label),) if self.heads(step.span.start) else (),
            )
            return
        meant = meant_as_label(self.text, step)
        if meant is not None:
            meant.tell(self.sink)
            return
        foreign = is_python(step) or foreign_step(self.text, step.span, step.word)
        if foreign is not None:
            earlier = {one.cause for one in self.sink if one.span.start < step.span.start}
            if foreign.cause != "python" or "python" not in earlier:
                foreign.tell(self.sink)
            return
        if op is not None:
            if any(one.code == "E101" and one.span == step.word_span for one in self.sink):
                return  # it stands behind its branches, which is told
            self.sink.report(
                "E205",
                f"`{step.word}` merges branches and has none",
                step.span,
                help=f"write them in brackets: `{step.word} [ conv F3 P1 K64 | id ]`",
            )
            return
        if step.word in self.blocks:
            self.sink.report(
                "E201",
                f"`{step.word}` is a block of this spec, and a block is used with brackets",
                step.word_span,
                help=f"write `{step.word}({'…' if self.blocks[step.word].parameters else ''})`",
            )
            return
        statement = means_statement(step)
        near = statement or nearest(step.word, words(), LAYERS)
        block = None if near else nearest(step.word, self.blocks)
        for argument in step.arguments:
            if statement == "let" and isinstance(argument, tree.NamedArgument):
                builder.scope.names[argument.name] = UNKNOWN  # what it should have named: silent
        self.sink.report(
            "E201",
            f"there is no {'statement' if statement else 'layer'} `{step.word}`",
            step.word_span,
            help=f"did you mean `{near}`?"
            if near
            else (
                f"did you mean the block `{block}(…)`?" if block else "`cnnspec explain layers` lists them"
            ),
            fix=(Edit(step.word_span, near),) if near else (),
        )

    def behind_statement(self, start: int) -> bool:
        """Whether a colon behind a statement's word, `expect: params 3`, has made a step of what follows."""
        return ":" in self.text[max(0, start - 40) : start] and any(
            one.cause == "colon" and one.span.end == start for one in self.sink
        )

    def heads(self, start: int) -> bool:
        """Whether what begins there is the head of a line or branch."""
        before = self.text[:start].rstrip(" \t")
        return not before or before[-1] in "\r\n[|{:"

    def add_layer(
        self,
        builder: BodyBuilder,
        op: Op,
        bound: Bound,
        name: str,
        inputs: tuple[int, ...],
        arms: tuple[Arm, ...],
        span: Span,
        word_span: Span,
        label: str | None,
        branches: tuple[Span, ...] | None,
    ) -> None:
        shapes = [builder.values[value] for value in inputs]
        out: Shape | None = None
        if all(shape is not None for shape in shapes):
            known: tuple[Shape, ...] = tuple(shape for shape in shapes if shape is not None)
            key = (id(op), known)  # ops are kept alive by `_constant` or by the step that is made here
            answer = self._out.get(key) if bound.kept else None
            if answer is None:
                answer = op.out(*known)
                if bound.kept:
                    self._out[key] = answer
            if isinstance(answer, Misfit):
                self.misfit(builder, answer, bound, inputs, word_span, branches)
            elif max(answer) > self.limits.dimension:
                self.sink.report(
                    "E604",
                    f"this makes {shown_shape(answer)}, larger than the {self.limits.dimension:,} allowed",
                    span,
                    help="no tensor has room for so much",
                )
            else:
                out = answer
        elif (wrong := op.unfit()) is not None:
            self.misfit(builder, wrong, bound, inputs, word_span, branches)
        step = Layer.model_construct(
            name=name,
            op=op,
            inputs=inputs,
            arms=arms,
            written=bound.written,
            guards=builder.guards,
            label=label,
            span=span,
            spans=bound.spans,
        )
        builder.current = builder.add_step(step, (out,), span)

    def misfit(
        self,
        builder: BodyBuilder,
        answer: Misfit,
        bound: Bound,
        inputs: tuple[int, ...],
        word_span: Span,
        branches: tuple[Span, ...] | None,
    ) -> None:
        span = bound.spans.get(answer.argument or "", word_span)
        if branches is not None and answer.input < len(branches):
            span = branches[answer.input]
        if answer.code == "E215" and any(
            one.code.startswith("E1") and span.start <= one.span.start < span.end for one in self.sink
        ):
            return  # which rows it has is a guess
        at_fault = inputs[min(answer.input, len(inputs) - 1)]
        shape = builder.values[at_fault]
        related: tuple[Related, ...] = ()
        way = answer.help
        if branches is not None:
            if any(found.code == "E105" and inside(found.span, branches) for found in self.sink):
                return  # where its branches end is a guess
            from cnnspec.elaborate.ways import way_out

            way = way_out(builder, branches, inputs, answer, self.text)
            first = builder.values[inputs[0]]
            if len(branches) > 1 and branches[0] != span and first is not None:
                related = (Related(branches[0], f"this branch brings {shown_shape(first)}"),)
        elif answer.code.startswith("E3"):
            part = _ASKED.get(answer.code, "shape")
            maker = made_by(builder, at_fault, part)
            if maker is not None and shape is not None and maker.span != span:
                if maker.shape == shape:
                    what = f"{shown_shape(shape)} comes from here"
                elif part == "channels":
                    what = f"{shape[0]} channels come from here"
                else:
                    what = f"{shown_shape(shape[1:])} comes from here"
                related = (Related(maker.span, what),)
        fix: tuple[Edit, ...] = ()
        if answer.replacement is not None and answer.argument in bound.spans:
            fix = (Edit(bound.spans[answer.argument], answer.replacement),)
        elif answer.replacement is not None and answer.argument is None and branches is None:
            fix = (Edit(word_span, answer.replacement),)
        self.sink.report(
            answer.code,
            answer.message,
            span,
            label=answer.label,
            related=related,
            note=answer.note,
            help=way,
            fix=fix,
        )


def inside(span: Span, branches: tuple[Span, ...]) -> bool:
    """Whether a bracket stands before or among these branches, on their merge's line or below it."""
    return branches[0].start - 80 <= span.start < branches[-1].end


def means_statement(step: tree.LayerStep) -> str | None:
    """The statement that a step is meant to be, its word written wrong: `Input 3x8x8`, `lte k = 3`."""
    from cnnspec.diagnostics.suggest import nearest

    if lookup(step.word) is not None:
        return None
    match step.arguments:
        case (tree.PositionalArgument(tree.Dims()),):
            form = ["input"]
        case (tree.NamedArgument(),):
            form = ["let"]
        case (tree.PositionalArgument(tree.Name()),):
            form = ["model", "variant"]
        case (tree.PositionalArgument(tree.Name()), *_):
            form = ["expect", "default"]
        case _:
            return None
    if form == ["let"] and step.word in ("const", "var", "val", "set", "define", "param", "parameter"):
        return "let"
    near = nearest(step.word, [*words(), *form])
    return near if near in form else None


def means_input(step: tree.LayerStep) -> bool:
    """Whether a step is an `input` written wrong."""
    return means_statement(step) == "input"
