"""Other ways to write the same network: renamed, repeats unrolled, blocks inlined. No number may change."""

from __future__ import annotations

import re

_REPEAT = re.compile(r"\[([^\[\]]*)\]\*(\d+)")
_BLOCK = re.compile(r"^block (b\d+)\(k=1\) \{ (.*) \}$", re.MULTILINE)
_WITH_TENSOR = re.compile(r"\b(s\d+)\(@(\w+), K=(\d+)\)")


def renamed(text: str) -> str:
    """Labels and blocks under other names."""
    text = re.sub(r"\bl(\d+)\b", r"tensor\1_", text)
    return re.sub(r"\b([bs])(\d+)\(", r"part_\1\2_(", text)


def unrolled(text: str) -> str:
    """Repeats written out. Inner brackets are set aside until only repeats without brackets are left."""
    kept: list[str] = []

    def aside(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\x00{len(kept) - 1}\x00"

    while True:
        found = _REPEAT.search(text)
        if found:
            text = (
                text[: found.start()] + " -> ".join([found[1].strip()] * int(found[2])) + text[found.end() :]
            )
            continue
        other = re.search(r"\[[^\[\]]*\](?!\*)", text)
        if other is None:
            break
        text = text[: other.start()] + aside(other) + text[other.end() :]
    while "\x00" in text:
        text = re.sub("\x00(\\d+)\x00", lambda match: kept[int(match[1])], text)
    return text


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
