"""Exports a module with torch and writes its graph as plain values, the form of `trace.read`.

It runs in the process that has the module: in the worker of `cnnspec import --run-python`, or in the caller's
own process for `from_torch`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ContextDecorator, suppress
from itertools import chain
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils import _pytree as pytree

SMALL = 65_536
"""The most elements of a constant or buffer whose values are in the trace."""
COUNTER = "num_batches_tracked"
"""The count of batches of a batch norm, which no call reads in eval mode."""
DROPS = {"DropPath", "StochasticDepth", "DropConnect", "DropBlock2d"}
"""Classes of modules that have no effect in evaluation: without special treatment their p would be lost."""
Plain = dict[str, Any]


def traced(module: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any] | None = None) -> Plain:
    """The run of a module in eval mode, as plain JSON values. If parts of it have weights that are not used
    then (auxiliary heads), the modules with these parts are put into train mode, and the module is exported
    again."""
    with _as_was(module):
        module.eval()
        _keep_rates(module)
        trace = _exported(module, inputs, named or {})
        heads = _owners_of_unused(module, trace)
        if heads:
            try:
                for path in heads:
                    module.get_submodule(path).training = True
                again = _exported(module, inputs, named or {})
            except Exception:
                again = None
            if again is not None and len(_unused(again)) < len(_unused(trace)):
                trace = again | {"training": heads}
    return trace


class _as_was:
    """Restores modes and `forward` methods when the export is done."""

    def __init__(self, module: nn.Module) -> None:
        self.modes = [(one, one.training) for one in module.modules()]

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        for one, mode in self.modes:
            one.training = mode
            if type(one).__name__ in DROPS:
                one.__dict__.pop("forward", None)


def _keep_rates(module: nn.Module) -> None:
    """Stochastic depth has no effect in eval mode; a dropout in its place keeps its rate in the graph."""
    for one in module.modules():
        rate = getattr(one, "drop_prob", getattr(one, "p", None))
        if type(one).__name__ in DROPS and isinstance(rate, float) and 0 < rate <= 1:
            one.forward = _dropping(rate)


def _dropping(rate: float) -> Any:
    def forward(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return nn.functional.dropout(x, rate, training=False)

    return forward


def _unused(trace: Plain) -> set[str]:
    used = {held[1] for number, held in enumerate(trace["held"]) if number in set(trace["used"])}
    return {key for key in trace["keys"] if key not in used and not key.endswith(COUNTER)}


def _owners_of_unused(module: nn.Module, trace: Plain) -> list[str]:
    """The modules around the largest parts that were not called at all."""
    called = {scope[0] for stack in trace["stacks"] for scope in stack}
    owners: list[str] = []
    for key in sorted(_unused(trace)):
        parts = key.split(".")[:-1]
        for depth in range(1, len(parts) + 1):
            if ".".join(parts[:depth]) not in called:
                owner = ".".join(parts[: depth - 1])
                while owner and isinstance(module.get_submodule(owner), nn.ModuleList | nn.ModuleDict):
                    owner = owner.rpartition(".")[0]
                if owner not in owners:
                    owners.append(owner)
                break
    return owners


_OPS: Any = torch.library.Library("cnnspec", "FRAGMENT")  # type: ignore[no-untyped-call]
_OPS.define("local_response_norm(Tensor self, int size, float alpha, float beta, float k) -> Tensor")
_OPS.define("normalize(Tensor self, int dim) -> Tensor")
for _name in ("local_response_norm", "normalize"):
    _OPS.impl(_name, lambda x, *_: torch.empty_like(x), "CompositeExplicitAutograd")
    _OPS.impl(_name, lambda x, *_: torch.empty_like(x), "Meta")
_NORMALIZE = nn.functional.normalize
"""Functions that torch would write as many ops, kept as one op."""


def _response(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    return torch.ops.cnnspec.local_response_norm(input, size, float(alpha), float(beta), float(k))


def _normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Any:
    if p == 2 and isinstance(dim, int) and eps == 1e-12 and not isinstance(input, nn.Parameter):
        return torch.ops.cnnspec.normalize(input, dim)
    return _NORMALIZE(input, p, dim, eps)


class _AsItIs(ContextDecorator):
    """Replaces torch.autocast, which would make a part of the graph a separate op. A spec does not state the
    types of numbers."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


