"""Every layer against torch: random arguments on random shapes, and mutants that may not fit.

Shapes come from torch's meta device, weights from the state_dict, their start from fresh torch modules, and
windows from gradients. torch is the oracle; none of its code stands in cnnspec.ops.
"""

from __future__ import annotations

import random
from math import sqrt
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is the oracle of these tests")

from cnnspec.ops import Op, lookup, words  # noqa: E402
from cnnspec.ops.base import Misfit, arguments_of  # noqa: E402
from tests.ops.binder import op as bind  # noqa: E402
from tests.oracle.layers import layer  # noqa: E402
from tests.oracle.weights import fresh, module  # noqa: E402


def drawn_on(word: str, *shape: int) -> bool:
    """It draws arguments for itself: what merges, or needs a second tensor, does not."""
    op = lookup(word)
    assert op is not None
    return op.draw(random.Random(word), shape) is not None


ALONE = [word for word in words() if drawn_on(word, 4, 8, 8) or drawn_on(word, 12)]


def shapes(chance: random.Random) -> tuple[int, ...]:
    if chance.random() < 0.2:
        return (chance.randint(1, 24),)
    C = chance.choice([1, 2, 3, 4, 6, 8, 9, 12, 16, 36])
    if chance.random() < 0.1:
        return C, 1, 1
    H = chance.randint(1, 14)
    return C, H, H if chance.random() < 0.3 else chance.randint(1, 14)


def draws(word: str, count: int) -> Any:
    """`count` layers that fit, with the shape that arrives."""
    chance = random.Random(word)
    made = lookup(word)
    assert made is not None
    while count:
        shape = shapes(chance)
        text = made.draw(chance, shape)
        if text is not None:
            count -= 1
            yield text, bind(text), shape


@pytest.mark.parametrize("word", ALONE)
def test_drawn_layers_have_torchs_shape_and_weights(word: str) -> None:
    for text, op, shape in draws(word, 50):
        out = op.out(shape)
        assert not isinstance(out, Misfit), (text, shape, out)
        theirs = fresh(op, shape)
        x = torch.empty(2, *shape, device="meta")
        assert tuple(layer(op, [x], theirs).shape[1:]) == out, (text, shape)
        ours = {weight.name: weight for weight in op.weights(shape)}
        assert {name: weight.shape for name, weight in ours.items()} == {
            name: tuple(value.shape) for name, value in theirs.items()
        }, (text, shape)
        made = module(op, shape)
        trained = set(theirs) if made is None else {name for name, _ in made.named_parameters()}
        assert {name for name, weight in ours.items() if weight.role != "buffer"} == trained


def letters(word: str) -> str | None:
    """The arguments that are numbers ("F S P"), "" for one without a letter; None where a shape that does not
    fit is not a matter of such a number.
    """
    op = lookup(word)
    assert op is not None
    declared = [one for one in arguments_of(op) if one[1].kind in ("integer", "sizes")]
    found = [argument.letter for _, argument in declared if argument.letter]
    found += ["extra=" for name, _ in declared if name == "extra"]
    if found:
        return " ".join(found)
    needed = any(one.positional is not None and op.model_fields[name].is_required() for name, one in declared)
    return "" if needed else None


MUTANTS = {word: found for word in ALONE if drawn_on(word, 4, 8, 8) and (found := letters(word)) is not None}

STRICTER = {
    "maxpool": "a window that steps over the map is refused; torch gives −∞",
    "deconv": "a map without rows or columns is refused; torch gives an empty tensor",
}
"""Where an op refuses what torch takes, and why."""


