"""All that is said of the mistakes in this folder's tables, kept to be read in word_for_word.txt.

The tables hold what matters of each message; this holds the rest of it: every word, note and edit.
`UPDATE_GOLDEN=1 python -m pytest tests/elaborate/test_word_for_word.py` writes the file anew.
"""

from __future__ import annotations

from pathlib import Path

from cnnspec.elaborate.limits import Limits
from tests.elaborate.test_beside import FIXES, RELATED
from tests.elaborate.test_findings import CASES, HELPS, IN, MAKERS
from tests.elaborate.test_refused_arguments import TABLE
from tests.elaborate.test_silence import SILENT
from tests.elaborate.test_ways import WAYS
from tests.support import check_against, in_words

FURTHER = [  # what no table above is about
    IN + "conv F3 K4 nobias=1",
    IN + "conv F3 K4 ceil=1",
    IN + "maxpool F2 ceil=1",
    IN + "maxpool F2 ceil_mode=False",
    IN + "fc 10\nexpect out (7/2)",
    IN + "fc 10\nexpect out ~10",
    "block stage(k) { conv F1 K=k }\n" + IN + "stge 3",
    "input 3x100000x2\nupsample 50000",
    "input a: 3x8x8\n@a -> relu\nadd [ @b | id ]\ninput b: 3x8x8",
    IN + "for",
    IN + "while -> relu",
    "shared f() { relu }\n" + IN + "convv F3\nf()",
    "modle A\n" + IN + "relu",
    "let k = 3\nvariat A: k = 2\n" + IN + "conv F1 K=k",
    "let k = 8\n" + IN + "conv F1 K2\nexpect params (k)",
    IN + "conv F1 K=(7/2)%2*2 -> relu q",
    "input 4x8x16\nadd [ conv F3 S2 P1 K16 | conv F1 K16 ]",
    IN + "repeat -> loop",
    "let j = 3\nblock f(k) { conv F=k K2 }\n" + IN + "f(k=1x(j)) -> conv F1 K=q",
    IN + "[relu]*200001",
    IN + "[" * 65 + "relu" + "]" * 65,
    IN + "conv F1 K=(2 if C and 1 > 0 else 3)",
    IN + "conv F1 K=(2 if 1 > 0 and C else 3)",
    IN + "conv F1 K=(2 if not C else 3)",
    IN + "conv F1 K=-(1 > 0)",
    IN + "conv F1 K=(1 > 0)*2",
    IN + "conv F1 K=2**0.5",
    IN + "conv F1 K=(0-8)%3",
    IN + "conv F1 K=max()",
    IN + "conv F1 K=min(1, 2 > 1)",
    IN + "conv F1 K=floor(C)/2",
    IN + "[relu]*(0-2)",
    IN + "x: relu -> [ conv F1 K=i ]*2\n@x -> conv F1 K=j",
    "input 3x0x8\nrelu",
    "input (C)x8x8\nrelu",
    "input 3x(1/2)x8\nrelu",
    "variant A: k = 1/0\nlet k = 3\n" + IN + "conv F1 K=k",
    "model A\n" + IN + "conv F3 K4 P9 frozen leaky",
    IN + "dropout 0.5 0.5",
    IN + "dropout 2",
    IN + "leaky slope=x",
    IN + "conv F3 K4 init=he(3)",
    IN + "conv F3 K4 init=normal(0)",
    IN + "conv F3 K4 init=normal(1/0)",
    IN + "gn G0",
    IN + "pad channels=1:2:3",
    IN + "times 1e39",
    IN + "avgpool",
    IN + "maxpool F2 out=2x2",
    IN + "x: maxpool F2 -> conv F1 K4\nunpool like=@x",
    IN + "x: maxpool F2\nconv F1 K4\nunpool like=@x",
    IN + "output @x",
    IN + "relu\noutput",
    IN + "add [ id | id -> none ]",
    IN + "none",
    IN + "x: none",
    IN + "@x",
    IN + "x: relu\n@x\n@x -> @x",
    IN + "if 9999999999999999999999*9999999999999999999999 > 1 [ relu ]",
    IN + "relu\naux: if C*2 > 9 [ relu ] else [ none ]\noutput @aux",
    IN + "concat [ id | maxpool F1x2 ]",
    IN + "concat [ maxpool F2x1 | id ]",
    IN + "add [ id | conv F1x3 K3 ]",
    "input 4x9x10\nadd [ conv F3 S2 P1 K24 -> relu | id ]",
    "input 4x9x10\nadd [ id | conv F3 S3 P1 K24 -> relu ]",
    "input 4x9x10\nadd [ id | conv F3 S2x3 P1 K24 -> relu ]",
]

SPECS = [
    *FURTHER,
    *(row[0] for table in (CASES, HELPS, MAKERS, TABLE, RELATED, WAYS) for row in table),
    *(IN + row[0] for table in (FIXES, SILENT) for row in table),
]


OPTIONS = [  # what is said of the options that a spec is checked with
    {"settings": {"k": "1 +"}},
    {"settings": {"k": "1/0"}},
    {"settings": {"k": "j"}},
    {"settings": {"width": "3"}},
    {"settings": {"kk": "3"}},
    {"settings": {"k": "0"}},
    {"variant": "Smal"},
    {"variant": "xyz"},
    {"limits": Limits(depth=1)},
    {"limits": Limits(layers=1)},
    {"limits": Limits(work=3)},
]
KNOB = "let k = 3\nvariant Small: k = 2\n" + IN + "[[conv F1 K=k+i]*k]"


def test_word_for_word() -> None:
    each_once = dict.fromkeys(text.rstrip("\n") + "\n" for text in SPECS)
    said = [*map(in_words, each_once), *(in_words(KNOB, **options) for options in OPTIONS)]
    check_against(Path(__file__).with_name("word_for_word.txt"), "".join(said))
