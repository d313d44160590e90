"""`cnnspec import --run-python`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Ran

pytest.importorskip("torch", reason="torch is not installed")

NETS = """
import torch
from torch import nn

print("a print of the module")

class Net(nn.Module):
    def __init__(self, k=4):
        super().__init__()
        self.conv = nn.Conv2d(3, k, 3, padding=1)
        self.fc = nn.Linear(k, 2)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).mean((2, 3)))

class Branching(Net):
    def forward(self, x):
        return x if x.sum() > 0 else -x

class Holed(Net):
    def forward(self, x):
        return super().forward(torch.cumsum(x, 2))

class Lazy(nn.Sequential):
    def __init__(self):
        super().__init__(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(2))

class Stubborn(nn.Module):
    "Fails on meta: the constructor looks at numbers, and forward makes a tensor of its own."
    def __init__(self):
        super().__init__()
        rates = [x.item() for x in torch.linspace(0, 0.1, 3)]
        self.conv = nn.Conv2d(3, 4, 3)
        self.register_buffer("mean", torch.tensor([0.5, 0.25, 0.125]).view(3, 1, 1))

    def forward(self, x):
        return self.conv((x - self.mean) / torch.tensor(0.5))

class Two(Net):
    def forward(self, left, right):
        return super().forward(torch.cat([left, right], 1))

def endless():
    while True:
        pass
"""

SPEC = "model Net input 3x8x8 conv F3 P1 K4 relu gap fc 2"


def steps(ran: Ran) -> str:
    """What is printed, without claims, and however it is laid out."""
    text = re.sub(r"=> \S+|expect .*|->", " ", ran.out)
    return " ".join(text.split())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_inputs_by_name(cnnspec: Command, folder: Path) -> None:
    sizes = "--input", "right=2x8x8", "--input", "left=1x8x8"
    ran = cnnspec("import", "--run-python", "nets:Two", *sizes)
    assert ran.status == 0, ran.err
    assert "input left 1x8x8 input right 2x8x8" in steps(ran).replace(": ", " ")
    assert "concat [ @left | @right ]" in steps(ran)


def test_the_spec_of_a_module_goes_to_standard_output(cnnspec: Command, folder: Path) -> None:
    ran = cnnspec("import", "--run-python", "nets:Net", "--input", "3x8x8")
    assert (ran.status, steps(ran), ran.err) == (0, SPEC, "")


def test_arguments_weights_and_map(cnnspec: Command, folder: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    state = {"module.conv.weight": torch.randn(6, 3, 3, 3), "module.conv.bias": torch.randn(6),
             "module.fc.weight": torch.randn(2, 6), "module.fc.bias": torch.randn(2)}  # fmt: skip
    save_file(state, folder / "theirs.safetensors")
    ran = cnnspec("import", "--run-python", "nets.py:Net", "--args", '{"k": 6}', "--input", "3x8x8",
                  "-o", "net.cnn", "--weights", "theirs.safetensors", "--weights-out", "ours.safetensors",
                  "--map", "map.json")  # fmt: skip
    assert ran.status == 0, ran.err
    assert ran.out == "net.cnn: written\nmap.json: written\nours.safetensors: written\n"
    where = json.loads((folder / "map.json").read_text())
    assert where["weights"]["conv.weight"] == {"from": "conv.weight", "shape": [6, 3, 3, 3]}
    assert not any(where[key] for key in where.keys() - {"weights"})
    ours = load_file(folder / "ours.safetensors")
    assert all(
        torch.equal(ours[key], state[f"module.{its['from']}"]) for key, its in where["weights"].items()
    )
    ran = cnnspec("run", "net.cnn", "--random", "--weights", "ours.safetensors")
    assert ran.status == 0, ran.err

    save_file(state | {"module.fc.weight": torch.randn(2, 7)}, folder / "wrong.safetensors")
    ran = cnnspec("import", "--run-python", "nets:Net", "--args", "[6]", "--input", "3x8x8",
                  "--weights", "wrong.safetensors", "--weights-out", "no.safetensors")  # fmt: skip
    assert ran.status == 1
    assert code_of(ran) == "E813"
    assert "module.fc.weight: the file has 2x7, fc.weight is 2x6" in ran.err
    assert not (folder / "no.safetensors").exists()


def test_pickles_are_refused_with_the_lines_that_convert_them(cnnspec: Command, folder: Path) -> None:
    (folder / "theirs.pth").write_bytes(b"\x80")
    ran = cnnspec("import", "--run-python", "nets:Net", "--input", "3x8x8", "--weights", "theirs.pth",
                  "--weights-out", "ours.safetensors")  # fmt: skip
    assert ran.status == 1
    assert "error[E813]: weights are read from .safetensors, and" in ran.err
    assert "not from .pth" in ran.err
    assert "weights_only=True" in ran.err


def test_a_module_that_fails_on_meta_is_exported_on_the_cpu(cnnspec: Command, folder: Path) -> None:
    ran = cnnspec("import", "--run-python", "nets:Stubborn", "--input", "3x8x8")
    assert ran.status == 0, ran.err
    assert "bias=[-1 -0.5 -0.25]" in ran.out


def test_lazy_modules(cnnspec: Command, folder: Path) -> None:
    ran = cnnspec("import", "--run-python", "nets:Lazy", "--input", "2x5x5")
    assert ran.status == 0, ran.err
    assert steps(ran).endswith("conv F3 K4 flatten fc 2")


def test_a_branch_on_numbers_is_refused_with_its_place(cnnspec: Command, folder: Path) -> None:
    ran = cnnspec("import", "--run-python", "nets:Branching", "--input", "3x8x8")
    assert ran.status == 1
    assert code_of(ran) == "E811"
    assert "the code branches on the numbers of a tensor" in ran.err
    assert "nets.py:18, in forward: return x if x.sum() > 0 else -x" in ran.err


def test_what_cannot_be_said_is_a_finding(cnnspec: Command, folder: Path) -> None:
    ran = cnnspec("import", "--run-python", "nets:Holed", "--input", "3x8x8", "--format", "json")
    assert ran.status == 1
    (finding,) = json.loads(ran.out)["diagnostics"]
    assert finding["code"] == "E812"
    assert "cumsum" in finding["message"]
    assert "cumsum()   => 3x8x8" in json.loads(ran.out)["spec"]


def test_a_module_that_does_not_end_is_stopped(cnnspec: Command, folder: Path) -> None:
    ran = cnnspec("import", "--run-python", "nets:endless", "--max-seconds", "5")
    assert ran.status == 1
    assert "error[E811]: the code was stopped after 5 seconds" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nets"], "expected a module and a name"),
        (["os;x:y"], "expected a Python module"),
        (["nets:Net", "--args", "5"], "expected JSON"),
        (["nets:Net", "--input", "3x0x3"], "expected a size"),
        (["nets:Net", "--weights", "x.safetensors"], "belong together"),
    ],
)
def test_wrong_usage(cnnspec: Command, arguments: list[str], message: str) -> None:
    ran = cnnspec("import", "--run-python", *arguments)
    assert ran.status == 2
    assert message in " ".join(ran.err.split())


def code_of(ran: Ran) -> str:
    """The code of the first error."""
    return ran.err.partition("error[")[2].partition("]")[0]


def test_names_that_are_not_there(cnnspec: Command, folder: Path) -> None:
    ran = cnnspec("import", "--run-python", "nets:Nat", "--input", "3x8x8")
    assert ran.status == 1
    assert "nets has no Nat" in ran.err
    assert "Net" in ran.err
