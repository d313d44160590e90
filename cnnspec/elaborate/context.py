"""What one elaboration knows: the statements, the budgets, the names in scope, the bodies made so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import Sink, Span
from cnnspec.elaborate.binding import BoundArguments
from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.limits import Limits, Spent
from cnnspec.elaborate.naming import Names
from cnnspec.elaborate.statements import Statements
from cnnspec.elaborate.stretches import Stretches
from cnnspec.elaborate.text_facts import references
from cnnspec.ir.graph import Body
from cnnspec.language import tree
from cnnspec.ops import lookup as lookup_op
from cnnspec.ops.base import Misfit, Op, Shape

Items: TypeAlias = tuple[tree.Line | tree.Let | tree.ErrorStatement, ...]
RunItems: TypeAlias = Callable[["Context", BodyBuilder, Items], None]

UNKNOWN = "?"
"""The value of a `let` that a mistake has left without one; what uses it stays silent."""

LONG_TEXT = 256


class OverBudget(Exception):
    """A budget is used up; the finding is reported already."""


class FinishedBody(NamedTuple):
    """A body of the graph, the builder that made it, and which of its inputs are used."""

    body: Body
    builder: BodyBuilder
    inputs_read: frozenset[int]


class DefaultArguments(NamedTuple):
    """`default conv nobias`: the arguments of the layers `word` that follow the offset `start`."""

    start: int
    word: str
    arguments: tuple[tree.Argument, ...]


class Context:
    """One elaboration. `run_items` runs lines and `let`s: the steps that hold others call it."""

    def __init__(
        self,
        text: str,
        sink: Sink,
        limits: Limits,
        spent: Spent,
        statements: Statements,
        unusable: set[str],
        run_items: RunItems,
    ) -> None:
        self.text = text
        self.sink = sink
        self.limits = limits
        self.spent = spent
        self.statements = statements
        self.failed_names = frozenset(one.name for one in statements.broken if one.name)
        self.unusable = unusable  # blocks with a mistake in their head, or that call themselves
        self.run_items = run_items
        self.depth = 0
        self.stretches = Stretches()

        # names in scope
        self.globals = Scope({})
        self.defaults: list[DefaultArguments] = []
        self.references_around: dict[str, int] = {}
        self.absent: set[str] = set()  # labels that an `if` leaves without a tensor
        self.top_names: set[str] = set()  # of the layers and parts at the model's top

        # what is made
        self.finished: list[FinishedBody] = []
        self.unused: dict[Span, tuple[str, str | None]] = {}  # tensors: their shape as text, and label
        self.shared_names: dict[tuple[object, ...], str] = {}

        # what is known already: by text, by tree node, by use
        self.ops: dict[str, type[Op] | None] = {}
        self.constant_layers: dict[tuple[str, int], tuple[Op, BoundArguments, int]] = {}
        self.shapes_out: dict[tuple[int, tuple[Shape, ...]], Shape | Misfit] = {}
        self.scope_names: dict[int, Names] = {}
        self.references: dict[int, dict[str, int]] = {}
        self.varying: dict[int, list[tree.Expr]] = {}
        self.label_places: dict[str, Span] | None = None
        self.block_bodies: dict[tuple[object, ...], int] = {}

    def charge(self, builder: BodyBuilder, layers: int, span: Span) -> None:
        """One evaluation step, and so many layers in the body of `builder`."""
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
        """A long text, a matrix or a sum, costs more than one step each time it is gone through."""
        length = span.end - span.start
        if length > LONG_TEXT:
            self.spent.work += length // 16

    @contextmanager
    def deeper(self, span: Span, references: dict[str, int] | None = None) -> Iterator[None]:
        """One level of nesting; refused before Python's own stack overflows. `references`: those in a part
        that keeps its labels to itself."""
        self.depth += 1
        if self.depth > self.limits.depth:
            self.sink.report(
                "E602",
                f"blocks, groups and branches stand more than {self.limits.depth} deep in one another",
                span,
                help="flatten the nesting; --max-depth raises the limit, to 200",
            )
            raise OverBudget
        around = self.references_around
        if references is not None:
            self.references_around = references
        yield
        self.references_around = around
        self.depth -= 1

    def op_of(self, word: str) -> type[Op] | None:
        if word not in self.ops:
            self.ops[word] = lookup_op(word)
        return self.ops[word]

    def references_in(self, items: Items, key: int) -> dict[str, int]:
        """How often each label is referred to in `items`, whose tree node has the identity `key`."""
        found = self.references.get(key)
        if found is None:
            found = self.references[key] = dict(references(items))
        return found
