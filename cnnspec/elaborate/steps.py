"""The walk over lines and steps, with a table of the functions for each kind of step."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.diagnostics import Related, Span
from cnnspec.elaborate.binding import BoundArguments, slots_of
from cnnspec.elaborate.builder import UNKNOWN, BodyBuilder
from cnnspec.elaborate.calls import block_of, call, define, outputs_of
from cnnspec.elaborate.claims import claim_of
from cnnspec.elaborate.context import Items
from cnnspec.elaborate.labels import ended, resolve
from cnnspec.elaborate.layers import add_layer, bind_layer, layer
from cnnspec.elaborate.naming import is_scope
from cnnspec.elaborate.regions import enclose, look_through, note_undoable, repeat
from cnnspec.elaborate.text_facts import nodes
from cnnspec.elaborate.values import NoValue, Value, refuse_name
from cnnspec.ir.graph import Claim, Hole
from cnnspec.language import tree
from cnnspec.ops import Op, lookup
from cnnspec.ops.made import made as made_op


def run_items(builder: BodyBuilder, items: Items, several: bool = False) -> None:
    """Runs lines and `let`s, in order, in the body of `builder`. With `several`, the last line may end with
    several tensors."""
    for item in items:
        builder.context.charge_text(item.span)
        match item:
            case tree.Let():
                run_let(builder, item)
            case tree.Block():
                define(builder, item)
            case tree.Line():
                _run_line(builder, item, several and item is items[-1])
            case tree.ErrorStatement():
                if item.word == "let" and item.name is not None:
                    builder.scope.names.setdefault(item.name, UNKNOWN)


def run_let(builder: BodyBuilder, item: tree.Let) -> None:
    if item.name in builder.scope.names:
        return  # reported already: a name given twice
    builder.context.charge_text(item.span)
    value: Value = UNKNOWN
    with builder.reporting():
        value = builder.evaluate(item.value)
        refuse_name(item.name, item.name_span, value)
    builder.scope.names[item.name] = value


def _run_line(builder: BodyBuilder, line: tree.Line, several: bool) -> None:
    first = len(builder.steps)
    if line.label is not None and is_absent(builder, line):
        builder.context.absent.add(line.label)
        builder.current = None
        return
    if is_scope(line, builder.context.statements.settled):
        _run_labelled_line(builder, line, first)
    else:
        _run_steps(builder, line.steps, None if line.others else line.label, first)
    if builder.several and (line.label is not None or not several):
        _name_several(builder, line)
    elif line.others:
        _refuse_labels(builder, line)
    if not several:
        builder.several = ()
    if line.label is not None and builder.current is not None and line.label not in builder.label_spans:
        builder.labels[line.label] = builder.current
        note_undoable(builder, line.label)
        builder.label_spans[line.label] = line.label_span or line.span


def _name_several(builder: BodyBuilder, line: tree.Line) -> None:
    """Labels the tensors of a line that ends with several."""
    values, labels = builder.several, line.others
    if len(values) == len(labels) + 1:
        for value, label in zip(values[1:], labels, strict=True):
            builder.labels.setdefault(label.name, value)
            builder.label_spans.setdefault(label.name, label.span)
        return
    if not _is_known(builder, line):
        _needs_labels(builder, [step for step in line.steps if not isinstance(step, tree.ClaimStep)][-1])
    for label in labels:
        builder.labels.setdefault(label.name, builder.add_hole("", "", label.span))


def _needs_labels(builder: BodyBuilder, step: tree.Step) -> None:
    """E211 for several tensors without labels, after `step`."""
    count = len(builder.several)
    what, names, written = "this", [*"abcdefgh"[:count]], "…"
    related: tuple[Related, ...] = ()
    if isinstance(step, tree.CallStep):
        block = block_of(builder, step)[0]
        assert block is not None
        what, names, written = (
            f"`{step.name}`",
            [output.name for output in outputs_of(builder.context, block)],
            f"{step.name}(…)",
        )
        related = (Related(block.name_span, f"`{step.name}` is defined here"),)
    elif isinstance(step, tree.GroupStep):
        what, written = "`[ … ]*n`", "[ … ]*n"
    builder.sink.report(
        "E211",
        f"{what} has {count} outputs and needs {count} labels",
        step.span,
        related=related,
        help=f"write it on a line of its own, `{', '.join(names)}: {written}`; it may begin with `@name ->`",
    )


def _refuse_several(builder: BodyBuilder, step: tree.Step, before: tree.Step | None) -> None:
    """E211 for a step with one input after several tensors."""
    if before is not None and not isinstance(before, tree.StartStep):
        _needs_labels(builder, before)
    else:
        word = step.name if isinstance(step, tree.CallStep) else getattr(step, "word", "[ … ]")
        op = lookup(word)
        merge = word if op is not None and op.merges else "concat"
        named = (
            ["@a", "@b"] if before is None else [f"@{one.name}" for one in (before.reference, *before.others)]
        )
        builder.sink.report(
            "E211",
            f"`{word}` has one input, and {len(builder.several)} tensors come before it",
            step.span,
            help=f"`{merge} [ {' | '.join(named)} ]` merges tensors; blocks and repeats of them take several",
        )
    builder.several = ()
    builder.leave_hole(step, "")


def _refuse_labels(builder: BodyBuilder, line: tree.Line) -> None:
    """E211 for several labels of a line that gives one tensor."""
    if not _is_known(builder, line) and builder.steps and not isinstance(builder.steps[-1], Hole):
        builder.sink.report(
            "E211",
            f"{len(line.others) + 1} labels for one tensor",
            (line.label_span or line.span).to(line.others[-1].span),
            help="only a line that ends with a block with several outputs has several labels",
        )
    for label in line.others:
        builder.labels.setdefault(label.name, builder.add_hole("", "", label.span))


def _is_known(builder: BodyBuilder, line: tree.Line) -> bool:
    """Whether there is an error in this line already."""
    start, end = line.span
    return any(one.code[0] == "E" and start <= one.span.start < end for one in builder.sink)


def _run_labelled_line(builder: BodyBuilder, line: tree.Line, first: int) -> None:
    """A labelled line of several steps: a part of its own, except for its start and its claims."""
    steps = line.steps
    if isinstance(steps[0], tree.StartStep):
        _start(builder, steps[0])
        steps = steps[1:]
    claims: list[tree.ClaimStep] = []
    while steps and isinstance(last := steps[-1], tree.ClaimStep):
        claims.insert(0, last)
        steps = steps[:-1]
    inner = tree.Line(None, None, steps, line.span)
    enclose(builder, "line", (inner,), line.span, line.label, key=id(line))
    for claim in claims:
        _claim(builder, claim, first)


def _run_steps(
    builder: BodyBuilder,
    steps: Iterable[tree.Step],
    label: str | None,
    first: int,
) -> None:
    before: tree.Step | None = None
    for step in steps:
        if builder.several and not _takes_several(builder, step):
            _refuse_several(builder, step, before)
            return
        before = step
        match step:
            case tree.LayerStep():
                layer(builder, step, label)
            case tree.CallStep():
                call(builder, step, label)
            case tree.GroupStep():
                if step.frozen:
                    builder.context.frozen += 1
                if step.times is None:
                    enclose(builder, "group", step.body.items, step.span, label, key=id(step))
                else:
                    repeat(builder, step, step.times, label)
                if step.frozen:
                    builder.context.frozen -= 1
            case tree.BranchStep():
                merge(builder, step, label)
            case tree.IfStep():
                _decide(builder, step, label)
            case tree.StartStep():
                _start(builder, step)
            case tree.ClaimStep():
                _claim(builder, step, first)
            case tree.ErrorStep():
                builder.several = ()
                builder.leave_hole(step, "", label)


def _takes_several(builder: BodyBuilder, step: tree.Step) -> bool:
    """Whether several tensors may come before a step."""
    if isinstance(step, tree.CallStep):
        block = block_of(builder, step)[0]
        return block is None or any(parameter.kind == "tensor" for parameter in block.parameters)
    if isinstance(step, tree.LayerStep):
        return step.word == "id" and not step.arguments
    return not isinstance(step, tree.BranchStep)


def _start(builder: BodyBuilder, step: tree.StartStep) -> None:
    values = tuple(resolve(builder, one) for one in (step.reference, *step.others))
    builder.current, builder.several = values[0], values if step.others else ()


def _decide(builder: BodyBuilder, step: tree.IfStep, label: str | None) -> None:
    """The side of an `if` that is taken: its steps are in the body around it."""
    holds = decided(builder, step)
    sequence = step.then if holds else step.otherwise
    if holds is None or sequence is None:
        return
    with builder.context.deeper(step.span):
        for item in sequence.items:
            if label is not None and isinstance(item, tree.Line):
                _run_steps(builder, item.steps, item.label or label, len(builder.steps))
            else:
                run_items(builder, (item,), item is sequence.items[-1])


def _claim(builder: BodyBuilder, step: tree.ClaimStep, first: int) -> None:
    for claim in step.claims:
        with builder.reporting():
            claim_ = claim_of(builder, claim, first)
            current = builder.current
            if current is None:
                continue
            builder.claims.append(claim_)
            if claim_.shape is not None and claim_.subject == "out":
                _take_claimed(builder, current, claim_)


def _take_claimed(builder: BodyBuilder, value: int, claim: Claim) -> None:
    """Continues from the claimed shape where the shape is unknown, or where it differs and the claim is
    trusted."""
    shape, claimed = builder.values[value], claim.shape or ()
    if any(not 1 <= size <= builder.context.limits.dimension for size in claimed):
        return
    fails = shape is not None and [n for n in shape if n > 1] != [n for n in claimed if n > 1]
    if fails:
        builder.context.failing.add(claim.span)
    if shape is None or (fails and builder.context.trusting):
        builder.values[value] = claimed


# --- merges and their branches; `if`s ------------------------------------------------------------------


def merge(builder: BodyBuilder, step: tree.BranchStep, label: str | None) -> None:
    """Adds the branches as steps of the surrounding body, and the merge as one more step."""
    builder.context.charge(builder, 1, step.span)
    op = lookup(step.word)
    bound, missing = None, op is None or not op.merges
    if op is None or missing:
        from cnnspec.elaborate.other_words import no_merge

        op = no_merge(builder, step, op)
        bound = None if op is None else (made_op(op, {}), BoundArguments())
    else:
        bound = _bound(builder, op, step)
    inputs, spans = _branches(builder, step)
    if op is not None and op.operator and not (missing or step.arguments) and len(step.branches) == 1:
        _merges_nothing(builder, step)
    if bound is not None and bound[1].sound and inputs:
        add_layer(builder, step, *bound, inputs, step.word if missing else label, spans)
        if missing and builder.current is not None:
            builder.labels[step.word] = builder.current
        return
    if not inputs and op is not None:
        builder.sink.report(
            "E406",
            f"`{step.word}` has no branch left: all are `none`",
            step.span,
            help="at least one branch must have a tensor; `id` is the input itself",
        )
    name = builder.names.steps[id(step)]
    builder.current = builder.add_hole(name, step.word, step.span, inputs, label)


def _merges_nothing(builder: BodyBuilder, step: tree.BranchStep) -> None:
    """W110 for `add [ conv F3 P1 K64 ]`."""
    from cnnspec.language.recovery.rules.brackets import several
    from cnnspec.language.recovery.words import shortened

    text, branch = builder.context.text, step.branches[0]
    if any(one.code.startswith("E") and one.span.start in range(*step.span) for one in builder.sink):
        return  # the content of the brackets can only be guessed
    if not branch.items:
        way = f"write them in the brackets: `{step.word} [ conv F3 P1 K64 | id ]`"
        builder.sink.report("E205", f"`{step.word}` merges branches, and has none", step.word_span, help=way)
        return
    shown, _ = several(text, text.find("[", step.word_span.end), step.span.end)
    alone = shortened(text[slice(*branch.span)].strip(), "…")
    message = f"`{step.word}` has one branch, and merges nothing: the output is that branch's"
    way = f"write the other branch, `{step.word} {shown}` if it is the input itself; or `{alone}` alone"
    builder.sink.report("W110", message, step.word_span, help=way)


def _bound(builder: BodyBuilder, op: type[Op], step: tree.BranchStep) -> tuple[Op, BoundArguments] | None:
    """The merge and its arguments. `C` in them is the input's, not a branch's, so their numbers are kept, not
    their expressions."""
    if step.arguments and not slots_of(op).fields:
        from cnnspec.elaborate.other_words import nothing_but_branches

        nothing_but_branches(builder, step)
        return made_op(op, {}), BoundArguments()
    bound = bind_layer(builder, op, step)
    if bound is not None:
        written = bound[1].written
        for name, parts in list(written.items()):
            if any(isinstance(node, tree.Name) and node.name in "CHW" for node in nodes(parts)):
                del written[name]
    return bound


def _branches(builder: BodyBuilder, step: tree.BranchStep) -> tuple[tuple[int, ...], tuple[Span, ...]]:
    """The tensors of a merge's branches, and the texts of those branches."""
    current = builder.current
    values: list[int] = []
    spans: list[Span] = []
    with builder.context.deeper(step.span):
        for branch in step.branches:
            builder.current = current
            first = len(builder.steps)
            if not _branch(builder, branch.items):
                continue
            values.append(ended(builder, branch.span, step.word))
            last = builder.steps[-1].span if len(builder.steps) > first else branch.span
            spans.append(last if not branch.items else branch.span)
    return tuple(values), tuple(spans)


