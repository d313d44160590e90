"""`torch.jit.script` takes the programs, but for those that use what TorchScript has not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from cnnspec.ir.graph import Graph
from tests.targets.torch.support import graph_of, inputs_of, outputs_of, program, single_threaded, spec, zoo

NOT = {
    "deep/bit.cnn": "parametrized weights",
    "deep/nfnet.cnn": "parametrized weights",
    "tasks/sngan_discriminator.cnn": "parametrized weights",
    "deep/botnet.cnn": "parameters by name",
    "deep/coatnet.cnn": "an index of slices and tensors",
    "tasks/efficientdet_d0.cnn": "any number of tensors",
    "tasks/segnet.cnn": "sizes that are one number or several",
}
"""Of the zoo: what TorchScript lacks for them."""

SMALL = {
    "conditions": (
        "block unit(k, s, act) {\n"
        "  add [ conv F3 S=s P1 K=k -> bn -> if act == 1 [ relu ]\n"
        "      | if s > 1 or C != k [ conv F1 S=s K=k -> bn ] ]\n"
        "  concat [ id | if s > 1 [ conv F1 K4 ] else [ none ] ]\n"
        "}\n"
        "input 4x8x8\nunit(4, 1, 0) -> unit(8, 2, 1)\n"
    ),
    "same": "input 3x9x9\nconv F3 S2 Psame K8 -> maxpool F2 S2 Psame -> avgpool F3 S2 Psame exclude_pad\n",
    "same_signal": "input 3x9\nconv F4 Psame K8 -> maxpool F2 S1 Psame\n",
    "norms": "input 4x8x8\nln -> conv F1 K4 -> rms -> grn -> ln all\n",
    "crop": (
        "input 4x8x8\na: conv F3 K4\nb: @a -> conv F3 K4\n"
        "concat [ @a -> crop like=@b | @b ] -> crop 2x2 offset=1x0\n"
    ),
    "lenet": "input 4x8x8\nsubsample F2 -> blur F3 S2 P1 -> conv F1 K2 connect=[0 1; 2 3]\n",
    "slices": (
        "block half(r) { concat [ slice 0:C//r -> conv F3 P1 K=C | slice C//r:C ] -> conv F1 K=6 }\n"
        "block last(k) { concat [ id | slice C-k:C -> relu ] }\n"
        "input 6x8x8\nhalf(3) -> half(2) -> last(2) -> last(3)\n"
    ),
    "embedding": "input t: 5\ninput x: 3x8x8\ne: @t -> fc 3\nadd [ @x | @e -> upsample like=@x ]\n",
}


def scripted(graph: Graph, folder: Path, **options: object) -> tuple[torch.nn.Module, torch.jit.ScriptModule]:
    """The model, and the model in TorchScript, which reads the source from a file."""
    path = folder / f"emitted_{abs(hash(graph.name))}.py"
    path.write_text(program(graph))
    module_spec = importlib.util.spec_from_file_location(path.stem, path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[path.stem] = module
    try:
        module_spec.loader.exec_module(module)
        with torch.device(str(options.get("device", "cpu"))):
            model: torch.nn.Module = getattr(module, graph.name)().eval()
        return model, torch.jit.script(model)
    finally:
        del sys.modules[path.stem]


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*")
@pytest.mark.parametrize("text", SMALL.values(), ids=SMALL)
@single_threaded
def test_small_programs(text: str, tmp_path: Path) -> None:
    graph = graph_of(f"model Net\n{text}")
    model, script = scripted(graph, tmp_path)
    inputs = inputs_of(graph)
    for output, other in zip(outputs_of(script(*inputs)), outputs_of(model(*inputs)), strict=True):
        torch.testing.assert_close(output, other)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*")
@pytest.mark.parametrize("path", ["deep/resnet.cnn", "light/mobilenet_v3.cnn", "tasks/unet.cnn"])
def test_some_of_the_zoo(path: str, tmp_path: Path) -> None:
    scripted(spec(path, dict(zoo())[path]), tmp_path, device="meta")


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*")
@pytest.mark.parametrize(("path", "variant"), zoo())
def test_the_zoo(path: str, variant: str | None, tmp_path: Path) -> None:
    if path not in NOT:
        scripted(spec(path, variant), tmp_path, device="meta")
        return
    with pytest.raises(Exception, match=r"\S"):  # TorchScript has many kinds
        scripted(spec(path, variant), tmp_path, device="meta")
