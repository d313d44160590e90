"""`cnnspec verify`: programs that agree, programs that don't, no torch, and what is left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cnnspec import pipeline
from cnnspec.diagnostics import Source
from cnnspec.report.verified import KINDS, Verdict
from tests.cli.conftest import WRONG, Command
from tests.targets.numpy.zoo import ZOO, smaller, variants

pytestmark = pytest.mark.torch

SMALL = """\
model Small
input 2x8x8
block res(k) { add [ conv F3 P1 K=k -> bn -> droppath 0.3 | id ] -> relu }
stem: conv F3 P1 K4 -> bn -> relu
res(4)
maxpool F2 -> dropout 0.4
flatten -> fc 5
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.cnn"
    path.write_text(SMALL)
    return path


def altered(monkeypatch: pytest.MonkeyPatch, target: str, old: str, new: str) -> None:
    """From now on one program has a mistake in it."""
    original = pipeline.program

    def program(graph: object, wanted: str, **options: bool) -> Any:
        text = original(graph, wanted, **options)
        if wanted == target:
            assert isinstance(text, str)
            assert old in text
            text = text.replace(old, new, 1)
        return text

    monkeypatch.setattr(pipeline, "program", program)


def test_the_programs_agree_in_every_layer(cnnspec: Command, small: Path) -> None:
    ran = cnnspec("verify", small, "--format", "json")
    assert ran.status == 0, ran.err
    document = json.loads(ran.out)
    assert document["ok"] is document["holds"] is True
    assert 0 < document["worst"]["difference"] < 1e-11
    layers = {row.pop("name"): row for row in document["layers"]}
    assert set(layers["stem.bn"]) == {
        "layer", "eval", "train", "statistics", "gradient_eval", "gradient_train", "start",
    }  # fmt: skip
    for name in ("stem.conv", "res.conv", "res.bn", "res.droppath", "res.relu", "maxpool", "dropout", "fc"):
        assert {"eval", "train"} <= set(layers[name]), name
    assert set(document["outputs"]["output"]) == {"eval", "train"}
    assert set(document["inputs"]["input"]) == {"gradient_eval", "gradient_train"}
    assert "gradient_train" in document["tensors"]["res.bn.weight"]


def test_the_table_says_where_the_largest_difference_is(cnnspec: Command, small: Path) -> None:
    ran = cnnspec("verify", small)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert re.split("  +", lines[2]) == ["name", "layer", *(title for title, _, _ in KINDS.values())]
    assert any(line.startswith("stem.bn ") for line in lines)
    assert lines[-1].startswith("✓ largest difference ")
    assert lines[-1].endswith(", within the tolerance of 1e-10")


MERGED = """\
input 4x6x6
a: conv F3 P1 K4
sum: add [ id | conv F1 K4 | times 0.5 -> conv F1 K4 ]
relu
gate: mul [ id | gap -> fc 4 -> sigmoid ]
conv F1 K4
all: concat [ @a | id ]
part: slice 0:4
conv F1 K2 -> hsigmoid
twice: add [ id | id ]
"""


def test_lines_that_are_no_layers_in_torch_are_compared_too(cnnspec: Command, tmp_path: Path) -> None:
    spec = tmp_path / "merged.cnn"
    spec.write_text(MERGED)
    ran = cnnspec("verify", spec, "--format", "json")
    assert ran.status == 0, ran.err
    layers = {row["name"]: row for row in json.loads(ran.out)["layers"]}
    for name in ("sum.times", "sum.add", "gate.mul", "part", "twice"):
        assert {"eval", "train"} <= set(layers[name]), name
    assert "eval" not in layers["all"], "only `part` reads it, which is no layer either"


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("x + branch2 + branch3", "x + branch2 - branch3", "sum.add"),
        ("x * gate[:, :, None, None]", "x + gate[:, :, None, None]", "gate.mul"),
        ("x[:, :4]", "x[:, 4:]", "part"),
    ],
)
def test_a_mistake_in_such_a_line_is_found_in_its_row(
    cnnspec: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, name: str
) -> None:
    spec = tmp_path / "merged.cnn"
    spec.write_text(MERGED)
    altered(monkeypatch, "torch", old, new)
    document = json.loads(cnnspec("verify", spec, "--format", "json").out)
    wrong = [row["name"] for row in document["layers"] if row.get("eval", 0) > 1e-10]
    assert wrong[0] == name


