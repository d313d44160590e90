"""Convolutions and pools of formats with padding that torch's own layers do not have: more after than before,
or more than half of the window. `call(op, shape, **arguments)` records a call in the format's own context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from cnnspec.ops.base import Shape, Sizes
from cnnspec.ops.sliding import Ends, places, places_rounding_up, reach, same_ends
from cnnspec.sources.calls.trace import Tensor, Value

Calling: TypeAlias = Callable[..., Tensor]


class Window(NamedTuple):
    """A window: one number for each axis. ends: the padding before and after; ceil: sizes are rounded up."""

    F: Sizes
    S: Sizes
    D: Sizes
    ends: tuple[Ends, ...]
    ceil: bool = False

    def out(self, sizes: Sequence[int]) -> Sizes:
        count = places_rounding_up if self.ceil else places
        return tuple(map(count, sizes, self.F, self.S, self.ends, self.D))

    def padding(self, sizes: Sequence[int]) -> Sizes | Literal["same"] | None:
        """The padding as torch's convolutions take it: one number for each axis, or "same"; else None."""
        if all(before == behind >= 0 for before, behind in self.ends):
            return tuple(before for before, _ in self.ends)
        return "same" if self.ends == same(sizes, self.F, self.S, self.D) and not self.ceil else None

    def wider(self, sizes: Sequence[int]) -> tuple[Sizes, Sizes] | None:
        """A padding of at most half of the window, equal before and after, that includes all of this window's
        positions; and the number of positions before these."""
        padding: list[tuple[int, int]] = []
        for N, F, S, D, (before, _), count in zip(
            sizes, self.F, self.S, self.D, self.ends, self.out(sizes), strict=True
        ):
            for P in range(before, F // 2 + 1, S):
                if places(N, F, S, (P, P), D) >= (P - before) // S + count:
                    padding.append((P, (P - before) // S))
                    break
            else:
                return None
        return tuple(P for P, _ in padding), tuple(first for _, first in padding)


def same(sizes: Sequence[int], F: Sizes, S: Sizes, D: Sizes) -> tuple[Ends, ...]:
    """The padding that gives ⌈size / stride⌉ positions, an odd zero after the map."""
    return tuple(map(same_ends, sizes, F, S, D))


def convolved(call: Calling, x: Tensor, shape: Shape, window: Window, K: int, **arguments: Value) -> Tensor:
    """A convolution. arguments: its weight, bias and groups."""
    batch, _, *sizes = shape
    padding = window.padding(sizes)
    if padding is None:
        x = _padded(call, x, shape, window.ends)
        padding = (0,) * len(sizes)
    return call(
        f"conv{len(sizes)}d",
        (batch, K, *window.out(sizes)),
        input=x,
        stride=window.S,
        padding=padding,
        dilation=window.D,
        **arguments,
    )


def deconvolved(call: Calling, x: Tensor, shape: Shape, window: Window, K: int, **arguments: Value) -> Tensor:
    """A transposed convolution, whose output is cropped by the window's ends; ends below 0 extend it."""
    batch, _, *sizes = shape
    P: list[int] = []
    extra: list[int] = []
    cut: list[Ends] = []
    for S, D, (before, behind) in zip(window.S, window.D, window.ends, strict=True):
        longer = before - behind
        P.append(before if longer < max(S, D) else max(behind, 0))
        extra.append(max(P[-1] - behind, 0))
        cut.append((before - P[-1], max(behind - P[-1], 0)))
    whole = [
        (N - 1) * S + reach(F, D) - 2 * p + e
        for N, F, S, D, p, e in zip(sizes, window.F, window.S, window.D, P, extra, strict=True)
    ]
    output = call(
        f"conv_transpose{len(sizes)}d",
        (batch, K, *whole),
        input=x,
        stride=window.S,
        padding=tuple(P),
        output_padding=tuple(extra),
        dilation=window.D,
        **arguments,
    )
    ends = [N - before - behind for N, (before, behind) in zip(whole, cut, strict=True)]
    return _cut(call, output, (batch, K, *whole), [before for before, _ in cut], ends)


def pooled(
    call: Calling, x: Tensor, shape: Shape, window: Window, *, average: bool = False, counts: bool = False
) -> Tensor:
    """A pool. counts: an average includes the padding."""
    batch, C, *sizes = shape
    padding, out = window.padding(sizes), window.out(sizes)
    half = padding == "same"
    if isinstance(padding, tuple):
        half = all(P <= F // 2 for P, F in zip(padding, window.F, strict=True))
    wider = None if half else window.wider(sizes)
    arguments: dict[str, Value] = {"kernel_size": window.F, "stride": window.S, "ceil_mode": window.ceil}
    arguments |= {"count_include_pad": counts} if average else {"dilation": window.D}
    first, made_out = (0,) * len(sizes), out
    if not half and counts:
        x = _padded(call, x, shape, window.ends)
        padding = first
    elif not half and wider is not None:
        padding, first = wider
        even = tuple((P, P) for P in padding)
        made_out = tuple(map(places, sizes, window.F, window.S, even, window.D))
        arguments["ceil_mode"] = False
    elif not half:
        written = "x".join(map(str, window.F))
        ends = ", ".join(f"{before} before and {behind} behind" for before, behind in window.ends)
        arguments["why"] = f"its window of {written} is padded by {ends}, more than half of it"
    if average and any(one != 1 for one in window.D):
        arguments["why"] = "it is an average with dilation"
    op = f"{'avg' if average else 'max'}_pool{len(sizes)}d"
    output = call(op, (batch, C, *made_out), self=x, padding=padding, **arguments)
    return _cut(call, output, (batch, C, *made_out), first, out)


def _padded(call: Calling, x: Tensor, shape: Shape, ends: Sequence[Ends]) -> Tensor:
    """Zeros around a map."""
    sizes = (size + sum(end) for size, end in zip(shape[2:], ends, strict=True))
    flat = tuple(one for end in reversed(ends) for one in end)
    return call("pad", (*shape[:2], *sizes), self=x, pad=flat, mode="constant", value=0.0)


def _cut(call: Calling, x: Tensor, shape: Shape, first: Sequence[int], out: Sequence[int]) -> Tensor:
    """The part of a map that begins at `first` and has the sizes `out`."""
    sizes = list(shape)
    for dim, (begin, size) in enumerate(zip(first, out, strict=True), 2):
        if size != sizes[dim]:
            sizes[dim] = size
            x = call("slice", sizes, self=x, dim=dim, start=begin, end=begin + size, step=1)
    return x
