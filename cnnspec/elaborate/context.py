"""The state of one elaboration: the statements, the budgets, the names in scope, the bodies built so far, and
what was recorded about each part of the text in its uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cnnspec.diagnostics import Sink, Span
from cnnspec.elaborate.binding import BoundArguments
from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.each import Each
from cnnspec.elaborate.limits import PASSES, Limits, Spent
from cnnspec.elaborate.naming import Names
from cnnspec.elaborate.sizes import Try
from cnnspec.elaborate.statements import Statements
from cnnspec.elaborate.text_facts import references
from cnnspec.ir.graph import Body
from cnnspec.language import tree
from cnnspec.ops.base import Misfit, Op, Shape

if TYPE_CHECKING:
    from cnnspec.elaborate.passed_layers import PassedLayers

Items: TypeAlias = tuple[tree.SequenceItem, ...]
RunItems: TypeAlias = Callable[..., None]

LONG_TEXT = 256


class OverBudget(Exception):
    """A budget is used up. The finding has been reported."""


class FinishedBody(NamedTuple):
    """A body of the graph, its builder, and the inputs that it uses."""

    body: Body
    builder: BodyBuilder
    inputs_read: frozenset[int]


class DefaultArguments(NamedTuple):
    """`default conv nobias`: the arguments of the layers `word` between the offsets `start` and `end`."""

    start: int
    end: int
    word: str
    arguments: tuple[tree.Argument, ...]


class Called(NamedTuple):
    """A use of a block: the template that it runs, the labels of its tensors, and the layers passed to it."""

    template: int
    labels: tuple[str, ...]
    layers: Mapping[str, PassedLayers]


@dataclass(eq=False, repr=False)
class Stretch:
    """The file, a block's body, a group, a labelled line or the body of a repeat. `captured` are the labels
    around it that it reads (of a block, its tensor parameters), `exported` its own that are read outside.
    By site: `written` are the author's expressions, the same in all uses; `called` which template a use of
    a block runs, the labels of the tensors that it is given, and its layers; `slots` which layer parameter
    runs there. `own`: the names that layers passed to a block capture."""

    kind: str
    items: Items
    names: Names
    block: tree.Block | None = None
    captured: dict[str, None] = field(default_factory=dict)
    exported: dict[str, None] = field(default_factory=dict)
    written: dict[int, Mapping[str, tuple[tree.Expr, ...]]] = field(default_factory=dict)
    called: dict[int, Called] = field(default_factory=dict)
    slots: dict[int, str] = field(default_factory=dict)
    own: dict[str, None] = field(default_factory=dict)
    has_input: bool = True
    label: str | None = None
    further: int = 0
    """How many inputs it has besides the first."""
    each: tuple[Each, ...] = ()
    """Of a repeat: the tensors that each pass gives to outputs."""
    passes: int = 0
    """How many passes it has, if each gives an output."""


class Stretches:
    """All stretches, by the number of their template; 0 is the file. `taken` are the sides of `if`s that any
    use took, by the identity of the tree's node."""

    def __init__(self) -> None:
        self.all: list[Stretch] = []
        self.taken: set[tuple[int, bool]] = set()
        self._numbers: dict[int, int] = {}

    def number(
        self,
        kind: str,
        items: Items,
        key: int,
        names: Names,
        captured: Iterable[str] = (),
        block: tree.Block | None = None,
        *,
        has_input: bool = True,
        label: str | None = None,
        own: Iterable[str] = (),
        further: int = 0,
    ) -> int:
        """The number of a stretch, the same for all its uses."""
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.all)
            stretch = Stretch(kind, items, names, block, has_input=has_input, label=label, further=further)
            self.all.append(stretch)
        self.all[number].captured.update(dict.fromkeys(captured))
        self.all[number].own.update(dict.fromkeys(own))
        return number

    def of(self, key: int) -> int | None:
        """The number of the stretch with this key; None where no use reached it."""
        return self._numbers.get(key)


