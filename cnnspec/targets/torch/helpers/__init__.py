"""What torch lacks, as it is written into an emitted file that needs it: small modules and functions.

By name; each may need others. They are emitted in the order in which they stand here.
"""

from __future__ import annotations

from cnnspec.targets.torch.helpers.constructors import CONSTRUCTORS
from cnnspec.targets.torch.helpers.functions import FUNCTIONS
from cnnspec.targets.torch.helpers.modules import MODULES
from cnnspec.targets.torch.helpers.starts import STARTS
from cnnspec.targets.torch.helpers.windows import WINDOWS

_ALL = (*CONSTRUCTORS, *STARTS, *FUNCTIONS, *WINDOWS, *MODULES)
HELPERS = {helper.name: helper.text.strip("\n") for helper in _ALL}
NEEDS = {helper.name: helper.needs for helper in _ALL}

RETURN_A_LAYER = frozenset(
    {"sequential", "he", "xavier", "normal", "uniform", "constant", "bilinear", "given"}
)
"""Helpers that return a layer: nothing can be derived from them."""

RESERVED_NAMES = frozenset(HELPERS) | {"torch", "nn", "Tensor", "zero_bias", "main"}
"""Names that mean something in every emitted file."""
