"""What a shell completes, asked as bash asks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def completed(*words: str, folder: Path | None = None) -> list[str]:
    """What bash is offered for the last word; words are broken at a colon, as bash breaks them."""
    asked = {
        "_CNNSPEC_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["cnnspec", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec"],
        env={**os.environ, **asked},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


CASES = {
    ("ch",): ["check"],
    ("zoo", "lenet"): ["lenet5", "lenet5_modern"],
    ("check", "zoo:lenet"): ["zoo:lenet5", "zoo:lenet5_modern"],
    ("check", "zoo", ":", "lenet"): ["lenet5", "lenet5_modern"],
    ("explain", "zoo", ":", "lenet5", "C"): ["C1", "C3", "C5"],
    ("explain", "E30"): ["E301"],
    ("explain", "dw"): ["dwconv"],
    ("check", "zoo:resnet", "--variant", "ResNet1"): ["ResNet101", "ResNet152"],
    ("table", "zoo:resnet", "--variants", "ResNet50,ResNet1"): ["ResNet50,ResNet101", "ResNet50,ResNet152"],
    ("table", "zoo:resnet", "--columns", "name,we"): ["name,weights"],
    ("table", "--like", "mo"): ["mobilenet"],
    ("draw", "zoo:resnet", "--expand", ""): ["residual", "stage"],
    ("draw", "zoo:resnet", "--collapse", "st"): ["stage"],
    ("check", "--ignore", "W101,w10"): ["W101,W101", "W101,W102"],
    ("check", "--columns", "+mem"): ["+memory"],
    ("check", "--columns", "output,FL"): ["output,FLOPs"],
    ("build", "zoo:lenet5", "--target", ""): ["numpy", "torch"],
}


@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_what_is_offered(words: tuple[str, ...], tmp_path: Path) -> None:
    offered = completed(*words, folder=tmp_path)
    wanted = CASES[words]
    assert [word for word in offered if word in wanted] == wanted
    assert all(word.lower().startswith(words[-1].lower()) for word in offered)


def test_files_are_left_to_the_shell(tmp_path: Path) -> None:
    assert completed("check", "a", folder=tmp_path) == ["a"]  # of the type `file`: the shell looks itself


IN_A_SHELL = {
    "cnnspec check zoo:lenet": ["zoo:lenet5", "zoo:lenet5_modern"],
    "cnnspec explain zoo:lenet5 C": ["C1", "C3", "C5"],
    "cnnspec table zoo:resnet --columns name,we": ["name,weights"],
    "cnnspec build zoo:lenet5 --target ": ["numpy", "torch"],
}


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_offers_them(tmp_path: Path) -> None:
    program = tmp_path / "cnnspec"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cnnspec "$@"\n')
    program.chmod(0o755)
    asked = "; ".join(f"complete -C '{line}'; echo ." for line in IN_A_SHELL)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"_CNNSPEC_COMPLETE=fish_source cnnspec | source; {asked}"],
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [part.split() for part in done.stdout.split(".\n")[:-1]] == [*IN_A_SHELL.values()]


@pytest.mark.parametrize("line", IN_A_SHELL)
def test_zsh_is_offered_them(line: str) -> None:
    asked = {
        "_CNNSPEC_COMPLETE": "zsh_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
    }
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    offered = [one.replace("\\:", ":") for one in done.stdout.splitlines()[1::3]]
    assert [one for one in offered if one in IN_A_SHELL[line]] == IN_A_SHELL[line]
