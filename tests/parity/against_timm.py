"""timm's weights give timm's numbers: emitted torch programs beside timm's own modules.

    make parity                                    all of timm.toml, after torchvision's
    python -m tests.parity.against_timm nfnet_f0   some of it

Weights move by what a layer reads: our layer gets the weights of that layer of theirs, of this shape, whose
input has the same numbers, and so on through the network. What timm holds outside of layers (a gain of a
block) moves in order. All weights are random. Dropout and stochastic depth are off: timm's defaults have
none, and the zoo has the papers' rates.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor, nn

from tests.parity import against_torchvision as parity
from tests.parity.against_torchvision import Differences, Mismatch, drops, measure_statistics, relative

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import timm
    from timm.layers import AvgPool2dSame

NETWORKS: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "timm.toml").read_text("utf-8"))

LIMIT = 1e-10
"""Relative, of outputs and of gradients."""
SIDE = 64
"""The image's, where the table has no other."""


def compare(name: str) -> Differences:
    """The emitted program of a network beside timm's module."""
    network = NETWORKS[name]
    side = network.get("side", SIDE)
    torch.manual_seed(0)
    settings = {"input": f"3x{side}x{side}"} | network.get("settings", {})
    ours = parity.module_of(parity.program(network, settings), "cpu")
    theirs = timm.create_model(name, **network.get("arguments", {})).double()
    for module in ours.modules():
        if drops(module):
            module.p = 0.0
    for module in theirs.modules():
        if isinstance(module, nn.LeakyReLU) and "slope" in network:
            module.negative_slope = network["slope"]
        if isinstance(module, AvgPool2dSame):
            without_padding(module)
    with torch.no_grad():
        for key, weight in theirs.named_parameters():
            if key.endswith("bias"):
                weight.normal_(0, 0.1)
            elif weight.numel() == max(weight.shape, default=1):  # factors
                weight.uniform_(0.7, 1.3)
    with patch.object(Tensor, "float", Tensor.double):  # as which timm computes linear attention
        return beside(ours, theirs, side, network.get("depth", 0))


def without_padding(pool: nn.Module) -> None:
    """timm's mean counts the zeros of uneven padding; TensorFlow, whose padding it is, leaves them out."""
    with_zeros = pool.forward
    pool.forward = lambda x: with_zeros(x) / with_zeros(torch.ones_like(x[:, :1]))  # type: ignore[method-assign]


def beside(ours: nn.Module, theirs: nn.Module, side: int, depth: int = 0) -> Differences:
    """Two modules on the same image, ours with their weights. `depth`: of a head whose queries, keys and
    values stand head by head in theirs."""
    image, other = torch.randn(2, 2, 3, side, side, dtype=torch.float64)
    with torch.no_grad():
        measure_statistics(theirs.eval(), image)
        taken = moved(ours.eval(), theirs, image, depth)
        outputs = relative([ours(image)], [theirs(image)])
    got, expected = (step(model, other) for model in (ours, theirs))
    gradients = [(one.mine.grad, one.part(one.its.grad)) for one in taken if one.its.grad is not None]
    # one that is 0 but for rounding (of a bias of keys) is measured against the largest
    floor = 1e-4 * max(float(gradient.abs().max()) for _, gradient in gradients)
    statistics = [(one.mine, one.its) for one in taken if not one.its.requires_grad]
    return Differences(
        outputs,
        relative([got[0]], [expected[0]]),
        relative([got[1]], [expected[1]]),
        relative(*_apart(gradients), floor),
        relative(*_apart(statistics)) if statistics else None,
    )


