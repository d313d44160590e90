"""Every spec of every case file is a test. README.md has the format; UPDATE_CASES=1 writes new wording."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from difflib import unified_diff
from importlib.util import find_spec
from pathlib import Path

import pytest

from cnnspec import pipeline
from tests.cases import views
from tests.cases.markdown import Case, files, read

HAS_TORCH = find_spec("torch") is not None
HEAD = re.compile(r"^(?:[ ]{4})?([EW]\d{3}) at (the command line|\d+:\d+ `.*?`|`.*?`):", re.M)
"""The part of a finding that is no wording: its code and its place."""


def _rewritten(kind: str, case: Case) -> str:
    """What the case shows today; as it stands, where more than the words of messages differ."""
    today = views.WHOLE[kind](views.checked(case.text, case.options))
    stands = case.shown[kind]
    if stands.strip() == "?" or (kind == "findings" and HEAD.findall(stands) == HEAD.findall(today)):
        return today
    return stands


def update(file: Path) -> None:
    """Writes the new words of messages into a file, and what a `?` stands for."""
    text = file.read_text("utf-8")
    for view in reversed(read(file)[1]):
        if view.kind in views.WHOLE:
            today = view.text([_rewritten(view.kind, case) for case in view.cases])
            text = text[: view.start] + today + text[view.end :]
    file.write_text(text, "utf-8")


if os.environ.get("UPDATE_CASES"):
    assert "PYTEST_XDIST_WORKER" not in os.environ, "one process writes the files: -n 0"
    for changed in files():
        update(changed)

CASES = [case for file in files() for case in read(file)[0]]


def _name(case: Case) -> str:
    return f"{case.file.parent.name}/{case.file.stem}:{case.line} {case.name}"


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_case(case: Case) -> None:
    wrong = list(faults(case))
    if wrong:
        pytest.fail(f"{case.where}: {case.title}\n{case.text}\n" + "\n".join(wrong), pytrace=False)


def faults(case: Case) -> Iterator[str]:
    """What does not hold of it."""
    checked = views.checked(case.text, case.options)
    found = views.found(checked)
    for kind, shown in case.shown.items():
        if kind in views.WHOLE:
            yield from _differences(kind, shown, views.WHOLE[kind](checked))
        else:
            assert kind in pipeline.TARGETS, f"{case.where}: there is no view {kind!r}"
            lacks = views.missing(checked[0], kind, shown)
            if lacks:
                yield f"the {kind} program has no line, behind those before it: {lacks}"
    if "findings" not in case.shown and any(map(views.needs_a_look, found)):
        yield from _differences("findings", "", views.findings(checked))
    before = Counter(one.code for one in found)
    for one in found:
        if one.code.startswith("E3") and not one.help:
            yield f"{one.code} says no way out: {one.message}"
        mended = views.checked(views.fixed(case.text, one.fix), case.options)
        after = [other.code for other in views.found(mended)]
        if one.fix and Counter(after)[one.code] >= before[one.code]:
            yield f"the fix of {one.code} does not make it go away"
    if case.file.parent.name == "layers" and HAS_TORCH and all(model.buildable for model in checked):
        from tests.cases import programs

        for model in checked:
            assert model.graph is not None
            programs.check(model.graph)


def _differences(kind: str, shown: str, actual: str) -> Iterator[str]:
    if shown != actual:
        lines = unified_diff(
            shown.splitlines(), actual.splitlines(), f"{kind} of the case", "today", lineterm="", n=99
        )
        yield "\n".join(lines)
        yield "UPDATE_CASES=1 writes changed words of messages into the file"
