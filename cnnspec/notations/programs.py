"""Programs of PyTorch and Keras in a text: their places, and the translation of a single line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import takewhile

from cnnspec.diagnostics import Span
from cnnspec.notations.calls import tool_of, tools_with_signs
from cnnspec.notations.classes import (
    Block,
    Statement,
    functions,
    grouped,
    inner_first,
    is_inside,
    is_used,
    made,
    takes_tensor,
)
from cnnspec.notations.network import FEWEST, Network, Program, written
from cnnspec.notations.others import NOT_TRANSLATED, tool_by_sign
from cnnspec.notations.python import (
    NOT_FOLLOWED,
    OWN_WORDS,
    State,
    network,
    read_loop,
    read_statement,
    tool_in,
)
from cnnspec.notations.translation import Notation, Translation
from cnnspec.notations.words import LAYERS

LAYER_SHOWN = "a layer is a word: `conv F3 S1 P1 K64 -> relu`"
_TRAINING = re.compile(r"(?:for|while)\b.*(?:epoch|loader|batch|enumerate)")
_CONTAINERS = ("Sequential", "ModuleList")
_PYTHON = re.compile(r"[ \t]*(?:import|from|class|def|return|self|for|with)(?![A-Za-z0-9_:-])")
_BUILDS = re.compile(r"[ \t]*\w+[ \t]*=[ \t]*(?:\w+\.)*(?:Sequential|Model|Module\w*)\(")
_GIVEN = re.compile(r"[ \t]*(?:self\.)?(\w+)[ \t]*=(?!=)")
_BEGINS = re.compile(
    r"""(?:import|from|class|def|return|super|with|if|elif|for|while|print|self|pass|assert)(?![\w:])
    |(?:else|try|finally|pass):?$ | \"\"\" | '''
    |\(\w+(?:-[0-9]+)?\):[ ]+[A-Za-z0-9]  # print(model)
    |(?:self\.)?\w+(?:[ ]*,[ ]*\w+)*[ ]*[-+*]?=(?![=>])
    |(?:\w+\.)+\w+\(
    |\w+:[ ](?:int|float|str|bool|tuple|list|dict|Any|Callable|Sequence|Optional|Type|ModuleDef)\b  # a field
    |[)\]},]+$
    |@\w+\.\w+ | @(?:static|class)method | @property""",
    re.VERBOSE,
)
_CONSTANT = re.compile(r"(?:import|from)\b|\w+[ \t]*=[ \t]*[-+0-9.\"']")
_DOTTED = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*\(")
_CALL = re.compile(r"[ \t]*(?:([A-Z]\w*)\(|([a-z]\w*Layer)\b)")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|[\r\n]|$)")
_SCAN = re.compile(r"#.*|'''|\"\"\"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|[()\[\]{}]")
_ARROW = re.compile(r"->|=>")
_SHAPE = re.compile(
    r"(?:['\"](\w+)['\"][ \t]*:|(\w+)[ \t]*=(?!=))"
    r"[^\r\n\[={]*(?:\bshape=)?\[([0-9]+(?:[ \t]*[*,][ \t]*[0-9]+){1,6})\]"
)
"""Matches `W1 = tf.Variable(tf.random_normal([5, 5, 1, 32]))`."""
_LONGEST = 40_000
"""The most characters of a program that are read."""
_FORWARD = re.compile(r"\bdef (?:forward|call|__call__)\b")
_SEVERAL = "it has several networks; a file has one"


def statements(text: str) -> Iterator[Statement]:
    """The statements of a text: they end where all brackets are closed at the end of a line."""
    depth, begin, quoted, parts = 0, 0, "", list[str]()
    for line in _LINE.finditer(text, 0, _LONGEST):
        plain = line.group()
        for mark in _SCAN.finditer(plain):
            sign = mark.group()
            if sign in ("'''", '"""'):
                quoted = "" if quoted == sign else quoted or sign
            elif not quoted and sign[0] == "#":
                plain = plain[: mark.start()] + " " * len(sign) + plain[mark.end() :]
            elif not quoted and len(sign) == 1:
                depth = max(0, depth + (sign in "([{") - (sign in ")]}"))
        parts.append(plain)
        if not (depth or quoted) or line.end() == len(text):
            yield Statement("".join(parts), begin)
            depth, begin, quoted, parts = 0, line.end(), "", []


def networks(text: str) -> Iterator[Program]:
    """The programs in a text; a single line is not one, unless it has three layers and more."""
    together: list[Statement] = []
    for statement in [*statements(text), Statement("model", len(text))]:
        code = statement.text.strip()
        if code and _is_python(code, text):
            together.append(statement)
        elif code:
            if together and (program := _program(together, text)):
                yield program
            together = []


_NAMED_STEP = re.compile(r"\w+[ \t]*=[ \t]*([a-z]\w*)[ \t]+(?!(?:if|for|and|or|in|is|not)\b)[\w(]")


def _is_called(code: str, text: str) -> bool:
    """Whether a layer is called on a tensor: in this statement, or elsewhere by the name that it is assigned
    to."""
    return code.endswith(")") or bool(re.search(rf"\w\((?:\w+,[ \t]*)*{code.split()[0]}[,)]", text))


def _is_python(code: str, text: str) -> bool:
    step = _NAMED_STEP.match(code)
    if step and step[1] in LAYERS.values() and not (OWN_WORDS.fullmatch(code) and _is_called(code, text)):
        return False  # `x = conv F3 K8`
    if _BEGINS.match(code):
        return not _ARROW.search(code) or code.startswith("def ")
    call = _CALL.match(code)
    if call and call[2]:  # MATLAB
        return f"block {call[2]}" not in text
    return call is not None and (
        bool(tool_of(call[1])) or call[1] in _CONTAINERS or f"block {call[1]}" not in text
    )


