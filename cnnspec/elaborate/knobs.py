"""Knobs and defaults: the values that replace top-level `let`s, and the arguments of a `default`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cnnspec.diagnostics import WHOLE_FILE, Edit, Related, Sink, Span
from cnnspec.diagnostics.suggest import fold, nearest
from cnnspec.elaborate.binding import Slots, slots_of
from cnnspec.elaborate.builder import UNKNOWN
from cnnspec.elaborate.context import DefaultArguments
from cnnspec.elaborate.statements import Statements
from cnnspec.elaborate.text_facts import facts_of, nodes
from cnnspec.elaborate.values import NoValue, Undefined, Value, evaluate
from cnnspec.language import tree
from cnnspec.language.write import write_argument, write_expr
from cnnspec.ops import lookup, words
from cnnspec.ops.base import Shape


def choose_variant(statements: Statements, sink: Sink, name: str | None) -> tree.Variant | None:
    if name is None or name in statements.variants:
        return statements.variants[name] if name is not None else None
    near = nearest(name, statements.variants)
    near = f"`{near}`" if near else _parts_alike(name, statements.variants)
    known = ", ".join(statements.variants) or "none"
    sink.report(
        "E210",
        f"this spec has no variant `{name}`",
        WHOLE_FILE,
        help=f"did you mean {near}?" if near else f"its variants: {known}",
    )
    return None


def _parts_alike(name: str, variants: Iterable[str]) -> str:
    """The variants, at most three, that `b0` or `r50` is a part of, or has the number of."""
    inside = [variant for variant in variants if fold(name) in fold(variant)]
    number = re.findall("[0-9]+", name)
    numbered = [
        variant for variant in variants if number and re.findall("[0-9]+", variant)[: len(number)] == number
    ]
    similar = inside or numbered
    return " or ".join(f"`{one}`" for one in similar) if 0 < len(similar) <= 3 and fold(name) else ""


def knobs_of(
    statements: Statements,
    sink: Sink,
    digits: int,
    variant: tree.Variant | None,
    settings: Mapping[str, str],
) -> dict[str, Value]:
    """The values that replace top-level `let`s: the variant's, and then `--set`."""
    knobs: dict[str, Value] = {}

    def look_up(name: tree.Name) -> Value:
        if name.name in knobs:
            return knobs[name.name]
        message = f"a knob must be set to a number, and `{name.name}` is not one"
        raise Undefined("E206", message, name.span, "write the number")

    broken = {one.name for one in statements.broken}
    settings_of_all = [one for known in statements.variants.values() for one in known.settings]
    for setting in {one.name: one for one in reversed(settings_of_all)}.values():
        if setting.name not in statements.lets and setting.name not in broken:
            _unknown_knob(statements, sink, setting.name, setting)
    for setting in variant.settings if variant else ():
        if setting.name in knobs:
            sink.report("E204", f"`{setting.name}` is set twice", setting.span, help="keep one of the two")
        try:
            knobs[setting.name] = evaluate(setting.value, look_up, digits)
        except NoValue as problem:
            problem.report(sink)
            knobs[setting.name] = UNKNOWN
    for name, text in settings.items():
        if is_size(name):
            continue
        if name not in statements.lets:
            _unknown_knob(statements, sink, name)
            continue
        from cnnspec.language import parse_expression

        why, way = "this is not an expression", f"--set {name}=3/4"
        if (expr := parse_expression(text)) is not None:
            try:
                knobs[name] = evaluate(expr, look_up, digits)
                continue
            except NoValue as problem:
                why, way = problem.finding.message, problem.finding.help
        sink.report("E210", f"--set {name}={text}: {why}", WHOLE_FILE, help=way)
    return knobs


def is_size(setting: str) -> bool:
    """Whether a setting is the size of an input: `input`, or `input left` for the input `left`."""
    return setting.partition(" ")[0] == "input"


def sizes_of(statements: Statements, sink: Sink, settings: Mapping[str, str], limit: int) -> dict[str, Shape]:
    """The sizes that replace those of the inputs (`--size`), by the input's name."""
    names = list(dict.fromkeys(input_.name or "input" for input_ in statements.inputs))
    sizes: dict[str, Shape] = {}
    if not names:
        return sizes  # this is reported elsewhere
    for setting, text in filter(lambda one: is_size(one[0]), settings.items()):
        _, _, name = setting.partition(" ")
        parts = text.split("x")
        way = ""
        if not name and len(names) > 1:
            problem, way = f"this spec has {len(names)} inputs", f"name one: --size {names[0]}={text}"
        elif (name or names[0]) not in names:
            problem, way = f"there is no input `{name}`", f"its inputs: {', '.join(names)}"
        elif not all(part.isdecimal() and len(part) < 20 and 1 <= int(part) <= limit for part in parts):
            problem = f"each size is a whole number from 1 to {limit:,}"
        elif len(parts) > 4:
            problem, way = f"{len(parts)} sizes", "an input has the shape CxTxHxW at most"
        else:
            sizes[name or names[0]] = tuple(map(int, parts))
            shape = next(
                input_.shape for input_ in statements.inputs if (input_.name or "input") == (name or names[0])
            )
            _check_order(sink, shape, text, f"{name}=" if name else "")
            continue
        option = f"--size {name}={text}" if name else f"--size {text}"
        sink.report("E210", f"{option}: {problem}", WHOLE_FILE, help=way)
    return sizes