def test_beyond_the_tolerance_the_status_is_1(cnnspec: Command, small: Path) -> None:
    ran = cnnspec("verify", small, "--tolerance", "1e-18")
    assert ran.status == 1
    assert "✗ largest difference " in ran.out
    assert "above the tolerance of 1e-18" in ran.out


@pytest.mark.parametrize(
    ("target", "old", "new", "kinds"),
    [
        ("numpy", "return dy * (y > 0)", "return dy", {"gradient"}),
        ("numpy", "n / max(n - 1, 1)", "1", {"statistic"}),
        ("torch", "nn.ReLU(inplace=True)", "nn.LeakyReLU(0.001)", {"evaluation", "training"}),
        ("torch", "nn.BatchNorm2d(4)", "nn.BatchNorm2d(4, eps=1e-4)", {"evaluation", "training"}),
        ("torch", "nn.Dropout(0.4)", "nn.Dropout(0.3)", {"training"}),
    ],
)
def test_a_mistake_in_a_program_is_found(
    cnnspec: Command,
    small: Path,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    old: str,
    new: str,
    kinds: set[str],
) -> None:
    altered(monkeypatch, target, old, new)
    ran = cnnspec("verify", small)
    assert ran.status == 1
    last = ran.out.splitlines()[-1]
    assert last.startswith("✗ largest difference ")
    assert any(kind in last for kind in kinds)


