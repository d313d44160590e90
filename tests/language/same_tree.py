"""Whether two trees say the same: what the canonical form must keep, and what it may change."""

from __future__ import annotations

from typing import Any

from cnnspec.diagnostics import Span
from cnnspec.language import tree
from cnnspec.language.write import ordered

_SPANS = frozenset(("span", "within", "word_span", "name_span", "label_span", "glued"))
_BRACKETED = (tree.GroupStep, tree.BranchStep, tree.IfStep)
_NOWHERE = Span(0, 0)
_IDENTITY = tree.Sequence(
    (tree.Line(None, None, (tree.LayerStep("id", (), _NOWHERE, _NOWHERE),), _NOWHERE),), _NOWHERE, _NOWHERE
)


def same_tree(a: Any, b: Any) -> bool:
    """Whether two trees say the same: spans, comments, the order of a layer's hyperparameters, the way a
    hyperparameter is written (`F3`, `F=3`) and an empty branch for `id` make no difference."""
    return bool(plain(a) == plain(b))


def plain(node: Any) -> Any:
    """A tree as nested tuples without what `same_tree` passes over."""
    if type(node) is tuple:
        return tuple(map(plain, node))
    if not hasattr(node, "_fields"):  # a text, a number
        return node
    kind = type(node).__name__
    if type(node) is tree.File:
        return kind, plain(node.statements)
    if type(node) is tree.Claim:
        bare = node.subject == "out" and node.subject_span == node.span
        return kind, node.subject, bare, plain(node.value)
    if type(node) in (tree.LayerStep, tree.Default):
        words = node.word if type(node) is tree.LayerStep else plain(node.words)
        return kind, words, tuple(map(plain, ordered(node.arguments)))
    parts: list[Any] = [kind]
    for name in node._fields:
        if name in _SPANS:
            continue
        value = getattr(node, name)
        nested = isinstance(node, _BRACKETED) and isinstance(value, tree.Sequence)
        if nested and not value.items:
            value = _IDENTITY
        if name == "branches":
            value = tuple(branch if branch.items else _IDENTITY for branch in value)
        parts.append(plain(value))
    return tuple(parts)