@pytest.mark.parametrize("word", MUTANTS)
def test_what_torch_refuses_is_refused_and_nothing_else(word: str) -> None:
    """Random arguments that need not fit: the op and torch agree on whether they do."""
    chance = random.Random("mutant " + word)
    refused = 0
    for _ in range(250):
        C, H, W = chance.randint(1, 12), chance.randint(1, 6), chance.randint(1, 6)
        parts = [word] if MUTANTS[word] else [word, str(chance.randint(1, 4))]
        most = {"F": 5, "S": 3, "P": 3, "D": 3, "G": 5, "K": 12, "extra=": 3}
        least = {"P": 0, "extra=": 0}
        for letter in MUTANTS[word].split():
            parts.append(f"{letter}{chance.randint(least.get(letter, 1), most[letter])}")
        op: Any = bind(" ".join(parts))
        out = op.out((C, H, W))
        try:
            x = torch.zeros(2, C, H, W)
            theirs = tuple(layer(op, [x], fresh(op, (C, H, W), "cpu")).shape[1:])
        except (RuntimeError, ValueError):
            assert isinstance(out, Misfit), (parts, (C, H, W), out)
            refused += 1
            continue
        if isinstance(out, Misfit):
            assert word in STRICTER
            assert out.argument == "D" if word == "maxpool" else 0 in theirs
            continue
        assert out == theirs, (parts, (C, H, W))
    assert refused > 20


@pytest.mark.parametrize("word", MUTANTS)
def test_a_replacement_fits(word: str) -> None:
    """What a refusal proposes to write instead is bound and taken."""
    chance = random.Random("mend " + word)
    mended = 0
    most = {"F": 7, "S": 3, "P": 4, "D": 3, "G": 5, "K": 12, "extra=": 3}
    for _ in range(250):
        shape = chance.randint(1, 12), chance.randint(1, 6), chance.randint(1, 6)
        letters = MUTANTS[word].split()
        written = {x: f"{x}{chance.randint(0 if x in ('P', 'extra=') else 1, most[x])}" for x in letters}
        if not letters:
            written[""] = str(chance.randint(1, 4))
        op: Any = bind(" ".join([word, *written.values()]))
        out = op.out(shape)
        if isinstance(out, Misfit) and out.replacement is not None:
            letter = "" if not letters else str(out.argument)
            assert out.argument in (letter, "factor")
            was = dict(written)
            written[letter] = out.replacement
            mended_out = bind(" ".join([word, *written.values()])).out(shape)
            # another argument may be wrong as well, but not this one again
            if isinstance(mended_out, Misfit):
                again = (mended_out.code, mended_out.argument) == (out.code, out.argument)
                assert not again, (was, shape, out)
            mended += 1
    assert mended > 10


@pytest.mark.parametrize(
    ("text", "theirs", "names"),
    [
        ("bn", torch.nn.BatchNorm2d(4), {"eps": "eps", "momentum": "momentum"}),
        ("in", torch.nn.InstanceNorm2d(4), {"eps": "eps"}),
        ("ln", torch.nn.LayerNorm(4), {"eps": "eps"}),
        ("gn G2", torch.nn.GroupNorm(2, 4), {"eps": "eps"}),
        ("lrn size=5", torch.nn.LocalResponseNorm(5), {"alpha": "alpha", "beta": "beta", "k": "k"}),
        ("leaky", torch.nn.LeakyReLU(), {"slope": "negative_slope"}),
        ("elu", torch.nn.ELU(), {"alpha": "alpha"}),
        ("dropout", torch.nn.Dropout(), {"p": "p"}),
    ],
)
def test_defaults_are_torchs(text: str, theirs: Any, names: dict[str, str]) -> None:
    op = bind(text)
    for ours, name in names.items():
        assert float(getattr(op, ours)) == getattr(theirs, name)


