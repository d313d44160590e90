"""Emitted programs run from Python: a live PyTorch module, the NumPy program's outputs, and the
comparison of both.

Only programs that cnnspec has written are executed, whatever is in a spec; `verify` runs them in a process of
its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnnspec.api import Spec, SpecError, Values, build, load
from cnnspec.diagnostics import Diagnostic, Source, Span
from cnnspec.elaborate.limits import Limits

if TYPE_CHECKING:
    from types import ModuleType

    import numpy
    import torch

    from cnnspec.ir.graph import Graph
    from cnnspec.report.verified import Verdict


def from_torch(module: torch.nn.Module, *inputs: object, **named: object) -> str:
    """The text of the spec of a PyTorch module: what `cnnspec import` writes. The inputs are batches of two
    images. The module is exported with torch.export, in this process; its weights and its mode stay as they
    are. Raises SpecError if the language cannot express it.

    >>> from torch import nn, zeros  # doctest: +SKIP
    >>> print(from_torch(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), zeros(2, 3, 8, 8)))  # doctest: +SKIP
    model Sequential
    <BLANKLINE>
    input 3x8x8
    <BLANKLINE>
    conv F3 K4 -> relu
    """
    from cnnspec.diagnostics import WHOLE_FILE
    from cnnspec.sources.calls.trace import Untrue, read
    from cnnspec.sources.calls.translate import NeedsValues, layers_of
    from cnnspec.sources.findings import findings_of
    from cnnspec.sources.torch.export import traced
    from cnnspec.structure import UnfitList, spec

    try:
        layers = layers_of(read(traced(module, inputs, named)))
        findings = findings_of(layers)
        if not findings:
            return spec(layers).text
    except (UnfitList, NeedsValues, Untrue) as error:
        findings = [Diagnostic("E811", f"the network cannot be written as a spec: {error}", WHOLE_FILE)]
    raise SpecError(findings, Source(type(module).__name__, ""))


def torch_module(
    spec: Spec | Graph | None = None,
    *,
    text: str | None = None,
    variant: str | None = None,
    settings: Values | None = None,
    limits: Limits | None = None,
    weights: str | os.PathLike[str] | Mapping[str, torch.Tensor] | None = None,
) -> torch.nn.Module:
    """The network as a live `torch.nn.Module` with new weights, or those of `weights`: a `state_dict`, or the
    path of a `.safetensors` file. Needs torch. Raises SpecError on errors.

    >>> model = torch_module("zoo:resnet", variant="ResNet18")  # doctest: +SKIP
    >>> sum(parameter.numel() for parameter in model.parameters())  # doctest: +SKIP
    11689512
    """
    graph = _graph(spec, text, variant, settings, limits)
    module = _executed(build(graph, target="torch", limits=limits), graph.name)
    classes = [one for one in vars(module).values() if getattr(one, "__module__", "") == module.__name__]
    model: torch.nn.Module = [one for one in classes if isinstance(one, type)][-1]()  # its blocks come first
    if weights is not None:
        if not isinstance(weights, Mapping):
            from safetensors.torch import load_file

            weights = load_file(weights)
        model.load_state_dict(weights)
    return model


def run(
    spec: Spec | Graph | None = None,
    input: Any = None,
    *,
    text: str | None = None,
    variant: str | None = None,
    settings: Values | None = None,
    limits: Limits | None = None,
    weights: str | os.PathLike[str] | Mapping[str, numpy.ndarray] | None = None,
    seed: int = 0,
    trace: bool = False,
) -> Any:
    """The output of the NumPy program for `input`: an array of shape (N, C, H, W), or (C, H, W) for one
    image; a dict of arrays by name where the network has several inputs. Its weights are new ones, drawn with
    `seed`, or `weights`: a dict of arrays by key, or the path of an `.npz` or `.safetensors` file. Several
    outputs are returned as a dict by name. With `trace`: the output and a dict of every layer's output by
    name. Raises SpecError if the spec has errors, or the input or the weights do not fit.

    >>> import numpy
    >>> run(text="input 3x8x8\\nconv F3 K4 -> relu\\n", input=numpy.zeros((3, 8, 8))).shape
    (4, 6, 6)
    """
    graph = _graph(spec, text, variant, settings, limits)
    program = _executed(build(graph, target="numpy", limits=limits), graph.name)
    params = program.init(seed) if weights is None else _weights(weights, program.init(seed))
    arrays, single = _inputs(graph, input)
    traced: dict[str, numpy.ndarray] = {}
    outputs = program.forward(params, *arrays, trace=traced.__setitem__ if trace else None)
    every = outputs if isinstance(outputs, tuple) else (outputs,)
    if single:
        every, traced = tuple(y[0] for y in every), {name: y[0] for name, y in traced.items()}
    by_name = every[0] if len(every) == 1 else dict(zip(graph.outputs, every, strict=True))
    return (by_name, traced) if trace else by_name


def verify(
    spec: Spec | Graph | None = None,
    *,
    text: str | None = None,
    variant: str | None = None,
    settings: Values | None = None,
    limits: Limits | None = None,
    batch: int = 2,
    seed: int = 0,
    tolerance: float = 1e-10,
) -> Verdict:
    """The torch and the NumPy program compared in float64 with the same weights and inputs, in a process of
    its own: `holds` says whether they agree, `worst` is the largest relative difference, `as_document()` has
    that of each layer. Needs torch. Raises SpecError on errors, RuntimeError if the comparison fails.

    >>> verify(text="input 3x8x8\\nconv F3 K4 -> relu\\n").holds  # doctest: +SKIP
    True
    """
    from cnnspec.report.verified import Verdict
    from cnnspec.running.job import network
    from cnnspec.running.process import work

    graph = _graph(spec, text, variant, settings, limits)
    programs = {target: build(graph, target=target, limits=limits) for target in ("numpy", "torch")}
    job = {**network(graph), "kind": "verify", "batch": batch, "seed": seed, "tolerance": tolerance}
    with work(job, programs, lambda what, done, of: None) as outcome:
        pass
    if outcome.result is not None:
        return Verdict(job, outcome.result, tolerance)
    if outcome.missing is not None:
        raise ModuleNotFoundError(f"verify needs {outcome.missing[0]}: {outcome.missing[1]}")
    if outcome.finding is not None:
        raise SpecError((outcome.finding,), Source(outcome.about, ""))
    raise RuntimeError(f"the comparison failed: {outcome.failed}")


def _graph(
    spec: Spec | Graph | None,
    text: str | None,
    variant: str | None,
    settings: Values | None,
    limits: Limits | None,
) -> Graph:
    if spec is None or isinstance(spec, str | os.PathLike):
        return load(spec, text=text, variant=variant, settings=settings, limits=limits)
    if text is not None or variant is not None or settings:
        raise TypeError("a graph is run as it is: text=, variant= and settings= are for specs")
    return spec


def _executed(program: str, name: str) -> ModuleType:
    """An emitted program as a module; its source is found by tracebacks and by `inspect`."""
    import linecache
    import sys
    from types import ModuleType

    number = 1
    while (title := f"cnnspec_{name}_{number}") in sys.modules:
        number += 1
    module = ModuleType(title)
    file = module.__file__ = f"<{title}>"
    linecache.cache[file] = (len(program), None, program.splitlines(keepends=True), file)
    sys.modules[title] = module  # a class is looked for in its module: to be copied, pickled, scripted
    exec(compile(program, file, "exec"), module.__dict__)
    return module


def _inputs(graph: Graph, inputs: Any) -> tuple[list[numpy.ndarray], bool]:
    """The inputs in their order, with a batch axis, and whether they were single images."""
    import numpy

    if not isinstance(inputs, Mapping):
        inputs = {} if inputs is None else {graph.inputs[0]: inputs}
    if inputs.keys() != set(graph.inputs):
        raise _unfit(
            "E708",
            f"expected inputs {', '.join(graph.inputs)}, found {', '.join(map(str, inputs)) or 'none'}",
        )
    arrays, singles = [], set()
    for name, shape in zip(graph.inputs, graph.root.values, strict=False):
        assert shape is not None
        array = numpy.asarray(inputs[name], dtype=numpy.float32)
        singles.add(array.ndim == len(shape))
        array = array[None] if array.ndim == len(shape) else array
        if array.shape[1:] != shape or len(singles) > 1:
            sizes, found = ", ".join(map(str, shape)), numpy.shape(inputs[name])
            raise _unfit("E708", f"expected `{name}` of shape (N, {sizes}) or ({sizes}), found {found}")
        arrays.append(array)
    return arrays, singles == {True}


def _weights(
    weights: str | os.PathLike[str] | Mapping[str, numpy.ndarray], expected: Mapping[str, numpy.ndarray]
) -> dict[str, numpy.ndarray]:
    import numpy

    if not isinstance(weights, Mapping):
        if os.fspath(weights).endswith(".npz"):
            with numpy.load(weights, allow_pickle=False) as file:
                weights = dict(file)
        else:
            from safetensors.numpy import load_file

            weights = load_file(weights)
    if weights.keys() != expected.keys():
        wrong = min(weights.keys() ^ expected.keys())
        fault = "is missing in them" if wrong in expected else "is not one of its keys"
        raise _unfit("E707", f"these weights are not the network's: {wrong} {fault}")
    for key, weight in expected.items():
        if numpy.shape(weights[key]) != weight.shape:
            raise _unfit("E707", f"expected {key} of shape {weight.shape}, found {numpy.shape(weights[key])}")
    return {key: numpy.asarray(weights[key], weight.dtype) for key, weight in expected.items()}


def _unfit(code: str, message: str) -> SpecError:
    return SpecError((Diagnostic(code, message, Span(0, 0)),), Source("", ""))
