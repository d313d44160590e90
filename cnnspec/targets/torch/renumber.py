"""A body with other steps: what names its values and the places of its steps follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnspec.ir.graph import Body, Step
from cnnspec.ops.base import Shape


def renumbered(
    body: Body,
    steps: Sequence[Step],
    values: Sequence[Shape | None],
    number: Mapping[int, int] | Sequence[int],
    where: Mapping[int, int] | Sequence[int],
) -> Body:
    """`body` with `steps` and `values`. `number`: the new number of each old value; `where`: the new place of
    each old step. Claims, which were checked before, are left out.
    """
    return body.model_copy(
        update={
            "values": tuple(values),
            "steps": tuple(steps),
            "outputs": tuple(number[value] for value in body.outputs),
            "labels": {label: number[value] for label, value in body.labels.items()},
            "conditions": tuple(one.model_copy(update={"at": number[one.at]}) for one in body.conditions),
            "locals": tuple(
                one.model_copy(update={"at": number[one.at], "before": where[one.before]})
                for one in body.locals
            ),
            "claims": (),
        }
    )
