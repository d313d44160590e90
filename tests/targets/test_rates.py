"""Numbers that are no whole ones and grow from pass to pass, as stochastic depth's rates do: both programs
have those of the IR.
"""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec.ir.flat import flat
from cnnspec.targets.numpy import emit
from tests.targets.numpy.support import program
from tests.targets.torch.support import built, graph_of

UNIT = "block u(rate) { relu -> droppath rate }\ninput 2x3x3\n"
STAGE = "block stage(n, first, most) { [u(most*(first + i)/7)]*n }\n"
SPECS = [
    UNIT + "[u(0.2*i/7)]*4",  # the first rate is whole, the others are not
    UNIT + "[u(i/7)]*4",  # a quotient of whole numbers
    UNIT + "[u((i + 1)/10*3)]*3",  # 0.30000000000000004 in floats
    STAGE + UNIT + "stage(3, 0, 0.2) -> stage(4, 3, 0.2)",
    STAGE + UNIT + "stage(2, 0, 1) -> stage(2, 2, 1/3)",
    "let drop = 0.3\n" + UNIT + "[u(drop*i/3)]*3",
]
PARTS = pytest.mark.parametrize("text", SPECS)


def rates(text: str) -> list[float]:
    drops = (entry.op for entry in flat(graph_of(text)) if entry.op is not None)
    return [float(op.p) for op in drops if op.word == "droppath"]  # type: ignore[attr-defined]


@PARTS
def test_torch(text: str) -> None:
    model = built(graph_of(text))
    ours = [module.p for module in model.modules() if type(module).__name__ == "DropPath"]
    assert ours == pytest.approx(rates(text), rel=1e-12)


@PARTS
def test_numpy(text: str) -> None:
    """What each layer divides by, 1 - p, with nothing left out."""
    graph = graph_of(text)
    module = program(emit(graph))  # type: ignore[arg-type]
    masks = {entry.path: np.ones(1) for entry in flat(graph)}
    x = np.ones((1, *(graph.root.values[0] or ())))
    expected = 1 / np.prod([1 - rate for rate in rates(text)])
    np.testing.assert_allclose(module.forward({}, x, training=True, masks=masks), x * expected, rtol=1e-12)
