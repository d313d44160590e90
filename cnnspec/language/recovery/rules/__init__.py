"""The rules, in the order in which they are tried: the first one that applies gives the answer.

A new rule is one more entry in the table of its subject; its example is a test (test_rules.py).
"""

from __future__ import annotations

from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules import (
    arguments,
    brackets,
    claims,
    documents,
    forms,
    headers,
    joints,
    layers,
    lists,
    loops,
    marks,
    names,
    nested,
    numbers,
    repetitions,
    rest,
    shorthand,
    templates,
    tensors,
)

BEFORE_BRACKETS: tuple[Rule, ...] = (
    *numbers.PERCENTAGES,
    *brackets.IN_BLOCKS,
    *brackets.MERGES,
    *brackets.NOT_BRANCHES,
    *layers.GIVEN,
    *nested.NESTED,
    *tensors.TENSORS,
)
"""Tried before unclosed brackets are looked for."""

RULES: tuple[Rule, ...] = (
    *documents.DOCUMENTS,
    *headers.HEADERS,
    *templates.TEMPLATES,
    *shorthand.SHORTHAND,
    *joints.JOINTS,
    *marks.MARKS,
    *loops.WRITTEN_AS_LOOPS,
    *forms.NOTATIONS,
    *templates.LATEX,
    *lists.LISTS,
    *arguments.ARGUMENTS,
    *brackets.BEFORE_BRANCHES,
    *names.VALUES,
    *numbers.SIZES,
    *repetitions.REPETITIONS,
    *rest.MISTYPED,
    *claims.CLAIMS,
    *brackets.MATRICES,
    *names.NAMES,
    *marks.ARROWS,
    *marks.COMMENTS,
    *numbers.NUMBERS,
    *marks.STATEMENTS,
    *marks.STEPS,
    *marks.ENDS,
    *marks.LEFT_OVER,
    *headers.LAST_BRACE,
    *marks.BRACKETS,
    *rest.REST,
)
