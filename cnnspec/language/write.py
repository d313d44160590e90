"""Parts of a tree as canonical text on one line: expressions, values, arguments, claims."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from cnnspec.language import tree

LETTER_ORDER = "FSPKGD"
# How tightly each form binds; an operand that binds less tightly is in parentheses.
_CONDITIONAL, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(10)
_BINDING = {
    "or": _OR,
    "and": _AND,
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "//": _PRODUCT,
    "%": _PRODUCT,
}


def write_expr(expr: tree.Expr) -> str:
    """The expression as text, with the fewest parentheses that give the same tree."""
    return _expr(expr, _CONDITIONAL)


def write_atom(expr: tree.Expr) -> str:
    """The same, in parentheses where it has operators."""
    return _expr(expr, _ATOM)


def _expr(expr: tree.Expr, least: int) -> str:
    """`expr` where a form that binds less tightly than `least` needs parentheses."""
    match expr:
        case tree.Number():
            return expr.text
        case tree.Name():
            return expr.name
        case tree.Function():
            return f"{expr.name}({', '.join(map(write_expr, expr.arguments))})"
        case tree.List():
            return f"({', '.join(map(write_expr, expr.entries))}{',' if len(expr.entries) == 1 else ''})"
        case tree.Unary("not", operand):
            binding, text = _NOT, f"not {_expr(operand, _NOT)}"
        case tree.Unary(operator, operand):
            binding, text = _UNARY, operator + _expr(operand, _UNARY)
        case tree.Conditional():
            binding = _CONDITIONAL
            text = (
                f"{_expr(expr.then, _OR)} if {_expr(expr.condition, _OR)} "
                f"else {_expr(expr.otherwise, _CONDITIONAL)}"
            )
        case tree.Binary("**", base, exponent):
            binding, text = _POWER, f"{_expr(base, _ATOM)}**{_expr(exponent, _UNARY)}"
        case tree.Binary():
            binding = _BINDING.get(expr.operator, _COMPARE)
            # left-associative; a comparison takes no comparison on either side
            left = _expr(expr.left, binding + (binding == _COMPARE))
            right = _expr(expr.right, binding + 1)
            space = " " if binding <= _COMPARE else ""
            text = f"{left}{space}{expr.operator}{space}{right}"
    return text if binding >= least else f"({text})"


def write_dims(dims: tree.Dims, maps: bool = False) -> str:
    """`3x(r)x(r)`; with `maps` as `6@28x28`."""
    parts = [
        dim.text if type(dim) is tree.Number and dim.text.isdigit() else f"({write_expr(dim)})"
        for dim in dims.dims
    ]
    if maps and len(parts) > 1:
        return f"{parts[0]}@{'x'.join(parts[1:])}"
    return "x".join(parts)


def write_number(value: Fraction) -> str:
    """A number of a matrix: an integer, a decimal if it is finite, else a fraction; with an exponent where
    the digits alone would be too many to be read again."""
    from decimal import Context, Decimal

    from cnnspec.language.builder.values import MAX_DIGITS

    context = Context(prec=4 * MAX_DIGITS)
    exact = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    exact = exact.normalize(context)  # 1e40 has one digit
    ends, decimal = Fraction(exact) == value, f"{exact:f}"
    texts = [decimal] if ends and len(decimal.partition(".")[2]) <= 20 else []
    for text in (*texts, str(value)):
        if _digits(text) <= MAX_DIGITS or not ends:
            return text
    powers = sorted(range(-MAX_DIGITS, MAX_DIGITS + 1), key=abs)
    return min((f"{context.scaleb(exact, -power):f}e{power}" for power in powers), key=_digits)


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def write_rows(plane: Iterable[Iterable[Fraction]]) -> list[str]:
    return [" ".join(map(write_number, row)) for row in plane]


def write_matrix(matrix: tree.Matrix) -> str:
    return "[" + " | ".join("; ".join(write_rows(plane)) for plane in matrix.planes) + "]"


def write_value(value: tree.Value, least: int = _CONDITIONAL) -> str:
    match value:
        case tree.Dims():
            return write_dims(value)
        case tree.Range():
            # the low end of an argument without a name has no leading sign
            low = _expr(value.low, _SUM)
            return f"{f'({low})' if _signed(value.low) else low}:{_expr(value.high, _SUM)}"
        case tree.Matrix():
            return write_matrix(value)
        case tree.Reference():
            return f"@{value.name}"
        case tree.Same():
            return "same"
        case tree.Layers():
            return f"[{write_sequence(value.body)}]"
        case _:
            return _expr(value, least)


def write_sequence(sequence: tree.Sequence) -> str:
    """A sequence of one line; "id" for an empty one."""
    (line,) = sequence.items or (None,)
    assert line is None or type(line) is tree.Line
    steps = line.steps if line is not None else ()
    links = (" " if type(step) is tree.ClaimStep else " -> " for step in steps)
    return "".join(f"{link}{write_step(step)}" for link, step in zip(links, steps, strict=True))[4:] or "id"


def write_step(step: tree.Step) -> str:
    """A step on one line; the sequences in it are of one line."""
    match step:
        case tree.LayerStep():
            return " ".join([step.word, *map(write_argument, ordered(step.arguments))])
        case tree.CallStep():
            return write_call(step.name, step.arguments)
        case tree.GroupStep():
            times = "" if step.times is None else f"*{write_atom(step.times)}"
            return f"[{write_sequence(step.body)}]{times}"
        case tree.BranchStep():
            head = " ".join([step.word, *map(write_argument, ordered(step.arguments))])
            return f"{head} [ {' | '.join(map(write_sequence, step.branches))} ]"
        case tree.IfStep():
            text = f"if {write_expr(step.condition)} [ {write_sequence(step.then)} ]"
            return text if step.otherwise is None else f"{text} else [ {write_sequence(step.otherwise)} ]"
        case tree.StartStep():
            return write_references((step.reference, *step.others))
        case tree.ClaimStep():
            return f"=> {write_claims(step.claims)}"
    return ""


def write_references(references: Iterable[tree.Reference]) -> str:
    """`@a, each @b`."""
    return ", ".join(f"{'each ' if reference.each else ''}@{reference.name}" for reference in references)


def _signed(expr: tree.Expr) -> bool:
    while type(expr) is tree.Binary:
        expr = expr.left
    return type(expr) is tree.Unary


def is_glued(value: tree.Value) -> bool:
    """Whether a letter's value is written right after it: `F3`, `F1x7`, `F1x3x3`, `Psame`."""
    if type(value) is tree.Dims:
        return len(value.dims) in (2, 3) and all(
            type(dim) is tree.Number and dim.text.isdigit() for dim in value.dims
        )
    return type(value) is tree.Same or (type(value) is tree.Number and value.text.isdigit())