def test_a_literal_that_one_program_has_otherwise_is_found(
    cnnspec: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "literal.cnn"
    spec.write_text("input 1x4x4\nconv F3 K1 weight=[1 0 -1; 1 0 -1; 1 0 -1] bias=3\n")
    assert cnnspec("verify", spec).status == 0
    altered(monkeypatch, "numpy", "literal(1, 0, -1", "literal(1, 0, 1")
    ran = cnnspec("verify", spec)
    assert ran.status == 1
    assert "(conv.weight, before training begins)" in ran.out


def test_weights_that_one_program_lacks_are_named(
    cnnspec: Command, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered(monkeypatch, "torch", "self.fc = nn.Linear(64, 5)", "self.fc = nn.Linear(64, 5, bias=False)")
    ran = cnnspec("verify", small)
    assert ran.status == 1
    assert "✗ fc.bias is only in the numpy program\n" in ran.out


@pytest.mark.parametrize("spec", ["zoo:lenet5", "zoo:output_sizes"])
def test_specs_of_the_zoo(cnnspec: Command, spec: str) -> None:
    ran = cnnspec("verify", spec)
    assert ran.status == 0, ran.out + ran.err


@pytest.mark.heavy
@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_every_spec_of_the_zoo_on_a_small_input(cnnspec: Command, tmp_path: Path, path: Path) -> None:
    spec = tmp_path / path.name
    spec.write_text(smaller(path, variants(path)[0]))
    ran = cnnspec("verify", spec)
    assert (ran.status, ran.err) == (0, "")


def test_a_long_network_is_folded(cnnspec: Command, tmp_path: Path) -> None:
    spec = tmp_path / "long.cnn"
    spec.write_text("input 2x3x3\ntrunk: [conv F1 K2 -> tanh]*25\n")
    ran = cnnspec("verify", spec)
    assert ran.status == 0, ran.out + ran.err
    assert re.search(r"^trunk\.24 +2 layers ", ran.out, re.M)
    assert not re.search(r"^trunk\.24\.conv", ran.out, re.M)


def test_several_inputs_and_a_shared_block(cnnspec: Command, tmp_path: Path) -> None:
    spec = tmp_path / "siamese.cnn"
    spec.write_text("""\
input left: 1x6x6
input right: 1x6x6
shared tower() { conv F3 K2 -> tanh -> flatten -> fc 3 }
a: @left -> tower()
b: @right -> tower()
far: sub [ @a | @b ]
near: mul [ @a | @b ]
output @far, @near
""")
    ran = cnnspec("verify", spec, "--all")
    assert ran.status == 0, ran.out + ran.err
    shown = [line.split()[0] for line in ran.out.splitlines() if "e-1" in line]
    assert {"left", "right", "a.conv", "b.conv", "far", "near"} <= set(shown)


@pytest.mark.parametrize("shape", ["4x9", "4x3x6x4"])
def test_a_signal_and_a_volume(cnnspec: Command, tmp_path: Path, shape: str) -> None:
    spec = tmp_path / "axes.cnn"
    spec.write_text(f"""\
input {shape}
a: conv F3 P1 K4 -> bn -> relu -> dropout 0.5 maps -> maxpool F2
b: conv F1 K4 -> in affine -> dropout 0.5
add [ id | @a ] -> droppath 0.5 -> gap -> fc 3
""")
    ran = cnnspec("verify", spec)
    assert ran.status == 0, ran.out + ran.err


def test_a_torch_that_does_not_load(cnnspec: Command, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = small.parent / "site-packages"
    (broken / "torch").mkdir(parents=True)
    (broken / "torch" / "__init__.py").write_text("raise ImportError('libcuda is not here')")
    worker = small.parent / "worker.py"
    from cnnspec.running import process

    worker.write_text(
        f"import sys; sys.path.insert(0, {str(broken)!r}); sys.argv[0] = {process.WORKER!r}\n"
        f"import runpy; runpy.run_path({process.WORKER!r}, run_name='__main__')\n"
    )
    monkeypatch.setattr(process, "WORKER", str(worker))
    ran = cnnspec("verify", small)
    assert ran.status == 2
    assert "libcuda is not here" in ran.err
    assert "pip install 'cnnspec[torch]'" in ran.err


def test_a_wrong_spec_is_not_verified(cnnspec: Command, tmp_path: Path) -> None:
    spec = tmp_path / "wrong.cnn"
    spec.write_text(WRONG)
    ran = cnnspec("verify", spec)
    assert (ran.status, ran.out) == (1, "")
    assert "error[E301]" in ran.err


def test_a_program_that_fails_is_no_traceback(cnnspec: Command, tmp_path: Path) -> None:
    spec = tmp_path / "one.cnn"
    spec.write_text("input 2x1x1\nbn\n")
    ran = cnnspec("verify", spec, "--batch", "1")
    assert ran.status == 1
    assert "Traceback" not in ran.err
    assert "Expected more than 1 value per channel" in ran.err
    assert re.search(r"\n  the torch program, line \d+, in forward: return self\.bn\(x\)\n", ran.err)
    assert "--batch 2" in ran.err


def test_a_program_that_fails_shows_the_lines_that_lead_there(
    cnnspec: Command, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered(monkeypatch, "numpy", "return dy * (y > 0)", "return dy * missing")
    ran = cnnspec("verify", small)
    assert (ran.status, ran.out) == (1, "")
    first, *lines = ran.err.splitlines()
    assert first == "cnnspec: the emitted program failed: NameError: name 'missing' is not defined"
    numbers = [re.fullmatch(r"  the NumPy program, line (\d+), in (\w+): (.*)", line) for line in lines]
    assert [found and found[2] for found in numbers] == ["relu_backward", "res_backward", "network_backward"]
    text = pipeline.program(pipeline.models(Source("", SMALL))[0].graph, "numpy").splitlines()
    assert text[int(numbers[0][1]) - 1].strip() == numbers[0][3] == "return dy * missing"
    document = json.loads(cnnspec("verify", small, "--format", "json").out)
    assert document["message"].splitlines() == [first.removeprefix("cnnspec: "), *lines]


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
def test_too_little_memory_is_said(tmp_path: Path) -> None:
    spec = tmp_path / "large.cnn"
    spec.write_text("input 1000x1000x1000\nrelu\n")
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, "run", str(spec), "--random", "--batch", "50"],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"},
    )
    assert ran.returncode == 70
    assert ran.stderr.startswith("cnnspec: not enough memory (Unable to allocate")
    assert ran.stderr.endswith("; use fewer images or a smaller input\n")


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from cnnspec.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="pty")
def test_long_work_shows_how_far_it_is(small: Path) -> None:
    """On a terminal one line that changes, and is gone at the end; elsewhere nothing."""
    said = on_a_terminal("verify", str(small))
    shown = [part for part in said.split("\r") if part.startswith("verify: ")]
    assert shown[0] == "verify: loading torch\x1b[K"
    assert re.fullmatch(
        r"verify: (eval|train), the (torch|NumPy) program's (layers|gradients) \d+/\d+\x1b\[K", shown[-1]
    )
    assert said.index(shown[-1]) < said.index("\r\x1b[K") < said.index("NumPy program compared")
    assert "minute" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="pty")
