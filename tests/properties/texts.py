"""Texts to try: anything, a soup of tokens, and specs of the zoo with one thing changed."""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import random
import re
from pathlib import Path

from hypothesis import strategies as st

ZOO = {
    path.stem: path.read_text("utf-8")
    for path in sorted((Path(__file__).parents[2] / "specs").glob("*/*.cnn"))
}
SMALL = {name: text for name, text in ZOO.items() if len(text) < 1500}

TOKEN = re.compile(r"\s+|[A-Za-z_][A-Za-z0-9_]*|[0-9]+(?:\.[0-9]+)?|->|=>|//|==|!=|<=|>=|.", re.DOTALL)

HOSTILE = (
    "0", "1", "-1", "2147483647", "2147483648", "9" * 41, "1e40", "1e-40", "0.5", "1/0", "i", "C", "H", "W", "F0", "S0", "K0",
    "P99999", "Psame", "F1x7", "F3S2P1K64", "(", ")", "[", "]", "{", "}", "|", "->", "=>", ",", ";", ":", "=", "@", "@a", "a:", "#",
    '"', "\n", "\r", "\r\n", "\t", "\x00", "\x1b[31m", "\ufeff", "\u2028", "×", "“", "é", "if", "else", "and", "or", "not", "let",
    "block", "shared", "input", "output", "expect", "variant", "default", "model", "none", "id", "add", "concat", "mul", "]*1000000",
    "]*i", "]*0", "like=@a", "weight=[1]", "connect=[0]", "init=he", "frozen", "nobias", "min(", "multiple(", "params 1", "~1.5M", "ceil",
)  # fmt: skip


def mutated(text: str, chance: random.Random) -> str:
    """One thing of a spec changed: a token gone, doubled, swapped, replaced by another one or by a hostile one, a
    number off by a little or a lot, a stretch gone, a line moved."""
    tokens = TOKEN.findall(text)
    if not tokens:
        return chance.choice(HOSTILE)
    place = chance.randrange(len(tokens))
    match chance.randrange(9):
        case 0:
            del tokens[place]
        case 1:
            tokens.insert(place, tokens[place])
        case 2:
            other = chance.randrange(len(tokens))
            tokens[place], tokens[other] = tokens[other], tokens[place]
        case 3:
            tokens[place] = chance.choice(tokens)
        case 4:
            tokens[place] = chance.choice(HOSTILE)
        case 5:
            tokens.insert(place, chance.choice(HOSTILE))
        case 6:
            numbers = [
                n
                for n, token in enumerate(tokens)
                if token[0].isdigit() or re.fullmatch(r"[FSPKGD][0-9]+", token)
            ]
            if numbers:
                place = chance.choice(numbers)
                letter = tokens[place][0] if tokens[place][0].isalpha() else ""
                tokens[place] = letter + chance.choice(
                    ["0", "1", "2", "3", "7", "64", "1000", "65537", "2147483648"]
                )
        case 7:
            del tokens[place : place + chance.randint(1, 30)]
        case _:
            lines = text.splitlines(keepends=True)
            chance.shuffle(lines) if chance.random() < 0.3 else lines.insert(
                chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines)))
            )
            return "".join(lines)
    return "".join(tokens)


any_text = st.text(max_size=200) | st.text(
    alphabet='FSPKGD0123456789 \n[](){}|->=<,:;@#"*/+-%xabcCHWi~._\r\t', max_size=300
)
soup = st.lists(
    st.sampled_from(
        [*HOSTILE, *sorted({t for s in ZOO.values() for t in TOKEN.findall(s) if not t.isspace()})]
    ),
    max_size=60,
).map(" ".join)
mutants = st.builds(
    lambda name, seed, times: _times(ZOO[name], random.Random(seed), times),
    st.sampled_from(sorted(ZOO)),
    st.integers(0, 2**32),
    st.sampled_from([1, 1, 1, 2, 5]),
)


def _times(text: str, chance: random.Random, times: int) -> str:
    for _ in range(times):
        text = mutated(text, chance)
    return text
