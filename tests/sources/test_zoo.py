"""Twenty specs of the zoo, built and imported again; all of it: `python -m tests.sources.zoo`."""

from __future__ import annotations

import pytest

from tests.sources.zoo import there_and_back, totals
from tests.targets.torch.support import SPECS, single_threaded

TWENTY = (
    "classic/lenet5_modern.cnn", "classic/alexnet_2012.cnn", "classic/nin.cnn", "classic/vgg.cnn",
    "deep/resnet_cifar.cnn", "deep/resnet.cnn", "deep/darknet19.cnn", "deep/repvgg.cnn",
    "light/squeezenet.cnn", "light/mobilenet_v1.cnn", "light/mobilenet_v2.cnn", "light/shufflenet_v2.cnn",
    "light/mnasnet.cnn", "notes/depthwise.cnn", "notes/stacked_3x3.cnn",
    "signals/m5.cnn", "tasks/unet.cnn", "tasks/espcn.cnn", "tasks/srcnn.cnn", "volumes/c3d.cnn",
)  # fmt: skip


@pytest.mark.parametrize("path", TWENTY)
@single_threaded
def test_a_spec_comes_back(path: str) -> None:
    """Its weights, multiplications and buffers are those that it had."""
    text, holes = there_and_back(path)
    assert holes == []
    assert totals(text) == totals((SPECS / path).read_text("utf-8"))
