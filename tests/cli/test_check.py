"""`cnnspec check`: the table, findings, exit statuses, what machines get."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from cnnspec.report.document import schema
from tests.cli.conftest import GOOD, Command


def test_a_good_spec_has_its_table_on_standard_output_and_nothing_on_standard_error(
    cnnspec: Command, good: Path
) -> None:
    ran = cnnspec("check", good)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "Small: A network of the tests, 2024"
    assert "conv, dwconv, deconv and fc" in lines[1]
    assert lines[2].split() == ["name", "layer", "output", "weights", "MACs", "field"]
    rows = [line.split("  ")[0] for line in lines[4:10]]
    assert rows == ["input", "c1", "relu", "group", "gap", "─" * len(lines[3])]
    (row,) = (line for line in lines if line.startswith("group"))
    assert row.split("  ")[1:2] == ["[conv F3 P1 K64 → relu] ×3"]
    assert row.split()[-4:] == ["64x32x32", "110,784", "113M", "11x11"]
    assert lines[10].split() == ["total", "10", "116,298", "118M", "11x11"]
    assert "116,298 weights (465 KB in float32)" in lines
    assert "118,162,048 MACs; 236M FLOPs (2 per MAC)" in lines
    assert "✓ params 116,298" in lines
    assert "✓ 2 inline claims" in lines


def test_a_repeat_in_brackets_shows_its_passes_too(cnnspec: Command) -> None:
    """Worked out; as written where the number differs from pass to pass, or the repeat is left out."""
    ran = cnnspec(
        "check",
        "-",
        stdin="let n = 3\ninput 8x9x9\nadd [ id | [[conv F3 P1 K8]*(n - 1) -> relu]*n -> conv F1 K8 ]\n"
        "[[relu]*(i + 1) -> tanh]*2\nif n > 3 [ [relu]*n ] -> abs\n",
    )
    rows = dict(
        line.split("  ", 1) for line in ran.out.splitlines() if line.startswith(("add", "group", "abs"))
    )
    texts = {name: row.strip().split("  ")[0] for name, row in rows.items()}
    assert texts == {
        "add": "add [ id | [[conv F3 P1 K8] ×2 → relu] ×3 → conv F1 K8 ]",
        "group2": "[[relu] ×(i + 1) → tanh] ×2",
        "abs": "if n > 3 [ [relu] ×n ] → abs",
    }


def test_a_line_that_only_names_what_arrives_is_no_mistake(cnnspec: Command) -> None:
    ran = cnnspec("check", "-", stdin="input 3x9x9\nconv F3 P1 K3\nx: id\nrelu\nadd [ id | @x ]\n")
    (row,) = (line for line in ran.out.splitlines() if line.startswith("x "))
    assert row.split() == ["x", "id"]


def test_all_unfolds_every_layer(cnnspec: Command, good: Path) -> None:
    names = [line.split()[0] for line in cnnspec("check", good, "--all").out.splitlines()[4:15]]
    passes = [f"group.{number}.{layer}" for number in range(3) for layer in ("conv", "relu")]
    assert names == ["input", "c1", "relu", *passes, "gap", "fc"]


def test_a_wrong_spec_shows_the_finding_and_the_table_past_the_mistake(cnnspec: Command, wrong: Path) -> None:
    ran = cnnspec("check", wrong)
    assert ran.status == 1
    assert "error[E301]" in ran.err
    assert "wrong.cnn:3:9" in ran.err
    rows = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines() if line}
    assert rows["a"][-3:] == ["156", "118k", "5x5"]
    assert rows["b"] == ["conv", "F33", "K6", "?", "?", "?"]
    assert rows["flatten"][-3:] == ["?", "?", "?"]
    assert "1 error" in ran.out


def test_a_line_that_cannot_be_read_has_its_row_too(cnnspec: Command) -> None:
    ran = cnnspec("check", "-", stdin="input 3x8x8\nconv F3 K4\nconvv F3 K5 => 5x4x4\nrelu\n")
    assert ran.status == 1
    assert "conv F3 K4" in ran.out
    assert "convv F3 K5" in ran.out
    assert "5x4x4" in ran.out


def test_a_claim_that_fails_is_an_error_and_is_told_with_the_value(cnnspec: Command) -> None:
    ran = cnnspec("check", "-", stdin=GOOD.replace("116,298", "116,299"))
    assert ran.status == 1
    assert "error[E501]" in ran.err
    assert "✗ params 116,299 (line 7: found 116,298)" in ran.out


def test_under_set_claims_are_not_checked(cnnspec: Command) -> None:
    spec = "let k = 4\ninput 1x8x8\nconv F3 K=k => 4x6x6\n"
    assert "✓ 1 inline claim" in cnnspec("check", "-", stdin=spec).out
    ran = cnnspec("check", "-", "--set", "k=6/2", stdin=spec)
    assert (ran.status, ran.err) == (0, "")
    assert "not checked; found 3x6x6" in ran.out
    assert "3x6x6" in ran.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--set", "q=2"),
        ("--variant", "Big"),
        ("--set", "k=2", "--set", "z=1"),
        ("--set", "k=1/0"),
        ("--set", "k=)"),
        ("--set", "k=other"),
    ],
)
def test_asking_for_what_a_spec_does_not_have_is_wrong_use(
    cnnspec: Command, arguments: tuple[str, ...]
) -> None:
    ran = cnnspec("check", "-", *arguments, stdin="let k = 4\ninput 1x8x8\nconv F3 K=k\n")
    assert ran.status == 2
    assert "E210" in ran.err


def test_all_wrong_settings_are_told(cnnspec: Command) -> None:
    ran = cnnspec("check", "-", "--set", "y=1", "--set", "z=1", stdin="let k = 4\ninput 1x8x8\nconv F3 K=k\n")
    assert "let y" in ran.err
    assert "let z" in ran.err


def test_claims_under_an_unknown_setting_of_a_variant_are_not_checked(cnnspec: Command) -> None:
    spec = (
        "let k = 4\nvariant A: k = 3, expect params 1\nvariant B: kk = 3, expect params 1\n"
        "variant C: k = 1/0, expect params 1\ninput 1x8x8\nconv F3 K=k\n"
    )
    ran = cnnspec("check", "-", "--format", "json", stdin=spec)
    models = json.loads(ran.out)["models"]
    assert [one["claims"][0]["holds"] for one in models] == [False, None, None]
    errors = [{found["code"] for found in one["diagnostics"] if found["code"][0] == "E"} for one in models]
    assert errors == [{"E210", "E501"}, {"E210"}, {"E210", "E212"}]


@pytest.mark.parametrize("setting", ["k", "=3", "k="])
def test_a_setting_is_a_name_and_a_value(cnnspec: Command, good: Path, setting: str) -> None:
    ran = cnnspec("check", good, "--set", setting)
    assert ran.status == 2
    assert "name=value" in ran.err


def test_several_models_have_a_line_each(cnnspec: Command, good: Path, wrong: Path) -> None:
    ran = cnnspec("check", good, wrong)
    assert ran.status == 1
    marks = [line.split()[:1] for line in ran.out.splitlines() if "/" in line and "MACs" not in line]
    assert marks == [["✓"], ["✗"]]
    assert "1 of 2 models passed" in ran.out


def test_a_folder_stands_for_every_spec_below_it(
    cnnspec: Command, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = good.parent / "inner"
    inner.mkdir()
    (inner / "second.cnn").write_text(GOOD)
    (inner / "notes.txt").write_text("no spec")
    hidden = good.parent / ".hidden"
    hidden.mkdir()
    (hidden / "third.cnn").write_text("nonsense")
    monkeypatch.chdir(good.parent)
    ran = cnnspec("check", ".")
    assert ran.status == 0
    assert [line.split()[1] for line in ran.out.splitlines() if line.startswith("✓")] == [
        "good.cnn",
        "inner/second.cnn",
    ]


def test_a_folder_without_specs_is_a_finding(cnnspec: Command, tmp_path: Path) -> None:
    ran = cnnspec("check", tmp_path)
    assert ran.status == 2
    assert "error[E706]" in ran.err


def test_the_zoo_needs_no_file(cnnspec: Command) -> None:
    ran = cnnspec("check", "zoo:vgg", "--variant", "VGG16")
    assert (ran.status, ran.err) == (0, "")
    assert "138,357,544" in ran.out
    ran = cnnspec("check", "zoo:vggg")
    assert ran.status == 2
    assert "did you mean vgg?" in ran.err


ADVISED = "input 1x8x8\nconv F2 P1 K5\n"
WARNED = "input 8x8x3\nconv F3 P1 K4\n"


def test_advice_is_only_counted_unless_asked_for(cnnspec: Command) -> None:
    ran = cnnspec("check", "-", stdin=ADVISED)
    assert (ran.status, ran.err) == (0, "")
    assert "suggestions (see --advice)" in ran.out
    ran = cnnspec("check", "-", "--advice", stdin=ADVISED)
    assert ran.status == 0
    assert "advice[W202]" in ran.err
    assert "--advice" not in ran.out


def test_strict_counts_the_lints_that_are_told(cnnspec: Command) -> None:
    assert cnnspec("check", "-", stdin=WARNED).status == 0
    assert "warning[W101]" in cnnspec("check", "-", stdin=WARNED).err
    assert cnnspec("check", "-", "--strict", stdin=WARNED).status == 1
    assert cnnspec("check", "-", "--strict", stdin=ADVISED).status == 0
    assert cnnspec("check", "-", "--strict", "--advice", stdin=ADVISED).status == 1
    assert cnnspec("check", "-", "--strict", "--ignore", "w101", stdin=WARNED).status == 0


def test_a_lint_is_switched_off_by_option_or_on_its_line(cnnspec: Command) -> None:
    with_both = cnnspec("check", "-", "--advice", stdin=ADVISED).err
    assert "W202" in with_both
    assert "W204" in with_both
    told = cnnspec("check", "-", "--advice", "--ignore", "W202", stdin=ADVISED).err
    assert "W202" not in told
    assert "W204" in told
    assert cnnspec("check", "-", "--advice", "--ignore", "W202,W204,W209", stdin=ADVISED).err == ""
    on_line = ADVISED.replace("K5", "K5   # lint: off W202, W204")
    told = cnnspec("check", "-", "--advice", stdin=on_line).err
    assert "W202" not in told
    assert "W204" not in told


@pytest.mark.parametrize("code", ["E301", "nonsense", "W999"])
def test_only_lints_can_be_ignored(cnnspec: Command, good: Path, code: str) -> None:
    assert cnnspec("check", good, "--ignore", code).status == 2


def test_json_is_one_document_and_nothing_else(cnnspec: Command, good: Path, wrong: Path) -> None:
    ran = cnnspec("check", good, wrong, good.parent / "missing.cnn", "--format", "json")
    assert (ran.status, ran.err) == (2, "")
    document = json.loads(ran.out)
    Draft202012Validator.check_schema(schema("check"))
    Draft202012Validator(schema("check")).validate(document)
    assert document["version"] == 1
    small, broken, missing = document["models"]
    assert small["ok"] is True
    assert small["inputs"] == {"input": [3, 32, 32]}
    assert small["outputs"] == {"output": [10]}
    assert small["totals"]["params"] == 116_298
    assert small["totals"]["field"] == [11, 11]
    first = small["rows"][0]
    assert {name: first[name] for name in ("name", "op", "args", "in", "out", "params", "line")} == {
        "name": "c1",
        "op": "conv",
        "args": "F5 P2 K64",
        "in": [[3, 32, 32]],
        "out": [64, 32, 32],
        "params": 4864,
        "line": 3,
    }
    assert first["field"] == {"size": [5, 5], "stride": [1, 1], "offset": [-2, -2]}
    assert [weight["key"] for weight in first["weights"]] == ["c1.weight", "c1.bias"]
    assert [row["name"] for row in small["rows"]][2:4] == ["group.0.conv", "group.0.relu"]
    assert {"line": 3, "text": "=> 64x32x32", "holds": True, "value": [64, 32, 32]} in small["claims"]

    assert broken["ok"] is False
    assert [row["out"] for row in broken["rows"]] == [[6, 28, 28], None, None, None]
    (finding,) = (one for one in broken["diagnostics"] if one["severity"] == "error")
    assert (finding["code"], finding["line"], finding["column"], finding["end_column"]) == ("E301", 3, 9, 12)
    assert finding["related"][0]["line"] == 2
    assert missing["ok"] is False
    assert missing["diagnostics"][0]["code"] == "E701"


def test_a_spec_with_variants_has_an_entry_for_each(cnnspec: Command) -> None:
    models = json.loads(cnnspec("check", "zoo:vgg", "--format", "json").out)["models"]
    assert len(models) > 5
    assert len({model["variant"] for model in models}) == len(models)


def test_github_gets_workflow_commands_and_nothing_else(cnnspec: Command, wrong: Path) -> None:
    ran = cnnspec("check", wrong, "--format", "github")
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.startswith("::error file=")
    assert all(line.startswith("::") for line in ran.out.splitlines())


def test_colours_only_where_asked_for(cnnspec: Command, wrong: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in (plain := cnnspec("check", wrong)).out + plain.err
    bright = cnnspec("check", wrong, "--color", "always")
    assert "\x1b[" in bright.out
    assert "\x1b[" in bright.err
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in cnnspec("check", wrong).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in cnnspec("check", wrong).out
    assert "\x1b[" in cnnspec("check", wrong, "--color", "always").out
    assert "\x1b" not in cnnspec("check", wrong, "--color", "never").out


def test_the_coloured_table_says_the_same(cnnspec: Command, good: Path) -> None:
    import re

    plain = cnnspec("check", good).out
    bright = re.sub("\x1b\\[[0-9;]*m", "", cnnspec("check", good, "--color", "always").out)
    words = [word for word in plain.split() if set(word) != {"─"}]
    assert [word for word in bright.split() if set(word) != {"─"}] == words


def test_what_comes_from_a_spec_cannot_move_the_cursor(cnnspec: Command) -> None:
    spec = 'model A "\x1b[2J [red]x[/red]"\ninput 1x8x8\nconv F3 K4 \x1b[1A\x07 # \x1b[31m\n'
    for color in ("never", "always"):
        ran = cnnspec("check", "-", "--color", color, stdin=spec)
        assert "\x1b[2J" not in ran.out + ran.err
        assert "\x1b[1A" not in ran.out + ran.err
        assert "\x07" not in ran.out + ran.err
        assert "\x1b[31mx" not in ran.out


def test_a_budget_stops_what_is_too_large_and_can_be_raised(cnnspec: Command) -> None:
    spec = "input 1x8x8\n[conv F3 P1 K1]*2000\n"
    ran = cnnspec("check", "-", "--max-layers", "1000", stdin=spec)
    assert ran.status == 1
    assert "E605" in ran.err
    assert cnnspec("check", "-", "--max-layers", "3000", stdin=spec).status == 0
    ran = cnnspec("check", "-", "--max-bytes", "10", stdin=spec)
    assert ran.status == 2
    assert "E601" in ran.err


def test_wide_tables_are_cut_to_the_terminal(
    cnnspec: Command, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    table = cnnspec("check", good).out.split("\n\n")[0].splitlines()[2:]
    assert max(map(len, table)) <= 60
    assert any("…" in line for line in table)


def test_fix_applies_the_safe_fixes(cnnspec: Command, tmp_path: Path) -> None:
    path = tmp_path / "pasted.cnn"
    path.write_bytes("input 3x8x8\r\nconv F3\u00a0P1 K4\r\nrelu\r\n".encode())
    before = cnnspec("check", path)
    assert before.status == 1
    assert path.read_bytes().count("\u00a0".encode()) == 1
    ran = cnnspec("check", path, "--fix")
    assert ran.status == 0, ran.err
    assert "1 fix applied" in ran.err
    assert path.read_bytes() == b"input 3x8x8\r\nconv F3 P1 K4\r\nrelu\r\n"
    again = cnnspec("check", path, "--fix")
    assert (again.status, again.err) == (0, "")


def test_fix_leaves_what_it_cannot_write(cnnspec: Command) -> None:
    assert cnnspec("check", "-", "--fix", stdin=GOOD).status == 2
    assert cnnspec("check", "zoo:vgg", "--fix").status == 2


def test_columns_are_chosen(cnnspec: Command, good: Path) -> None:
    """conv F5 P2 K64 on 3x32x32: 4,864 weights, 64·32·32 outputs, 4,915,200 MACs; a float32 has 4 bytes."""
    ran = cnnspec("check", good, "--columns", "Size,flops,memory,training")
    lines = ran.out.splitlines()
    head = next(line for line in lines if line.startswith("name"))
    assert head.split() == ["name", "layer", "size", "FLOPs", "memory", "training"]
    (row,) = (line for line in lines if line.startswith("c1"))
    assert row.split()[-7:] == ["19.5", "KB", "9.83M", "262", "KB", "563", "KB"]
    assert lines[1:5] == [
        "size: the weights in float32 (1 MB = 10⁶ bytes)",
        "FLOPs: 2 per MAC (one multiplication and one addition)",
        "memory: the outputs of all layers in float32, for one image",
        "training: outputs and weights, and the gradients of both (without the optimizer's state)",
    ]
    (total,) = (line for line in lines if line.startswith("total"))
    elements = 64 * 32 * 32 * 8 + 64 + 10
    assert total.split()[-4:] == ["2.10", "MB", f"{4 * (2 * elements + 2 * 116_298) / 1e6:.2f}", "MB"]
    more = cnnspec("check", good, "--all", "--columns", "+memory").out
    assert next(line for line in more.splitlines() if line.startswith("name")).split()[2:] == [
        "output",
        "weights",
        "MACs",
        "field",
        "memory",
    ]
    several = cnnspec("check", good, good, "--columns", "memory").out
    assert several.splitlines()[1].split() == ["file", "model", "memory", "claims"]
    ran = cnnspec("check", good, "--columns", "memry")
    assert (ran.status, ran.out) == (2, "")
    assert "did you mean memory?" in ran.err


def test_a_spec_of_the_zoo_named_as_a_file(cnnspec: Command, tmp_path: Path) -> None:
    for name in ("lenet5", "lenet5.cnn", "LeNet5"):
        ran = cnnspec("check", name)
        assert ran.status == 2
        assert "help: did you mean `zoo:lenet5`?" in ran.err
    assert "did you mean" not in cnnspec("check", tmp_path / "lenet5").err
