"""Numbers for people."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

UNKNOWN = "?"


def exact(amount: int | None) -> str:
    """`25,557,032`; `?` where unknown."""
    return UNKNOWN if amount is None else f"{amount:,}"


def short(amount: int | None) -> str:
    """`4.09G`: three digits, cut off and never rounded up a unit; whole below a thousand.

    >>> short(4_089_184_256), short(117_600), short(588), short(999_999)
    ('4.09G', '118k', '588', '1.00M')
    """
    if amount is None:
        return UNKNOWN
    if amount < 1000:
        return str(amount)
    scaled = Fraction(amount)
    units = iter("kMGTPE")
    unit = ""
    while scaled >= Fraction("999.5") and (larger := next(units, "")):
        scaled, unit = scaled / 1000, larger
    digits = 2 if scaled < Fraction("9.995") else 1 if scaled < Fraction("99.95") else 0
    return f"{float(scaled):,.{digits}f}{unit}"


def shape_text(shape: Sequence[int] | None) -> str:
    """`64x56x56`; `?` where unknown."""
    return UNKNOWN if shape is None else "x".join(map(str, shape))


def number_text(value: int | float | Fraction) -> str:
    """`7`, `3.5`."""
    return str(int(value)) if value == int(value) else f"{float(value):g}"


def field_text(size: Sequence[int | float | Fraction] | None) -> str:
    """A field as text, `427x427`; "" if there is none."""
    return "" if size is None else "x".join(map(number_text, size))


def bytes_text(amount: int | None) -> str:
    """`12.3 MB`."""
    if amount is None:
        return UNKNOWN
    if amount < 1000:
        return f"{amount} B"
    text = short(amount)
    return f"{text[:-1]} {text[-1].replace('k', 'K')}B"
