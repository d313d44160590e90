"""The layers of a pasted program, and the same network as lines of this language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from cnnspec.diagnostics import Span, line_start
from cnnspec.notations.merges import MERGES

T = TypeVar("T")
FEWEST = 3
"""The fewest layers of a program; with fewer, each line is reported by itself."""
MOST = 2000
"""The most layers of a program that are read."""
INPUT = -1
"""The number of the input tensor of the pasted layers."""
WEIGHTED = frozenset(("conv", "deconv", "dwconv", "fc", "bn", "ln", "gn", "in", "prelu"))
"""Layers that keep the author's name, which is their weights' name."""
MERGED = {
    **dict.fromkeys(("Add", "add", "elemwise_add", "broadcast_add"), "add"),
    **dict.fromkeys(("Concatenate", "concatenate", "Concat", "concat", "cat"), "concat"),
    **dict.fromkeys(("Multiply", "multiply", "mul"), "mul"),
    **dict.fromkeys(("Subtract", "subtract", "sub"), "sub"),
    **dict.fromkeys(("Maximum", "maximum"), "max"),
}
"""Merges of the tools, by name."""
UNKNOWN = "unknown"
"""Stands for a layer without a counterpart while the rest is checked."""
_HEAVY = frozenset(("conv", "deconv", "dwconv", "fc", "flatten", "gap", "gmp", "input", "upsample", *MERGES))
"""Layers that begin a line; others continue the line before."""
_VECTOR, _POOLS = ("fc", "flatten", "gap", "gmp"), ("maxpool", "avgpool")
RESERVED = frozenset(
    [
        "model",
        "input",
        "let",
        "variant",
        "default",
        "block",
        "shared",
        "output",
        "expect",
        "if",
        "else",
        "and",
        "or",
        "not",
        "i",
    ]
)
_WIDEST = 90
_LABELLED = re.compile(
    r"\w+:[ \t]*(?!(?:true|false|null|none)\b)(?:@\w|\[[ \t]*[a-z@]|[a-z]\w*(?:[(\[ \t]|$))"
)


class Node(NamedTuple):
    """One layer. Without a `text` it has no counterpart here; with a `why`, its text is not certain."""

    text: str
    span: Span
    inputs: tuple[int, ...] = (INPUT,)
    why: str = ""
    takes: str = ""
    """The channels or the shape of its input, as the original states them."""
    name: str = ""
    hint: str = ""
    """A name for its output, if other layers refer to it."""
    open: bool = False
    """Whether one of its numbers is a name without a value."""
    out: tuple[int, ...] = ()
    """Its output's shape, channels first, where the original has it;"""
    params: int = 0
    """and its weights."""


class Network(NamedTuple):
    """Layers in an order in which each comes after its inputs. Without `outputs`, the last is the output."""

    nodes: Sequence[Node]
    outputs: tuple[int, ...] = ()
    why: str = ""
    """Why the order of the layers is not certain; their shapes are then not certain either."""
    claims: str = ""
    """The original's claims about the whole network, `params 61,706`."""

    @property
    def sure(self) -> bool:
        return not self.why and all(node.text and not node.why for node in self.nodes)

    def without_input(self) -> Network:
        """The same network without its input, for a spec that already has one that the first layer
        accepts."""
        first, *rest = self.nodes
        behind = [
            node._replace(inputs=tuple(max(input_ - 1, INPUT) for input_ in node.inputs)) for node in rest
        ]
        behind[:1] = [node._replace(takes=node.takes or first.text.split()[-1]) for node in behind[:1]]
        outputs = tuple(max(output - 1, INPUT) for output in self.outputs)
        return self._replace(nodes=behind, outputs=outputs)


class Program(NamedTuple):
    """A part of a text that is a program, or another description of a network."""

    what: str
    """The message: `this is a Darknet .cfg`."""
    span: Span
    network: Network
    begin: int
    """Where its head begins: lines that are not layers and belong to it."""
    blocks: Sequence[Part] = ()
    """The blocks that its layers use, in this language."""


def dense(text: str, nodes: Sequence[Node], inputs: Sequence[int]) -> str:
    """A fully connected layer of a tool whose layer takes maps: a map is flattened first."""
    at = inputs[0] if inputs else INPUT
    while at != INPUT and nodes[at].inputs:
        word = nodes[at].text.rpartition("-> ")[2].partition(" ")[0]
        if word in _VECTOR:
            return text
        if word in _HEAVY or word in _POOLS:
            return f"flatten -> {text}"
        at = nodes[at].inputs[0]
    return text if at == INPUT else f"flatten -> {text}"


def head_of(text: str, start: int, line: str) -> int:
    """The beginning of the lines of a form that directly precede a place. Comments belong to them only
    between them: the ones above may be the author's."""
    form = re.compile(line)
    begin = at = line_start(text, start)
    while at > 0:
        end, at = at, line_start(text, at - 1)
        line_above = text[at:end].strip()
        if line_above.startswith("#") or not line_above:
            continue
        if is_labelled_line(line_above) or not form.fullmatch(line_above):
            break
        begin = at
    return begin


