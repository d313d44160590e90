"""The job `verify`: compares the torch and the NumPy program, in float64.

Both get the same weights (the NumPy program's `init`, copied by key), the same random input, and the same
masks where numbers are dropped. Each layer's volume, the outputs, the new running statistics and every
gradient are compared, in evaluation and in training. A difference is the largest absolute difference divided
by the largest absolute value of that tensor. Where one is above the tolerance, the NumPy program is also
compared with itself on an input whose last digit is rounded differently: two correct programs may differ by
about as much.

Norms begin as the identity (weight 1, bias 0, mean 0, variance 1), which hides mistakes: constants of 0 and 1
are first changed a little. Weights that `init` does not draw (literals, constants) are compared with torch's
own before that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnspec.running.worker.messages import Missing, step
from cnnspec.running.worker.program import Array, load, tracer

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

TINY = 1e-30
PART = 1e-3
"""A gradient is compared with at least this fraction of the largest gradient: a bias directly before a norm
has the gradient 0, where both programs have only rounding errors."""


def work(job: dict[str, Any], folder: str) -> dict[str, Any]:
    """The differences, by row and kind; see `Comparison`."""
    step("loading torch", 0, 1)
    try:
        import torch
    except (ImportError, OSError) as error:
        raise Missing("torch", str(error)) from None
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(job["seed"])
    both = Comparison(job, load(folder), _model(folder))
    step("weights", 0, 1)
    params = both.program.init(job["seed"], np.float64)
    own = {key: value.detach().numpy() for key, value in both.model.state_dict().items()}
    for key in sorted(own.keys() ^ params.keys()):
        both.problems.append(f"{key} is only in the {'numpy' if key in params else 'torch'} program")
    if both.problems:
        return both.result()
    for key, value in params.items():
        if not job["weights"][key]["random"]:
            both.weight(key, "start", difference(value, own[key]))
    del own
    rng = np.random.default_rng(job["seed"] + 1)
    params = {key: _moved(value, rng) for key, value in params.items()}
    inputs = [rng.standard_normal((job["batch"], *one["shape"])) for one in job["inputs"]]
    both.masks = _masks(job, both.model, rng)
    for name in ("eval", "train"):
        both.mode(name, params, inputs, rng)
    return both.result()


def difference(ours: Array, theirs: Array, least: float = TINY) -> float:
    """The largest difference divided by the largest value; infinite where shapes differ or a number is not
    finite."""
    if ours.shape != theirs.shape:
        if ours.size != theirs.size or len(ours) != len(theirs):
            return float("inf")
        ours = ours.reshape(theirs.shape)  # a vector equals a map of 1x1
    if ours.size == 0:
        return 0.0
    apart = float(np.abs(ours - theirs).max())
    relative = apart / max(float(np.abs(theirs).max()), least)
    return relative if np.isfinite(relative) else float("inf")


class Counted(dict[str, Array]):
    """The gradients of a NumPy program; calls `count` with their number."""

    def __init__(self, count: Callable[[int], None]) -> None:
        super().__init__()
        self.count = count

    def __setitem__(self, key: str, value: Array) -> None:
        super().__setitem__(key, value)
        self.count(len(self))


class Comparison:
    """Both programs, and their differences so far: for each row (`eval`, `train`: of its volume; `gradient
    eval`, `gradient train`: of its weights; `statistics`; `start`: of its weights before anything is drawn),
    for the outputs, for the inputs' gradients, and by weight."""

    def __init__(self, job: dict[str, Any], program: Any, model: nn.Module) -> None:
        self.job, self.program, self.model = job, program, model
        self.layers = {row["attribute"] for row in job["rows"]}
        self.masks: dict[str, Array] = {}
        self.rows: list[dict[str, float]] = [{} for _ in job["rows"]]
        self.outputs: list[dict[str, float]] = [{} for _ in job["outputs"]]
        self.inputs: list[dict[str, float]] = [{} for _ in job["inputs"]]
        self.tensors: dict[str, dict[str, float]] = {}
        self.problems: list[str] = []
        self.rounding: dict[str, float] = {}
        self.row_of = {key: number for number, row in enumerate(job["rows"]) for key in row["keys"]}
        self.hooks: list[Any] = []

    def result(self) -> dict[str, Any]:
        names = ("rows", "outputs", "inputs", "tensors", "problems", "rounding")
        return {name: getattr(self, name) for name in names}

    def row(self, number: int, kind: str, value: float) -> None:
        self.rows[number][kind] = max(value, self.rows[number].get(kind, 0.0))

    def weight(self, key: str, kind: str, value: float) -> None:
        self.tensors.setdefault(key, {})[kind] = value
        self.row(self.row_of[key], kind, value)

    def mode(
        self, name: str, params: dict[str, Array], inputs: list[Array], rng: np.random.Generator
    ) -> None:
        """Runs both programs once forward and once backward, in evaluation (`eval`) or in training
        (`train`)."""
        import torch

        training, steps = name == "train", len(self.job["rows"])
        self.model.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in params.items()})
        self.model.train(training)
        leaves = [torch.from_numpy(input_.copy()).requires_grad_() for input_ in inputs]
        volumes, between = self._hook(name)
        try:
            result = self.model(*(leaf.clone() for leaf in leaves))
        finally:
            self._unhook()
        theirs: list[Tensor] = list(result) if isinstance(result, tuple) else [result]
        for output, tensor in zip(self.job["outputs"], theirs, strict=True):
            between.setdefault(output["value"], tensor.detach().numpy())

        def look(number: int, volume: Array) -> None:
            row = self.job["rows"][number]
            step(f"{name}, the NumPy program's layers", number, steps)
            if volumes.get(row["attribute"]):
                self.row(number, name, difference(volume, volumes[row["attribute"]].pop(0)))
            elif (other := between.pop(row["output"], None)) is not None and other.size == volume.size:
                self.row(number, name, difference(volume, other))

        result, net = self.program.record(
            params, *inputs, training=training, masks=self.masks, trace=tracer(self.job["rows"], look)
        )
        ours = result if isinstance(result, tuple) else (result,)
        for output, a, b in zip(self.outputs, ours, theirs, strict=True):
            output[name] = difference(a, b.detach().numpy())
        if training:
            state = self.model.state_dict()
            for key, weight in self.job["weights"].items():
                if weight["role"] == "buffer":
                    value = np.asarray(net.stats.get(key, params[key]))
                    self.weight(key, "statistics", difference(value, state[key].numpy()))
        directions = [rng.standard_normal(our.shape) for our in ours]
        self._backward(name, net, leaves, theirs, directions)
        differences = [*self.rows, *self.outputs, *self.inputs, *self.tensors.values()]
        kinds = {name, f"gradient {name}", *(["statistics"] if training else [])}
        if any(
            value > self.job["tolerance"]
            for one in differences
            for kind, value in one.items()
            if kind in kinds
        ):
            self._rounding(name, params, inputs, directions, rng)

    def _rounding(
        self,
        name: str,
        params: dict[str, Array],
        inputs: list[Array],
        directions: list[Array],
        rng: np.random.Generator,
    ) -> None:
        """How much the NumPy program's own numbers change with the last digit of its inputs, by kind."""
        rounded = [input_ * (1 + 2e-16 * rng.choice([-1, 1], input_.shape)) for input_ in inputs]
        numbers_by_kind, moved_by_kind = (
            self._numbers(name, params, arrays, directions) for arrays in (inputs, rounded)
        )
        for kind, numbers in numbers_by_kind.items():
            least = TINY
            if kind.startswith("gradient"):
                least = max(
                    PART * max((float(np.abs(number).max()) for number in numbers if number.size), default=0),
                    TINY,
                )
            pairs = zip(moved_by_kind[kind], numbers, strict=True)
            self.rounding[kind] = max((difference(a, b, least) for a, b in pairs), default=0.0)

    def _numbers(
        self, name: str, params: dict[str, Array], inputs: list[Array], directions: list[Array]
    ) -> dict[str, list[Array]]:
        """All that the NumPy program computes, by kind."""
        volumes: list[Array] = []
        step(f"{name}, the NumPy program with another last digit", 0, 1)
        outputs, net = self.program.record(
            params,
            *inputs,
            training=name == "train",
            masks=self.masks,
            trace=tracer(self.job["rows"], lambda number, volume: volumes.append(volume.copy())),
        )
        dx, grads = self.program.backward(tuple(directions) if len(directions) > 1 else directions[0], net)
        return {
            name: [*volumes, *(outputs if isinstance(outputs, tuple) else (outputs,))],
            "statistics": [np.asarray(statistic, np.float64) for statistic in net.stats.values()],
            f"gradient {name}": [*grads.values(), *(dx if isinstance(dx, tuple) else (dx,))],
        }

    def _backward(
        self, name: str, net: Any, leaves: list[Tensor], outputs: list[Tensor], directions: list[Array]
    ) -> None:
        """Computes the gradients of the outputs along these directions."""
        import torch

        pairs = zip(outputs, map(torch.from_numpy, directions), strict=True)
        reached = [(output, direction) for output, direction in pairs if output.requires_grad]
        weights = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        done_weights: list[Tensor] = []

        def count(weight: Tensor) -> None:
            done_weights.append(weight)
            step(f"{name}, the torch program's gradients", len(done_weights), len(weights))

        for one in weights:
            self.hooks.append(one.register_post_accumulate_grad_hook(count))  # type: ignore[no-untyped-call]
        self.model.zero_grad()
        torch.autograd.backward([a for a, _ in reached], [b for _, b in reached])
        self._unhook()
        trained = len(list(self.model.parameters()))
        net.grads = Counted(lambda done: step(f"{name}, the NumPy program's gradients", done, trained))
        dx, grads = self.program.backward(tuple(directions) if len(directions) > 1 else directions[0], net)
        self._gradients(f"gradient {name}", grads, dx if isinstance(dx, tuple) else (dx,), leaves)

    def _hook(self, name: str) -> tuple[dict[str, list[Array]], dict[int, Array]]:
        """Keeps every output of each torch layer (a copy, because the next layer may work in place), and
        replaces random drops by the shared masks. A value that is computed by a line of the program instead
        of a layer, such as a sum or a concat, is kept where it enters a layer."""
        volumes: dict[str, list[Array]] = {}
        between: dict[int, Array] = {}
        rows = self.job["rows"]
        modules = {at: module for at, module in self.model.named_modules() if at in self.layers}
        lines = {row["output"] for row in rows if row["attribute"] not in modules}
        done = 0

        def keep(at: str, output: Any) -> None:
            nonlocal done
            done += 1
            step(f"{name}, the torch program's layers", min(done, len(rows)), len(rows))
            tensor = output[0] if isinstance(output, tuple) else output
            volumes.setdefault(at, []).append(tensor.detach().numpy().copy())

        def enter(uses: list[list[int]], tensors: tuple[Tensor, ...]) -> None:
            for value, tensor in zip(uses.pop(0) if uses else [], tensors, strict=False):
                if value in lines and value not in between:
                    between[value] = tensor.detach().numpy().copy()

        for at, module in modules.items():
            if at in self.masks and self.model.training:
                module.eval()
                self.hooks.append(module.register_forward_hook(_masked(self.masks[at], float(module.p))))
            self.hooks.append(
                module.register_forward_hook(lambda module, tensors, made, at=at: keep(at, made))
            )
            uses = [row["inputs"] for row in rows if row["attribute"] == at]
            self.hooks.append(
                module.register_forward_pre_hook(lambda module, tensors, uses=uses: enter(uses, tensors))
            )
        return volumes, between

    def _unhook(self) -> None:
        while self.hooks:
            self.hooks.pop().remove()

    def _gradients(self, kind: str, ours: dict[str, Array], dx: Any, leaves: list[Tensor]) -> None:
        parameters = dict(self.model.named_parameters())
        trained = {key for key, weight in self.job["weights"].items() if weight["role"] == "trainable"}
        theirs = {key: _gradient(parameters[key]) for key in trained}
        inputs = [_gradient(leaf) for leaf in leaves]
        largest = max((float(np.abs(their).max()) for their in (*theirs.values(), *inputs)), default=0.0)
        least = max(PART * largest, TINY)
        for key in self.job["weights"]:
            is_trained = key in trained
            if is_trained and key in ours:
                self.weight(key, kind, difference(ours[key], theirs[key], least))
            elif is_trained != (key in ours):
                has = "lacks" if is_trained else "has"
                self.problems.append(f"the NumPy program {has} a gradient of {key}")
            if key in parameters and parameters[key].requires_grad != is_trained:
                trains = "does not train" if is_trained else "trains"
                self.problems.append(f"the torch program {trains} {key}")
        for input_, a, b in zip(self.inputs, dx, inputs, strict=True):
            input_[kind] = difference(a, b, least)


