"""Calls of PyTorch, Keras and other tools: they are parsed with Python's parser and translated with the
tables of layers."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.entry import Entry, Reading, read

LONGEST = 500
"""The most characters of a step that are read."""
_HEAD = re.compile(r"[ \t]*(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*\(")
_MATLAB_NAME = re.compile(r"['\"]([A-Z]\w*[a-z]\w*)['\"]")
_APART = re.compile(r"(?<=[0-9])[ \t]+(?=[0-9])")
"""Blanks between the numbers of a MATLAB vector."""


class Tool(NamedTuple):
    name: str
    entries: Sequence[Entry]
    ignored: frozenset[str]
    prefixes: Sequence[str]


class Call(NamedTuple):
    prefix: str
    name: str
    positional: Sequence[str]
    named: dict[str, str]
    rest: str = ""
    """The text after the last bracket."""


@cache
def tools() -> tuple[Tool, ...]:
    from cnnspec.notations import keras, matlab, slim, torch

    return (
        Tool("torch", torch.TORCH, torch.IGNORED, ("nn", "torch", "F", "functional")),
        Tool("Keras", keras.KERAS, keras.IGNORED, ("layers", "keras", "tf", "tfl", "L")),
        Tool("Keras 1", keras.KERAS_1, keras.IGNORED, ()),
        Tool("TF-slim", slim.SLIM, slim.IGNORED, ("slim",)),
        Tool("MATLAB", matlab.MATLAB, matlab.IGNORED, ()),
    )


@cache
def tools_with_signs() -> Mapping[str, Tool]:
    """Tools whose layers have the names of other tools' layers: their tables are read only in a program that
    is theirs by a sign (`others.SIGNS`)."""
    from cnnspec.notations import jax, mxnet, paddle, tensorflow, torch, torchlike

    tools = (
        Tool("Flax", jax.FLAX, jax.IGNORED, ()),
        Tool("Haiku", jax.HAIKU, jax.IGNORED, ()),
        Tool("MXNet", mxnet.MXNET, mxnet.IGNORED, ()),
        Tool("PaddlePaddle", paddle.PADDLE, paddle.IGNORED, ()),
        Tool("TensorFlow", tensorflow.TENSORFLOW, tensorflow.IGNORED, ()),
        Tool("MLX", torchlike.MLX, torch.IGNORED, ()),
        Tool("tinygrad", torchlike.TINYGRAD, torch.IGNORED, ()),
        Tool("fastai", torchlike.FASTAI, torch.IGNORED, ()),
    )
    return {tool.name: tool for tool in tools}


def name_of(entry: Entry) -> str:
    """The layer's name, with a module before it where other tools have a layer of that name."""
    return re.split(r"[^\w.]", entry.example, maxsplit=1)[0]


@cache
def _entries(name: str = "") -> dict[str, list[tuple[Tool, Entry]]]:
    """The entries by name; by folded name (without case, `_` and `-`); and by folded name without the number
    of axes: of one tool, or of all without a sign."""
    entries: dict[str, list[tuple[Tool, Entry]]] = {}
    for tool in (tools_with_signs()[name],) if name else tools():
        for entry in tool.entries:
            name = name_of(entry)
            for key in {name, f"~{fold(name)}", f"?{fold(name).removesuffix('2d')}"}:
                entries.setdefault(key, []).append((tool, entry))
    return entries


def _entries_of(name: str, prefix: str, tool: str) -> tuple[list[tuple[Tool, Entry]], bool]:
    """The entries with this name, and whether it is all of their name."""
    entries = _entries(tool if tool in tools_with_signs() else "")
    for key in (f"{prefix}.{name}", name, f"~{fold(name)}"):
        if key in entries:
            return entries[key], True
    return entries.get(f"?{fold(name)}", []), False


def is_known(name: str, prefix: str = "", tool: str = "") -> bool:
    """Whether the tool, or some tool, has a layer of this name."""
    return bool(_entries_of(name, prefix, tool)[0])


