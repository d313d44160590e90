"""Knobs and defaults: the values that replace top-level `let`s, and the arguments that later layers get."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.diagnostics import WHOLE_FILE, Edit, Sink, Span
from cnnspec.elaborate.binding import slots_of
from cnnspec.elaborate.context import UNKNOWN, DefaultArguments
from cnnspec.elaborate.statements import Statements
from cnnspec.elaborate.values import Lookup, NoValue, Value, evaluate
from cnnspec.language import tree
from cnnspec.ops import lookup as lookup_op
from cnnspec.ops import words


def choose_variant(statements: Statements, sink: Sink, name: str | None) -> tree.Variant | None:
    if name is None:
        return None
    if name in statements.variants:
        return statements.variants[name]
    from cnnspec.diagnostics.suggest import nearest

    near = nearest(name, statements.variants)
    known = ", ".join(statements.variants) or "none"
    sink.report(
        "E210",
        f"this spec has no variant `{name}`",
        WHOLE_FILE,
        help=f"did you mean `{near}`?" if near else f"its variants: {known}",
    )
    return None


def knobs_of(
    statements: Statements,
    sink: Sink,
    digits: int,
    variant: tree.Variant | None,
    settings: Mapping[str, str],
) -> dict[str, Value]:
    """The values that replace top-level `let`s: the variant's, and then `--set`."""
    knobs: dict[str, Value] = {}
    for known in statements.variants.values():
        for setting in known.settings:
            if setting.name not in statements.lets and not any(
                one.name == setting.name for one in statements.broken
            ):
                _unknown_knob(statements, sink, setting.name, setting.name_span)
    for setting in variant.settings if variant else ():
        if setting.name in knobs:
            sink.report("E204", f"`{setting.name}` is set twice", setting.span, help="keep one of the two")
        try:
            knobs[setting.name] = evaluate(setting.value, _no_names(knobs), digits)
        except NoValue as problem:
            problem.tell(sink)
            knobs[setting.name] = UNKNOWN
    for name, text in settings.items():
        if name not in statements.lets:
            _unknown_knob(statements, sink, name, WHOLE_FILE, option=True)
            continue
        from cnnspec.language import parse_expression

        expr = parse_expression(text)
        if expr is None:
            sink.report(
                "E210",
                f"--set {name}={text}: this is no expression",
                WHOLE_FILE,
                help=f"--set {name}=3/4",
            )
            continue
        try:
            knobs[name] = evaluate(expr, _no_names(knobs), digits)
        except NoValue as problem:
            sink.report("E210", f"--set {name}={text}: {problem.message}", WHOLE_FILE, help=problem.help)
    return knobs


def _unknown_knob(statements: Statements, sink: Sink, name: str, span: Span, option: bool = False) -> None:
    from cnnspec.diagnostics.suggest import nearest

    near = nearest(name, statements.lets)
    known = ", ".join(statements.lets)
    sink.report(
        "E210",
        f"{'--set: ' if option else ''}there is no `let {name}` at the top of this spec",
        span,
        help=f"did you mean `{near}`?"
        if near
        else (f"its knobs: {known}" if known else f"make it one: `let {name} = …`"),
    )


def defaults_of(statements: Statements, sink: Sink) -> list[DefaultArguments]:
    """`default conv dwconv nobias`: the bare words that are layers say for which, the rest what."""
    found: list[DefaultArguments] = []
    for statement in statements.file.statements:
        if not isinstance(statement, tree.Default):
            continue
        kinds: list[tree.Name] = []
        arguments: list[tree.Argument] = list(statement.arguments)
        for one in statement.words:
            if lookup_op(one.name) is not None:
                kinds.append(one)
            else:
                arguments.append(tree.PositionalArgument(one, one.span))
        if not kinds:
            from cnnspec.diagnostics.suggest import nearest

            word = statement.words[0] if statement.words else None
            near = nearest(word.name, words()) if word else None
            sink.report(
                "E201",
                f"there is no layer `{word.name}`" if word else "`default` names no layer",
                word.span if word else statement.span,
                help=f"did you mean `{near}`?" if near else "as in `default conv nobias`",
            )
        arguments = [_without_truth(sink, argument) for argument in arguments]
        arguments.sort(key=lambda argument: argument.span)
        for kind in kinds:
            if _default_fits(sink, kind, arguments):
                found.append(DefaultArguments(statement.span.start, kind.name, tuple(arguments)))
    return found


def _without_truth(sink: Sink, argument: tree.Argument) -> tree.Argument:
    """The argument; `bias=false` as the word that it means, and reported."""
    if not isinstance(argument, tree.NamedArgument) or not isinstance(argument.value, tree.Name):
        return argument
    from cnnspec.elaborate.refusals import truth

    problem = truth(argument)
    if problem is None:
        return argument
    problem.tell(sink)
    return tree.PositionalArgument(tree.Name(problem.fix[0].text, argument.span), argument.span)


def _default_fits(sink: Sink, kind: tree.Name, arguments: list[tree.Argument]) -> bool:
    """Whether a layer has all of a `default`'s arguments; E202 for the first that it has not."""
    op = lookup_op(kind.name)
    assert op is not None
    slots = slots_of(op)
    for argument in arguments:
        match argument:
            case tree.LetterArgument():
                name, known = argument.letter, argument.letter in slots.letters
            case tree.NamedArgument():
                name, known = argument.name, argument.name in slots.keywords
            case tree.PositionalArgument():
                if isinstance(argument.value, tree.Name):
                    name, known = argument.value.name, argument.value.name in slots.flags
                else:
                    name, known = "value", bool(slots.places)
        if not known:
            from cnnspec.diagnostics.suggest import nearest

            near = nearest(name, [*slots.flags, *slots.keywords, *words()])
            way = f"did you mean `{near}`?" if near else f"`{kind.name}` takes {slots.listed()}"
            fix: tuple[Edit, ...] = ()
            if isinstance(argument, tree.NamedArgument):
                from cnnspec.elaborate.refusals import no_keyword

                problem = no_keyword(slots, kind.name, argument)
                way, fix = problem.help, problem.fix
            sink.report(
                "E202",
                f"`{kind.name}` has no `{name}` that could be a default",
                argument.span,
                help=way,
                fix=fix,
            )
            return False
    return True


def _no_names(known: Mapping[str, Value]) -> Lookup:
    def lookup(name: tree.Name) -> Value:
        if name.name in known:
            return known[name.name]
        raise NoValue(
            "E206",
            f"a knob is set to a number, and `{name.name}` is none",
            name.span,
            help="write the number",
        )

    return lookup