def is_labelled_line(line: str) -> bool:
    """Whether a line has the form of a label and its steps here, not of another tool's `name: value`."""
    return bool(_LABELLED.match(line))


def stretches(items: Iterable[T], span: Callable[[T], Span], text: str, gap: str) -> Iterator[list[T]]:
    """The items found in a text, split into groups wherever there is more than a `gap` between two of
    them."""
    between, row = re.compile(gap), list[T]()
    for one in islice(items, MOST):
        if row and not between.fullmatch(text, span(row[-1]).end, span(one).start):
            yield row
            row = []
        row.append(one)
    if row:
        yield row


class Part(NamedTuple):
    """A piece of the text in this language. Its layer's step begins at `at`; without a node it only connects
    others."""

    text: str
    node: Node | None = None
    at: int = 0


class _Line(NamedTuple):
    head: str
    steps: list[tuple[str, Node]]


def written(network: Network) -> Iterator[Part]:
    """The network's text in pieces, a line for each weighted layer with what follows it."""
    nodes = network.nodes
    if nodes and not nodes[0].inputs:  # the input of the line is the first input
        nodes = [node._replace(inputs=tuple(max(input_, 0) for input_ in node.inputs)) for node in nodes]
    outputs = network.outputs if network.outputs != (len(nodes) - 1,) else ()
    referenced = {place for number, node in enumerate(nodes) for place in node.inputs if place != number - 1}
    labels = _labels(nodes, referenced.union(outputs))
    lines: list[_Line] = []
    if INPUT in referenced and nodes[0].inputs:
        yield Part(f"{labels[INPUT]}: id\n")
    ended = True
    for number, node in enumerate(nodes):
        text, head = node.text or UNKNOWN, ""
        if text in MERGES:
            branches = ["id" if input_ == number - 1 else f"@{labels[input_]}" for input_ in node.inputs]
            text = f"{text} [ {' | '.join(branches)} ]"
        elif node.inputs and node.inputs[0] != number - 1:
            head = f"@{labels[node.inputs[0]]} -> "
        word = _word(text)
        heavy = word in _HEAVY or text[:1] == "[" or text.startswith(f"{word}(")
        named = _label_of(node)
        if word == "input":
            text = f"input {labels[number]}: {text[6:]}" if number in labels else text
        elif ended or head or named or heavy or _width(lines[-1]) + len(text) > _WIDEST:
            head = f"{labels[number]}: {head}" if named else head
        else:
            lines[-1].steps.append((text, node))
            named = ""
            text = ""
        if text:
            lines.append(_Line(head, [(text, node)]))
        ended = bool(named) or number in labels or word == "input"
        if number in labels and not named and word != "input":
            lines[-1] = lines[-1]._replace(head=f"{labels[number]}: {lines[-1].head}")
    for line in lines:
        before, claims = line.head, _claims([node for _, node in line.steps])
        for number, (text, node) in enumerate(line.steps, 1):
            behind = claims if number == len(line.steps) else ""
            yield Part(f"{before}{text}{behind}", node, len(before))
            before = " -> "
        yield Part("\n")
    if outputs:
        yield Part(f"output {', '.join(f'@{labels[output]}' for output in outputs)}\n")
    if network.claims:
        yield Part(f"expect {network.claims}\n")


def _claims(nodes: Sequence[Node]) -> str:
    """The original's claims about the layers of a line: the output shape and the number of weights."""
    if not nodes[-1].out or not all(node.text for node in nodes):
        return ""
    params = sum(node.params for node in nodes)
    return f" => {'x'.join(map(str, nodes[-1].out))}" + (f", params {params:,}" if params else "")


def _word(text: str) -> str:
    """The layer's word, or the block's name, that a step begins with."""
    match = re.match(r"\w*", text)
    return match.group() if match else ""


def _width(line: _Line) -> int:
    return len(line.head) + sum(len(text) + 4 for text, _ in line.steps)


def _label_of(node: Node) -> str:
    """The author's name for a layer, as a label; a line of several steps has none."""
    name = re.sub(r"\W", "_", node.name, flags=re.ASCII).strip("_")
    return name if name[:1].isalpha() and " -> " not in node.text and node.text else ""


def _labels(nodes: Sequence[Node], referenced: set[int]) -> dict[int, str]:
    """The label of each layer that has one: the author's, or one that others refer to it by."""
    labels: dict[int, str] = {}
    taken = set(RESERVED)
    for number in [*range(len(nodes)), INPUT]:
        node = nodes[number] if number != INPUT else Node("", Span(0, 0), hint="start")
        name = _label_of(node)
        if not name and number not in referenced:
            continue
        name = name or _label_of(node._replace(name=node.hint, text="id")) or f"{_word(node.text) or 'x'}1"
        stem = name
        counted = re.match(r"(.*?)([0-9]*)$", stem)
        count = int(counted[2]) if counted and counted[2] else 1
        while name in taken:
            count += 1
            name = f"{counted[1] if counted else stem}{count}"
        taken.add(name)
        labels[number] = name
    return labels
