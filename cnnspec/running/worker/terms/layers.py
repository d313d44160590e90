"""Layers without a window: over the channels, number by number, and layers that move numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cnnspec.running.worker.program import Array
from cnnspec.running.worker.terms.sheet import (
    AXES,
    Place,
    Sheet,
    column,
    factor,
    layer,
    text,
    where,
    with_bias,
)

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
    """The channels at a position."""
    for place in at[1:]:
        x = x[:, place]
    return x


@layer("cmean", "cmax")
def over_channels(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x = along(inputs[0], at)
    sheet.part(f"all {len(x)} channels at {where(at[1:])}", float(x.sum()), {"x": column(x)})
    if sheet.op["word"] == "cmax":
        sheet.lines.append(f"y = the largest number = {text(x.max())}, of channel {int(x.argmax())}")
        return float(x.max())
    sheet.lines.append(f"y = Σ/C = {factor(x.sum())}/{len(x)} = {text(x.mean())}")
    return float(x.mean())


@layer("softmax", "logsoftmax")
def softmax(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    """Over the channels, over the channels of a group, or over the positions of a map."""
    x, op, c = inputs[0], sheet.op, at[0]
    if op.get("positions"):
        over, name = x[c].ravel(), f"positions of map {c}"
    else:
        per = len(x) // op.get("G", 1)
        over = along(x, at)[c // per * per : (c // per + 1) * per]
        name = f"channels of group {c // per}" if per < len(x) else "channels"
    mine, largest = float(x[tuple(at)]), float(over.max())
    powers = np.exp(over - largest)
    total = float(powers.sum())
    grids = {"x": column(over), "x − max": column(over - largest), "e^(x − max)": column(powers)}
    sheet.part(f"all {len(over)} {name} (max {text(largest)})", total, grids)
    at_x = f"x[{', '.join(map(str, at))}]"
    if op["word"] == "softmax":
        power = float(np.exp(mine - largest))
        sheet.lines.append(f"y = e^({at_x} − max)/Σ = {text(power)}/{text(total)} = {text(power / total)}")
        return power / total
    value = mine - largest - float(np.log(total))
    sheet.lines.append(f"y = {at_x} − max − ln Σ = {text(mine - largest)} − ln {text(total)} = {text(value)}")
    return value


@layer("attention")
def attention(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    """The mean of v over the positions of k, weighted by the softmax of the scores, or by relu(q)·relu(k)."""
    q, k, v = (x.reshape(len(x), -1) for x in inputs)
    heads, sizes, across = sheet.op["heads"], inputs[0].shape[1:], sheet.op["channels"]
    head = at[0] // (len(q if across else v) // heads)
    here = int(np.ravel_multi_index(tuple(at[1:]), inputs[2 if across else 0].shape[1:]))
    of_head = slice(head * len(k) // heads, (head + 1) * len(k) // heads)
    if across:
        mine, keys, values = q[at[0]], k[of_head].T, v[of_head, here]
    else:
        mine, keys, values = q[of_head, here], k[of_head], v[at[0]]
    depth = len(mine)
    title = f"all {len(values)} {'channels' if across else 'positions'} of k, head {head}"
    if not sheet.op["softmax"]:
        eps, weights = sheet.op["eps"], np.maximum(mine, 0) @ np.maximum(keys, 0)
        total, divisor = float(weights @ values), float(weights.sum())
        grids = {"w = relu(q)·relu(k)": column(weights), "v": column(values), "w·v": column(weights * values)}
        sheet.part(title, total, grids)
        value: float = total / (divisor + eps)
        shown = f"{text(total)}/({text(divisor)} + {text(eps)})"
        sheet.lines.append(f"y = Σ w·v/(Σ w + ε) = {shown} = {text(value)}")
        return value
    scale = 1.0 if sheet.op["unscaled"] else depth**-0.5
    scores = scale * (mine @ keys) + _relative(sheet, scale * mine, head, at[1:], sizes)
    powers = np.exp(scores - scores.max())
    p = powers / powers.sum()
    grids = {"score": column(scores), "p": column(p), "v": column(values), "p·v": column(p * values)}
    sheet.part(title, float(p @ values), grids)
    sheet.lines.append(
        f"score = q·k{'' if sheet.op['unscaled'] else f'/√{depth}'}"
        f"{' + the bias of its offset' if sheet.op['relative'] else ''}; p = e^score/Σ e^score"
    )
    sheet.lines.append(f"y = Σ p·v = {text(p @ values)}")
    return float(p @ values)


def _relative(sheet: Sheet, query: Array, head: int, at: Place, sizes: tuple[int, ...]) -> Array | float:
    """The terms for the offsets from this position that are added to the scores: from a table, or the query's
    products with r."""
    if sheet.op["relative"] is None:
        return 0.0
    places = np.indices(sizes).reshape(len(sizes), -1)
    offsets = [axis - one + n - 1 for axis, one, n in zip(places, at, sizes, strict=True)]
    if sheet.op["relative"] == "table":
        added: Array = sheet.weights["table"][head][tuple(offsets)]
        return added
    names = [f"relative_{axis}" for axis in "thw"[-len(sizes) :]]
    parts = [sheet.weights[name][offset] @ query for name, offset in zip(names, offsets, strict=True)]
    total: Array = np.sum(parts, 0)
    return total


@layer("rms")
def rms(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x, eps = along(inputs[0], at), sheet.op["eps"]
    mean, mine = float((x * x).mean()), float(x[at[0]])
    sheet.part(f"all {len(x)} channels", float((x * x).sum()), {"x": column(x), "x²": column(x * x)})
    value = mine / float(np.sqrt(mean + eps))
    sheet.lines.append(f"x̂ = x/√(Σ/C + ε) = {text(mine)}/√({text(mean)} + {text(eps)}) = {text(value)}")
    return weighed(sheet, value, at)


@layer("grn")
def grn(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x, c, eps = inputs[0], at[0], sheet.op["eps"]
    sizes = np.sqrt((x * x).sum(tuple(range(1, x.ndim))))
    g, mean, mine = float(sizes[c]), float(sizes.mean()), float(x[tuple(at)])
    sheet.part("g = √(Σ x²) of each channel", float(sizes.sum()), {"g": column(sizes)})
    w, b = (float(sheet.weights[name][c]) for name in ("weight", "bias"))
    ratio = g / (mean + eps)
    sheet.lines.append(f"r = g[{c}]/(mean(g) + ε) = {text(g)}/({text(mean)} + {text(eps)}) = {text(ratio)}")
    value: float = mine + w * mine * ratio + b
    filled = f"{text(mine)} + {factor(w)}·{factor(mine)}·{text(ratio)} + {factor(b)}"
    sheet.lines.append(f"y = x + w·x·r + b = {filled} = {text(value)}")
    return value


def weighed(sheet: Sheet, value: float, at: Place) -> float:
    """w·x̂ + b, where the layer has them: one of each per channel, or per channel and position."""
    if "weight" not in sheet.weights:
        return value
    w, biased = number_of(sheet.weights["weight"], at), "bias" in sheet.weights
    b = number_of(sheet.weights["bias"], at) if biased else 0.0
    shown, named = (f" + {factor(b)}", "w·x̂ + b") if biased else ("", "w·x̂")
    sheet.lines.append(f"y = {named} = {factor(w)}·{factor(value)}{shown} = {text(w * value + b)}")
    return w * value + b


@layer("l2norm")
def l2norm(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    positions, mine = sheet.op["positions"], float(inputs[0][tuple(at)])
    x = inputs[0][at[0]].ravel() if positions else along(inputs[0], at)
    total, name = float((x * x).sum()), f"positions of map {at[0]}" if positions else "channels"
    sheet.part(f"all {len(x)} {name}", total, {"x": column(x), "x²": column(x * x)})
    value = mine / max(float(np.sqrt(total)), 1e-12)
    place = ", ".join(map(str, at if positions else at[:1]))
    sheet.lines.append(f"y = x[{place}]/√(Σ x²) = {text(mine)}/√{text(total)} = {text(value)}")
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
    if "running_mean" in weights:
        mean, var = (float(weights[name][c]) for name in ("running_mean", "running_var"))
        sheet.lines.append(f"μ = {text(mean)} and σ² = {text(var)}: the running statistics of channel {c}")
    else:
        per = len(x) // op.get("G", 1)
        parts = {
            "in": x[c],
            "ln": x if op.get("all") else along(x, at),
            "gn": x[c // per * per : (c // per + 1) * per],
        }
        named = {"in": f"map {c}", "ln": "the channels at this position", "gn": f"group {c // per}"}
        over = parts[word]
        mean, var = float(over.mean()), float(over.var())
        of = "the image" if op.get("all") else named[word]
        sheet.lines.append(f"μ = {text(mean)} and σ² = {text(var)}: of the {over.size} numbers of {of}")
    eps = op["eps"]
    value = (mine - mean) / float(np.sqrt(var + eps))
    filled = f"({text(mine)} − {factor(mean)})/√({text(var)} + {text(eps)})"
    sheet.lines.append(
        f"{'x̂' if 'weight' in weights else 'y'} = (x − μ)/√(σ² + ε) = {filled} = {text(value)}"
    )
    return weighed(sheet, value, at)


# --- number by number -------------------------------------------------------------------------------------


def _normal(x: float) -> float:
    """The distribution function Φ of the normal distribution."""
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
    "exp": np.exp,
    "log": np.log,
    "pow": lambda x, p: x**p,
}


@layer(*FUNCTIONS)
def activation(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x = float(inputs[0][tuple(at)])
    own = {name: one for name, one in sheet.op.items() if name in ("slope", "alpha", "amp", "gain", "p")}
    with np.errstate(over="ignore"):
        value = FUNCTIONS[sheet.op["word"]](x, **own)
    parameters = "".join(f", {name} = {text(one)}" for name, one in own.items())
    sheet.lines.append(f"x = {text(x)}{parameters}")
    sheet.lines.append(f"y = {sheet.formula} = {text(value)}")
    return float(value)


def number_of(weight: Array, at: Place) -> float:
    """A weight's number for a place: one for all, one per channel, or one per channel and position."""
    return float(weight[tuple(at)] if weight.ndim > 1 else weight[at[0] if len(weight) > 1 else 0])