def _check_order(sink: Sink, shape: tree.Dims, text: str, name: str) -> None:
    """W101 for `--size 28x28` and `--size 28x28x1` of a spec whose input is 1x32x32."""
    first, sizes = shape.dims[0], text.split("x")
    C, axes = first.text if isinstance(first, tree.Number) else "", len(shape.dims) - 1
    if len(sizes) == axes > 1:
        mistake, plain = f"has no channels; the spec's input has {axes + 1} sizes", f"{C or 'C'}x{text}"
    elif len(sizes) == axes + 1 and sizes[-1] == C != sizes[0]:
        mistake, plain = "has its channels last; a shape is CxHxW", "x".join((C, *sizes[:-1]))
    elif len(sizes) == axes + 2 and sizes[1] == C:
        mistake, plain = "has a batch axis; a shape has none", "x".join(sizes[1:])
    else:
        return
    sink.report("W101", f"--size {name}{text} {mistake}", WHOLE_FILE, help=f"write `--size {name}{plain}`")


def _unknown_knob(statements: Statements, sink: Sink, name: str, setting: tree.Let | None = None) -> None:
    """E210 for a knob that a variant or `--set` sets, wherever else it is set."""
    near, known = nearest(name, statements.lets), ", ".join(statements.lets)
    message = f"there is no `let {name}` at the top of this spec"
    way = f"did you mean `{near}`?" if near else f"its knobs: {known}"
    if setting is None:
        sink.report(
            "E210",
            f"--set: {message}",
            WHOLE_FILE,
            help=way if near or known else f"add it: `let {name} = …`",
        )
        return
    fix: tuple[Edit, ...] = ()
    if near is None and name in statements.facts.names:  # it is used, and only its `let` is missing
        first = next(iter(statements.variants.values())).span.start
        let = f"let {name} = {write_expr(setting.value)}"
        way, fix = (
            f"write `{let}` above the variants, its value without a variant",
            (Edit(Span(first, first), f"{let}\n"),),
        )
    elif near is None and not known:
        way = "no value has this name: leave it out"
    sink.report("E210", message, setting.name_span, help=way, fix=fix)


def defaults_of(statements: Statements, sink: Sink) -> list[DefaultArguments]:
    """`default conv dwconv nobias`: the bare words that are layers are its kinds, the rest its arguments."""
    defaults: list[DefaultArguments] = []
    whole = statements.file.statements
    placed = [(one, whole, statements.file.span.end) for one in whole if isinstance(one, tree.Default)]
    inner = statements.facts.inner_defaults
    placed += ((one, around.items, around.within.end) for one, around in inner)
    placed.sort(key=lambda one: one[0].span)
    for statement, around, end in placed:
        kinds = [word for word in statement.words if lookup(word.name) is not None]
        if not kinds:
            _no_kind(sink, statement)
        flags = [
            tree.PositionalArgument(word, word.span) for word in statement.words if lookup(word.name) is None
        ]
        arguments = [_without_truth(sink, argument) for argument in (*statement.arguments, *flags)]
        arguments.sort(key=lambda argument: argument.span)
        if not arguments or _activation(arguments):
            _as_steps(sink, statement)
            continue
        facts = statements.facts if around is whole else facts_of(around)
        layers = facts.words | facts.passed  # the last place of each
        layers |= {word: max(span, layers[word]) for word, span in facts.words.items()}
        _check_reach(layers, sink, statement, kinds)
        if around is whole and not defaults:
            followed = [one for one in kinds if one.name in layers and layers[one.name] > statement.span]
            _check_blocks_above(statements, sink, statement, followed, arguments)
        for kind in kinds:
            if _fits(sink, kind.name, arguments):
                defaults.append(DefaultArguments(statement.span.start, end, kind.name, tuple(arguments)))
    return defaults


def _no_kind(sink: Sink, default: tree.Default) -> None:
    """E201 for a `default` that names no layer."""
    word = default.words[0] if default.words else None
    if word is None:
        arguments = " ".join(write_argument(argument) for argument in default.arguments)
        sink.report(
            "E201",
            "`default` names no layer",
            default.span,
            help=f"write it first, as in `default conv {arguments}`",
        )
        return
    from cnnspec.notations.words import ARGUMENTS, layer_word

    near = layer_word(word.name) or nearest(word.name, words())
    if fold(word.name) in ARGUMENTS:
        message = f"`{word.name}` is not a layer: a default is for the layers that are named first"
        sink.report("E201", message, word.span, help="as in `default conv Psame nobias`")
        return
    sink.report(
        "E201",
        f"there is no layer `{word.name}`",
        word.span,
        help=f"did you mean `{near}`?" if near else "as in `default conv nobias`",
        fix=(Edit(word.span, near),) if near else (),
    )


