"""What a step of training needs besides the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cnnspec.training.library.steps import on_device


def test_an_accelerator_copies_while_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """From memory that is pinned, without waiting; where there is none, nothing is pinned."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: calls.append(("pinned",)) or tensor)
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, *to, **how: calls.append((*to, how)) or tensor)
    array = np.arange(3)
    assert on_device(array, torch.device("cpu")).tolist() == [0, 1, 2]
    assert calls == [(torch.device("cpu"), {})]
    calls.clear()
    cuda = torch.device("cuda", 0)
    assert on_device(array, cuda).tolist() == [0, 1, 2]
    assert calls == [("pinned",), (cuda, {"non_blocking": True})]
