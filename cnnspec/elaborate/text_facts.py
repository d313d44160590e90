"""What is known about a part of the tree without elaborating it: which labels it refers to, which it defines,
and where it mentions `i` (the `i` of a repeat inside it counts too, which costs time but is still
correct)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.ops import lookup


def nodes(root: Any, but: type | None = None) -> Iterator[Any]:
    """Every node of the tree below `root`, `root` included, walked with a stack in the order of the
    text; without the nodes below those of the type `but`."""
    stack = [root]
    while stack:
        node = stack.pop()
        if type(node) is tuple:
            stack.extend(reversed(node))
            continue
        children = _CHILDREN.get(type(node))
        if children is None or type(node) is but:
            continue  # a text, a number, nothing
        yield node
        for name in children:
            child = getattr(node, name)
            if child is not None and child != ():
                stack.append(child)


_LEAVES = {tree.Number: (), tree.Quantity: ("expression",)}
_NO_CHILDREN = frozenset(
    """
    span within word_span name_span label_span subject_span text operator name word label kind letter glued
    own_line shared about step title subject planes
    """.split()  # noqa: SIM905
)


_CHILDREN = {
    node: _LEAVES.get(node, tuple(name for name in reversed(node._fields) if name not in _NO_CHILDREN))
    for node in vars(tree).values()
    if isinstance(node, type) and hasattr(node, "_fields") and node is not Span
}
"""The fields of each kind of node that hold nodes, last first."""


@dataclass(eq=False, repr=False)
class TextFacts:
    """The facts that one walk over a whole file collects."""

    names: Counter[str] = field(default_factory=Counter)
    """How often each name is read."""
    calls: set[str] = field(default_factory=set)
    repeats: list[tree.GroupStep] = field(default_factory=list)
    inner_defaults: list[tuple[tree.Default, tree.Sequence]] = field(default_factory=list)
    """The `default`s that are in brackets, and in which."""
    inner_outputs: list[tuple[tree.Output, tree.Sequence]] = field(default_factory=list)
    """The `output`s that are in brackets, and in which."""
    inner_blocks: list[tuple[tree.Block, tree.Sequence]] = field(default_factory=list)
    """The blocks that are in brackets, and in which."""
    labels: dict[str, Span] = field(default_factory=dict)
    """The first place of each label."""
    words: dict[str, Span] = field(default_factory=dict)
    """The last place of each word that is used as a layer."""
    passed: dict[str, Span] = field(default_factory=dict)
    """The last place of each name that is an argument of a block's use or a parameter's default."""
    has_ifs: bool = False


def facts_of(root: Any) -> TextFacts:
    facts = TextFacts()
    for node in nodes(root):
        match node:
            case tree.Name() | tree.Function():
                facts.names[node.name] += 1
            case tree.CallStep():
                facts.calls.add(node.name)
                names = (
                    argument.value for argument in node.arguments if isinstance(argument.value, tree.Name)
                )
                facts.passed.update((name.name, name.span) for name in names)
            case tree.Parameter(default=tree.Name(name=name, span=span)):
                facts.passed[name] = span
            case tree.LayerStep() | tree.BranchStep():
                facts.words[node.word] = node.word_span
            case tree.GroupStep():
                if node.times is not None:
                    facts.repeats.append(node)
            case tree.IfStep():
                facts.has_ifs = True
            case tree.Sequence(items=items):
                inner = (item for item in items if isinstance(item, tree.Default))
                facts.inner_defaults += ((one, node) for one in inner)
                outputs = (item for item in items if isinstance(item, tree.Output))
                facts.inner_outputs += ((output, node) for output in outputs)
                facts.inner_blocks += ((item, node) for item in items if isinstance(item, tree.Block))
            case tree.Line(label=str(name), label_span=Span() as span):
                facts.labels.setdefault(name, span)
                for other in node.others:
                    facts.labels.setdefault(other.name, other.span)
            case tree.Input(name=str(name), name_span=Span() as span):
                facts.labels.setdefault(name, span)
    return facts


def varying(root: Any) -> list[tree.Expr]:
    """The expressions below `root` that mention `i`, each as a whole."""
    varying_nodes: list[tree.Expr] = []
    stack = [root]
    while stack:
        node = stack.pop()
        if type(node) is tuple:
            stack.extend(node)
        elif isinstance(node, _EXPRESSIONS):
            if any(isinstance(inner, tree.Name) and inner.name == "i" for inner in nodes(node)):
                varying_nodes.append(node)
        else:
            stack.extend(getattr(node, name) for name in _CHILDREN.get(type(node), ()))
    return varying_nodes


_EXPRESSIONS = (tree.Name, tree.Unary, tree.Binary, tree.Conditional, tree.Function, tree.List)


def references(root: Any) -> Counter[str]:
    """How often each `@label` is used below `root`. `unpool like=@p` reads the input of the maxpool p, not
    its output: it counts for `before(p)`."""
    counts: Counter[str] = Counter()
    for node in nodes(root):
        kind = type(node)
        if kind is tree.Reference:
            counts[node.name] += 1
        elif kind is tree.LayerStep and node.arguments:
            for reference in undone(node):
                counts[reference.name] -= 1
                counts[before(reference.name)] += 1
    return +counts


def before(label: str) -> str:
    """The name under which a body keeps the input of the layer labelled `label` (it cannot be a label)."""
    return f"{label}'"


def further(place: int) -> str:
    """The name of a further input of the next step, after the first (it cannot be a label)."""
    return f"'{place}"


def undone(step: tree.LayerStep) -> list[tree.Reference]:
    """The references of a layer that undoes another one (unpool)."""
    labels = [argument.value for argument in step.arguments if type(argument.value) is tree.Reference]
    if not labels:
        return []
    op = lookup(step.word)
    return labels if op is not None and op.undoes is not None else []


def labelled_lines(sequence: Iterable[Any]) -> Iterator[tree.Line]:
    """The lines with a label in one label scope: groups, branches and `if`s belong to it, a repeat is its
    own."""
    stack = list(reversed(list(sequence)))
    while stack:
        match stack.pop():
            case tree.Line() as line:
                if line.label is not None:
                    yield line
                stack.extend(reversed(line.steps))
            case tree.GroupStep(body=body, times=None):
                stack.extend(reversed(body.items))
            case tree.BranchStep(branches=branches):
                for branch in reversed(branches):
                    stack.extend(reversed(branch.items))
            case tree.IfStep(then=then, otherwise=otherwise):
                if otherwise is not None:
                    stack.extend(reversed(otherwise.items))
                stack.extend(reversed(then.items))