def _is_layer(one: Statement) -> bool:
    """Whether a statement is just the call of a layer: `Conv2d(3, 64, 7)`."""
    call = _CALL.match(one.text.strip())
    return call is not None and bool(tool_of(call[1])) and not _BEGINS.match(one.text.strip())


def names_in(text: str) -> set[str]:
    """Names that a spec's `let`s and blocks give a value, found without parsing it."""
    named = re.findall(r"\blet[ \t]+(\w+)", text)
    parameters = re.findall(r"\b(?:block|shared)[ \t]+\w+\(([^()]*)\)", text)
    return {*named, *re.findall(r"\w+", " ".join(parameters))}


def _program(together: list[Statement], text: str) -> Program | None:
    span = Span(together[0].span.start, together[-1].span.end)
    code = text[slice(*span)]
    sign = tool_by_sign(code)
    if sign and sign not in tools_with_signs():
        return Program(f"this is {sign} code", span, Network((), why=NOT_TRANSLATED), span.start)
    library = sign or tool_in(code)
    tool = {"torch": "PyTorch"}.get(library, library) or "Python"
    lets = frozenset(names_in(text))
    shapes = (
        {one[1] or one[2]: f"({one[3]})" for one in _SHAPE.finditer(code)} if sign == "TensorFlow" else {}
    )
    groups = grouped(together)
    classes = [name for name in groups if name.strip()]
    made_by = functions(groups)
    unused = [name for name in classes if not is_used(groups | made_by, name)]
    networks = [name for name in unused if any(_FORWARD.search(one.text) for one in groups[name])] or unused
    if len(networks) > 1:
        return Program(f"this is {tool} code", span, Network((), why=_SEVERAL), span.start)
    blocks: dict[str, Block] = {}
    outside = [one for one in groups[""] if not one.indent and not one.text.startswith("def")]
    constants = [one for one in outside if _CONSTANT.match(one.text.strip())]
    inner = [name for name in classes if name not in unused]
    for name in inner_first(groups | made_by, [*made_by, *inner]):
        function = made_by.get(name, [])
        tensor = bool(function) and takes_tensor(function)
        c = State(library, lets, blocks, True, name if function else "", tensor)
        _read(c, [*constants, *function] if function else [*outside, *groups[name]])
        blocks[name] = made(name, c.parameters.items(), network(c), tensor)
    c = State(library, lets, blocks, shapes=shapes)
    _read(c, [*(outside if networks else groups[""]), *(groups[networks[0]] if networks else ())])
    whole = network(c)
    if 1 < len(together) < FEWEST and all(map(_is_layer, together)):
        return None  # each line is a finding of its own, which translates its numbers
    if not (whole.nodes and (len(whole.nodes) >= FEWEST or "\n" in code)):
        layers = any(map(tool_of, re.findall(r"\b(\w+)\(", code)))
        if not ("\n" in code and (_PYTHON.match(code) or (whole.why and layers))):
            return None
        whole = whole._replace(why=whole.why or "it has no layers, and a spec only describes layers")
    used = [block for block in blocks.values() if whole.nodes and not block.why]
    parts = [part for one in used for part in one.parts()]
    return Program(f"this is {tool} code", span, whole, span.start, parts)


def _read(c: State, statements: Iterable[Statement]) -> None:
    left = [*statements]
    while left:
        one = left.pop(0)
        code = one.text.strip()
        if _TRAINING.match(code):
            break
        if code.startswith("for ") and code.endswith(":"):
            body = [*takewhile(partial(is_inside, one.indent), left)]
            if read_loop(c, code, [inner for inner in body if inner.text.strip()]):
                del left[: len(body)]
                continue
            c.doubt(NOT_FOLLOWED)
        if not read_statement(c, code, one.span.start) and code.strip(")]}, "):
            c.doubt(f"`{code.splitlines()[0]}` cannot be read")


def line_of_python(line: str, begin: int, text: str) -> Translation | None:
    """A line of a text that begins at `begin`."""
    code = line.split("#")[0].rstrip()
    stripped = code.lstrip()
    span = Span(begin + len(code) - len(stripped), begin + len(code))
    own = OWN_WORDS.fullmatch(stripped)
    if _BEGINS.match(stripped) and not _ARROW.search(stripped) and (own is None or own[3]):
        c = State(tool_by_sign(stripped) or tool_in(stripped), frozenset(names_in(text)))
        read = read_statement(c, stripped, span.start)
        translated = network(c)
        if translated.nodes:
            return _of_line(translated, c.input_name, stripped, span)
        if read and _DOTTED.search(stripped):
            return Translation(Notation.PYTHON, span, "", LAYER_SHOWN)
    if _PYTHON.match(line) or _BUILDS.match(line):
        return Translation(Notation.PYTHON, span, "", LAYER_SHOWN)
    return None


def _of_line(network: Network, input_name: str, code: str, span: Span) -> Translation:
    node, assigned = network.nodes[0], _GIVEN.match(code)
    why = network.why or "; ".join(one.why for one in network.nodes if one.why)
    text = (
        "".join(part.text for part in written(network)).strip()
        if all(one.text for one in network.nodes)
        else ""
    )
    if text and not why and input_name and assigned and assigned[1] != input_name:
        why = f"it continues from `{input_name}`: `@{input_name} -> …`, with `{input_name}:` before that line"
    notation = Notation.INPUT_CALL if text.startswith("input ") else Notation.PYTHON
    defined = assigned is not None and not input_name and notation is Notation.PYTHON
    text = "" if "\n" in text else text
    return Translation(
        notation, span, text, why or ("" if text else LAYER_SHOWN), "Input", not defined, node.takes
    )
