"""Coverage-guided fuzzing of the parser, the elaborator and the JSON reader with atheris.

    python -m tests.fuzz.harness --seconds 600 [--corpus FOLDER]

The first byte of an input chooses what it is for; the rest is the text. The corpus begins with the zoo, the attacks and
some graphs as JSON. What fails is left as a file `crash-…` beside the corpus (.fuzz/): make an attack of it.
"""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DICTIONARY = ROOT / "tests" / "fuzz" / "words.dict"


def seeds(folder: Path) -> None:
    """The first corpus."""
    from cnnspec.ir.serialize import graph_to_json
    from tests.properties.grower import grown
    from tests.properties.oracles import graph_of

    folder.mkdir(parents=True, exist_ok=True)
    texts = [path.read_bytes() for path in [*ROOT.glob("specs/*/*.cnn"), *ROOT.glob("tests/attacks/*/*.cnn")]]
    texts += [grown(seed).encode() for seed in range(200)]
    for number, text in enumerate(text for text in texts if len(text) < 2000):
        (folder / f"spec{number}").write_bytes(b"s" + text)
    for seed in range(40):
        (folder / f"graph{seed}").write_bytes(b"j" + graph_to_json(graph_of(grown(seed, 3))).encode())


def one_input(data: bytes) -> None:
    """What must hold, of a spec or of a graph as JSON."""
    from tests.properties.oracles import ends_well
    from tests.properties.test_texts import reads_or_refuses

    if data[:1] == b"j":
        reads_or_refuses(data[1:])
        return
    try:
        text = data[1:].decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    ends_well(text)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path, default=ROOT / ".fuzz" / "corpus")
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        print(
            "atheris is not installed here (`pip install 'cnnspec[fuzz]'`; Linux, CPython 3.11 to 3.13): left out"
        )
        return 0
    with atheris.instrument_imports(include=["cnnspec"]):
        import cnnspec.analyses.report
        import cnnspec.elaborate
        import cnnspec.ir.serialize
        import cnnspec.language.formatter
        import cnnspec.language.recovery
        import cnnspec.pipeline  # noqa: F401
        from cnnspec.ops import lookup, words

        for word in words():
            lookup(word)
    seeds(options.corpus)
    arguments = [
        sys.argv[0],
        f"-max_total_time={options.seconds}",
        f"-dict={DICTIONARY}",
        "-max_len=4096",
        "-timeout=60",
        "-rss_limit_mb=3000",
        "-print_final_stats=1",
        f"-artifact_prefix={options.corpus.parent}/",
        str(options.corpus),
    ]
    atheris.Setup(arguments, one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