@layer("abs", "prelu", "scale", "times", "dropout", "droppath", "id")
def pointwise(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    x, word, weights = float(inputs[0][tuple(at)]), sheet.op["word"], sheet.weights
    a, b = (number_of(weights[name], at) if name in weights else 0.0 for name in ("weight", "bias"))
    value: float
    value, how = {
        "abs": (abs(x), f"|x| = |{text(x)}|"),
        "prelu": (
            x if x > 0 else a * x,
            f"x = {text(x)} (x > 0)" if x > 0 else f"a·x = {factor(a)}·{factor(x)}",
        ),
        "scale": (
            a * x + b,
            f"w·x + b = {factor(a)}·{factor(x)} + {factor(b)}"
            if "bias" in weights
            else f"w·x = {factor(a)}·{factor(x)}",
        ),
        "times": (sheet.op.get("factor", 1) * x, f"{text(sheet.op.get('factor', 1))}·{factor(x)}"),
        "dropout": (x, "x: nothing is dropped in evaluation"),
        "droppath": (x, "x: nothing is dropped in evaluation"),
        "id": (x, "x"),
    }[word]
    sheet.lines.append(f"y = {how} = {text(value)}")
    return value


@layer("add", "sub", "mul", "div", "max")
def merge(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    values, named = [], []
    for number, x in enumerate(inputs):
        full: Array = np.reshape(x, x.shape + (1,) * (len(at) - x.ndim))
        place = tuple(p if n > 1 else 0 for p, n in zip(at, full.shape, strict=True))
        values.append(float(full[place]))
        named.append(f"branch {number + 1} [{', '.join(map(str, place))}] = {text(values[-1])}")
    sheet.lines += named
    if sheet.op.get("weighted_branches"):
        return _weighted(sheet, np.array(values))
    sign = {"add": " + ", "sub": " − ", "mul": "·", "div": "/", "max": ", "}[sheet.op["word"]]
    shown = sign.join(factor(one) for one in values)
    first, *others = values
    value = {
        "add": sum(values),
        "sub": first - sum(others),
        "mul": float(np.prod(values)),
        "div": first / float(np.prod(others)),
        "max": max(values),
    }[sheet.op["word"]]
    shown = f"max({shown})" if sheet.op["word"] == "max" else shown
    sheet.lines.append(f"y = {shown} = {text(value)}")
    return value


def _weighted(sheet: Sheet, values: Array) -> float:
    """The mean of the branches, weighted by relu(w)."""
    weights, eps = np.maximum(sheet.weights["weight"], 0), sheet.op["eps"]
    total, divisor = float(weights @ values), float(weights.sum())
    products = " + ".join(f"{text(w)}·{factor(x)}" for w, x in zip(weights, values, strict=True))
    sheet.lines.append(f"Σ relu(w)·x = {products} = {text(total)}")
    value: float = total / (divisor + eps)
    shown = f"{text(total)}/({text(divisor)} + {text(eps)})"
    sheet.lines.append(f"y = Σ relu(w)·x/(Σ relu(w) + ε) = {shown} = {text(value)}")
    return value


# --- numbers that move ------------------------------------------------------------------------------------


MOVING = (
    *("flatten", "reshape", "pixelshuffle", "pixelunshuffle", "shuffle", "slice", "crop", "pad", "upsample"),
    *("concat", "unpool", "blur", "transpose"),
)


@layer(*MOVING)
def moved(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    """Each number of the input has a coefficient in the output, mostly 0: the gradient from the layer's own
    backward pass where dL/dy is 1 at this place and 0 elsewhere."""
    parts = []
    for number, (x, share) in enumerate(zip(inputs, sheet.shares, strict=False)):
        for place in np.argwhere(share):
            of = f" of branch {number + 1}" if sheet.op["word"] == "concat" else ""
            where = f"x[{', '.join(map(str, place))}]{of}"
            parts.append((where, float(x[tuple(place)]), float(share[tuple(place)])))
    if sheet.op["word"] == "unpool":
        parts = parts[-1:]  # of two windows with the same maximum, the later one's number stays
    if not parts:
        none = {"pad": "this position is padding", "unpool": "no window has its maximum here"}
        sheet.lines.append(f"y = 0: {none[sheet.op['word']]}")
    elif all(share == 1 for _, _, share in parts):
        sheet.lines.append(f"y = {parts[0][0]} = {text(parts[0][1])}")
    else:
        shown = " + ".join(f"{text(share)}·{factor(x)}" for _, x, share in parts)
        sheet.lines += [f"{where} = {text(x)}, its share {text(share)}" for where, x, share in parts]
        sheet.lines.append(f"y = {shown} = {text(sum(x * share for _, x, share in parts))}")
    return sum(x * share for _, x, share in parts)


@layer("coords")
def coords(sheet: Sheet, inputs: list[Array], at: Place) -> float:
    axis = inputs[0].ndim - 1 - at[0]
    size, position, name = inputs[0].shape[axis], at[axis], AXES[inputs[0].ndim - 1][axis - 1]
    value = float(np.linspace(-1, 1, size)[position])
    sheet.lines.append(
        f"y = −1 + 2·{position}/({size} − 1) = {text(value)}: {name} {position} of {size}, from −1 to 1"
    )
    return value
