"""The ends of a network: its outputs, its claims, and the tensors that nobody reads."""

from __future__ import annotations

from cnnspec.diagnostics import WHOLE_FILE
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.claims import claim_of
from cnnspec.elaborate.elaborator import Elaborator, Unknown
from cnnspec.elaborate.knobs import Knobs
from cnnspec.elaborate.values import NoValue
from cnnspec.ir.graph import Claim
from cnnspec.language import tree

_HIDES_READERS = frozenset({"E201", "E207", "E208", "E211", "E401", "E404", "E406", "E407"})
"""After these findings a tensor may seem unread only because its reader could not be made out."""


class Ends(Knobs):
    """What the network gives, and what is said of it as a whole."""

    def outputs(self, walker: Elaborator, builder: BodyBuilder) -> tuple[tuple[int, ...], tuple[str, ...]]:
        if self.output is None:
            last = self.lines[-1].span if self.lines else WHOLE_FILE
            return (walker.ended(builder, last, ""),), ("output",)
        values: list[int] = []
        labels: list[str] = []
        for reference in self.output.references:
            if reference.name in walker.absent:
                continue
            if reference.name in labels:
                self.sink.report(
                    "E204", f"`@{reference.name}` is an output twice", reference.span, help="name it once"
                )
                continue
            value = walker.resolve(builder, reference)
            assert value is not None
            values.append(value)
            labels.append(reference.name)
        if not values:
            self.sink.report(
                "E403",
                "no output is left: all of them are `none`",
                self.output.span,
                help="one at least must be there",
            )
            return (builder.current or 0,), ("output",)
        return tuple(values), tuple(labels)

    def tell_unread(self, walker: Elaborator, builder: BodyBuilder) -> None:
        if any(finding.code.startswith("E1") or finding.code in _HIDES_READERS for finding in self.sink):
            return
        labels = [label for _, label in walker.unread.values()]
        last = next((label for label, at in builder.labels.items() if at == builder.current), None)
        listed = ", ".join(f"@{label}" for label in (*labels, last or "label") if label)
        for span, (what, label) in walker.unread.items():
            if label is None:
                way = "label the line and name it: `output @label, …`; or go on from it with `@label -> …`"
            elif self.output is None:
                way = f"if it is one, say so: `output {listed}`; or go on from it with `@{label} -> …`"
            else:
                way = f"add `@{label}` to the `output`; or go on from it with `@{label} -> …`"
            self.sink.report(
                "E402",
                f"nobody reads the tensor{what} that this makes, and it is no output",
                span,
                help=way,
            )
        for value, statement in zip(range(builder.inputs), self.inputs, strict=False):
            if value not in builder.read:
                self.sink.report(
                    "E402",
                    "nobody reads this input",
                    statement.span,
                    help=f"go on from it: `@{statement.name} -> …`"
                    if statement.name
                    else "use it, or leave it out",
                )

    def claims(
        self, walker: Elaborator, builder: BodyBuilder, variant: tree.Variant | None
    ) -> tuple[Claim, ...]:
        made: list[Claim] = []
        stated = [claim for expect in self.expects for claim in expect.claims]
        for claim in (*stated, *(variant.claims if variant else ())):
            try:
                made.append(
                    claim_of(claim, walker.lookup_in(builder), self.limits.digits).model_copy(
                        update={"last": len(builder.steps), "value": builder.current or 0}
                    )
                )
            except NoValue as problem:
                problem.tell(self.sink)
            except Unknown:
                pass
        return tuple(made)
