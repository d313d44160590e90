"""cnnspec: a compiler for convolutional-network specs.

>>> import cnnspec
>>> model = cnnspec.check("zoo:resnet", variant="ResNet50").models[0]
>>> model.totals.params
25557032

`load` gives the network itself (the IR), `check` the document of `cnnspec check --format json`, `build` the
text of a PyTorch or NumPy program, `explain` a layer worked out or a page. A spec is named as on the command
line (a file's path, `zoo:name`) or given as `text=`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnspec.api import SpecError, build, check, explain, load

__version__ = "0.1.0"
__all__ = ["SpecError", "__version__", "build", "check", "explain", "load"]


def __getattr__(name: str) -> Any:
    # what is not used is not loaded: `import cnnspec` costs next to nothing
    if name in __all__:
        from cnnspec import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
