"""The rules, in the order in which they are tried: the first that holds is the answer.

A new rule is one more entry in the table of its subject; its example is a test (test_rules.py).
"""

from __future__ import annotations

from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules.blocks import IN_BLOCKS
from cnnspec.language.recovery.rules.claims import CLAIMS
from cnnspec.language.recovery.rules.lines import COMMENTS, ENDS, MARKS, STATEMENTS
from cnnspec.language.recovery.rules.matrices import MATRICES
from cnnspec.language.recovery.rules.merges import BEFORE_BRANCHES, MERGES
from cnnspec.language.recovery.rules.names import NAMES, VALUES
from cnnspec.language.recovery.rules.notations import NOTATIONS
from cnnspec.language.recovery.rules.numbers import NUMBERS, PERCENTAGES, SIZES
from cnnspec.language.recovery.rules.rest import MISTYPED, REST
from cnnspec.language.recovery.rules.steps import ARROWS, BRACKETS, LEFT_OVER, STEPS

BEFORE_BRACKETS: tuple[Rule, ...] = (*PERCENTAGES, *IN_BLOCKS, *MERGES)
"""Tried before it is asked whether a bracket is not closed."""

RULES: tuple[Rule, ...] = (
    *MARKS,
    *NOTATIONS,
    *BEFORE_BRANCHES,
    *VALUES,
    *SIZES,
    *MISTYPED,
    *CLAIMS,
    *MATRICES,
    *NAMES,
    *ARROWS,
    *COMMENTS,
    *NUMBERS,
    *STATEMENTS,
    *STEPS,
    *ENDS,
    *LEFT_OVER,
    *BRACKETS,
    *REST,
)
