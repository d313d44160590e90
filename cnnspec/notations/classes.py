"""The classes of a program: one is the network, the others that it uses are blocks where their `forward` is
straight; and so are functions that make layers of numbers, or call layers on a tensor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import NamedTuple

from cnnspec.diagnostics import Span
from cnnspec.notations.network import RESERVED, Network, Part, written
from cnnspec.notations.words import LAYERS

_CLASS = re.compile(r"class[ \t]+(\w+)")
_FUNCTION = re.compile(r"def[ \t]+(\w+)\((?:self|cls)?[ \t]*,?[ \t]*(\w+)?")
_WITH_INPUT = re.compile(r"\b(?:Input|InputLayer)\(|\binput_shape\b")
FLAT = ("forward", "call", "__call__", "__init__")
"""Methods that do not define a block of their own."""


class Statement(NamedTuple):
    """A statement of Python: the lines up to where its brackets are closed, comments in blanks."""

    text: str
    begin: int

    @property
    def span(self) -> Span:
        text = self.text.rstrip()
        return Span(self.begin + len(text) - len(text.lstrip()), self.begin + len(text))

    @property
    def indent(self) -> int:
        return len(self.text) - len(self.text.lstrip())


class Block(NamedTuple):
    """A class or a function as a block: its parameters with their defaults, and those that its layers use."""

    name: str
    parameters: Sequence[tuple[str, str]]
    network: Network
    why: str = ""
    """Why it cannot be written as a block."""
    takes_tensor: bool = False
    """Whether it is a function whose first argument is a tensor: `x = block(x, 64)`."""

    @property
    def used(self) -> list[tuple[str, str]]:
        words = {word for node in self.network.nodes for word in re.findall(r"[A-Za-z_]\w*", node.text)}
        return [parameter for parameter in self.parameters if parameter[0] in words]

    def call(self, positional: Sequence[str], named: Mapping[str, str]) -> str | None:
        """A use with the class's arguments; None where one is missing."""
        names = [name for name, _ in self.parameters]
        if len(positional) > len(names) or named.keys() - {*names}:
            return None
        arguments = dict(zip(names, positional, strict=False)) | dict(named)
        values = [arguments.get(name, default) for name, default in self.used]
        defaults = [default for _, default in self.used]
        while values and defaults and values[-1] == defaults[-1]:
            values.pop()
            defaults.pop()
        return f"{self.named}({', '.join(values)})" if all(values) else None

    @property
    def named(self) -> str:
        """The block's name in this language: it begins with a letter and is not a reserved word."""
        name = self.name.lstrip("_")
        return f"my_{name}" if name in RESERVED or name in LAYERS.values() else name

    def parts(self) -> Iterator[Part]:
        """`block double(k) { … }`, a line for each weighted layer."""
        parameters = [f"{name}={default}" if default else name for name, default in self.used]
        yield Part(f"block {self.named}({', '.join(parameters)}) {{\n")
        begins = True
        for part in written(self.network):
            indent = "  " if begins else ""
            yield part._replace(text=indent + part.text, at=part.at + len(indent))
            begins = part.text.endswith("\n")
        yield Part("}\n")


def made(
    name: str, parameters: Iterable[tuple[str, str]], network: Network, takes_tensor: bool = False
) -> Block:
    """A class whose layers were read, as a block, or with the reason why it cannot be one."""
    parameters = [*parameters]
    why = network.why or "; ".join(node.why for node in network.nodes if node.why)
    if not why and network.outputs and network.outputs != (len(network.nodes) - 1,):
        why = "its output is not its last layer's"
    block = Block(name, parameters, network._replace(outputs=()), why, takes_tensor)
    taken = [one for one, _ in block.used if one in RESERVED or (len(one) == 1 and one.isupper())]
    if not why and taken:
        block = block._replace(why=f"`{taken[0]}` has another meaning here")
    return block if network.nodes else block._replace(why=block.why or "it has no layers")


def grouped(together: Sequence[Statement]) -> dict[str, list[Statement]]:
    """The statements of each class by its name; by "" those before the first class, by
    " " those after it.
    """
    groups: dict[str, list[Statement]] = {"": []}
    current, indent = "", 0
    for one in together:
        header = _CLASS.match(one.text.strip())
        if header and (current in ("", " ") or one.indent <= indent):
            current, indent = header[1], one.indent
            groups[current] = [one]
        elif current and one.indent > indent:
            groups[current].append(one)
        elif current:
            current, indent = " ", 0
            groups.setdefault(current, []).append(one)
        elif not one.text.strip().startswith("@"):
            groups[current].append(one)
    return groups


def functions(groups: dict[str, list[Statement]]) -> dict[str, list[Statement]]:
    """The functions with arguments that the program uses, separated from their class or from the code around
    them."""
    functions_by_name: dict[str, list[Statement]] = {}
    everything = "\n".join(one.text for group in groups.values() for one in group)
    for where, group in groups.items():
        left, kept = [*group], list[Statement]()
        while left:
            one = left.pop(0)
            body = [*takewhile(partial(is_inside, one.indent), left)]
            head = _FUNCTION.match(one.text.strip())
            if (
                head
                and head[2]
                and head[1] not in functions_by_name
                and _is_block(head[1], where, body, everything)
            ):
                functions_by_name[head[1]] = [one, *body]
                del left[: len(body)]
            else:
                kept.append(one)
        group[:] = kept
    return functions_by_name


def is_inside(indent: int, one: Statement) -> bool:
    """Whether a statement is below a header with an indent."""
    return one.indent > indent or not one.text.strip()


def _is_block(name: str, where: str, body: Sequence[Statement], everything: str) -> bool:
    """Whether a function defines a part of the network: it is used, and has no input of its own."""
    if name in FLAT or any(_WITH_INPUT.search(one.text) for one in body):
        return False
    in_class = bool(where.strip())
    uses = re.findall(rf"\bself\.{name}\(" if in_class else rf"\b{name}\(", everything)
    return len(uses) > (not in_class)


def takes_tensor(function: Sequence[Statement]) -> bool:
    """Whether a layer is called on the first argument: `Conv2D(64, 3)(x)`."""
    head = _FUNCTION.match(function[0].text.strip())
    code = "\n".join(one.text for one in function[1:])
    first = head[2] if head else ""
    return re.search(rf"(?:\)|self\.\w+|F\.\w+)\([ \t]*\[?[ \t]*{first}\b", code) is not None


def is_used(groups: Mapping[str, Sequence[Statement]], name: str) -> bool:
    """Whether another class creates a layer of this class, or the class is passed to one."""
    handed, called = re.compile(rf"[(,=][ \t]*{name}\b(?!\()"), re.compile(rf"\b{name}\(")
    return any(
        handed.search(statement.text) or (other.strip() and called.search(statement.text))
        for other, statements in groups.items()
        for statement in statements
        if other != name
    )


def inner_first(groups: Mapping[str, Sequence[Statement]], names: Sequence[str]) -> Iterator[str]:
    """Classes in an order in which each comes after those that it uses; one that uses itself is left out."""
    calls = {
        name: {*re.findall(r"\b(\w+)\(", " ".join(one.text for one in groups[name][1:]))} & {*names}
        for name in names
    }
    while ready := [name for name in calls if not calls[name]]:
        for name in ready:
            yield name
            del calls[name]
        calls = {name: inner - {*ready} for name, inner in calls.items()}
