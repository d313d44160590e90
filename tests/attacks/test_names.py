"""Names that a terminal or GitHub's runner would obey: of files and folders, and whatever else is given on the command
line. They come out harmless wherever they are shown.

The runner obeys `::command::` at the beginning of a line, blanks aside, and `##[command]` anywhere in it.
"""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import numpy as np
import pytest

from cnnspec.diagnostics.printable import cells, printable
from cnnspec.pipeline import TARGETS
from tests.attacks.conftest import Snapshot, guarded
from tests.cli.conftest import Command

NAMES = {
    "escape": "\x1b[2J\x1b]0;mine\x07",
    "new line": "\n::error::mine",
    "command": "::stop-commands::mine",
    "blanks": "  ::error::mine",
    "old command": "##[stop-commands]mine",
    "carriage return": "mine\rfile: written",
    "turned around": "\u202enpy.exe",
    "line separators": "a\x85::error::b\u2028::error::c\x0b::error::d",
    "lone surrogate": "a\udcffb",
}  # fmt: skip

SPEC = "input 3x8x8\na: conv F3 K2 -> relu\nflatten -> fc 4\n"

COMMANDS = [
    # N is the name, as part of a file's
    "check N.cnn",
    "check N.cnn net.cnn",
    "check N.cnn --all --advice --color always",
    "check .",
    "check --fix Nfixable.cnn",
    "check --format github Nfixable.cnn",
    "check --format json N.cnn",
    "check Nmissing.cnn",
    "check Nfolder",
    "check zoo:N",
    "fmt .",
    "fmt --check Nunformed.cnn",
    "fmt --diff Nunformed.cnn --color always",
    "fmt Nunformed.cnn",
    "fmt Nmissing.cnn",
    "fmt zoo:N",
    "draw N.cnn -o Nfigure.svg",
    "draw N.cnn --format dot",
    "draw N.cnn --format mermaid --collapse N",
    "draw N.cnn --colors N.cnn",
    "draw N.cnn -o N",
    "build N.cnn --target numpy -o Nout.py",
    "build N.cnn --target torch --format json",
    "build N.cnn --target N",
    "build N.cnn N.cnn --target torch",
    "build --target torch",
    "build Nfolder --target torch",
    "explain N.cnn a",
    "explain N.cnn N",
    "explain N",
    "explain zoo:N a",
    "run N.cnn --random",
    "run N.cnn --input Nx.npy --weights Nw.npz",
    "run N.cnn --random -o Nout.npy --save-maps Nmaps --trace",
    "run N.cnn --random -o Nout --format json",
    "run N.cnn --random --labels Nlabels.txt",
    "run N.cnn --input N=Nx.npy",
    "run N.cnn --random --save-maps Nx.npy",
    "run two.cnn --input Nx.npy",
    "run N.cnn --random --mean N",
    "verify Nmissing.cnn",
    "zoo N",
    "schema N",
    "N",
    "check N.cnn --N",
    "check N.cnn --variant N",
    "check N.cnn --set N=1",
    "check N.cnn --set a=N",
    "check N.cnn --set a=1N",
    "check N.cnn --ignore N",
    "check N.cnn --max-layers N",
    "check N.cnn --format N",
]


@pytest.fixture
def folder(unchanged: Snapshot, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Files with the name in theirs; gives the name."""
    name = NAMES[request.param]
    try:
        Path(f"{name}.cnn").write_text(SPEC)
    except (OSError, UnicodeError):
        pytest.skip("no file can be called so here")
    Path(f"{name}unformed.cnn").write_text("input   3x8x8\nconv K2 F3\n")
    Path(f"{name}fixable.cnn").write_text("input 3x8x8\nconv f3 K2\n")
    Path(f"{name}folder").mkdir()
    Path(f"{name}labels.txt").write_text("a\nb\nc\nd\n")
    Path("net.cnn").write_text(SPEC)
    Path("two.cnn").write_text(
        "input a: 3x8x8\ninput b: 3x8x8\n@a -> conv F3 K2\nadd [ id | @b -> conv F3 K2 ]\n"
    )
    np.save(f"{name}x.npy", np.ones((3, 8, 8), np.float32))
    Path(f"{name}w.npz").write_bytes(b"PK")
    return name


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("folder", NAMES, indirect=True)
@pytest.mark.usefixtures("without_a_child")
def test_a_name_is_shown_harmless(command: str, folder: str, cnnspec: Command) -> None:
    with guarded():
        ran = cnnspec(*[word.replace("N", folder) for word in shlex.split(command)])
    assert ran.status in (0, 1, 2), ran
    shown = ran.out + ran.err
    if "always" in command:
        for style in range(100):
            shown = shown.replace(f"\x1b[{style}m", "").replace(f"\x1b[1;{style}m", "")
    if "--format json" in command and ran.out:
        json.loads(ran.out)
    assert {char for char in shown if not char.isprintable()} <= {"\n"}
    assert "##[" not in shown
    for line in shown.split("\n"):
        assert not line.lstrip().startswith("::") or (
            line.startswith("::error file=") and "--format github" in command
        ), line


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("target", TARGETS)
def test_a_program_in_a_log_is_no_command(
    target: str, name: str, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    """A long title is broken between words, so that any of them may begin a line."""
    title = " ".join([NAMES[name].replace("\n", " ").replace("\r", " ").replace('"', " ")] * 30)
    (tmp_path / "net.cnn").write_text(f'model Net "{title}"\n{SPEC}', "utf-8", "replace")
    ran = cnnspec("build", "net.cnn", "--target", target)
    if ran.status == 0:
        assert ran.out.replace("\n", "").isprintable()
        assert "##[" not in ran.out
        assert not any(line.lstrip().startswith("::") for line in ran.out.split("\n"))
    else:  # a character that no title may have
        assert "error[E1" in ran.err


def test_what_is_shown_of_a_command() -> None:
    assert printable("::error::x") == "\\u003a:error::x"
    assert printable("a ::error::") == "a ::error::"
    assert printable("##[error]##[x") == "##\\u005berror]##\\u005bx"
    assert printable("#[a] ##") == "#[a] ##"
    assert cells("##[")[2] == ("\\u005b", 6)
    assert printable("\x0b::a") == "␋::a"
    assert os.linesep not in printable("\n::a")
