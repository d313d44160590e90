"""All results about one network: what `check` prints and what its JSON contains. Each result is computed when
it is first needed, and only once; the flat rows are a generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from cnnspec.analyses import costs
from cnnspec.analyses.claims import check_claims
from cnnspec.analyses.depth import depth
from cnnspec.analyses.lints import lint
from cnnspec.analyses.memory import Held, held, peak_memory
from cnnspec.analyses.receptive_field import NOWHERE, Field, fields, input_view, layer_view
from cnnspec.analyses.shapes import shapes
from cnnspec.analyses.weights import tally, weights
from cnnspec.diagnostics import Diagnostic
from cnnspec.ir.flat import Entry, flat
from cnnspec.ir.graph import Graph


class Totals(NamedTuple):
    """Totals of the whole network; None where an error leaves them unknown. `peak_memory` is in bytes,
    `field` in pixels of the input (None also for a network without maps)."""

    params: int | None
    trainable: int | None
    buffers: int | None
    macs: int | None
    activations: int | None
    peak_memory: int | None
    connections: int | None
    layers: int | None
    weighted: int | None
    field: tuple[int, ...] | None


class Row(NamedTuple):
    """A layer of the unrolled network, a row of the JSON. `params` is 0 on a shared block's later rows."""

    entry: Entry
    params: int | None
    macs: int | None
    field: Field | None
    memory: Held | None


@dataclass(eq=False, repr=False)
class Report:
    """The results of all analyses of `graph`; each is computed when it is first needed."""

    graph: Graph
    judged: bool = True
    """Whether claims are checked: the network has its author's numbers."""
    guessed: bool = False
    """Whether a line of the spec could not be read for certain."""

    shapes = cached_property(lambda self: shapes(self.graph))
    weights = cached_property(lambda self: weights(self.graph, self.shapes))
    macs = cached_property(lambda self: costs.costs(self.graph, self.shapes, costs.macs))
    connections = cached_property(lambda self: costs.costs(self.graph, self.shapes, costs.connections))
    activations = cached_property(lambda self: costs.costs(self.graph, self.shapes, costs.activations))
    weighted = cached_property(lambda self: costs.costs(self.graph, self.shapes, costs.weighted))
    depth = cached_property(lambda self: depth(self.graph))
    fields = cached_property(lambda self: fields(self.graph, self.shapes))
    claims = cached_property(lambda self: check_claims(self))

    def memory(self, body: int, first: int, last: int) -> Held | None:
        """The memory of the steps `first` … `last` (exclusive) of a body; a shared block's weights count
        once."""
        weights = self.weights.stretch(body, first, last)
        return held(self.activations.stretch(body, first, last), weights)

    @property
    def findings(self) -> Iterator[Diagnostic]:
        """E501 for claims that do not hold, and the lints about the network."""
        yield from self.failures
        yield from lint(self)

    @property
    def failures(self) -> Iterator[Diagnostic]:
        """E501 for claims that do not hold."""
        if any(claim.holds is False for claim in self.claims):
            # importing this takes 5 ms, and the claims of most specs hold
            from cnnspec.analyses.failed_claims import failed_claims

            yield from failed_claims(self)

    @cached_property
    def totals(self) -> Totals:
        held = self.weights.total
        whole = self.weighted.total is not None  # a hole may hide layers, and ways
        field = self.fields.total
        return Totals(
            params=None if held is None else held.params,
            trainable=None if held is None else held.trainable,
            buffers=None if held is None else held.buffers,
            macs=self.macs.total,
            activations=self.activations.total,
            peak_memory=peak_memory(self.graph, self.shapes) if whole else None,
            connections=self.connections.total,
            layers=self.depth.total if whole else None,
            weighted=self.weighted.total,
            field=None if field is None else field.size,
        )

    def rows(self) -> Iterator[Row]:
        """Every layer, in the order of the forward pass, one at a time."""
        root = self.graph.root
        views = [input_view(number, root.values[number]) for number in range(root.inputs)]
        for entry in flat(self.graph):
            layer = self.shapes[entry.body][entry.step]
            view = NOWHERE
            if layer is not None:
                view = layer_view(layer, [views[number] for number in entry.inputs])
            views.append(view)
            weights = None if layer is None else tally(weight for _, weight in entry.weights)
            yield Row(
                entry,
                None if weights is None else weights.params,
                self.macs.steps[entry.body][entry.step],
                self.fields.field(view) if view.open else None,
                held(self.activations.steps[entry.body][entry.step], weights),
            )


def analyse(graph: Graph, judged: bool = True, guessed: bool = False) -> Report:
    """The analyses of a network, each computed when it is first needed. Claims are not `judged` if a
    top-level `let` could not be set as the author meant it. Totals are unknown if a line was `guessed`."""
    return Report(graph, judged, guessed)
