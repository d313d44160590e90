"""Layers without a window: over the channels, number by number, and those that move numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cnnspec.running.worker.program import Array
from cnnspec.running.worker.terms.sheet import Place, Sheet, column, factor, layer, text, with_bias

# --- all channels -----------------------------------------------------------------------------------------


@layer("fc")
def fc(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    k, x = at[0], inputs[0].ravel()
    total = sheet.products(f"all {len(x)} inputs", column(x), sheet.weights["weight"][k][:, None])
    return with_bias(sheet, [total], k)


@layer("rbf")
def rbf(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x, w = inputs[0].ravel(), sheet.weights["weight"][at[0]]
    squares = (x - w) ** 2
    value = float(squares.sum())
    sheet.part(f"all {len(x)} inputs", value, {"x": column(x), "w": column(w), "(x − w)²": column(squares)})
    sheet.lines.append(f"y = Σ (x − w)² = {text(value)}")
    return value


def along(x: Array, at: Place) -> Array:
    """The channels at this position."""
    for place in at[1:]:
        x = x[:, place]
    return x


@layer("cmean", "cmax")
def over_channels(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x = along(inputs[0], at)
    sheet.part(f"all {len(x)} channels at row {at[1]}, column {at[2]}", float(x.sum()), {"x": column(x)})
    if sheet.op["word"] == "cmax":
        sheet.lines.append(f"y = the largest number = {text(x.max())}, of channel {int(x.argmax())}")
        return float(x.max())
    sheet.lines.append(f"y = Σ/C = {factor(x.sum())}/{len(x)} = {text(x.mean())}")
    return float(x.mean())


@layer("softmax", "logsoftmax")
def softmax(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x = along(inputs[0], at)
    shifted = x - x.max()
    powers = np.exp(shifted)
    total, mine = float(powers.sum()), float(powers[at[0]])
    grids = {"x": column(x), "x − max": column(shifted), "e^(x − max)": column(powers)}
    sheet.part(f"all {len(x)} channels (max {text(x.max())})", total, grids)
    if sheet.op["word"] == "softmax":
        value = mine / total
        sheet.lines.append(f"y = e^(x[{at[0]}] − max)/Σ = {text(mine)}/{text(total)} = {text(value)}")
        return value
    value = float(shifted[at[0]] - np.log(total))
    sheet.lines.append(
        f"y = x[{at[0]}] − max − ln Σ = {text(shifted[at[0]])} − ln {text(total)} = {text(value)}"
    )
    return value


@layer("l2norm")
def l2norm(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x = along(inputs[0], at)
    total, mine = float((x * x).sum()), float(x[at[0]])
    sheet.part(f"all {len(x)} channels", total, {"x": column(x), "x²": column(x * x)})
    value = mine / max(float(np.sqrt(total)), 1e-12)
    sheet.lines.append(f"y = x[{at[0]}]/√(Σ x²) = {text(mine)}/√{text(total)} = {text(value)}")
    return value


@layer("lrn")
def lrn(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x, (c, op) = along(inputs[0], at), (at[0], sheet.op)
    n, alpha, beta, k = op["size"], op["alpha"], op["beta"], op["k"]
    first = max(c - n // 2, 0)
    near = x[first : c + (n - 1) // 2 + 1]
    total, mine = float((near * near).sum()), float(x[c])
    grids = {"x": column(near), "x²": column(near**2)}
    sheet.part(f"channels {first} to {first + len(near) - 1}", total, grids)
    s = k + alpha / n * total
    sheet.lines.append(f"s = k + α/n·Σ x² = {text(k)} + {text(alpha)}/{n}·{text(total)} = {text(s)}")
    sheet.lines.append(f"y = x[{c}]/s^β = {text(mine)}/{text(s)}^{text(beta)} = {text(mine / s**beta)}")
    return float(mine / s**beta)


# --- norms ------------------------------------------------------------------------------------------------


@layer("bn", "in", "ln", "gn")
def norm(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    (x,), c, op, weights = inputs, at[0], sheet.op, sheet.weights
    word, mine = op["word"], float(x[tuple(at)])
    if word == "bn":
        mean, var = (float(weights[name][c]) for name in ("running_mean", "running_var"))
        sheet.lines.append(f"μ = {text(mean)} and σ² = {text(var)}: the running statistics of channel {c}")
    else:
        per = len(x) // op.get("G", 1)
        parts = {"in": x[c], "ln": along(x, at), "gn": x[c // per * per : (c // per + 1) * per]}
        named = {"in": f"map {c}", "ln": "the channels at this position", "gn": f"group {c // per}"}
        over = parts[word]
        mean, var = float(over.mean()), float(over.var())
        sheet.lines.append(
            f"μ = {text(mean)} and σ² = {text(var)}: of the {over.size} numbers of {named[word]}"
        )
    eps = op["eps"]
    value = (mine - mean) / float(np.sqrt(var + eps))
    filled = f"({text(mine)} − {factor(mean)})/√({text(var)} + {text(eps)})"
    sheet.lines.append(
        f"{'x̂' if 'weight' in weights else 'y'} = (x − μ)/√(σ² + ε) = {filled} = {text(value)}"
    )
    if "weight" in weights:
        w, b = float(weights["weight"][c]), float(weights["bias"][c])
        sheet.lines.append(f"y = w·x̂ + b = {factor(w)}·{factor(value)} + {factor(b)} = {text(w * value + b)}")
        value = w * value + b
    return value


# --- number by number -------------------------------------------------------------------------------------


def _normal(x: float) -> float:
    """The normal distribution's function Φ."""
    from math import erf, sqrt

    return (1 + erf(x / sqrt(2))) / 2


