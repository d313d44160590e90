"""The names of the schemes of `init=` in other tools; and a scheme for weights that all start at one
number."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit
from cnnspec.diagnostics.suggest import fold, nearest
from cnnspec.elaborate.binding import written_or
from cnnspec.elaborate.values import NoValue
from cnnspec.language import tree
from cnnspec.ops.fields import SCHEMES

_NAMES = {
    "he": ("henormal", "heuniform", "kaimingnormal", "kaiminguniform", "kaiming", "msra", "variancescaling"),
    "xavier": ("glorotnormal", "glorotuniform", "xaviernormal", "xavieruniform", "glorot"),
    "truncated": ("truncnormal", "truncatednormal"),
    "normal": ("gaussian", "randomnormal"),
    "uniform": ("randomuniform",),
    "constant": ("const", "fill"),
    "zeros": ("zero",),
    "ones": ("one",),
}
_SCHEMES = {other: scheme for scheme, others in _NAMES.items() for other in (scheme, *others)}


def start_of(written: str) -> str | None:
    """The initialization of another tool as it is written here: `he` for `kaiming_normal`, `he(fan_out)` for
    `kaiming_normal(mode="fan_out")`, `truncated(0.02)` for `trunc_normal(std=0.02)`, `constant(0.1)` for
    `0.1`."""
    if re.fullmatch(r"[-+]?\d*\.?\d+(e[-+]?\d+)?", written):
        return {"0": "zeros", "1": "ones"}.get(written, f"constant({written})")
    name, _, inside = written.removesuffix(")").partition("(")
    scheme = _SCHEMES.get(fold(name))
    if scheme is None:
        return None
    numbers = re.findall(r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?(?:/\d+)?", inside)
    if scheme == "he":
        return "he(fan_out)" if "fan_out" in inside else "he"
    if SCHEMES[scheme] == "no number":
        return scheme
    if len(numbers) == 2 and scheme == "normal":
        return f"normal({', '.join(numbers)})"
    return f"{scheme}({numbers[-1]})" if 1 <= len(numbers) <= 2 else None


def no_scheme(value: tree.Value) -> NoValue:
    """E205 for a value of `init=` that is not a scheme, with the scheme that was likely meant."""
    text = written_or(value)
    scheme = start_of(text)
    if scheme is None and isinstance(value, tree.Name | tree.Function):
        near = nearest(value.name, SCHEMES)
        scheme = near and start_of(text.replace(value.name, near, 1))
    message = (
        f"`init={text}`: this is not an initialisation"
        if text != "…"
        else "this is not an initialisation of weights"
    )
    if scheme is None:
        return NoValue("E205", message, value.span, f"there are {', '.join(SCHEMES)}")
    return NoValue("E205", message, value.span, f"write `init={scheme}`", fix=(Edit(value.span, scheme),))


def one_number(word: str, value: tree.Value) -> NoValue | None:
    """E205 for a scheme where all weights start at one number, `scale init=zeros`."""
    text = written_or(value)
    scheme = start_of(text) if isinstance(value, tree.Name | tree.Function) else None
    if scheme is None:
        return None
    message = f"the weights of `{word}` start at one number, and `{text}` is an initialisation"
    number = {"zeros": "0", "ones": "1"}.get(scheme) or scheme.removeprefix("constant(").removesuffix(")")
    if number == scheme.removesuffix(")"):
        return NoValue("E205", message, value.span, "give the number, as in `init=1e-6`")
    return NoValue("E205", message, value.span, f"write `init={number}`", fix=(Edit(value.span, number),))
