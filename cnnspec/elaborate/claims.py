"""What the author claims, with its expressions settled; whether it holds is for the analyses to say."""

from __future__ import annotations

from cnnspec.elaborate.values import Lookup, NoValue, number, whole
from cnnspec.ir.graph import Claim
from cnnspec.language import tree
from cnnspec.language.write import write_expr

SUBJECTS = ("out", "params", "trainable", "macs", "layers", "weighted", "field", "connections")


def claim_of(claim: tree.Claim, lookup: Lookup, digits: int) -> Claim:
    """The claim as the IR holds it; raises NoValue where it cannot be read."""
    if claim.subject not in SUBJECTS:
        from cnnspec.diagnostics.suggest import nearest
        from cnnspec.notations.words import CLAIMS, layer_word

        near = nearest(claim.subject, SUBJECTS, CLAIMS)
        if layer_word(claim.subject) is not None:
            raise NoValue(
                "E216",
                f"`{claim.subject}` is a layer, and claims stand behind `=>`",
                claim.subject_span,
                help=f"a step follows with `->`: `-> {claim.subject} …`",
            )
        raise NoValue(
            "E216",
            f"nothing called `{claim.subject}` can be claimed",
            claim.subject_span,
            help=f"did you mean `{near}`?" if near else f"claims are about {', '.join(SUBJECTS)}",
        )
    value = claim.value
    if isinstance(value, tree.Dims):
        shape = tuple(whole(dim, lookup, digits) for dim in value.dims)
        if claim.subject == "out":
            fits = len(shape) in (1, 3)
        else:
            fits = claim.subject == "field" and len(shape) in (1, 2)
        if not fits:
            wants = {"out": "CxHxW or one number", "field": "one number or HxW"}.get(
                claim.subject, "a number"
            )
            raise NoValue("E216", f"a claim about `{claim.subject}` is {wants}", value.span)
        return Claim.model_construct(subject=claim.subject, text=text_of(claim), shape=shape, span=claim.span)
    if value.expression is not None:
        exact = number(value.expression, lookup, digits)
        text, step = str(exact), "1"
    else:
        text, step = str(value.value), str(value.step)
    if claim.subject == "out":
        if not text.isdigit() or step != "1" or value.about:
            raise NoValue("E216", "a claim about `out` is a shape: CxHxW or one number", value.span)
        return Claim.model_construct(subject="out", text=text_of(claim), shape=(int(text),), span=claim.span)
    return Claim.model_construct(
        subject=claim.subject, text=text_of(claim), number=text, step=step, about=value.about, span=claim.span
    )


def text_of(claim: tree.Claim) -> str:
    """`params 1,516`, `=> 6x28x28`: a claim as it is printed again."""
    from cnnspec.elaborate.binding import written_or

    value = claim.value
    if isinstance(value, tree.Dims):
        shown = written_or(value)
        return f"=> {shown}" if claim.subject == "out" else f"{claim.subject} {shown}"
    if value.expression is not None and not value.text:
        return f"{claim.subject} ({write_expr(value.expression)})"
    return f"{claim.subject} {value.text}"
