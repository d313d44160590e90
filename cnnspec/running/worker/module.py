"""Imports and makes the user's nn.Module as its package would: a file of a package is imported as a part of
it, with the folders above on the path. Packages that are not installed are stood in for: a file with a
network often imports what reads images or writes logs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module, util
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any

from cnnspec.running.worker.messages import Fault

MOST_ABSENT = 20
FARTHEST = 4
"""Folders above a file."""
BY_HAND = (
    "what --args and --input cannot give is set in a file of your own,"
    " `from my.nets import Net; net = Net(…)`: `--run-python file.py:net`"
)


class StandIn(ModuleType):
    """Of a package that is not installed, and of all that is in it: it can be imported, called and inherited
    from, but no tensor goes through it."""

    def __getattr__(self, name: str) -> StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(f"{self.__name__}.{name}")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        import torch

        if any(isinstance(argument, torch.Tensor) for argument in (*arguments, *named.values())):
            package = self.__name__.partition(".")[0]
            raise ModuleNotFoundError(f"No module named '{package}'", name=package)
        decorated = arguments[0] if len(arguments) == 1 and not named else None
        return decorated if isinstance(decorated, type | FunctionType) else self

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return ()

    def __instancecheck__(self, one: object) -> bool:
        return False


class Absent(MetaPathFinder, Loader):
    """Packages that are not installed, by their names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        known = fullname.partition(".")[0] in self.names
        return ModuleSpec(fullname, self, is_package=True) if known else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        return None


def imported(source: str, folder: str, absent: Absent) -> ModuleType:
    """`my.nets`, or a file `my/nets.py`."""
    path = os.path.abspath(os.path.join(folder, source)) if source.endswith(".py") else ""
    if path and not os.path.isfile(path):
        raise Fault(f"there is no file {source}")
    sys.meta_path.append(absent)
    root = os.path.dirname(path) if path else os.path.abspath(folder)
    names = [os.path.basename(path)[:-3]] if path else source.split(".")
    if path:
        sys.path.insert(0, root)
    while True:
        try:
            return import_module(".".join(names)) if len(names) > 1 or not path else _of_file(names[0], path)
        except ImportError as error:
            if "relative import" in str(error) and path and len(names) <= FARTHEST:
                names.insert(0, os.path.basename(root))
                root = os.path.dirname(root)
                sys.path.insert(0, root)
            elif isinstance(error, ModuleNotFoundError) and error.name and source.startswith(error.name):
                raise Fault(
                    f"there is no module {source} here",
                    help="run the command in the folder that has it, or name the file: path/to/nets.py:Net",
                ) from None
            elif not isinstance(error, ModuleNotFoundError) or not _found(error, root, absent):
                raise


def _of_file(name: str, path: str) -> ModuleType:
    spec = util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _found(error: ModuleNotFoundError, root: str, absent: Absent) -> bool:
    """A package that is missing: in a folder above the file, or stood in for."""
    package = (error.name or "").partition(".")[0]
    if not package or package in absent.names or util.find_spec(package) is not None:
        return False
    for _ in range(FARTHEST):
        root = os.path.dirname(root)
        if os.path.dirname(root) == root:
            break
        if os.path.isdir(os.path.join(root, package)) or os.path.isfile(os.path.join(root, f"{package}.py")):
            sys.path.insert(0, root)
            return True
    absent.names.append(package)
    return len(absent.names) <= MOST_ABSENT


def made(
    torch: Any, module: Any, source: str, name: str, arguments: Sequence[Any] | Mapping[str, Any]
) -> Any:
    """The nn.Module of a Python module: a class or a function is called with the arguments."""
    for part in name.split("."):
        if not hasattr(module, part):
            modules = (
                one
                for one, value in vars(module).items()
                if isinstance(value, type) and issubclass(value, torch.nn.Module)
            )
            names = ", ".join(list(modules)[:20])
            raise Fault(f"{source} has no {name}", help=f"its modules are {names}" if names else "")
        module = getattr(module, part)
    if not isinstance(module, torch.nn.Module):
        by_name = arguments if isinstance(arguments, Mapping) else {}
        by_place = () if isinstance(arguments, Mapping) else arguments
        fitting(name, module, by_place, by_name, f"`--args` gives them; {BY_HAND}")
        module = module(*by_place, **by_name)
    if not isinstance(module, torch.nn.Module):
        raise Fault(f"{name} gives {type(module).__name__}, not an nn.Module")
    return module


def fitting(
    name: str, called: Any, by_place: Sequence[Any], by_name: Mapping[str, Any], way: str = ""
) -> None:
    """Whether the arguments are those that a function takes."""
    import inspect

    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*by_place, **by_name)
    except TypeError as error:
        takes = ", ".join(str(parameter) for parameter in signature.parameters.values())
        raise Fault(f"{name} cannot be called: {error}", note=f"it takes ({takes})"[:400], help=way) from None