def test_what_takes_long_is_said_before_it_begins(tmp_path: Path) -> None:
    spec = tmp_path / "long.cnn"
    spec.write_text("let r = 1000\ninput 3x(r)x(r)\n[conv F3 P1 K64 -> relu]*2\n")
    first = " ".join(on_a_terminal("verify", str(spec), until="core").split())
    assert first.startswith("77.2G multiply–accumulates, in float64, twice forward and backward in both")
    assert ": about 2 minutes on one core; a smaller input is faster: --set r=…" in first
    spec.write_text("input 3x1000x1000\n[conv F3 P1 K64 -> relu]*2\n")
    second = " ".join(on_a_terminal("verify", str(spec), until="core").split())
    assert "; --batch 1 halves it" in second


def on_a_terminal(*arguments: str, until: str = "") -> str:
    """What a command writes to a terminal; it is ended where `until` has been written."""
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cnnspec", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        said = b""
        try:
            while part := os.read(ours, 1 << 16):
                said += part
                if until and until.encode() in said:
                    running.terminate()
                    until = ""
        except OSError:  # the other side is closed
            pass
    os.close(ours)
    return said.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_it_nothing_is_left(small: Path, tmp_path: Path, number: signal.Signals) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    running = subprocess.Popen(
        [sys.executable, "-m", "cnnspec", "verify", str(small)],
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 60
    while not list(scratch.glob("*/errors.txt")) and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.5)
    assert list(scratch.iterdir()), "there was something to clean up"
    running.send_signal(number)
    _, said = running.communicate(timeout=15)
    assert running.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}.get(number, -number)
    assert b"Traceback" not in said
    while list(scratch.iterdir()) and time.monotonic() < until:
        time.sleep(0.02)  # after SIGKILL the child cleans up
    assert list(scratch.iterdir()) == []


def test_what_rounding_explains_is_not_a_mistake_and_says_why() -> None:
    """A norm of two numbers leaves little but their signs: a last digit grows with every layer."""
    rows = [{"name": f"bn{n}", "layer": "bn", "shape": (8, size, size)} for n, size in enumerate((1, 1, 4))]
    job = {"model": "Few", "batch": 2, "seed": 0, "rows": rows, "inputs": [], "outputs": []}
    found = {
        "problems": [],
        "tensors": {},
        "inputs": [],
        "outputs": [],
        "rounding": {"eval": 0, "train": 2e-8},
    }
    found["rows"] = [{"eval": 1e-16, "train": 1e-7}, {}, {}]
    verdict = Verdict(job, found, 1e-10)
    assert verdict.holds
    text = "".join(line for line in verdict.as_text("", True) if isinstance(line, str))
    first, *lines = text.splitlines()[-4:]
    assert first.startswith("✓ largest difference 1.0e-07 (bn0, in training), above the tolerance of 1e-10")
    assert first.endswith(", but rounding explains it:")
    assert lines == [
        "  the NumPy program's own numbers move by 2.0e-08 if the last digit of its input does",
        "  in training bn0 normalises 2 numbers per channel (2 images of 1x1), and 1 more norms as few:",
        "  hardly more than their signs is left; use a larger input (--size) or a larger --batch",
    ]
    assert not Verdict(job, found, 1e-18).holds
    assert not Verdict(job, found | {"rows": [{"eval": 1e-9}, {}, {}]}, 1e-10).holds
    assert not Verdict(job, found | {"rows": [{"train": 3e-7}, {}, {}]}, 1e-10).holds
