"""Twenty specs of the zoo, built and imported again, each with something that no other one has: tables of
connections, relative positions, outputs, shared blocks, 1-D and 3-D. All: `python -m tests.sources.zoo`.
"""

from __future__ import annotations

import pytest

from tests.sources.zoo import there_and_back, totals
from tests.targets.torch.support import SPECS, single_threaded

TWENTY = (
    "classic/lenet5.cnn", "classic/vgg.cnn", "classic/googlenet.cnn",
    "deep/resnet.cnn", "deep/densenet.cnn", "deep/repvgg.cnn", "deep/botnet.cnn", "deep/coatnet.cnn",
    "light/mobilenet_v2.cnn", "light/shufflenet_v2.cnn", "light/squeezenet.cnn", "light/efficientvit.cnn",
    "signals/wavenet.cnn", "tasks/unet.cnn", "tasks/siamese.cnn", "tasks/style_transfer.cnn",
    "tasks/dcgan_generator.cnn", "tasks/espcn.cnn", "tasks/yolo_v3_tiny.cnn", "volumes/c3d.cnn",
)  # fmt: skip


@pytest.mark.parametrize("path", TWENTY)
@single_threaded
def test_a_spec_comes_back(path: str) -> None:
    """Its weights, multiplications and buffers are those that it had."""
    text, holes = there_and_back(path)
    assert holes == []
    assert totals(text) == totals((SPECS / path).read_text("utf-8"))