_DATA: Any = torch._C.TensorBase.data
SET_IN_FORWARD = (
    "forward sets the numbers of weights (to limit them, as `renorm` does); a spec has no such step, and the "
    "weights are taken as they are"
)


class _WeightsStay:
    """While a module is exported, `weight.data = …` in `forward` has no effect: torch cannot export it."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def seen(self, tensor: Any) -> Any:
        return tensor if isinstance(tensor, FakeTensor) else _DATA.__get__(tensor)

    def set(self, tensor: Any, value: Any) -> None:
        if isinstance(tensor, FakeTensor):
            self.notes[:] = [SET_IN_FORWARD]
        else:
            _DATA.__set__(tensor, value)


def _exported(module: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any]) -> Plain:
    from inspect import signature

    order = {name: place for place, name in enumerate(signature(module.forward).parameters)}
    named = dict(sorted(named.items(), key=lambda item: order.get(item[0], len(order))))
    stay = _WeightsStay()
    with (
        patch.object(torch.Tensor, "data", property(stay.seen, stay.set)),
        patch.multiple(nn.functional, local_response_norm=_response, normalize=_normalize),
        patch.object(torch, "autocast", _AsItIs),
        patch.object(torch.amp, "autocast", _AsItIs),
    ):
        program = torch.export.export(module, tuple(inputs), dict(named) or None, strict=False)
    return _Writing(module, program, (*inputs, *named.values())).plain() | {"notes": stay.notes}


class _Writing:
    """Writes one exported program as plain values."""

    def __init__(self, module: nn.Module, program: Any, inputs: Sequence[Any]) -> None:
        self.module, self.program = module, program
        self.numbers: dict[tuple[Any, int], int] = {}
        self.stacks: dict[tuple[Any, ...], int] = {}
        self.places: dict[str, int] = {}
        self.held: list[list[Any]] = []
        self.calls: list[list[Any]] = []
        self.used: set[int] = set()
        self.count = 0
        self.folded: dict[Any, Any] = {}
        first = next(_tensors(inputs), None)
        self.batch = int(first.shape[0]) if first is not None and first.ndim else 1
        self.device = "meta" if first is not None and first.is_meta else "cpu"

    def plain(self) -> Plain:
        signature = self.program.graph_signature
        nodes = list(self.program.graph.nodes)
        kinds = {spec.arg.name: spec for spec in signature.input_specs if hasattr(spec.arg, "name")}
        for node in nodes:
            if node.op == "placeholder":
                self._hold(node, kinds[node.name])
        self.folded = _folded(nodes, self._constants(nodes, kinds))
        for node, value in self.folded.items():
            if isinstance(value, torch.Tensor) and not node.users.keys() <= self.folded.keys():
                self.numbers[node, 0] = len(self.held)
                self.held.append(["constant", node.name, list(value.shape), _numbers(value)])
        outputs: list[list[Any]] = []
        for node in nodes:
            if node.op == "call_function" and node not in self.folded:
                self._call(node)
            elif node.op == "output":
                outputs = self._outputs(node, signature)
        return {
            "name": type(self.module).__name__,
            "batch": self.batch,
            "device": self.device,
            "held": self.held,
            "calls": self.calls,
            "stacks": [[list(scope) for scope in stack] for stack in self.stacks],
            "places": list(self.places),
            "outputs": outputs,
            "keys": self._keys(),
            "used": sorted(self.used),
            "training": [],
        }

    def _keys(self) -> dict[str, list[int]]:
        """The keys of the state_dict. Of several names of one tensor, the name that the program uses, or the
        first one."""
        state = self.module.state_dict(keep_vars=True)
        used = {key for number, (_, key, *_) in enumerate(self.held) if number in self.used}
        names: dict[int, str] = {}
        for key in sorted(state, key=lambda key: key.replace(COUNTER, "running_mean") not in used):
            names.setdefault(id(state[key]), key)
        return {
            key: list(one.shape)
            for key, one in state.items()
            if names[id(one)] == key
            and (one.is_floating_point() or key.endswith(COUNTER))  # others are indices
        }

    def _hold(self, node: Any, spec: Any) -> None:
        from torch.export.graph_signature import InputKind

        value = node.meta.get("val")
        kind = {InputKind.USER_INPUT: "input", InputKind.PARAMETER: "weight", InputKind.BUFFER: "buffer"}
        key = spec.target or node.name
        shape = list(value.shape) if isinstance(value, torch.Tensor) else []
        self.numbers[node, 0] = len(self.held)
        role = kind.get(spec.kind, "constant")
        self.held.append([role, key, shape, None if role == "input" else self._values(key)])

    def _values(self, key: str) -> list[float] | None:
        """The numbers of a small tensor that is not a trained weight."""
        tensor = self.program.state_dict.get(key, self.program.constants.get(key))
        if not isinstance(tensor, torch.Tensor) or tensor.is_meta or tensor.numel() > SMALL:
            return None
        if isinstance(tensor, nn.Parameter) and tensor.numel() > 64:
            return None
        return _numbers(tensor)

    def _constants(self, nodes: Sequence[Any], kinds: Mapping[str, Any]) -> dict[Any, Any]:
        """Small tensors of the code: no weights, and no buffers that a file of weights could have other
        numbers for."""
        stored = self.module.state_dict(keep_vars=True)
        constants: dict[Any, Any] = {}
        for node in (node for node in nodes if node.op == "placeholder"):
            key = kinds[node.name].target
            tensor = self.program.state_dict.get(key, self.program.constants.get(key))
            if isinstance(tensor, torch.Tensor) and not isinstance(tensor, nn.Parameter):
                trained = key in stored and tensor.is_floating_point()
                if not trained and not tensor.is_meta and tensor.numel() <= SMALL:
                    constants[node] = tensor.detach()
        return constants

    def _call(self, node: Any) -> None:
        if node.target.__class__.__name__ == "builtin_function_or_method" and len(node.args) == 2:
            source, place = node.args  # operator.getitem
            if (source, place) in self.numbers:
                self.numbers[node, 0] = self.numbers[source, place]
            return
        values = node.meta.get("val")
        results = list(values) if isinstance(values, list | tuple) else [values]
        shapes = [list(one.shape) if isinstance(one, torch.Tensor) else [] for one in results]
        if any(not isinstance(size, int) for shape in shapes for size in shape):
            raise ValueError(f"a size depends on the numbers of a tensor ({_place(node) or node.target})")
        arguments = self._arguments(node)
        for place in range(len(results)):
            self.numbers[node, place] = len(self.held) + self.count
            self.count += 1
        name = str(getattr(node.target, "_schema", node.target)).partition("(")[0]
        name = name.rpartition("::")[2].partition(".")[0]
        stack = tuple(self._scopes(node))
        self.calls.append(
            [
                name,
                arguments,
                shapes,
                self.stacks.setdefault(stack, len(self.stacks)),
                self.places.setdefault(_place(node), len(self.places)),
            ]
        )

    def _arguments(self, node: Any) -> Plain:
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            pairs = chain(((str(place), value) for place, value in enumerate(node.args)), node.kwargs.items())
            return {name: self._plain(value) for name, value in pairs}
        arguments: dict[str, Any] = {}
        for place, argument in enumerate(schema.arguments):
            if place < len(node.args):
                arguments[argument.name] = node.args[place]
            elif argument.name in node.kwargs:
                arguments[argument.name] = node.kwargs[argument.name]
            elif argument.has_default_value():
                arguments[argument.name] = argument.default_value
        return {name: self._plain(value) for name, value in arguments.items()}

    def _plain(self, value: Any) -> Any:
        if isinstance(value, torch.fx.Node):
            number = self.numbers.get((value, 0))
            if number is None:
                return {"other": "tensor"}
            self.used.add(number)
            return {"tensor": number}
        if value is None or isinstance(value, bool | int | str):
            return value[:400] if isinstance(value, str) else value
        if isinstance(value, float):
            return value if value == value and abs(value) != float("inf") else {"float": str(value)}
        if isinstance(value, list | tuple):
            return [self._plain(one) for one in value]
        return {"other": str(value)[:400]}

    def _scopes(self, node: Any) -> Iterator[tuple[str, str, int, bool]]:
        """Path, class, number of the call, and whether it is one of torch's layers."""
        for key, (path, kind) in (node.meta.get("nn_module_stack") or {}).items():
            class_name = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
            _, at, call = str(key).rpartition("@")
            theirs = ("torch.nn.modules.", "torch.nn.utils.parametrize.")
            own = class_name.startswith(theirs) and ".container." not in class_name
            own = own and not any(many in class_name for many in ("MultiheadAttention", "Transformer"))
            yield path, class_name.rpartition(".")[2], int(call) if at and call.isdigit() else 0, own

    def _outputs(self, node: Any, signature: Any) -> list[list[Any]]:
        from torch.export.graph_signature import OutputKind

        flat = [
            (one, spec)
            for one, spec in zip(node.args[0], signature.output_specs, strict=True)
            if spec.kind is OutputKind.USER_OUTPUT
        ]
        spec = self.program.call_spec.out_spec
        paths = [path for path, _ in pytree.tree_flatten_with_path(spec.unflatten(range(spec.num_leaves)))[0]]
        outputs: list[list[Any]] = []
        for (one, _), path in zip(flat, paths, strict=True):
            if isinstance(one, torch.fx.Node) and (one, 0) in self.numbers:
                names = [str(getattr(key, "key", getattr(key, "name", ""))) for key in path]
                outputs.append(["_".join(name for name in names if name)[:100], self.numbers[one, 0]])
                self.used.add(self.numbers[one, 0])
        return outputs


