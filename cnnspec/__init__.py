"""cnnspec: a compiler for convolutional-network specs.

>>> import cnnspec
>>> model = cnnspec.check("zoo:resnet", variant="ResNet50").models[0]
>>> model.totals.params
25557032

`check` gives the document of `cnnspec check --format json`, `load` the network itself (the IR), `build` the
text of a PyTorch or NumPy program, `torch_module` a live `nn.Module`, `run` the outputs of the NumPy program,
`verify` the comparison of both programs, `explain` a layer worked out or a page, `fmt` the canonical form,
`from_torch` the spec of a module. A spec is named as on the command line (a file's path, `zoo:name`) or given
as `text=`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnspec.api import SpecError, build, check, explain, fmt, load
    from cnnspec.programs import from_torch, run, torch_module, verify

__version__ = "0.1.0"
__all__ = [
    "SpecError",
    "__version__",
    "build",
    "check",
    "explain",
    "fmt",
    "from_torch",
    "load",
    "run",
    "torch_module",
    "verify",
]


def __getattr__(name: str) -> Any:
    # modules are loaded on first use, so that `import cnnspec` is fast
    if name in __all__:
        from cnnspec import api, programs

        return getattr(api if hasattr(api, name) else programs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext cnnspec` in a notebook: cells that begin with `%%cnn` are then checked when they are run."""
    from cnnspec.documents.magic import register

    register(shell)


def __dir__() -> list[str]:
    return sorted([*__all__, "load_ipython_extension", *(name for name in globals() if name[:2] == "__")])
