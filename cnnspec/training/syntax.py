"""Errors of TOML in a recipe: the message, its place, and the corrected line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable

from cnnspec.diagnostics import WHOLE_FILE, Source, Span
from cnnspec.training.recipe import SECTIONS

HINT = "a recipe is TOML: `key = value` lines"
LINES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"(\d[\d.]{0,20}) {0,3}%", r'"\1%"'),
    (r"(\d{1,20}),(\d{1,20})", r"\1.\2"),
    (r"(\.\d{1,20}(?:[eE][-+]?\d{1,3})?)", r"0\1"),
    (r"(\d{1,20})\.", r"\1.0"),
    (r"(\d{1,9}) ?/ ?([1-9]\d{0,8})", lambda found: repr(int(found[1]) / int(found[2]))),
    (r"\(([^()]{1,200})\)", r"[\1]"),
    (r"True", "true"),
    (r"False", "false"),
    (r"([A-Za-z_][\w./-]{0,200})", r'"\1"'),
    (r'"([^"\']{0,200})"', r"'\1'"),
)
"""Values that are not TOML, as patterns with their replacements (the last: a text with a backslash)."""


_MANY_DOTS = re.compile(r"""(?:[\w"'-]{1,60}[ \t]{0,9}\.[ \t]{0,9}){50}""")


def check_depth(text: str) -> None:
    """Raises RecursionError where a key has very many parts: the parser's time and memory grow with their
    square."""
    if _MANY_DOTS.search(text) is not None:
        raise RecursionError


def not_toml(error: ValueError | RecursionError, source: Source) -> tuple[str, Span, str]:
    """The error of tomllib as a plain message; its place; and a help."""
    if isinstance(error, RecursionError):
        return "this is nested too deeply", WHOLE_FILE, HINT
    text = str(error)
    if "int_max_str_digits" in text and (number := re.search(r"[\d_]{4000,}", source.text)) is not None:
        span = Span(*number.span())
        return f"a number of {len(number[0]):,} digits is too large", span, "numbers have at most 18 digits"
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", text)
    if place is None:
        return f"this is not TOML: {text}"[:200], WHOLE_FILE, HINT
    lines = source.text.split("\n")
    row = int(place[1]) - 1 if place[1] is not None else len(lines) - 1
    at = len(source.text)
    if place[1] is not None:
        at = min(sum(len(line) + 1 for line in lines[:row]) + int(place[2]) - 1, at)
    span = Span(at, min(at + 1, len(source.text)))
    before = text[: place.start()]
    if "overwrite a value" in before or " twice" in before:
        return _twice(lines, row) or (f"this is not TOML: {before}", span, HINT)
    meant = line_meant(lines[row])
    hint = f"write {meant}" if meant is not None and _is_toml(meant) else HINT
    return f"this is not TOML: {before[:1].lower()}{before[1:]}"[:200], span, hint


def _is_toml(line: str) -> bool:
    try:
        tomllib.loads(line)
    except ValueError:
        return False
    return True


def _twice(lines: list[str], row: int) -> tuple[str, Span, str] | None:
    """The finding for a key or a section that occurs before, at the second occurrence."""
    pattern = re.compile(r"[ \t]{0,50}(\[[^\[\]\n]{1,60}\]|[\w.-]{1,60})")
    match = pattern.match(lines[row])
    if match is None:
        return None
    for other in range(row - 1, -1, -1):
        earlier = pattern.match(lines[other])
        if earlier is not None and earlier[1] == match[1]:
            start = sum(len(line) + 1 for line in lines[:row])
            span = Span(start + match.start(1), start + match.end(1))
            return f"{match[1]} is given twice", span, f"it is on line {other + 1}, too: leave one out"
    return None


def line_meant(line: str) -> str | None:
    """The line, a section or `key = value`, as valid TOML, where it is clear what is meant; else None."""
    if len(line) > 400:
        return None
    header = re.fullmatch(r"[\[({<]?([a-z]{1,20})[\])}>]?:?", line.partition("#")[0].strip())
    if header is not None and header[1] in SECTIONS:
        return f"[{header[1]}]"
    match = re.fullmatch(r"([\w-]{1,60}) {0,9}([=:]) {0,9}([^#]{1,300})", line.partition(" #")[0].strip())
    if match is None:
        return None
    key, sign, value = match[1], match[2], match[3].rstrip(", ")
    for pattern, text in LINES:
        if re.fullmatch(pattern, value) and value not in ("true", "false", "nan", "inf"):
            text_meant = re.sub(pattern, text, value)
            return f"{key} = {text_meant}" if sign == "=" or value[0] != '"' else f"{key} = {value}"
    return f"{key} = {value}" if sign == ":" else None
