"""Lists in a lowered program: a list that is indexed becomes a variable, and a repeat over its entries
becomes a loop over the list.

`widths(i)` in `[ … ]*len(widths)` becomes `width` of `for width in widths`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnspec.ir.expr import parsed
from cnnspec.lower.symbolic import Apply, Const, Node, Unclear, Var, plain, python, value
from cnnspec.lower.writer import Code, listed

if TYPE_CHECKING:
    from cnnspec.lower.frame import Frame


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of a list in one pass: its variable, the list by name, and its values where they are
    known."""

    variable: str
    list: Node
    values: Node


def with_entries(frame: Frame, node: Node) -> Node:
    """The expression, with variables for its lists and for their entries in this pass."""
    if not isinstance(node, Apply):
        return node
    arguments = tuple(with_entries(frame, argument) for argument in node.arguments)
    if node.operator != "at" or isinstance(arguments[1], Const):
        return Apply(node.operator, arguments)
    list_node, place = arguments
    for around in frame.around():
        if place == Var(around.index or "") and _has_a_pass_each(around, list_node):
            return _entry(frame, around, list_node)
    if isinstance(list_node, Const):
        list_node = _variable(frame, list_node)
    return Apply("at", (list_node, place))


def _has_a_pass_each(frame: Frame, list_node: Node) -> bool:
    """Whether a repeat has as many passes as a list has entries, in every use."""
    if isinstance(list_node, Const):
        return set(frame.counts) == {len(list_node.value)}
    return frame.count == Apply("len", (list_node,))


def _entry(frame: Frame, around: Frame, list_node: Node) -> Var:
    """The variable for a list's entry, in the loop of the frame `around`."""
    entry = around.entries.get(python(list_node))
    if entry is None:
        listed = _variable(frame, list_node) if isinstance(list_node, Const) else list_node
        name = listed.name if isinstance(listed, Var) else "values"
        base = name.removesuffix("s") if name.endswith("s") and len(name) > 1 else f"{name}_i"
        variable = frame.lowering.loop_variable(frame.function, around.depth - 1, base, name)
        entry = Entry(variable, listed, list_node)
        around.entries[python(list_node)] = entry
    _note(frame, entry.variable, Apply("at", (entry.list, Var(around.index or ""))))
    return Var(entry.variable)


def _variable(frame: Frame, list_node: Const) -> Var:
    """The function's variable for a list."""
    lists, text = frame.function.lists, python(list_node)
    if text not in lists:
        lists[text] = frame.function.namer.take(frame.lowering.lists.get(text, "values")), list_node
    _note(frame, lists[text][0], list_node)
    return Var(lists[text][0])


def _note(frame: Frame, variable: str, node: Node) -> None:
    """Stores a variable's values in the uses of a frame and of the frames around it."""
    for around in frame.around():
        for use in around.uses:
            try:
                use.env[variable] = value(node, use.env)
            except Unclear:
                continue


def lists_of(knobs: Mapping[str, str]) -> dict[str, str]:
    """The names of the file's lists, by their text in Python."""
    lists = {name: parsed(text) for name, text in knobs.items() if text.startswith("(")}
    return {python(Const(plain(list_))): name for name, list_ in lists.items()}


def clause(index: str, count: Node, over: Iterable[Entry]) -> str:
    """`for i in range(3)`, `for width in widths`, `for i, (k, n) in enumerate(zip(ks, ns))`; without an index
    where it is empty."""
    over = list(over)
    if not over:
        return f"for {index or '_'} in range({python(count)})"
    names = ", ".join(entry.variable for entry in over)
    lists = ", ".join(python(one.list) for one in over)
    if len(over) > 1:
        lists = f"zip({lists})"
    if not index:
        return f"for {names} in {lists}"
    return f"for {index}, {f'({names})' if len(over) > 1 else names} in enumerate({lists})"


def value_code(node: Node, text: str) -> Code:
    """The code `text` of a `let`'s value; a list is broken into one line per entry where it is too long for a
    line."""
    if isinstance(node, Const) and isinstance(node.value, tuple) and len(node.value) > 1:
        return listed([python(Const(value)) for value in node.value], "(", ")")
    return text