FUNCTIONS: dict[str, Callable[..., float]] = {
    "relu": lambda x: max(x, 0.0),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "leaky": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * np.expm1(x),
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * np.expm1(x)),
    "gelu": lambda x: x * _normal(x),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "hswish": lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
    "hsigmoid": lambda x: min(max(x + 3, 0.0), 6.0) / 6,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": lambda x, amp, gain: amp * np.tanh(gain * x),
    "softplus": lambda x: np.logaddexp(0, x),
}


@layer(*FUNCTIONS)
def activation(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x = float(inputs[0][tuple(at)])
    own = {name: one for name, one in sheet.op.items() if name in ("slope", "alpha", "amp", "gain")}
    with np.errstate(over="ignore"):
        value = FUNCTIONS[sheet.op["word"]](x, **own)
    given = "".join(f", {name} = {text(one)}" for name, one in own.items())
    sheet.lines.append(f"x = {text(x)}{given}")
    sheet.lines.append(f"y = {sheet.formula} = {text(value)}")
    return float(value)


@layer("abs", "prelu", "scale", "times", "dropout", "droppath", "id")
def pointwise(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x, word, weights = float(inputs[0][tuple(at)]), sheet.op["word"], sheet.weights
    a = float(weights["weight"][at[0] if len(weights["weight"]) > 1 else 0]) if "weight" in weights else 0.0
    value: float
    value, how = {
        "abs": (abs(x), f"|x| = |{text(x)}|"),
        "prelu": (
            x if x > 0 else a * x,
            f"x = {text(x)} (x > 0)" if x > 0 else f"a·x = {factor(a)}·{factor(x)}",
        ),
        "scale": (a * x, f"w·x = {factor(a)}·{factor(x)}"),
        "times": (sheet.op.get("factor", 1) * x, f"{text(sheet.op.get('factor', 1))}·{factor(x)}"),
        "dropout": (x, "x: nothing is dropped in evaluation"),
        "droppath": (x, "x: nothing is dropped in evaluation"),
        "id": (x, "x"),
    }[word]
    sheet.lines.append(f"y = {how} = {text(value)}")
    return value


@layer("add", "sub", "mul", "max")
def merge(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    values, named = [], []
    for number, x in enumerate(inputs):
        full: Array = np.reshape(x, x.shape + (1,) * (len(at) - x.ndim))
        place = tuple(p if n > 1 else 0 for p, n in zip(at, full.shape, strict=True))
        values.append(float(full[place]))
        named.append(f"branch {number + 1} [{', '.join(map(str, place))}] = {text(values[-1])}")
    sheet.lines += named
    sign = {"add": " + ", "sub": " − ", "mul": "·", "max": ", "}[sheet.op["word"]]
    shown = sign.join(factor(one) for one in values)
    first, *others = values
    value = {
        "add": sum(values),
        "sub": first - sum(others),
        "mul": float(np.prod(values)),
        "max": max(values),
    }[sheet.op["word"]]
    shown = f"max({shown})" if sheet.op["word"] == "max" else shown
    sheet.lines.append(f"y = {shown} = {text(value)}")
    return value


# --- numbers that move ------------------------------------------------------------------------------------


MOVING = (
    *("flatten", "reshape", "pixelshuffle", "pixelunshuffle", "shuffle", "slice", "crop", "pad", "upsample"),
    *("concat", "unpool"),
)


@layer(*MOVING)
def moved(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    """Each number of the input has a share in the output, most of them 0: what the layer's own backward pass
    gives back where dL/dy is 1 at this place and 0 elsewhere."""
    found = []
    for number, (x, share) in enumerate(zip(inputs, sheet.shares, strict=False)):
        for place in np.argwhere(share):
            of = f" of branch {number + 1}" if sheet.op["word"] == "concat" else ""
            where = f"x[{', '.join(map(str, place))}]{of}"
            found.append((where, float(x[tuple(place)]), float(share[tuple(place)])))
    if sheet.op["word"] == "unpool":
        found = found[-1:]  # of two windows with one maximum, the later one's number stays
    if not found:
        none = {"pad": "this position is padding", "unpool": "no window has its maximum here"}
        sheet.lines.append(f"y = 0: {none[sheet.op['word']]}")
    elif all(share == 1 for _, _, share in found):
        sheet.lines.append(f"y = {found[0][0]} = {text(found[0][1])}")
    else:
        shown = " + ".join(f"{text(share)}·{factor(x)}" for _, x, share in found)
        sheet.lines += [f"{where} = {text(x)}, its share {text(share)}" for where, x, share in found]
        sheet.lines.append(f"y = {shown} = {text(sum(x * share for _, x, share in found))}")
    return sum(x * share for _, x, share in found)
