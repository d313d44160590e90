"""`for _ in range(3):` around layers, as a repetition."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from cnnspec.diagnostics import Span
from cnnspec.notations.calls import statement
from cnnspec.notations.classes import Statement
from cnnspec.notations.network import Node
from cnnspec.notations.python.expressions import written
from cnnspec.notations.python.layers import NAME
from cnnspec.notations.python.state import NOT_FOLLOWED, Module, State
from cnnspec.notations.python.statements import read_statement


def read_loop(c: State, header: str, body: Sequence[Statement]) -> bool:
    """Reads a loop around statements where they add steps in a row; False for another loop."""
    loop = statement(f"{header} pass")
    match loop:
        case ast.For(target=ast.Name(id=counter), iter=ast.Call(func=ast.Name(id="range"), args=bounds)):
            count = _count(c, header, bounds)
        case _:
            return False
    start, lists = len(c.nodes), {name: len(one.parts) for name, one in _lists(c)}
    if not count or not body or not _read(c, body):
        return False
    added = c.nodes[start:]
    rows = [(name, one.parts[lists.get(name, 0) :]) for name, one in _lists(c)]
    rows = [(name, parts) for name, parts in rows if parts]
    # what is made before the loop is the same layer in each pass
    made_here = Span(body[0].span.start, body[-1].span.end)
    spans = [node.span for node in added] + [part.node.span for _, parts in rows for part in parts]
    if not all(made_here.start <= span.start and span.end <= made_here.end for span in spans):
        return False
    inputs = [node.inputs for node in added[1:]]
    if added and not rows and inputs == [(place,) for place in range(start, start + len(added) - 1)]:
        c.used.difference_update(spans)
        return _repeats_layers(c, start, body, count, counter)
    if added or len(rows) != 1 or any(one.parts for one in rows[0][1]):
        return False
    name, parts = rows[0]
    owner = c.names[name]
    assert isinstance(owner, Module)
    row = Module(_repeated([part.node for part in parts], count, counter))
    c.names[name] = owner._replace(parts=(*owner.parts[: len(owner.parts) - len(parts)], row))
    return bool(row.node.text)


def _repeats_layers(c: State, start: int, body: Sequence[Statement], count: str, counter: str) -> bool:
    """One repetition in place of the layers from a node on, where a second pass continues from the first."""
    added, end = c.nodes[start:], len(c.nodes) - 1
    again = c.nodes[end + 1 :] if _read(c, body) else []
    if [node.text for node in again] != [node.text for node in added] or again[0].inputs != (end,):
        return False
    last = len(c.nodes) - 1
    c.nodes[start:] = [_repeated(added, count, counter)._replace(inputs=added[0].inputs)]
    c.names |= {name: start for name, one in c.names.items() if one in (end, last)}
    c.current = start
    return bool(c.nodes[-1].text)


def _read(c: State, body: Sequence[Statement]) -> bool:
    return all(read_statement(c, one.text.strip(), one.span.start) for one in body)


def _lists(c: State) -> list[tuple[str, Module]]:
    return [(name, one) for name, one in c.names.items() if isinstance(one, Module)]


def _count(c: State, header: str, bounds: Sequence[ast.expr]) -> str:
    """`n` of `range(n)`, `n - 1` of `range(1, n)`; nothing for another range."""
    c.text = header
    ends = [written(c, bound) for bound in bounds]
    if len(ends) == 2 and all(end.isdecimal() for end in ends):
        return str(int(ends[1]) - int(ends[0]))
    known = all(end.isdecimal() or end in c.lets for end in ends)
    if not known or len(ends) not in (1, 2):
        return ""
    return ends[0] if len(ends) == 1 else f"({ends[1]} - {ends[0]})"


def _repeated(nodes: Sequence[Node], count: str, counter: str) -> Node:
    """Steps in a row as a repetition; without a text where one of them is not certain."""
    steps = [node.text for node in nodes]
    sure = all(node.text and not node.why for node in nodes)
    why = "" if sure and counter not in NAME.findall(" ".join(steps)) else NOT_FOLLOWED
    return Node("" if why else f"[{' -> '.join(steps)}]*{count}", nodes[0].span, why=why)
