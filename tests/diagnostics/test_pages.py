"""Every finding has a page, every page a finding, and what the pages show is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnnspec.diagnostics import Severity, severity_of
from cnnspec.diagnostics.pages import codes, page, title
from tests.support import findings

ROOT = Path(__file__).parents[2]

SHOWN_BY_A_COMMAND = {
    "E601", "E602", "E607", "E608", "E609",
    "E701", "E702", "E703", "E704", "E705", "E706", "E707", "E708",
    "E801", "E802", "E803",
    "E811", "E812", "E813",
    "E821", "E822", "E823", "E824", "E825",
    "E901", "E902", "E903", "E904", "E905", "E906", "E907",
}  # fmt: skip
"""A spec of a few lines cannot show these; they are tested elsewhere (and that is tested below)."""

SPEC = re.compile(r"```cnn( fails)?\n(.*?)```", re.DOTALL)


def used_codes() -> set[str]:
    """The codes that stand in the sources, each as a string of its own."""
    found: set[str] = set()
    for path in (ROOT / "cnnspec").rglob("*.py"):
        found.update(re.findall(r'"([EW][1-9]\d\d)"', path.read_text("utf-8")))
    return found


def test_every_finding_has_a_page_and_every_page_a_finding() -> None:
    assert sorted(used_codes() - set(codes())) == []
    assert sorted(set(codes()) - used_codes()) == []


@pytest.mark.parametrize("code", codes())
def test_the_form_of_a_page(code: str) -> None:
    text = page(code) or ""
    assert text.startswith(f"# {code}: {title(code)}\n\n")
    assert re.findall(r"^## .*", text, re.MULTILINE) == ["## Why", "## Wrong", "## Right"]
    assert len(title(code)) <= 90
    assert max(map(len, text.splitlines())) <= 140
    what, why, wrong, right = re.split(r"^## .*\n", text, flags=re.MULTILINE)
    assert len(what.splitlines()) >= 3
    assert why.strip()
    if code in SHOWN_BY_A_COMMAND:
        assert "```console\n$ " in wrong
        assert f"error[{code}]: " in wrong
    else:
        assert [fails for fails, _ in SPEC.findall(wrong)] == [" fails"]
        assert [fails for fails, _ in SPEC.findall(right)] == [""]


@pytest.mark.parametrize("code", sorted(set(codes()) - SHOWN_BY_A_COMMAND))
def test_the_wrong_spec_of_a_page_has_that_finding_and_no_other(code: str) -> None:
    (_, text) = SPEC.findall(page(code) or "")[0]
    found = {finding.code for finding in findings(text)}
    if severity_of(code) is Severity.ADVICE:
        assert code in found
        found = {one for one in found if severity_of(one) is not Severity.ADVICE}
        assert found == set()
    else:
        assert {one for one in found if severity_of(one) is not Severity.ADVICE} == {code}


@pytest.mark.parametrize("code", codes())
def test_the_right_specs_of_a_page_do_not_have_it(code: str) -> None:
    for fails, text in SPEC.findall(page(code) or ""):
        if not fails:
            found = {finding.code for finding in findings(text)}
            assert code not in found
            assert {one for one in found if severity_of(one) is not Severity.ADVICE} == set()


@pytest.mark.parametrize("code", sorted(SHOWN_BY_A_COMMAND))
def test_what_a_command_shows_is_tested_elsewhere(code: str) -> None:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    assert any(f'"{code}"' in path.read_text("utf-8") for path in tests)


@pytest.mark.parametrize("code", ["", "E999", "E3", "../E301", "E301.md", "X301", "E٣٠١", "E301\0"])
def test_there_is_no_page_of_anything_else(code: str) -> None:
    assert page(code) is None
    assert title(code) == ""


def test_a_code_may_be_written_small() -> None:
    assert page("e301") == page("E301") != None  # noqa: E711
