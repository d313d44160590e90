"""`cnnspec build`: where the program goes, and what stops it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import GOOD, WRONG, Command

TARGETS = ("torch", "numpy")


@pytest.mark.parametrize("target", TARGETS)
def test_the_program_goes_to_standard_output(cnnspec: Command, good: Path, target: str) -> None:
    ran = cnnspec("build", good, "--target", target)
    assert (ran.status, ran.err) == (0, "")
    compile(ran.out, target, "exec")
    assert f"import {target}" in ran.out
    assert cnnspec("build", "-", "--target", target, "-o", "-", stdin=GOOD).out == ran.out


@pytest.mark.parametrize("target", TARGETS)
def test_the_program_goes_into_a_file(cnnspec: Command, good: Path, target: str) -> None:
    program = good.parent / "small.py"
    ran = cnnspec("build", good, "--target", target, "-o", program)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == f"{program}: written\n"
    assert program.read_text() == cnnspec("build", good, "--target", target).out


def test_a_target_must_be_named(cnnspec: Command, good: Path) -> None:
    assert cnnspec("build", good).status == 2
    assert cnnspec("build", good, "--target", "jax").status == 2


def test_an_existing_file_is_replaced_only_with_force(cnnspec: Command, good: Path) -> None:
    program = good.parent / "small.py"
    program.write_text("precious")
    ran = cnnspec("build", good, "--target", "torch", "-o", program)
    assert ran.status == 2
    assert "error[E705]" in ran.err
    assert program.read_text() == "precious"
    assert cnnspec("build", good, "--target", "torch", "-o", program, "--force").status == 0
    assert "class Small" in program.read_text()


def test_the_spec_is_never_overwritten(cnnspec: Command, good: Path) -> None:
    ran = cnnspec("build", good, "--target", "torch", "-o", good, "--force")
    assert ran.status == 2
    assert "error[E704]" in ran.err
    assert good.read_text() == GOOD


def test_without_a_file_the_only_spec_here_is_taken(
    cnnspec: Command, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(good.parent)
    assert "class Small" in cnnspec("build", "--target", "torch").out
    (good.parent / "second.cnn").write_text(GOOD)
    ran = cnnspec("build", "--target", "torch")
    assert (ran.status, ran.out) == (2, "")
    assert "error[E706]: found 2 .cnn files: good.cnn, second.cnn" in ran.err
    (good.parent / "empty").mkdir()
    monkeypatch.chdir(good.parent / "empty")
    ran = cnnspec("build", "--target", "torch")
    assert (ran.status, ran.out) == (2, "")
    assert "error[E706]: the current folder contains no .cnn file" in ran.err


def test_errors_stop_a_build(cnnspec: Command, wrong: Path) -> None:
    program = wrong.parent / "wrong.py"
    ran = cnnspec("build", wrong, "--target", "torch", "-o", program)
    assert (ran.status, ran.out) == (1, "")
    assert "error[E301]" in ran.err
    assert not program.exists()
    assert cnnspec("build", wrong.parent / "missing.cnn", "--target", "torch").status == 2


def test_a_claim_that_fails_is_told_and_does_not_stop_it(cnnspec: Command) -> None:
    ran = cnnspec("build", "-", "--target", "torch", stdin=GOOD.replace("116,298", "7"))
    assert ran.status == 1
    assert "error[E501]" in ran.err
    assert "class Small" in ran.out


def test_lints_are_not_told(cnnspec: Command) -> None:
    ran = cnnspec("build", "-", "--target", "torch", stdin="input 8x8x3\nconv F3 P1 K4\n")
    assert (ran.status, ran.err) == (0, "")


def test_of_variants_the_first_or_the_one_named(cnnspec: Command) -> None:
    spec = "variant A: k = 4\nvariant B: k = 5\nlet k = 3\ninput 1x8x8\nconv F3 K=k\n"
    assert "class A(" in cnnspec("build", "-", "--target", "torch", stdin=spec).out
    assert "class B(" in cnnspec("build", "-", "--target", "torch", "--variant", "B", stdin=spec).out
    ran = cnnspec("build", "-", "--target", "torch", "--variant", "C", stdin=spec)
    assert (ran.status, ran.out) == (2, "")
    assert "error[E210]" in ran.err


def test_json(cnnspec: Command, good: Path) -> None:
    ran = cnnspec("build", good, "--target", "torch", "--format", "json")
    document = json.loads(ran.out)
    assert (ran.status, ran.err) == (0, "")
    assert document["ok"] is True
    assert "class Small" in document["program"]
    ran = cnnspec("build", "-", "--target", "torch", "--format", "json", stdin=WRONG)
    document = json.loads(ran.out)
    assert (ran.status, ran.err) == (1, "")
    assert document["program"] is None
    assert document["diagnostics"][0]["code"] == "E301"


IMPORTS = """
import sys
from cnnspec import cli
status = cli.execute(sys.argv[1:])
heavy = {"torch", "numpy", "PIL", "safetensors", "onnx", "rich", "subprocess"} & set(sys.modules)
heavy |= {"cnnspec.notations", "cnnspec.language.recovery", "cnnspec.one_mistake"} & set(sys.modules)
print("LOADED", sorted(heavy), file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "--color", "always"),
        ("build", "--target", "torch"),
        ("build", "--target", "numpy"),
        ("fmt", "--check"),
        ("explain",),
    ],
)
def test_nothing_is_imported_without_need(good: Path, arguments: tuple[str, ...]) -> None:
    layer = ["c1"] if arguments[0] == "explain" else []
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, arguments[0], good, *layer, *arguments[1:]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == "LOADED []", done.stderr


def test_batch_norm_is_folded_for_inference_where_asked(cnnspec: Command, good: Path) -> None:
    good.write_text("input 3x8x8\nconv F3 P1 K4 nobias -> bn -> relu\n")
    plain = cnnspec("build", good, "--target", "torch").out
    folded = cnnspec("build", good, "--target", "torch", "--fold-bn").out
    assert "BatchNorm2d" in plain
    assert "BatchNorm2d" not in folded
    assert "def fold_batch_norm" in folded
    ran = cnnspec("build", good, "--target", "numpy", "--fold-bn")
    assert (ran.status, ran.out) == (2, "")


def test_a_network_that_fits_only_with_the_shape_it_claims_is_not_built(
    cnnspec: Command, tmp_path: Path
) -> None:
    spec = tmp_path / "claimed.cnn"
    spec.write_text("input 1x5x5\nconv F2 K8 => 8x1x1, params 40\nfc 10 => 10\n")
    ran = cnnspec("build", spec, "--target", "torch", "-o", "-")
    assert ran.status == 1
    assert "error[E501]" in ran.err
    assert "internal error" not in ran.err
