"""Coverage-guided fuzzing of the parser, the elaborator, the emitters and the JSON reader with atheris.

    python -m tests.fuzz.harness --seconds 600 [--corpus FOLDER]

The first byte of an input chooses what its text goes through (see `one_input`). The corpus begins with short specs,
the attacks and some graphs as JSON. What fails is left as a file `crash-…` beside the corpus (.fuzz/): make an attack
of it.
"""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DICTIONARY = ROOT / "tests" / "fuzz" / "words.dict"
SHORT = 800
"""Bytes of a first input, and LONGEST of any: a coverage-guided fuzzer lives on many short ones."""
LONGEST = 1600
WORK, LAYERS = 300, 2_000
"""Budgets under which an input takes hundredths of a second."""


def seeds(folder: Path) -> None:
    """The first corpus."""
    from cnnspec.ir.serialize import graph_to_json
    from tests.properties.grower import grown
    from tests.properties.oracles import graph_of

    folder.mkdir(parents=True, exist_ok=True)
    texts = [path.read_bytes() for path in [*ROOT.glob("specs/*/*.cnn"), *ROOT.glob("tests/attacks/*/*.cnn")]]
    texts += [grown(seed, 3).encode() for seed in range(200)]
    for number, text in enumerate(text for text in texts if len(text) < SHORT):
        for kind in (b"s", b"p", b"b"):
            (folder / f"{kind.decode()}{number}").write_bytes(kind + text)
    for seed in range(40):
        (folder / f"j{seed}").write_bytes(b"j" + graph_to_json(graph_of(grown(seed, 2))).encode())


def one_input(data: bytes) -> None:
    """What must hold: `j…` of a graph as JSON, `p…` of parsing and formatting alone, `b…` of the programs of what
    is valid, any other of all that `check` does."""
    from cnnspec.elaborate.limits import Limits
    from tests.properties.oracles import ends_well, formats_for_good, programs_are_well_behaved
    from tests.properties.test_texts import reads_or_refuses

    if data[:1] == b"j":
        reads_or_refuses(data[1:])
        return
    try:
        text = data[1:].decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    if data[:1] == b"p":
        formats_for_good(text)
    elif data[:1] == b"b":
        programs_are_well_behaved(text, Limits(work=WORK, layers=LAYERS))
    else:
        ends_well(text, Limits(work=WORK, layers=LAYERS))


def changed(data: bytes, most: int, seed: int) -> bytes:
    """Half the time a change of tokens (bytes alone seldom make another valid spec), else libFuzzer's own."""
    import atheris

    from tests.properties.texts import mutated

    chance = random.Random(seed)
    if data[:1] != b"j" and chance.random() < 0.5:
        text = data[1:].decode("utf-8", "ignore")
        for _ in range(chance.choice((1, 1, 2, 4))):
            text = mutated(text, chance)
        made = data[:1] + text.encode("utf-8", "ignore")
        if len(made) <= most:
            return made
    own: bytes = atheris.Mutate(data, len(data) + 64 if len(data) + 64 < most else most)
    return own


def instrumented() -> Any:
    """Import what is fuzzed, with its branches and comparisons watched. Nothing of it may have been imported before."""
    import atheris

    assert not any(name.startswith("cnnspec") for name in sys.modules)

    with atheris.instrument_imports(include=["cnnspec"]):
        import cnnspec.analyses.report
        import cnnspec.elaborate
        import cnnspec.ir.serialize
        import cnnspec.language.formatter
        import cnnspec.language.recovery.engine
        import cnnspec.pipeline
        import cnnspec.targets.numpy
        import cnnspec.targets.torch  # noqa: F401
        from cnnspec.ops import lookup, words

        for word in words():
            lookup(word)
    return atheris


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path, default=ROOT / ".fuzz" / "corpus")
    options = parser.parse_args()
    try:
        atheris = instrumented()
    except ImportError:
        print(
            "atheris is not installed here (`pip install 'cnnspec[fuzz]'`; Linux, CPython 3.11 to 3.13): left out"
        )
        return 0
    seeds(options.corpus)
    arguments = [
        sys.argv[0],
        f"-max_total_time={options.seconds}",
        f"-dict={DICTIONARY}",
        f"-max_len={LONGEST}",
        "-timeout=60",
        "-rss_limit_mb=3000",
        "-print_final_stats=1",
        f"-artifact_prefix={options.corpus.parent}/",
        str(options.corpus),
    ]
    atheris.Setup(arguments, one_input, custom_mutator=changed)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
