"""Names in expressions: parameters, `let`s, `i`, and the C, H, W of a step's input."""

from __future__ import annotations

from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.context import UNKNOWN, Context
from cnnspec.elaborate.values import Lookup, NoValue, Unknown, Value
from cnnspec.language import tree


def lookup_in(context: Context, builder: BodyBuilder) -> Lookup:
    """What a name means at the step that `builder` has reached."""

    def lookup(name: tree.Name) -> Value:
        word = name.name
        if word in ("C", "H", "W"):
            return _arriving_size(builder, name)
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
            raise _unknown_name(context, builder, name)
        if value == UNKNOWN:
            raise Unknown
        return value

    return lookup


def _arriving_size(builder: BodyBuilder, name: tree.Name) -> int:
    if builder.current is None:
        raise NoValue("E214", f"`{name.name}` is the shape that arrives, and nothing arrives here", name.span)
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


def _unknown_name(context: Context, builder: BodyBuilder, name: tree.Name) -> NoValue:
    from cnnspec.diagnostics.suggest import nearest

    let = context.statements.lets.get(name.name)
    if let is not None and let.span.start > name.span.start:
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