def tool_of(name: str) -> str:
    """The only tool with a layer of exactly this name; "" if there is none or several have one."""
    having = {tool.name for tool, entry in _entries().get(name, ())}
    return having.pop() if len(having) == 1 else ""


def statement(text: str) -> ast.stmt | None:
    """A statement of Python, parsed and never run; None where it is not exactly one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            (node,) = ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return node


def parsed(text: str) -> Call | None:
    """A call's name and arguments; its last bracket may be missing.

    >>> parsed("nn.Conv2d(3, 64, kernel_size=(7, 7))(x)")
    Call(prefix='nn', name='Conv2d', positional=['3', '64'], named={'kernel_size': '(7, 7)'}, rest='(x)')
    """
    if len(text) > LONGEST or not _HEAD.match(text):
        return None
    text = text.strip().rstrip(",; \t")
    for written in (text, f"{text})", _APART.sub(", ", text)):
        node = statement(written)
        if isinstance(node, ast.Expr) and (inner := [*_calls(node.value)]):
            call, whole = (
                call_of(inner[-1], partial(source_of, written)),
                ast.get_source_segment(written, inner[-1]) or "",
            )
            return call and call._replace(rest=written[len(whole) :])
    return None


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Of `Conv2d(3, 8)(x)` the whole and `Conv2d(3, 8)`."""
    while isinstance(node, ast.Call | ast.Attribute):
        if isinstance(node, ast.Call):
            yield node
        node = node.func if isinstance(node, ast.Call) else node.value


def source_of(text: str, node: ast.AST) -> str:
    """The source text of a part of a statement, on one line."""
    return " ".join((ast.get_source_segment(text, node) or ast.unparse(node)).split())


def call_of(node: ast.Call, written: Callable[[ast.expr], str]) -> Call | None:
    """A call, with its arguments as `written` returns them; None if the callee has no name."""
    prefix, _, name = ast.unparse(node.func).rpartition(".")
    if not name.isidentifier():
        return None
    positional: list[str] = []
    named = {keyword.arg: written(keyword.value) for keyword in node.keywords if keyword.arg is not None}
    parts = iter([written(argument) for argument in node.args])
    for part in parts:
        if pair := _MATLAB_NAME.fullmatch(part):
            named[pair[1]] = next(parts, "")
        else:
            positional.append(part)
    return Call(prefix.rpartition(".")[2], name, positional, named)


def read_call(call: Call, tool: str = "") -> Reading | None:
    """The layer of a call, as `tool` defines it if it has the layer; None if no tool has it.

    >>> read_call(parsed("Conv2d(3, 64, kernel_size=(7, 7), padding=3)"))
    Reading(text='conv F7 P3 K64', why='', fits=True, takes='3')
    >>> read_call(parsed("LeakyReLU()")).why
    'in torch it is `leaky`, in Keras `leaky 0.3`'
    """
    entries, whole = _entries_of(call.name, call.prefix, tool)
    if call.prefix in ("F", "functional"):  # the tensor comes first
        call = call._replace(positional=call.positional[1:])
    for narrower in ([entry for entry in entries if call.prefix in entry[0].prefixes],
                     [entry for entry in entries if entry[0].name == tool]):  # fmt: skip
        entries = narrower or entries
    read_as = [(tool, read(entry, call.positional, call.named, tool.ignored)) for tool, entry in entries]
    fitting = [(tool, reading) for tool, reading in read_as if reading.fits] or read_as[:1]
    if not fitting or not (whole or fitting[0][1].fits):
        return None
    first = fitting[0][1]
    if all(reading == first for _, reading in fitting):
        if whole or call.name.islower() or first.why:
            return first
        return first._replace(why=f"tools differ in what `{call.name}` is")
    if len({one.text for _, one in fitting}) == 1 and first.text:
        return first._replace(why=first.why or next(one.why for _, one in fitting if one.why))
    ways = {
        f"{tool.name} {f'`{one.text}`' if one.text else f'none: {one.why}'}": None for tool, one in fitting
    }
    return Reading("", "in " + ", in ".join(ways).replace(" ", " it is ", 1))