@dataclass(eq=False, repr=False)
class Context:
    """One elaboration. `run_items` runs lines and `let`s; it is called for the steps that contain others.
    `unusable` are the blocks with a mistake in their head, or that call themselves."""

    text: str
    sink: Sink
    limits: Limits
    spent: Spent
    statements: Statements
    unusable: set[str]
    defaults: list[DefaultArguments]
    run_items: RunItems
    depth: int = 0
    attempt: Try | None = None
    """Tries another shape of the input; None where this run is itself such a try."""
    trusting: bool = False
    """The check continues from the shapes that are claimed."""
    failing: set[Span] = field(default_factory=set)
    """Claims about a shape that do not hold."""
    input_shape: Shape | None = None
    uses: list[tuple[str, str]] = field(default_factory=list)
    """The blocks around the step that is run, each with the arguments of its use."""
    frozen: int = 0
    """How many `frozen [ … ]` are around the step that is run."""
    passes: list[int] = field(default_factory=list)
    """The passes of the repeats around the step that is run."""
    stretches: Stretches = field(default_factory=Stretches)

    # names in scope
    globals: Scope = field(default_factory=lambda: Scope({}))
    references_around: dict[str, int] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    """Labels that an `if` leaves without a tensor."""
    top_names: set[str] = field(default_factory=set)
    """The layers and parts at the model's top."""

    # the graph that is built
    finished: list[FinishedBody] = field(default_factory=list)
    unused: dict[Span, tuple[str, str | None]] = field(default_factory=dict)
    """Tensors that are never used: their shape as text, and their label."""
    each: dict[int, tuple[Each, ...]] = field(default_factory=dict)
    """The tensors that the passes of repeats (by the identity of their nodes) give to outputs."""
    each_counts: dict[int, int] = field(default_factory=dict)
    """How many passes these repeats have."""
    each_labels: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """The names of the outputs, by the identity of the reference in the `output`."""
    shared_names: dict[tuple[object, ...], str] = field(default_factory=dict)
    shared_frozen: dict[str, bool] = field(default_factory=dict)
    """Whether a set of shared weights is frozen by its first use."""
    attributes: dict[int, frozenset[str]] = field(default_factory=dict)
    """By block: the attributes of its uses, apart from its `shared`s."""
    looked_through: set[str] = field(default_factory=set)
    """Blocks whose text was searched for errors because no use of them can be evaluated."""

    # caches: by text, by tree node, by use
    constant_layers: dict[tuple[str, tuple[int, ...], int], tuple[Op, BoundArguments, int]] = field(
        default_factory=dict
    )
    shapes_out: dict[tuple[int, tuple[Shape, ...]], Shape | Misfit] = field(default_factory=dict)
    scope_names: dict[int, Names] = field(default_factory=dict)
    references: dict[int, dict[str, int]] = field(default_factory=dict)
    varying: dict[int, list[tree.Expr]] = field(default_factory=dict)
    block_bodies: dict[tuple[object, ...], int] = field(default_factory=dict)
    layer_identities: dict[tuple[object, ...], int] = field(default_factory=dict)
    """The layers that are passed to blocks, each kind with a number."""
    layer_lines: dict[tuple[str, tuple[int, ...]], Items] = field(default_factory=dict)
    """Those that are one word, by the word and the places of the defaults for it."""

    def charge(self, builder: BodyBuilder, layers: int, span: Span, passes: int = 0) -> None:
        """Charges one evaluation step, the layers in the body of `builder`, and the passes through bodies.
        Every reader of the unrolled network goes through these too."""
        self.spent.work += 1
        if self.spent.work > self.limits.work:
            self.sink.report(
                "E607",
                f"this spec needs more than {self.limits.work:,} evaluation steps",
                span,
                help="raise it with --max-work, or repeat without `i`, so that one pass is evaluated for all",
            )
            raise OverBudget
        if self.sink.full:
            raise OverBudget
        builder.layers += layers
        builder.passes += passes
        count, most, unit = builder.layers, self.limits.layers, "layers"
        if count <= most:
            count, most, unit = count + builder.passes, PASSES * most, "layers and passes"
        if count > most:
            self.sink.report(
                "E605",
                f"this makes {count:,} {unit}, more than the {most:,} allowed",
                span,
                help="raise it with --max-layers if the network is meant to be so deep",
            )
            raise OverBudget

    def charge_text(self, span: Span) -> None:
        """Charges for a long text, a matrix or a sum: it costs more than one step each time it is
        evaluated."""
        length = span.end - span.start
        if length > LONG_TEXT:
            self.spent.work += length // 16

    @contextmanager
    def deeper(self, span: Span, references: dict[str, int] | None = None) -> Iterator[None]:
        """One level of nesting; refused before Python's own stack overflows. `references`: those in a part
        whose labels are local to it."""
        self.depth += 1
        if self.depth > self.limits.depth:
            if len({name for name, _ in self.uses}) < len(self.uses):
                self.report_endless(span)
            self.sink.report(
                "E602",
                f"blocks, groups and branches are nested more than {self.limits.depth} deep",
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

    def report_endless(self, span: Span) -> None:
        """E213 for a block that calls itself until the limit of depth, with the way; ends the check."""
        name = max(self.uses, key=lambda use: sum(one == use[0] for one, _ in self.uses))[0]
        way = [f"{block}({arguments})" for block, arguments in self.uses if block == name]
        shown = [*way[:4], "…", way[-1]] if len(way) > 5 else way
        self.sink.report(
            "E213",
            f"the block `{name}` calls itself without an end: {' → '.join(shown)}",
            span,
            help="the `if` around the call must decide the end; --max-depth raises the limit of depth,"
            f" {self.limits.depth}, to 200",
        )
        raise OverBudget

    def globals_before(self, block: tree.Block) -> Scope:
        """The file's `let`s that a block sees: those before it."""
        lets, values = self.statements.lets, self.globals.names.items()
        place = block.span.start
        return Scope({name: one for name, one in values if name not in lets or lets[name].span.start < place})

    def references_in(self, items: Items, key: int) -> dict[str, int]:
        """How often each label is referred to in `items`, whose tree node has the identity `key`."""
        if key not in self.references:
            self.references[key] = dict(references(items))
        return self.references[key]
