"""All that lints and claims say of this folder's networks, kept to be read in word_for_word.txt.

`UPDATE_GOLDEN=1 python -m pytest tests/analyses/test_word_for_word.py` writes the file anew.
"""

from __future__ import annotations

from pathlib import Path

from cnnspec.elaborate.limits import Limits
from tests.analyses.test_lints import CASES
from tests.analyses.test_places import FIELDS, FIXES, LINTS, ORIGINS, PLUS_MINUS
from tests.support import check_against, in_words

IN = "input 3x8x8\n"

CLAIMS = [
    "conv F3 K4 => 4x6x7, params 113, macs 3889, field 5, layers 2, weighted 2, connections 4033",
    "conv F3 K4 => 4x6x6, params ~90, macs ~3k, trainable 0",
    "conv F3x1 K4 -> gap => 4, field 8x1",
    "conv F3 P1 K4 => 8x8x4",
    "conv F3 K4 => 4x7x7",
    "conv F1 K3\nexpect out 3x9x9, params 13, macs 1M, field 3, layers 3, weighted 0, trainable 11",
    "freeze: conv F1 K3 frozen\nexpect params 12, trainable 12",
    "conv F3 K4 => field (2*2)",
    "gap => field 8\ngap => 3x1x1, field 9",
    "flatten -> fc 10 => 11",
    "flatten -> fc 10\nexpect out 12",
    "flatten -> fc 10\nexpect out (2*6)",
]

SPECS = [
    *(row[1] for row in CASES),
    *(row[0] for table in (LINTS, FIELDS) for row in table),
    *(IN + row[0] for table in (FIXES, PLUS_MINUS, ORIGINS) for row in table),
    *(IN + claim for claim in CLAIMS),
]


def test_word_for_word() -> None:
    each_once = dict.fromkeys(text.rstrip("\n") + "\n" for text in SPECS)
    said = [
        *map(in_words, each_once),
        in_words(IN + "conv F1 K30 -> conv F1 K2\n", limits=Limits(weights=100)),
    ]
    check_against(Path(__file__).with_name("word_for_word.txt"), "".join(said))