def _gradient(tensor: Tensor) -> Array:
    return np.zeros(tuple(tensor.shape)) if tensor.grad is None else tensor.grad.numpy()


def _model(folder: str) -> nn.Module:
    """The torch program's network: the last class of its file."""
    from torch import nn
    from torch.nn.functional import relu6

    classes = [one for one in vars(load(folder, "torch")).values() if isinstance(one, type)]
    own = [one for one in classes if issubclass(one, nn.Module) and one.__module__ == "emitted"]
    model: nn.Module = own[-1]()
    for layer in model.modules():
        if isinstance(layer, nn.Hardsigmoid):  # torch's gradient has 1/6 rounded to float32, even in float64
            layer.forward = lambda x: relu6(x + 3) / 6  # type: ignore[method-assign, assignment]
    return model


def _moved(value: Array, rng: np.random.Generator) -> Array:
    """The array with constants of 0 and 1 changed a little; a 1 may be a variance and stays positive."""
    if value.dtype != np.float64 or value.ndim != 1 or value.size == 0:
        return value
    if value.min() != value.max() or value[0] not in (0, 1):
        return value
    if value[0] == 1:
        return rng.uniform(0.5, 2, value.shape)
    return value + rng.normal(0, 0.1, value.shape)


def _masks(job: dict[str, Any], model: nn.Module, rng: np.random.Generator) -> dict[str, Array]:
    """A mask for each layer that drops numbers (N, C, H, W), maps (N, C, 1, 1) or images (N): 1 keeps, 0
    drops."""
    shapes = {row["attribute"]: row["shape"] for row in job["rows"]}
    masks = {}
    for at, module in model.named_modules():
        kind = type(module).__name__
        if at in shapes and (kind.startswith("Dropout") or kind == "DropPath"):
            maps = *shapes[at][:1], *[1] * (len(shapes[at]) - 1)
            shape = {"Dropout": shapes[at], "DropPath": ()}.get(kind, maps)
            masks[at] = rng.random((job["batch"], *shape)) >= float(module.p)
    return masks


def _masked(mask: Array, p: float) -> Any:
    """A hook that applies the mask; the layer itself is in evaluation and changes nothing."""
    import torch

    def hook(module: Any, inputs: Any, output: Tensor) -> Tensor:
        factor = torch.from_numpy(mask * (1 / (1 - p) if p < 1 else 0.0))
        return output * (factor if mask.ndim > 1 else factor.reshape(-1, *[1] * (output.ndim - 1)))

    return hook
