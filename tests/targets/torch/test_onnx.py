"""Emitted models export to ONNX, with a batch of any size, and onnxruntime gives what torch gives."""

from __future__ import annotations

from io import BytesIO

import pytest
import torch

from tests.targets.torch.support import built, graph_of, inputs_of, outputs_of, single_threaded

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (it is in [dev])")
pytest.importorskip("onnxscript", reason="torch's exporter needs onnxscript (it is in [dev])")

NETWORKS = {
    "residual": """
block residual(k, s=1) {
  add [ conv F3 S=s P1 K=k nobias -> bn -> relu -> conv F3 P1 K=k nobias -> bn
      | conv F1 S=s K=k nobias -> bn ] -> relu
}
input 3x16x16
conv F3 P1 K8 nobias -> bn -> relu
residual(8) -> residual(16, s=2)
gap -> fc 10
""",
    "concat": """
input 3x15x15
conv F3 P1 K8 -> relu -> maxpool F3 S2 ceil
concat [ conv F1 K4 | conv F1 K4 -> relu -> conv F3 P1 K6 | maxpool F3 S1 P1 -> conv F1 K5 ] -> relu
avgpool F3 S2 P1 -> gap -> dropout 0.4 -> fc 10 -> softmax
""",
    "depthwise": """
input 3x16x16
conv F3 S2 P1 K8 nobias -> bn -> relu6
[add [ conv F1 K24 nobias -> bn -> relu6 -> dwconv F3 P1 nobias -> bn -> conv F1 K8 | id ]]*2
dwconv F3 S2 P1 -> conv F1 K12 G4 -> hswish -> gap -> fc 5
""",
    "unet": """
block double(k) { [conv F3 K=k -> relu]*2 }
block up(@skip, k) {
  u: deconv F2 S2 K=k
  concat [ @skip -> crop like=@u | id ]
  double(k)
}
input 1x44x44
e1: double(4)
e2: maxpool F2 -> double(8)
    maxpool F2 -> double(16)
up(@e2, 8) -> up(@e1, 4)
conv F1 K2
""",
    "several outputs": """
input left: 3x16x16
input right: 3x16x16
shared tower(k) { conv F3 P1 K=k -> relu }
a: @left -> tower(4)
b: @right -> tower(4) -> maxpool F2
c: @b -> upsample 2
d: sub [ @a | @c ] -> abs -> gap -> fc 3
output @d, @b, @a
""",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # torch's exporter, of its own helper
@pytest.mark.filterwarnings("ignore:# The axis name:UserWarning")  # two inputs share the batch
@single_threaded
@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_agrees(name: str) -> None:
    graph = graph_of(NETWORKS[name])
    model = built(graph).eval()
    inputs = inputs_of(graph)
    # a batch norm that still has its first statistics hides a wrong order of them
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    exported = torch.onnx.export(
        model, tuple(inputs), dynamo=True, dynamic_shapes=(batch,) * len(inputs), verbose=False
    )
    file = BytesIO()
    exported.save(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    for size in (2, 5):
        inputs = inputs_of(graph, size)
        names = [entry.name for entry in session.get_inputs()]
        found = session.run(None, {name: x.numpy() for name, x in zip(names, inputs, strict=True)})
        with torch.no_grad():
            wanted = outputs_of(model(*inputs))
        for output, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(torch.from_numpy(output), other, atol=1e-5, rtol=1e-4)