def write_argument(argument: tree.Argument, call: bool = False) -> str:
    """An argument of a layer; of a block's call, where commas stand between, with `call`."""
    value = argument.value
    if type(argument) is tree.LetterArgument:
        equal = "" if is_glued(value) else "="
        return f"{argument.letter}{equal}{write_value(value, _CONDITIONAL if call else _SUM)}"
    if type(argument) is tree.NamedArgument:
        return f"{argument.name}={write_value(value, _CONDITIONAL if call else _SUM)}"
    return write_value(value, _CONDITIONAL if call else _PRODUCT if _is_fraction(value) else _ATOM)


def write_default(argument: tree.Argument) -> str:
    """An argument of `default`, where a fraction without a name is in parentheses."""
    positional = type(argument) is tree.PositionalArgument
    return write_value(argument.value, _ATOM) if positional else write_argument(argument)


def _is_fraction(value: tree.Value) -> bool:
    """`1/2`, which needs no parentheses as a layer's argument."""
    match value:
        case tree.Binary("/", tree.Number(), tree.Number()):
            return True
    return False


def ordered(arguments: Iterable[tree.Argument]) -> list[tree.Argument]:
    """A layer's arguments as they are written: hyperparameters first, in their order, then the author's."""
    letters = [argument for argument in arguments if type(argument) is tree.LetterArgument]
    letters.sort(key=lambda argument: LETTER_ORDER.index(argument.letter))
    return [*letters, *(argument for argument in arguments if type(argument) is not tree.LetterArgument)]


def write_call(name: str, arguments: Iterable[tree.Argument]) -> str:
    """`f(64, s=2)`; hyperparameters that follow one another have no commas: `c(F1x7 P0x3 K128)`."""
    text = f"{name}("
    before: tree.Argument | None = None
    for argument in arguments:
        if before is not None:
            both = type(before) is tree.LetterArgument and type(argument) is tree.LetterArgument
            text += " " if both else ", "
        text += write_argument(argument, call=True)
        before = argument
    return f"{text})"


def write_claim(claim: tree.Claim, source: str = "") -> str:
    value = claim.value
    if isinstance(value, tree.Dims):
        text = write_dims(value, "@" in source[value.span.start : value.span.end])
        if claim.subject_span == claim.span:
            return text
    else:
        text = value.text or (f"({write_expr(value.expression)})" if value.expression else "")
    return " ".join(filter(None, (claim.subject, claim.bound, text)))


def write_claims(claims: Iterable[tree.Claim], source: str = "") -> str:
    return ", ".join(write_claim(claim, source) for claim in claims)


def write_parameter(parameter: tree.Parameter) -> str:
    if parameter.kind == "tensor":
        return f"@{parameter.name}"
    if parameter.default is None:
        return parameter.name
    return f"{parameter.name}={write_value(parameter.default)}"
