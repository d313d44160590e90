"""Other ways to write the same network: renamed, repeats unrolled, blocks inlined, numbers as `let`s, as the
entries of a list, and as the settings of a variant. No number may change."""

from __future__ import annotations

import re

_REPEAT = re.compile(r"\[([^\[\]]*)\]\*(\d+)")
_BLOCK = re.compile(r"^block (b\d+)\(k=1\) \{ (.*) \}$", re.MULTILINE)
_LETTER = re.compile(r"(?<=\b[FSPKGD])([0-9]+)(?=[ \n])")
_WITH_TENSOR = re.compile(r"\b(s\d+)\(@(\w+), K=(\d+)\)")


def renamed(text: str) -> str:
    """Labels and blocks under other names."""
    text = re.sub(r"\bl(\d+)\b", r"tensor\1_", text)
    return re.sub(r"\b([bs])(\d+)\(", r"part_\1\2_(", text)


def unrolled(text: str) -> str:
    """Repeats written out. Inner brackets are set aside until only repeats without brackets are left."""
    kept: list[str] = []

    def whole(text: str) -> str:
        while "\x00" in text:
            text = re.sub("\x00(\\d+)\x00", lambda match: kept[int(match[1])], text)
        return text

    def aside(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\x00{len(kept) - 1}\x00"

    while True:
        found = _REPEAT.search(text)
        if found:
            body = whole(found[1]).strip()
            passes = (re.sub(r"\bi\b", str(number), body) for number in range(int(found[2])))
            text = text[: found.start()] + " -> ".join(passes) + text[found.end() :]
            continue
        other = re.search(r"\[[^\[\]]*\](?!\*)", text)
        if other is None:
            break
        text = text[: other.start()] + aside(other) + text[other.end() :]
    return whole(text)


def inlined(text: str) -> str:
    """Uses of blocks replaced by what stands in them; shared blocks stay."""
    bodies = dict(_BLOCK.findall(text))
    heads = {name: f"block {name}(k=1)" for name in bodies}
    for name in reversed(bodies):  # a block is written after the ones that it uses
        inside = bodies[name]
        text = re.sub(rf"(?<!block ){name}\((?:k=2)?\)", lambda match, inside=inside: f"[ {inside} ]", text)
    text = _WITH_TENSOR.sub(r"[ concat [ id | @\2 ] -> conv F1 K\3 ]", text)
    lines = [line for line in text.split("\n") if not line.startswith((*heads.values(), "block s"))]
    return "\n".join(lines)


def named(text: str) -> str:
    """The numbers of layers as `let`s: `K8` is `K=v8`."""
    text, numbers = _with_names(text)
    return "".join(f"let v{number} = {number}\n" for number in numbers) + text


def listed(text: str) -> str:
    """The same as entries of one list."""
    text, numbers = _with_names(text)
    for place, number in enumerate(numbers):
        text = re.sub(rf"=v{number}\b", f"=v({place})", text)
    return f"let v = ({', '.join(numbers)},)\n{text}" if numbers else text


def varied(text: str) -> str:
    """The same, and it is the variant that says which numbers they are."""
    text, numbers = _with_names(text)
    if not numbers:
        return text
    settings = ", ".join(f"v{number} = {number}" for number in numbers)
    return "".join(f"let v{number} = 1\n" for number in numbers) + f"variant A: {settings}\n" + text


def _with_names(text: str) -> tuple[str, list[str]]:
    numbers = dict.fromkeys(_LETTER.findall(text))
    return _LETTER.sub(r"=v\1", text), list(numbers)
