"""What docs/compatibility.md promises, beside what a version has given.

released.json is written when a version is published (RELEASE=1 does it), and never to make a test pass.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cnnspec import __version__, resources
from cnnspec.diagnostics import Source, pages
from cnnspec.ir.flat import flat
from cnnspec.pipeline import models
from cnnspec.report.document import schema

FILE = Path(__file__).with_name("released.json")


def weights_of(name: str) -> dict[str, str]:
    """By model, a digest of the keys and shapes of its weights."""
    path = resources.zoo()[name]
    digests = {}
    for model in models(Source(name, Path(path).read_text("utf-8")), lints=False):
        assert model.graph is not None
        lines = [f"{key} {weight.shape}\n" for entry in flat(model.graph) for key, weight in entry.weights]
        digests[model.variant or ""] = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()[:16]
    return digests


def today() -> dict[str, Any]:
    weights = {name: weights_of(name) for name in resources.zoo()}
    return {"cnnspec": __version__, "codes": pages.codes(), "schema": schema("check"), "weights": weights}


if os.environ.get("RELEASE"):
    FILE.write_text(json.dumps(today(), indent=1) + "\n", "utf-8")
RELEASED = json.loads(FILE.read_text("utf-8"))


def test_a_code_keeps_its_page() -> None:
    assert set(RELEASED["codes"]) <= set(pages.codes())


def broken(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What a reader of the old document would miss in the new one: fields, their types, their being there."""
    wrong = []
    for name, one in {**old["$defs"], "Document": old}.items():
        other = new if name == "Document" else new["$defs"].get(name, {"properties": {}})
        for field, kind in one["properties"].items():
            if _bare(other["properties"].get(field)) != _bare(kind):
                wrong.append(f"{name}.{field}")
        wrong += [f"{name}.{field}" for field in set(one["required"]) - set(other.get("required", ()))]
    return wrong


def _bare(kind: dict[str, Any] | None) -> dict[str, Any] | None:
    return kind and {key: value for key, value in kind.items() if key not in ("title", "description")}


def test_the_document_keeps_its_fields() -> None:
    assert broken(RELEASED["schema"], schema("check")) == []


def test_a_field_that_is_gone_is_seen() -> None:
    new = json.loads(json.dumps(RELEASED["schema"]))
    del new["$defs"]["RowEntry"]["properties"]["macs"]
    new["$defs"]["TotalsEntry"]["properties"]["params"] = {"type": "string"}
    new["$defs"]["ClaimEntry"]["required"].remove("holds")
    new["properties"]["more"] = {"type": "string"}
    assert sorted(broken(RELEASED["schema"], new)) == [
        "ClaimEntry.holds",
        "RowEntry.macs",
        "TotalsEntry.params",
    ]


@pytest.mark.parametrize("name", RELEASED["weights"])
def test_the_keys_of_a_state_dict_stay(name: str) -> None:
    assert weights_of(name) == RELEASED["weights"][name]