SAMPLE = 40_000
"""Numbers of a fresh module: the largest of them is within 1/1000 of the bound, nearly surely."""


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("conv F3 K240", (64, 8, 8)),
        ("conv F3 G4 K240", (256, 8, 8)),
        ("conv F1x7 K300", (32, 8, 8)),
        ("dwconv F5 K4096", (2048, 8, 8)),
        ("deconv F3 K64", (128, 8, 8)),
        ("deconv F2 S2 G4 K256", (512, 8, 8)),
        ("fc 300", (200,)),
        ("bn", (50_000,)),
        ("in", (50_000, 2, 2)),
        ("ln", (50_000,)),
        ("gn G8", (50_000, 1, 1)),
        ("prelu", (50_000,)),
    ],
)
def test_weights_start_as_torchs_do(text: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    op = bind(text)
    theirs = fresh(op, shape, "cpu")
    for weight in op.weights(shape):
        values = theirs[weight.name].double()
        start = weight.initial
        if start.distribution == "constant":
            assert bool((values == start.value).all()), weight
            continue
        assert start.distribution == "uniform"
        assert float(values.abs().max()) <= start.value * (1 + 1e-6), weight
        many = values.numel() > SAMPLE
        assert float(values.abs().max()) == pytest.approx(start.value, rel=1e-3 if many else 0.1), weight
        assert float(values.std()) == pytest.approx(start.value / sqrt(3), rel=0.02 if many else 0.2), weight


@pytest.mark.parametrize("text", ["conv F3 G2 K64", "deconv F3 G2 K64", "fc 64", "dwconv F3 K64"])
def test_he_and_xavier_are_torchs(text: str) -> None:
    shape: tuple[int, ...] = (32,) if text.startswith("fc") else (32, 8, 8)
    theirs = module(bind(text), shape, device="cpu")
    assert theirs is not None
    fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(theirs.weight)
    he, bias = bind(text + " init=he").weights(shape)
    assert (he.initial.distribution, he.initial.value) == ("normal", pytest.approx(sqrt(2 / fan_in)))
    xavier = bind(text + " init=xavier").weights(shape)[0].initial
    assert (xavier.distribution, xavier.value) == ("uniform", pytest.approx(sqrt(6 / (fan_in + fan_out))))
    assert (bias.initial.distribution, bias.initial.value) == ("constant", 0.0)


def test_a_table_of_all_connections_starts_as_the_dense_layer() -> None:
    table = "; ".join(["0 1 2"] * 8)
    sparse = bind(f"conv F5 K8 connect=[{table}]").weights((3, 9, 9))
    dense = bind("conv F5 K8").weights((3, 9, 9))
    assert sparse[0].shape == (24, 5, 5)
    for ours, theirs in zip(sparse, dense, strict=True):
        assert ours.initial == theirs.initial


def reads_a_window(word: str) -> bool:
    """It says what a position reads, or reads its own by its nature (a norm's statistics are no window)."""
    op = lookup(word)
    assert op is not None
    return word in ALONE and (op.activation or op.window is not Op.window) and not op.turns


@pytest.mark.parametrize("word", [word for word in words() if reads_a_window(word)])
def test_windows_are_what_gradients_reach(word: str) -> None:
    """Every position reads what lies in its window; and some position reads its window to both ends."""
    torch.manual_seed(0)
    for text, op, shape in draws(word, 15):
        if (
            len(shape) != 3
            or "connect=" in text
            or getattr(op, "normalised", None) in ("standardized", "scaled")  # equal weights become 0
            or "init=zeros" in text
            or "flect" in text
            or "replicate" in text
        ):
            continue
        out: Any = op.out(shape)
        if len(out) != 3:
            continue
        ones = {name: torch.ones_like(value) for name, value in fresh(op, shape, "cpu").items()}
        x = torch.rand(1, *shape, requires_grad=True)
        y = layer(op, [x], ones)
        # of a maximum, only the largest has a slope
        z, zero = torch.rand_like(x), torch.zeros_like(x)
        both = layer(op, [x + z], ones) + layer(op, [zero], ones)
        linear = torch.allclose(both, y + layer(op, [z], ones), rtol=1e-3, atol=1e-3)
        for axis, window in enumerate(op.window((shape,), out)):
            tight_low = tight_high = False
            span = set()
            for o in range(out[1 + axis]):
                part = y.select(2 + axis, o).sum()
                (gradient,) = torch.autograd.grad(part, x, retain_graph=True, allow_unused=True)
                reads = gradient[0].abs().sum(dim=(0, 2 - axis)).gt(1e-4).nonzero().flatten().tolist()
                low = window.start + o * window.stride
                high = low + window.size - 1
                assert all(low <= i <= high for i in reads), (text, shape, axis, o, reads, window)
                N = shape[1 + axis]
                inside = [i for i in range(N) if low <= i <= high]
                if reads and inside:
                    span.add((reads[0] == inside[0], reads[-1] == inside[-1]))
                    tight_low |= reads[0] == inside[0]
                    tight_high |= reads[-1] == inside[-1]
            # a dilated window has gaps, and what few positions see of it may end in one
            assert not span or not linear or (tight_low and tight_high) or " D" in text, (
                text,
                shape,
                axis,
                window,
            )
