"""The classes of a program: one is the network, the others that it uses are blocks where their `forward` is
straight.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cnnspec.diagnostics import Span
from cnnspec.notations.network import RESERVED, Network, Part, written

_CLASS = re.compile(r"class[ \t]+(\w+)")


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
    """A class as a block: the parameters of `__init__` with their defaults, and those that its layers use."""

    name: str
    parameters: Sequence[tuple[str, str]]
    network: Network
    why: str = ""
    """Why it cannot be written as a block."""

    @property
    def used(self) -> list[tuple[str, str]]:
        words = {word for node in self.network.nodes for word in re.findall(r"[A-Za-z_]\w*", node.text)}
        return [one for one in self.parameters if one[0] in words]

    def call(self, positional: Sequence[str], named: Mapping[str, str]) -> str | None:
        """A use with arguments as the class has them; None where one is missing."""
        names = [name for name, _ in self.parameters]
        if len(positional) > len(names) or named.keys() - {*names}:
            return None
        given = dict(zip(names, positional, strict=False)) | dict(named)
        values = [given.get(name, default) for name, default in self.used]
        defaults = [default for _, default in self.used]
        while values and defaults and values[-1] == defaults[-1]:
            values.pop()
            defaults.pop()
        return f"{self.name}({', '.join(values)})" if all(values) else None

    def parts(self) -> Iterator[Part]:
        """`block double(k) { … }`, a line for each weighted layer."""
        parameters = [f"{name}={default}" if default else name for name, default in self.used]
        yield Part(f"block {self.name}({', '.join(parameters)}) {{\n")
        begins = True
        for part in written(self.network):
            indent = "  " if begins else ""
            yield part._replace(text=indent + part.text, at=part.at + len(indent))
            begins = part.text.endswith("\n")
        yield Part("}\n")


def made(name: str, parameters: Iterable[tuple[str, str]], network: Network) -> Block:
    """A class whose layers were read, as a block; with the reason where it cannot be one."""
    parameters = [*parameters]
    why = network.why or "; ".join(node.why for node in network.nodes if node.why)
    if not why and network.outputs and network.outputs != (len(network.nodes) - 1,):
        why = "its output is not its last layer's"
    block = Block(name, parameters, network._replace(outputs=()), why)
    taken = [one for one, _ in block.used if one in RESERVED or (len(one) == 1 and one.isupper())]
    if not why and taken:
        block = block._replace(why=f"`{taken[0]}` has another meaning here")
    return block if network.nodes else block._replace(why=block.why or "it has no layers")


def grouped(together: Sequence[Statement]) -> dict[str, list[Statement]]:
    """The statements of each class by its name; by "" those before the first class, by
    " " those behind it.
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


def is_used(groups: Mapping[str, Sequence[Statement]], name: str) -> bool:
    """Whether another class makes a layer of this class, or the class is handed to one."""
    handed, called = re.compile(rf"[(,=][ \t]*{name}\b(?!\()"), re.compile(rf"\b{name}\(")
    return any(
        handed.search(one.text) or (other.strip() and called.search(one.text))
        for other, statements in groups.items()
        for one in statements
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
