"""Each rule's example: this rule answers it, marks what it marks, and its fix writes it as the rule says."""

from __future__ import annotations

import pytest

from cnnspec.diagnostics import Diagnostic, Edit, Sink
from cnnspec.language.parser import Parser
from cnnspec.language.recovery.rule import Rule, split
from cnnspec.language.recovery.rules import BEFORE_BRACKETS, RULES

RULE_OF = {
    (number, example): rule
    for number, rule in enumerate((*BEFORE_BRACKETS, *RULES))
    for example in rule.examples
}


def read(text: str) -> tuple[list[Rule], list[Diagnostic]]:
    """The rules that answered, and the findings."""
    sink = Sink()
    parser = Parser(text, sink, "start")
    parser.run()
    return parser.recovery.used if parser.recovery else [], list(sink)


def applied(text: str, fix: tuple[Edit, ...]) -> str:
    for span, new in sorted(fix, reverse=True):
        text = text[: span.start] + new + text[span.end :]
    return text


@pytest.mark.parametrize(("number", "example"), RULE_OF)
def test_an_example_is_answered_by_its_rule(number: int, example: str) -> None:
    rule = RULE_OF[number, example]
    text, marked = split(example)
    mended = rule.examples[example]
    used, (finding, *more) = read(text)
    assert any(one is rule for one in used)
    assert finding.span == marked
    assert finding.code == rule.code or (not rule.says and rule.put is None)
    assert finding.help or finding.fix or finding.message.startswith("expected ")
    if mended:
        assert used[0] is rule
        assert applied(text, finding.fix) == mended
        assert read(mended) == ([], [])
        assert more == []