def _numbers(tensor: torch.Tensor) -> list[float]:
    return [float(one) for one in tensor.detach().reshape(-1).to(torch.float64)]


def _folded(nodes: Sequence[Any], known: Mapping[Any, Any]) -> dict[Any, Any]:
    """What the code computes from constants alone (indices, grids, masks): each such node, worked out."""
    folded: dict[Any, Any] = {}
    for node in nodes:
        if node.op == "call_function" and all(one in folded or one in known for one in node.all_input_nodes):
            with suppress(Exception), torch.no_grad(), torch.device("cpu"):
                value = _worked_out(node, {**known, **folded})
                if value is not None:
                    folded[node] = value
    return folded


def _worked_out(node: Any, known: Mapping[Any, Any]) -> Any:
    schema, values = getattr(node.target, "_schema", None), node.meta.get("val")
    results = list(values) if isinstance(values, list | tuple) else [values]
    if sum(one.numel() if isinstance(one, torch.Tensor) else SMALL for one in results) > 2 * SMALL:
        return None
    if schema is None:
        getter = node.target.__class__.__name__ == "builtin_function_or_method"
        return node.target(known[node.args[0]], node.args[1]) if getter else None
    if schema.is_mutable or torch.Tag.nondeterministic_seeded in node.target.tags:
        return None
    if any(getattr(getattr(user.target, "_schema", None), "is_mutable", False) for user in node.users):
        return None
    if len(results) > 1 and any(hasattr(user.target, "_schema") for user in node.users):
        return None

    def plain(value: Any) -> Any:
        return known[value] if isinstance(value, torch.fx.Node) else value

    arguments = pytree.tree_map(plain, (node.args, dict(node.kwargs)))
    args, options = pytree.tree_map(lambda one: "cpu" if isinstance(one, torch.device) else one, arguments)
    return node.target(*args, **options)


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from _tensors(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _tensors(value)


_OWN = os.path.dirname(torch.__file__) + os.sep


def _place(node: Any) -> str:
    """The innermost line of the source that is not torch's own: `nets.py:41`."""
    place = ""
    for line in str(node.meta.get("stack_trace") or "").splitlines():
        text = line.strip()
        if text.startswith('File "') and not text.startswith(f'File "{_OWN}'):
            path, _, rest = text[6:].partition('", line ')
            place = f"{_short(path)}:{rest.partition(',')[0]}"
    return place[:400]


def _short(path: str) -> str:
    for folder in sorted(map(os.path.abspath, filter(None, sys.path)), key=len, reverse=True):
        if path.startswith(folder + os.sep):
            return path[len(folder) + 1 :]
    return os.path.basename(path)
