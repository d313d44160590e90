"""The frame of the command line: help, wrong use, mistakes of its own; and the Python API."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

import cnnspec as api
from cnnspec import cli
from cnnspec.cli.root import COMMANDS, root
from tests.cli.conftest import GOOD, WRONG, Command


def test_help_lists_every_command_without_loading_any() -> None:
    code = (
        "import sys; from cnnspec import cli; cli.execute(['-h']); print('cnnspec.cli.check' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    assert done.stdout.endswith("False\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(cnnspec: Command, name: str) -> None:
    ran = cnnspec(name, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert "Usage: cnnspec" in ran.out
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert command.name == name
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_wrong_use(cnnspec: Command) -> None:
    assert cnnspec("--version").out.startswith("cnnspec, version ")
    ran = cnnspec("chekc")
    assert ran.status == 2
    assert "did you mean 'check'?" in ran.err
    assert "did you mean 'check zoo:resnet'?" in cnnspec("zoo:resnet").err
    assert "did you mean 'check lenet.cnn'?" in cnnspec("lenet.cnn").err
    assert "did you mean '--help'?" in cnnspec("help").err
    assert cnnspec("check").status == 2
    assert cnnspec("check", "--nonsense", "a.cnn").status == 2


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("check a.cnn --json", "'--format json'"),
        ("zoo --json", "'--format json'"),
        ("check a.cnn --output-format json", "'--format'"),
        ("check a.cnn -f json", "'--fix' or '--format'"),
        ("check a.cnn --input-size 3x40x40", "'--size'"),
        ("check a.cnn --verbose", "'--all'"),
        ("build a.cnn --pytorch", "'--target torch'"),
        ("build a.cnn --target PyTorch", "'torch'"),
        ("table a.cnn --latex", "'--format latex'"),
        ("draw a.cnn --expnad 2", "'--expand'"),
        ("build a.cnn --target keras", ""),
        ("check a.cnn --cpus 2", ""),
    ],
)
def test_options_of_other_tools(cnnspec: Command, line: str, meant: str) -> None:
    ran = cnnspec(*line.split())
    assert ran.status == 2
    assert ran.err.rstrip().endswith(f"; did you mean {meant}?" if meant else "."), ran.err
    assert ("did you mean" in ran.err.lower()) == bool(meant)


def test_a_mistake_of_our_own_is_one_line_and_a_status_of_its_own(
    cnnspec: Command, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("on\x1b[2J\nfire")

    monkeypatch.setattr("cnnspec.pipeline.models", fail)
    ran = cnnspec("check", good)
    assert (ran.status, ran.out) == (cli.INTERNAL, "")
    assert len(ran.err.splitlines()) == 1
    assert "internal error" in ran.err
    assert "\x1b" not in ran.err
    monkeypatch.setenv("CNNSPEC_DEBUG", "1")
    with pytest.raises(RuntimeError):
        cli.execute(["check", str(good)])


def test_ctrl_c_is_130(cnnspec: Command, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnspec.pipeline.models", interrupt)
    assert cnnspec("check", good).status == 130


def test_the_api_checks_builds_and_explains(good: Path) -> None:
    document = api.check(good)
    assert document.models[0].totals.params == 116_298
    assert api.check(text=GOOD).models[0].ok
    assert not api.check(text=WRONG).models[0].ok
    assert api.load(good).name == "Small"
    assert "class Small(nn.Module)" in api.build(good, target="torch")
    assert "4,864" in api.explain(good, "c1")
    assert api.explain("conv").startswith("# conv")
    assert api.check("zoo:resnet", variant="ResNet50").models[0].totals.params == 25_557_032
    knobs = "let k = 4\ninput 1x8x8\nconv F3 K=k\n"
    assert api.load(text=knobs, settings={"k": 6}).root.values[-1] == (6, 6, 6)


def test_the_api_raises_what_the_command_line_prints(tmp_path: Path) -> None:
    with pytest.raises(api.SpecError, match="E301") as caught:
        api.load(text=WRONG)
    assert [finding.code for finding in caught.value.diagnostics] == ["E301"]
    with pytest.raises(api.SpecError, match="E701"):
        api.check(tmp_path / "missing.cnn")
    with pytest.raises(TypeError):
        api.check()
    with pytest.raises(TypeError):
        api.check("a.cnn", text=GOOD)
    with pytest.raises(api.SpecError, match="no page"):
        api.explain("nonsense")
    with pytest.raises(api.SpecError, match="no target"):
        api.build(text=GOOD, target="jax")


def test_importing_it_costs_nothing() -> None:
    code = (
        "import sys, cnnspec; print({'cnnspec.api', 'pydantic', 'click', 'dataclasses'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_what_a_check_loads(good: Path) -> None:
    """Start-up is most of the time of a `check`: none of these may creep in."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cnnspec", "check", good], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "pydantic" in loaded
    banned = {"torch", "numpy", "rich", "subprocess", "argparse", "cnnspec.report.document"}
    banned.add("importlib.metadata")  # pydantic imports it with the first validator that it builds
    assert not banned & loaded


def test_verify_without_torch_says_how_to_get_it(
    cnnspec: Command, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnspec.cli.verify.find_spec", lambda name: None)
    ran = cnnspec("verify", good)
    assert (ran.status, ran.out) == (2, "")
    assert "pip install 'cnnspec[torch]'" in ran.err
    document = json.loads(cnnspec("verify", good, "--format", "json").out)
    assert document["ok"] is False
    assert "cnnspec[torch]" in document["message"]
