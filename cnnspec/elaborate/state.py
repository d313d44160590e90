"""What elaborating knows while it walks: the names in sight, the budgets, the bodies made so far."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import TypeAlias

from cnnspec.diagnostics import Edit, Related, Sink, Span, line_start
from cnnspec.elaborate.binding import Bound, names_something
from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.claims import claim_of
from cnnspec.elaborate.limits import Limits, Spent
from cnnspec.elaborate.text_facts import before, references
from cnnspec.elaborate.values import Lookup, NoValue, Value
from cnnspec.ir.graph import Body, Hole
from cnnspec.language import tree
from cnnspec.ops import lookup as lookup_op
from cnnspec.ops.base import Misfit, Op, Shape

Items: TypeAlias = tuple[tree.Line | tree.Let | tree.ErrorStatement, ...]

UNKNOWN = "?"
"""The value of a `let` that a mistake has left without one; what uses it stays silent."""


LONG_TEXT = 256


class OverBudget(Exception):
    """A budget is used up; the finding has been told."""


class Unknown(Exception):
    """A value depends on a shape that a mistake before has left unknown: silent."""


class State:
    """The state of one walk, and what every kind of step needs of it."""

    def __init__(
        self,
        text: str,
        sink: Sink,
        limits: Limits,
        blocks: dict[str, tree.Block],
        unusable: set[str],
        spent: Spent | None = None,
    ) -> None:
        self.text = text
        self.sink = sink
        self.limits = limits
        self.blocks = blocks
        self.unusable = unusable
        self.defaults: list[tuple[int, str, tuple[tree.Argument, ...]]] = []
        self.bodies: list[Body] = []
        self.body_layers: list[int] = []
        self.builders: list[BodyBuilder] = []
        self.body_reads: list[frozenset[int]] = []
        self.unread: dict[Span, tuple[str, str | None]] = {}
        self.used_lets: set[str] = set()
        self.globals = Scope({})
        self.global_starts: dict[str, int] = {}
        self.settings: dict[str, Value] = {}
        self.shared: dict[tuple[object, ...], str] = {}
        self.top_names: set[str] = set()  # of the layers and parts at the model's top
        self.absent: set[str] = set()
        self.several_inputs = False
        self._uses: dict[tuple[object, ...], int] = {}
        self._constant: dict[tuple[str, int], tuple[Op, Bound, int]] = {}
        self._names: dict[int, object] = {}
        self._references: dict[int, dict[str, int]] = {}
        self._varying: dict[int, list[tree.Expr]] = {}
        self._ops: dict[str, type[Op] | None] = {}
        self._out: dict[tuple[int, tuple[Shape, ...]], Shape | Misfit] = {}
        self._depth = 0
        self.spent = spent or Spent()
        self.failed_labels: frozenset[str] = frozenset()
        self.references_around: dict[str, int] = {}

    def lookup_in(self, builder: BodyBuilder) -> Lookup:
        """What a name means at the step that `builder` has reached."""

        def lookup(name: tree.Name) -> Value:
            word = name.name
            if word in ("C", "H", "W"):
                return self._arriving_size(builder, name)
            if word == "i":
                scope: Scope | None = builder.scope
                while scope is not None:
                    if scope.index is not None:
                        return scope.index
                    scope = scope.parent
                raise NoValue(
                    "E214",
                    "`i` counts the passes of a repeat, and there is none around this",
                    name.span,
                    help="it stands inside `[ … ]*n`; give any other number a name: `let n = …`",
                )
            value = builder.scope.find(word)
            if value is None:
                raise self._unknown_name(builder, name)
            if value == UNKNOWN:
                raise Unknown
            return value

        return lookup

    def _arriving_size(self, builder: BodyBuilder, name: tree.Name) -> int:
        if builder.current is None:
            raise NoValue(
                "E214", f"`{name.name}` is the shape that arrives, and nothing arrives here", name.span
            )
        shape = builder.values[builder.current]
        if shape is None:
            raise Unknown
        if name.name == "C":
            return shape[0]
        if len(shape) != 3:
            raise NoValue(
                "E214",
                f"`{name.name}` is the size of a map, and a vector of {shape[0]} arrives here",
                name.span,
                help="`C` is the length of a vector",
            )
        return shape[1] if name.name == "H" else shape[2]

    def _unknown_name(self, builder: BodyBuilder, name: tree.Name) -> NoValue:
        from cnnspec.diagnostics.suggest import nearest

        start = self.global_starts.get(name.name)
        if start is not None and start > name.span.start:
            return NoValue(
                "E206",
                f"`{name.name}` is not known yet: its `let` stands further down",
                name.span,
                help=f"move `let {name.name}` above this",
            )
        if name.name in builder.labels:
            return NoValue(
                "E206",
                f"`{name.name}` is a tensor, and this wants a value",
                name.span,
                help=f"a tensor is given by its label: `@{name.name}`",
            )
        if name.name.lower() in ("true", "false"):
            return NoValue(
                "E206",
                f"there is no value `{name.name}` here",
                name.span,
                help=f"write {int(name.name.lower() == 'true')}, and ask with `==`: `if n == 1 [ … ]`",
            )
        near = nearest(name.name, builder.scope.all_names())
        return NoValue(
            "E206",
            f"there is no value `{name.name}` here",
            name.span,
            help=f"did you mean `{near}`?" if near else f"give it one: `let {name.name} = …`",
        )

    def charge(self, builder: BodyBuilder, layers: int, span: Span) -> None:
        self.spent.work += 1
        if self.spent.work > self.limits.work:
            self.sink.report(
                "E607",
                f"this spec asks for more than {self.limits.work:,} steps to be worked out one by one",
                span,
                help="raise it with --max-work, or repeat without `i`: then one pass is worked out for all",
            )
            raise OverBudget
        if self.sink.full:
            raise OverBudget
        builder.layers += layers
        if builder.layers > self.limits.layers:
            self.sink.report(
                "E605",
                f"this makes {builder.layers:,} layers, more than the {self.limits.layers:,} allowed",
                span,
                help="raise it with --max-layers if the network is meant to be so deep",
            )
            raise OverBudget

    def charge_text(self, span: Span) -> None:
        """A long text, a matrix or a sum, is more than a step's work each time it is gone through."""
        length = span.end - span.start
        if length > LONG_TEXT:
            self.spent.work += length // 16

    def run_items(self, builder: BodyBuilder, items: Items) -> None:
        """Runs lines and `let`s in `builder`: the walk itself, in `elaborator.py`."""
        raise NotImplementedError

    def run_steps(
        self, builder: BodyBuilder, steps: Iterable[tree.Step], label: str | None, first: int
    ) -> None:
        """Runs the steps of a line; its claims count from step `first`."""
        raise NotImplementedError

    def resolve(self, builder: BodyBuilder, reference: tree.Reference) -> int | None:
        value = builder.labels.get(reference.name)
        if value is not None:
            return value
        if reference.name in self.absent:
            self.sink.report(
                "E404",
                f"`@{reference.name}` is `none` here: only `output` may name a tensor that is not there",
                reference.span,
                help="put this under the same `if`",
            )
            return self.hole(builder, "", f"@{reference.name}", reference.span, ())
        from cnnspec.diagnostics.suggest import listing, nearest

        if reference.name not in self.failed_labels:
            near = nearest(reference.name, builder.labels)
            hidden = self._hidden_label(reference)
            self.sink.report(
                "E207",
                f"there is no tensor `@{reference.name}` to be seen from here",
                reference.span,
                related=hidden,
                help=hidden_way(reference, hidden[0].span)
                if hidden
                else f"did you mean `@{near}`?"
                if near
                else "give the input a name: `input x: …`, and then `@x`"
                if reference.name == "input"
                else (
                    f"the labels here are {listing(f'@{label}' for label in builder.labels)}"
                    if builder.labels
                    else f"name a line before this: `{reference.name}: …`"
                ),
                fix=(Edit(reference.span, f"@{near}"),) if near and not hidden else (),
            )
        return self.hole(builder, "", f"@{reference.name}", reference.span, ())

    @cached_property
    def _written_labels(self) -> dict[str, Span]:
        """The first place of each label in the text, whatever it is a label of."""
        found: dict[str, Span] = {}
        for match in re.finditer(r"(?<![A-Za-z0-9_@])([A-Za-z_][A-Za-z0-9_]*)[ \t]*:", self.text):
            if (
                match[1] not in found
                and "#" not in self.text[line_start(self.text, match.start()) : match.start()]
            ):
                found[match[1]] = Span(*match.span(1))
        return found

    def _hidden_label(self, reference: tree.Reference) -> tuple[Related, ...]:
        """The line that has this label, where it cannot be seen from here."""
        name = reference.name
        span = self._written_labels.get(name)
        if span is None:
            return ()
        where = "stands further down" if span.start > reference.span.start else "is seen in its own part only"
        return (Related(span, f"`{name}` {where}"),)

    def resolve_undone(
        self, builder: BodyBuilder, word: str, reference: tree.Reference
    ) -> tuple[Op, int] | None:
        """The layer that `@label` names, which must be a `word`, and the tensor that arrived there."""
        op = builder.undoable.get(reference.name)
        value = builder.labels.get(before(reference.name))
        if op is not None and value is not None and op.word == word:
            return op, value
        if reference.name not in builder.labels:
            if self.resolve(builder, reference) is not None:
                return None
        self.sink.report(
            "E308",
            f"`@{reference.name}` is not the tensor that a {word} made",
            reference.span,
            help=f"put the label on a line that ends with the {word}, in this part of the network",
        )
        return None

    def hole(
        self,
        builder: BodyBuilder,
        name: str,
        text: str,
        span: Span,
        inputs: tuple[int, ...],
        label: str | None = None,
    ) -> int:
        step = Hole.model_construct(
            name=name, text=text, inputs=inputs, guards=builder.guards, label=label, span=span
        )
        return builder.add_step(step, (None,), span)

    def need_arriving(self, builder: BodyBuilder, span: Span, what: str) -> bool:
        if builder.current is not None:
            return True
        self.sink.report(
            "E407",
            f"nothing arrives at `{what}`",
            span,
            help="the line before is `none` here: begin with the tensor that this goes on from, `@name -> …`"
            if self.absent
            else "with several inputs a line begins with the tensor it goes on from: `@name -> …`"
            if self.several_inputs
            else "begin the network with `input 3x224x224`",
        )
        return False

    def ended(self, builder: BodyBuilder, span: Span, what: str) -> int:
        """The tensor that a body or a branch ends with; where there is none, that is told."""
        if builder.current is not None:
            return builder.current
        if self.absent:
            self.sink.report(
                "E404",
                "this ends with a line that is `none` here: no tensor comes out of it",
                span,
                help="end with a tensor that is there; `else [ id ]` hands on what arrives",
            )
        elif what:
            self.need_arriving(builder, span, what)
        return self.hole(builder, "", "", span, ())

    def op_of(self, word: str) -> type[Op] | None:
        if word not in self._ops:
            self._ops[word] = lookup_op(word)
        return self._ops[word]

    def references_in(self, items: Items, key: int) -> dict[str, int]:
        found = self._references.get(key)
        if found is None:
            found = self._references[key] = dict(references(items))
        return found

    def claim(self, builder: BodyBuilder, step: tree.ClaimStep, first: int) -> None:
        for claim in step.claims:
            try:
                made = claim_of(claim, self.lookup_in(builder), self.limits.digits)
            except NoValue as problem:
                problem.tell(self.sink)
                continue
            except Unknown:
                continue
            current = builder.current
            if current is None:
                continue
            if made.shape is not None and made.subject == "out" and builder.values[current] is None:
                if all(1 <= size <= self.limits.dimension for size in made.shape):
                    builder.values[current] = made.shape  # go on from what the author says
            builder.claims.append(
                made.model_copy(update={"first": first, "last": len(builder.steps), "value": current})
            )

    def deeper(self, span: Span) -> _Deeper:
        return _Deeper(self, span)


class _Deeper:
    """One level further in; refuses before Python's own stack would."""

    def __init__(self, owner: State, span: Span) -> None:
        self.owner = owner
        self.span = span

    def __enter__(self) -> None:
        self.owner._depth += 1
        if self.owner._depth > self.owner.limits.depth:
            self.owner.sink.report(
                "E602",
                f"blocks, groups and branches stand more than {self.owner.limits.depth} deep in one another",
                self.span,
                help="flatten the nesting; --max-depth raises the limit, to 200",
            )
            raise OverBudget

    def __exit__(self, *exception: object) -> None:
        self.owner._depth -= 1


def hidden_way(reference: tree.Reference, label: Span) -> str:
    """What to do about a label that is there and cannot be seen."""
    if label.start > reference.span.start:
        return f"only what stands above can be read: move the line `{reference.name}: …` up"
    return f"a label is read in its own block or repeat: put what reads `@{reference.name}` there too"


def shown_shape(shape: Shape) -> str:
    return "x".join(map(str, shape))


def has_name(arguments: Iterable[tree.Argument]) -> bool:
    return any(names_something(argument.value) for argument in arguments)