def _activation(arguments: list[tree.Argument]) -> bool:
    """Whether a word is `activation`, which is not an argument of a layer."""
    first = arguments[0].value
    return isinstance(first, tree.Name) and fold(first.name) in ("activation", "act", "nonlinearity", "norm")


def _as_steps(sink: Sink, default: tree.Default) -> None:
    """E202 for `default activation relu`, `default conv bn relu`: layers, where arguments are expected."""
    layers = [word.name for word in default.words if lookup(word.name) is not None and word.name != "conv"]
    block = f"block unit(k) {{ {' -> '.join(['conv F3 P1 K=k', *layers])} }}"
    message = "a `default` has arguments for layers, such as `nobias`, and no layers that follow them"
    way = f"layers that belong together are a block: `{block}`, used as `unit(64)`"
    sink.report("E202", message, default.span, help=way)


def _check_reach(
    words: Mapping[str, Span], sink: Sink, default: tree.Default, kinds: list[tree.Name]
) -> None:
    """W105 for a `default` that no layer follows: it applies to the layers below it, up to the end of the
    bracket that it is in."""
    lost = [kind for kind in kinds if kind.name not in words or words[kind.name] < default.span]
    above = [kind for kind in lost if kind.name in words]
    if not (above or lost == kinds) or not lost or any(one.code.startswith("E1") for one in sink):
        return
    named = " or ".join(f"`{kind.name}`" for kind in above or lost)
    way = f"move it above the first {named}: a default applies to the layers below it"
    sink.report(
        "W105",
        f"this default changes nothing: no {named} follows it",
        (above or lost)[0].span,
        help=way if above else "leave it out",
    )


def _check_blocks_above(
    statements: Statements,
    sink: Sink,
    default: tree.Default,
    kinds: list[tree.Name],
    arguments: list[tree.Argument],
) -> None:
    """W105 for a block above the first `default` that is used below it: its layers do not have the
    default's arguments."""
    names_set = {_name_of(argument) for argument in arguments}
    below = [statement for statement in statements.file.statements if statement.span > default.span]
    uses = {node.name for node in nodes(tuple(below)) if isinstance(node, tree.CallStep)}
    for block in statements.blocks.values():
        layers = [node for node in nodes(block.body) if isinstance(node, tree.LayerStep)]
        for kind in kinds:
            missed = [layer for layer in layers if layer.word == kind.name]
            missed = [one for one in missed if not names_set & {*map(_name_of, one.arguments)}]
            if not missed or block.name not in uses or block.span > default.span:
                continue
            message = f"this default does not apply to `{block.name}`, a block above it"
            way = f"move it above the block `{block.name}`: a default applies to the layers below it"
            seen = (Related(missed[0].word_span, f"this `{kind.name}` does not have its arguments"),)
            sink.report("W105", message, kind.span, help=way, related=seen)
            return


def _name_of(argument: tree.Argument) -> str:
    """The letter, the name or the word of an argument, without the `no` before it."""
    match argument:
        case tree.LetterArgument(letter=name) | tree.NamedArgument(name=name):
            return name
        case tree.PositionalArgument(value=tree.Name(name=name)):
            return name.removeprefix("no")
    return ""


def _without_truth(sink: Sink, argument: tree.Argument) -> tree.Argument:
    """The argument; `bias=false` is reported and read as `nobias`."""
    if not isinstance(argument, tree.NamedArgument) or not isinstance(argument.value, tree.Name):
        return argument
    from cnnspec.elaborate.other_arguments import truth

    problem = truth(argument)
    if problem is None:
        return argument
    problem.report(sink)
    return tree.PositionalArgument(tree.Name(problem.finding.fix[0].text, argument.span), argument.span)


def _fits(sink: Sink, word: str, arguments: list[tree.Argument]) -> bool:
    """Whether a layer has all of a `default`'s arguments; E202 for the first one that it does not have."""
    op = lookup(word)
    assert op is not None
    slots = slots_of(op)
    strange = next((argument for argument in arguments if not _takes(slots, argument)), None)
    if strange is None:
        return True
    fix: tuple[Edit, ...] = ()
    match strange:
        case tree.NamedArgument(name=name):
            from cnnspec.elaborate.refusals import no_argument

            problem = no_argument(slots, word, strange).finding
            way, fix = problem.help, problem.fix
        case tree.LetterArgument(letter=name) | tree.PositionalArgument(tree.Name(name)):
            near = nearest(name, [*slots.flags, *slots.keywords, *words()])
            way = f"did you mean `{near}`?" if near else f"`{word}` takes {slots.listed()}"
        case _:
            name, way = "value", f"`{word}` takes {slots.listed()}"
    sink.report("E202", f"`{word}` has no `{name}` that could be a default", strange.span, help=way, fix=fix)
    return False


def _takes(slots: Slots, argument: tree.Argument) -> bool:
    match argument:
        case tree.LetterArgument():
            return argument.letter in slots.letters
        case tree.NamedArgument():
            return argument.name in slots.keywords
        case tree.PositionalArgument(tree.Name(name)):
            return name in slots.flags
    return bool(slots.places)