def _apart(pairs: Sequence[tuple[Tensor | None, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    return [b.new_zeros(b.shape) if a is None else a for a, b in pairs], [b for _, b in pairs]


def step(model: nn.Module, image: Tensor) -> tuple[Tensor, Tensor]:
    """A forward and a backward pass in train mode: the output, and the gradient by the image."""
    image = image.clone().requires_grad_()
    output = model.train()(image)
    generator = torch.Generator().manual_seed(1)
    (output * torch.randn(output.shape, generator=generator, dtype=torch.float64)).sum().backward()
    assert image.grad is not None
    return output.detach(), image.grad


# Their weights


class Taken(NamedTuple):
    """A tensor of ours, and theirs that it is; or the n-th third of it (q, k, v in one layer); `order` of its
    rows where theirs stand otherwise; or `turned`, a table with the heads last, of offsets from keys to
    queries."""

    mine: Tensor
    its: Tensor
    third: int | None = None
    order: Tensor | None = None
    turned: bool = False

    def part(self, whole: Tensor) -> Tensor:
        whole = whole.T.flip(1) if self.turned else whole
        whole = whole if self.order is None else whole[self.order]
        return whole if self.third is None else whole.chunk(3)[self.third]


@dataclass
class Holder:
    """A module of theirs that holds tensors, in the order of calls. `reads` says what it read."""

    name: str
    reads: tuple[float, ...]
    tensors: dict[str, Tensor]
    inner: bool
    """It has modules in it: what it holds is used somewhere inside."""
    order: Tensor | None = None
    thirds: int = 0
    """So many thirds of it are taken."""


def moved(ours: nn.Module, theirs: nn.Module, image: Tensor, depth: int = 0) -> list[Taken]:
    """Gives our module their weights and statistics. Where two layers of theirs read the same and have one
    shape, the first is tried, and the other if it leads nowhere."""
    choices: list[list[int]] = []  # which of how many, in the order of our calls
    while True:
        try:
            return _moved(ours, holders(theirs, image, depth), image, choices)
        except Mismatch:
            while choices and choices[-1][0] + 1 == choices[-1][1]:
                choices.pop()
            if not choices:
                raise
            choices[-1][0] += 1


def _moved(ours: nn.Module, waiting: list[Holder], image: Tensor, choices: list[list[int]]) -> list[Taken]:
    taken, made = list[Taken](), iter(choices[:])
    names = {module: name for name, module in ours.named_modules()}
    known = set[nn.Module]()

    def take(module: nn.Module, given: tuple[Any, ...]) -> None:
        mine = {} if ".parametrizations." in names[module] else own(module)
        if not mine or module in known:
            return
        known.add(module)
        found = [*_found(waiting, mine, fingerprint(given))]
        if not found:
            near = ", ".join(f"{one.name} {[*map(shape_of, one.tensors.values())]}" for one in waiting[:4])
            shapes = [*map(shape_of, mine.values())]
            raise Mismatch(f"our {names[module]} {shapes} reads what none of theirs reads: {near}")
        if len(found) > 1:
            choice = next(made, None)
            if choice is None:
                choices.append(choice := [0, len(found)])
            found = found[choice[0] :]
        holder, pairs = found[0]
        for one in pairs:
            one.mine.data.copy_(one.part(one.its.data).reshape(one.mine.shape))
        taken.extend(pairs)
        holder.thirds += pairs[0].third is not None
        if holder.thirds in (0, 3):
            used = {id(one.its) for one in pairs}
            holder.tensors = {key: one for key, one in holder.tensors.items() if id(one) not in used}
        if not holder.tensors:
            waiting.remove(holder)

    hooks = [module.register_forward_pre_hook(take) for module in ours.modules()]
    try:
        ours(image)
    finally:
        for hook in hooks:
            hook.remove()
    if waiting:
        raise Mismatch(f"timm's {waiting[0].name} and {len(waiting) - 1} more are left")
    if len(taken) != sum(tensor.is_floating_point() for tensor in ours.state_dict().values()):
        raise Mismatch("a layer with weights is never called")
    return taken


def _found(
    waiting: list[Holder], mine: dict[str, Tensor], reads: tuple[float, ...]
) -> Iterator[tuple[Holder, list[Taken]]]:
    """Whose weights a layer of ours may have."""
    alike = [one for one in waiting if len(one.reads) == len(reads) and all(map(near, one.reads, reads))]
    fits = [(one, pairs) for one in alike if (pairs := _fitting(one, mine)) is not None]
    yield from fits
    if fits:
        return
    for holder in alike:
        thirds = {key: tensor.chunk(3)[0] for key, tensor in holder.tensors.items() if len(tensor) % 3 == 0}
        if (pairs := _fitting(Holder("", (), thirds, False), mine)) is not None:
            whole = {id(part): holder.tensors[name] for name, part in thirds.items()}
            yield holder, [Taken(one.mine, whole[id(one.its)], holder.thirds, holder.order) for one in pairs]
            return
    for holder in waiting:
        if holder.inner and (pairs := _fitting(holder, mine)) is not None:
            yield holder, pairs
            return


def _fitting(holder: Holder, mine: dict[str, Tensor]) -> list[Taken] | None:
    """Each tensor of ours with one of the holder's of its shape, of several that with its name."""
    left, pairs = dict(holder.tensors), []
    for name, tensor in mine.items():
        fits = [key for key, one in left.items() if shape_of(one) == shape_of(tensor)]
        tables = [key for key, one in left.items() if one.ndim == 2 and shape_of(one.T) == _table(tensor)]
        last = name.rpartition(".")[2].replace("original", "weight")
        key = last if last in fits else next(iter((*fits, *tables)), None)
        if key is None:
            return None
        pairs.append(Taken(tensor, left.pop(key), None, holder.order, key not in fits))
    return None if left and not holder.inner else pairs


def _table(tensor: Tensor) -> tuple[int, ...]:
    """Of a table of offsets: heads, offsets."""
    return (len(tensor), tensor[0].numel()) if tensor.ndim == 3 else ()


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """A 1x1 convolution may be a linear layer, and a factor per channel Cx1x1."""
    return tuple(size for size in tensor.shape if size > 1)


def own(module: nn.Module) -> dict[str, Tensor]:
    """What a layer holds; the parametrizations in it belong to it."""
    deep = hasattr(module, "parametrizations")
    found = [*module.named_parameters(recurse=deep), *module.named_buffers(recurse=deep)]
    stored = module.state_dict()
    return {name: one for name, one in found if one.is_floating_point() and name in stored}


def holders(model: nn.Module, image: Tensor, depth: int) -> list[Holder]:
    """The modules that hold something. What a module holds that is never called is its parent's."""
    reads: dict[str, tuple[float, ...]] = {}
    names = {module: name for name, module in model.named_modules()}

    def note(module: nn.Module, given: tuple[Any, ...]) -> None:
        reads.setdefault(names[module], fingerprint(given))

    hooks = [module.register_forward_pre_hook(note) for module in model.modules()]
    model(image)
    for hook in hooks:
        hook.remove()
    found: dict[str, Holder] = {name: Holder(name, one, {}, False) for name, one in reads.items()}
    for name, module in model.named_modules():
        owner = name
        while owner not in found:
            owner = owner.rpartition(".")[0]
        for key, tensor in own(module).items():
            found[owner].tensors[key] = tensor
            found[owner].inner = any(True for _ in model.get_submodule(owner).children())
    for name, holder in found.items():
        if depth and ("qkv" in name or "aggreg" in name):
            rows = torch.arange(len(next(iter(holder.tensors.values()), ())))
            holder.order = rows.view(-1, 3, depth).transpose(0, 1).flatten()
    return [one for one in found.values() if one.tensors]


def fingerprint(given: tuple[Any, ...]) -> tuple[float, ...]:
    """What is the same of a tensor however it is laid out."""
    if not given or not isinstance(given[0], Tensor):
        return ()
    x = given[0]
    return float(x.numel()), float(x.sum()), float(x.square().sum()), float(x.max())


def near(a: float, b: float) -> bool:
    return isclose(a, b, rel_tol=1e-8, abs_tol=1e-8)


def main() -> int:
    parser = argparse.ArgumentParser(description="Emitted programs beside timm's modules.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks of timm.toml; default: all")
    names = parser.parse_args().names or list(NETWORKS)
    if unknown := set(names) - set(NETWORKS):
        parser.error(f"timm.toml has no {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    return parity.table(names, compare, f"timm {timm.__version__}", LIMIT)


if __name__ == "__main__":
    sys.exit(main())