def _branch(builder: BodyBuilder, items: Items) -> bool:
    """Runs one branch from `builder.current`; False where it is `none`."""
    step = _only_step(items)
    if _is_none(step):
        return False
    if not isinstance(step, tree.IfStep):
        run_items(builder, items)
        return True
    holds = decided(builder, step)
    if holds is None:
        return True
    chosen = step.then if holds else step.otherwise
    with builder.context.deeper(step.span):
        return _branch(builder, chosen.items if chosen is not None else ())


def decided(builder: BodyBuilder, step: tree.IfStep) -> bool | None:
    """Whether an `if` holds; None if that is unknown (then everything after it is unknown)."""
    try:
        holds = builder.holds(step.condition)
    except NoValue as problem:
        problem.report(builder.sink)
        for side in (step.then, step.otherwise):
            if side is not None and not _is_none(_only_step(side.items)):
                look_through(builder, side.items, builder.names, several=len(builder.several))
        builder.several = ()
        builder.leave_hole(step, "if")
        return None
    builder.context.stretches.taken.add((id(step), holds))
    return holds


def is_absent(builder: BodyBuilder, line: tree.Line) -> bool:
    """`aux: if heads [ … ] else [ none ]`, alone or after an `@a ->`: a tensor that an `if` leaves
    out."""
    steps = line.steps[1:] if isinstance(line.steps[0], tree.StartStep) else line.steps
    if len(steps) != 1 or not isinstance(step := steps[0], tree.IfStep):
        return False
    try:
        holds = builder.holds(step.condition)
    except NoValue:
        return False  # reported when the line is run
    side = step.then if holds else step.otherwise
    if side is None or not _is_none(_only_step(side.items)):
        return False
    builder.context.stretches.taken.add((id(step), holds))
    return True


def _only_step(items: Items) -> tree.Step | None:
    match items:
        case (tree.Line(label=None, steps=(step,)),):
            return step
    return None


def _is_none(step: tree.Step | None) -> bool:
    return isinstance(step, tree.LayerStep) and step.word == "none" and not step.arguments
