"""The document, as Python has it and as it is written."""

import json

import pytest
from jsonschema import Draft202012Validator

import cnnspec
from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Source
from cnnspec.report.document import Document, schema
from cnnspec.report.entries import document_text, model_entry, unreadable_entry
from tests.support import check_text

SPECS = {
    "right": "input 3x32x32\na: conv F3 K8 => 8x30x30\nrelu\nupsample 3/2\nexpect params 224\n",
    "wrong": "input 1x8x8\nb: conv F33 K6\nfc 10\n",
    "unreadable": "input ?\n",
    "variants": "input 3x8x8\nlet k = 4\nvariant A\nvariant B { k = 8 }\nconv F3 K=k\n",
}


@pytest.mark.parametrize("name", SPECS)
def test_the_text_is_the_document_of_the_python_api(name: str) -> None:
    models = check_text(SPECS[name], name="<text>")
    written = json.loads("".join(document_text(map(model_entry, models), cnnspec.__version__)))
    assert written == cnnspec.check(text=SPECS[name]).as_plain()
    Draft202012Validator(schema("check")).validate(written)
    assert Document.model_validate(written).as_plain() == written


def test_a_file_that_cannot_be_read_has_its_finding_and_no_numbers() -> None:
    finding = Diagnostic("E701", "there is no such file", WHOLE_FILE)
    entry = unreadable_entry(Source("\udc80.cnn", ""), finding)
    assert (entry["file"], entry["ok"], entry["rows"]) == ("?.cnn", False, [])
    assert set(entry["totals"].values()) == {None}
    assert [one["code"] for one in entry["diagnostics"]] == ["E701"]
    (text,) = json.loads("".join(document_text([entry], "1")))["models"]
    assert text == entry
    assert Document.model_validate({"cnnspec": "1", "models": [entry]}).as_plain()["models"] == [entry]
