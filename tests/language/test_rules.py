"""Each rule's example: this rule answers it, marks what it marks, and its fix writes it as the rule says."""

from __future__ import annotations

import random

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


PIECES = ("[", "]", "(", ")", "{", "}", "|", ",", "->", "=>", ";", "*", "@x", "add")


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


def test_examples_that_are_cut_and_glued_are_read_to_the_end() -> None:
    """No rule may rely on what another has read: three examples in a row, with a piece in the wrong place."""
    chance = random.Random(2)
    texts = [split(example)[0] for _, example in RULE_OF]
    for _ in range(1500):
        text = "\n".join(chance.sample(texts, 3))
        place = chance.randrange(len(text))
        text = text[:place] + chance.choice(PIECES) + text[place + 1 :]
        for finding in read(text)[1]:
            assert 0 <= finding.span.start <= finding.span.end <= len(text)
