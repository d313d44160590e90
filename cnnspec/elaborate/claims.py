"""The author's claims, with their expressions evaluated. Whether they hold is decided by the analyses."""

from __future__ import annotations

from cnnspec.diagnostics import Edit
from cnnspec.elaborate.binding import written_or
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.values import NoValue
from cnnspec.ir.graph import Claim
from cnnspec.language import tree
from cnnspec.language.write import write_claim

SUBJECTS = (
    *("out", "params", "trainable", "macs", "flops", "layers", "weighted", "field", "connections"),
    "memory",
)
"""What a claim may be about; the last only of the whole model."""


def claim_of(builder: BodyBuilder, claim: tree.Claim, first: int | None) -> Claim:
    """The claim about the steps from `first` on (None: about the whole model), as the IR holds it; raises
    NoValue."""
    if claim.subject not in SUBJECTS:
        raise _no_subject(claim)
    _check_bound(claim)
    if claim.subject == "memory" and first is not None:
        way = f"claim it of the whole model: `expect {write_claim(claim)}`"
        raise NoValue("E216", "a line has no peak memory of its own", claim.span, way)
    value, shape, number, step = claim.value, None, None, "1"
    if isinstance(value, tree.Dims):
        shape = tuple(map(builder.whole, value.dims))
        if len(shape) > {"out": 4, "field": 3}.get(claim.subject, 0):
            form = {"out": "CxHxW or one number", "field": "one number or HxW"}.get(claim.subject, "a number")
            raise NoValue("E216", f"a claim about `{claim.subject}` must be {form}", value.span)
    elif value.expression is not None:
        number = str(builder.number(value.expression))
    else:
        number, step = str(value.value), str(value.step)
        if value.text.endswith("B") and claim.subject != "memory":
            way = f"a billion is `G`: `{value.text[:-1]}G`" if value.text[-2].isdigit() else ""
            message = f"`{value.text}` is a number of bytes, which only `memory` has"
            raise NoValue("E216", message, value.span, way)
    about = isinstance(value, tree.Quantity) and value.about
    if claim.subject == "out" and number is not None:
        if not number.isdigit() or step != "1" or about:
            raise NoValue("E216", "a claim about `out` must be a shape: CxHxW or one number", value.span)
        shape, number = (int(number),), None
    return Claim.model_construct(
        subject=claim.subject,
        text=_text_of(claim),
        shape=shape,
        number=number,
        step=step,
        about=about,
        bound=claim.bound,
        first=first or 0,
        last=len(builder.steps),
        value=builder.current or 0,
        span=claim.span,
    )


def _check_bound(claim: tree.Claim) -> None:
    """`<`, `<=`, `>` and `>=` come before an exact number."""
    if not claim.bound:
        return
    if claim.bound in ("==", "!="):
        plain = write_claim(claim._replace(bound=""))
        message = f"`{claim.bound}` is not a bound: expected `<`, `<=`, `>` or `>=`"
        way = f"a claim without a bound is equality: `{plain}`"
        raise NoValue("E216", message, claim.span, way, fix=(Edit(claim.span, plain),))
    if claim.subject == "out":
        message = "a shape is claimed without a bound"
    elif isinstance(claim.value, tree.Quantity) and claim.value.about:
        message = "a bound is exact: leave out the `~`"
    else:
        return
    raise NoValue("E216", message, claim.span)


def _no_subject(claim: tree.Claim) -> NoValue:
    from cnnspec.diagnostics.suggest import nearest
    from cnnspec.notations.words import CLAIMS, layer_word

    if layer_word(claim.subject) is not None:
        message = f"`{claim.subject}` is a layer; claims follow `=>`"
        way = f"a step follows with `->`: `-> {claim.subject} …`"
        return NoValue("E216", message, claim.subject_span, way)
    near = nearest(claim.subject, SUBJECTS, CLAIMS)
    way = f"did you mean `{near}`?" if near else f"claims are about {', '.join(SUBJECTS)}"
    return NoValue("E216", f"`{claim.subject}` cannot be claimed", claim.subject_span, way)


def _text_of(claim: tree.Claim) -> str:
    """`params 1,516`, `=> 6x28x28`: a claim as it is printed again."""
    if isinstance(claim.value, tree.Dims) and claim.subject == "out":
        return f"=> {written_or(claim.value)}"
    return write_claim(claim)
