"""An emitted NumPy program as a module, and a look at what its layers put out.

Every layer of the program is a function that is given its place, `conv(x, net["conv1"], …)`: a wrapper
around each such function sees what it gives. A sum is no such function but written as what it is, `x = a + x`
or `x = sum([a, …])`; such a line is led through `seen` in the syntax tree, and nothing else of the program is
touched.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from functools import wraps
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Row = dict[str, Any]
Look = Callable[[int, Array], None]
"""Is given the number of a row and its volume, (N, C, H, W) or (N, K)."""

_CALLED = ("init", "forward", "record", "backward", "loss_and_grads")


class Program:
    """The program in `folder/program_numpy.py`. `rows` are the network's layers, in the order of the
    forward pass."""

    def __init__(self, folder: str, rows: list[Row]) -> None:
        with open(os.path.join(folder, "program_numpy.py"), encoding="utf-8") as file:
            tree = ast.parse(file.read())
        self.module: Any = ModuleType("emitted")
        exec(compile(_watched(tree), "program_numpy.py", "exec"), self.module.__dict__)
        self.rows = rows
        self.layers = {row["attribute"] for row in rows}
        self.drawn: set[str] = set()
        """Keys of the weights that `init` drew by chance; the others stand in the spec, or are constants."""
        self._look: Look | None = None
        self._open: list[str] = []
        self._left: dict[str, list[int]] = {}
        self._sums: list[int] = []
        self._count: Callable[[int], None] | None = None
        self._counted = 0
        self._wrap()

    def watch(self, look: Look | None) -> None:
        """From now on `look` is shown each row's volume; before every forward pass."""
        self._look = look
        self._open = []
        self._left = {}
        for number, row in enumerate(self.rows):
            self._left.setdefault(row["attribute"], []).append(number)
        self._sums = [
            number for number, row in enumerate(self.rows) if row["merges"] and len(row["inputs"]) > 1
        ]

    def count_gradients(self, count: Callable[[int], None] | None) -> None:
        """From now on `count` is told how many weights backward has come by."""
        self._count, self._counted = count, 0

    def _wrap(self) -> None:
        for name, function in list(vars(self.module).items()):
            if isinstance(function, FunctionType) and name not in _CALLED and not name.endswith("_backward"):
                names = function.__code__.co_varnames[: function.__code__.co_argcount]
                if "net" in names:
                    setattr(self.module, name, self._wrapped(function, names.index("net")))
        self.module.seen = self._seen
        self._spy(self.module.Net)

    def _wrapped(self, function: FunctionType, where: int) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*given: Any, **named: Any) -> Any:
            if self._look is None:
                return function(*given, **named)
            at = (given[where] if where < len(given) else named["net"]).at[:-1]
            if at in self._open or at not in self.layers:
                # a layer's own helper (its volume comes out of the layer), or a block
                return function(*given, **named)
            self._open.append(at)
            try:
                made = function(*given, **named)
            finally:
                self._open.pop()
            if isinstance(made, np.ndarray) and self._left.get(at):
                self._show(self._left[at].pop(0), made)
            return made

        return wrapped

    def _seen(self, made: Any) -> Any:
        """A sum of the network's: of the sums not shown yet it is the first of its shape."""
        if self._look is not None and not self._open and isinstance(made, np.ndarray):
            shape = _outside(made).shape[1:]
            for number in self._sums:
                row = self.rows[number]
                left = self._left[row["attribute"]]
                if number in left and tuple(row["shape"]) == shape:
                    left.remove(number)
                    self._show(number, made)
                    break
        return made

    def _show(self, number: int, made: Array) -> None:
        assert self._look is not None
        self._look(number, _outside(made))

    def _spy(self, net: Any) -> None:
        """Notes which weights `init` draws: those where the state of chance has changed behind them; counts
        the gradients."""
        original, gradient = net.weight, net.gradient

        @wraps(original)
        def weight(place: Any, name: str, shape: Any, start: Any) -> Any:
            if not place.draw:
                return original(place, name, shape, start)
            before = place.rng.bit_generator.state
            made = original(place, name, shape, start)
            if place.rng.bit_generator.state != before:
                self.drawn.add(place.at + name)
            return made

        @wraps(gradient)
        def counted(place: Any, name: str, value: Any) -> None:
            gradient(place, name, value)
            self._counted += 1
            if self._count is not None:
                self._count(self._counted)

        net.weight, net.gradient = weight, counted


def _outside(volume: Array) -> Array:
    """(N, H, W, C) as (N, C, H, W); a vector as it is."""
    return np.moveaxis(volume, -1, 1)


def _watched(tree: ast.Module) -> ast.Module:
    """Leads the sums of the network's functions through `seen`: `x = a + x` is `x = seen(a + x)`."""
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef) or function.name.endswith("_backward"):
            continue
        if all(argument.arg != "net" for argument in function.args.args):
            continue
        for line in ast.walk(function):
            if isinstance(line, ast.Assign) and _sum(line.value):
                line.value = ast.Call(ast.Name("seen", ast.Load()), [line.value], [])
    return ast.fix_missing_locations(tree)


def _sum(value: ast.expr) -> bool:
    """`a + b - c`, `sum([a, b])`, `a - sum([b, c])`, of nothing but names."""
    terms = 0
    while isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
        if not isinstance(value.right, ast.Name) and not _many(value.right):
            return False
        value, terms = value.left, terms + 1
    return _many(value) or (terms > 0 and isinstance(value, ast.Name))


def _many(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "sum"
