"""What an emitted constructor calls: a chain of layers, a rounded width."""

from __future__ import annotations

from cnnspec.targets.torch.helpers.helper import Helper

CONSTRUCTORS = (
    Helper(
        "sequential",
        '''
def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    chain = nn.Sequential()
    for name, layer in layers.items():
        chain.add_module(name, layer)
    return chain
''',
    ),
    Helper(
        "multiple",
        '''
def multiple(x: float, of: int) -> int:
    """The multiple of `of` that is nearest to x, but no less than 90 % of it."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded
''',
    ),
)
