"""Coverage-guided fuzzing with atheris: the parser, the elaborator, the emitters, the reader of graphs as JSON, every
command and format, documents, recipes, and the files of other tools.

    python -m tests.fuzz.harness --seconds 600 [--corpus FOLDER] [--kinds pbcs]

The first byte of an input chooses what its text goes through (see `one_input`), a second one, where there are several
ways, which of them. The corpus begins with short specs, the attacks, recipes, documents and files of other tools.
What fails is left as a file `crash-…` beside the corpus (.fuzz/): make an attack of it.
"""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fuzz import doors

ROOT = Path(__file__).parents[2]
DICTIONARY = ROOT / "tests" / "fuzz" / "words.dict"
SHORT = 800
"""Bytes of a first input, and LONGEST of any: a coverage-guided fuzzer lives on many short ones."""
LONGEST = 1600
WORK, LAYERS = 300, 2_000
"""Budgets under which an input takes hundredths of a second."""


def seeds(folder: Path, kinds: str) -> None:
    """The first corpus."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        for number, data in enumerate(KINDS[kind][1]()):
            if len(data) < SHORT:
                (folder / f"{kind}{number}").write_bytes(kind.encode() + data)


def specs() -> list[bytes]:
    from tests.properties.grower import grown

    texts = [path.read_bytes() for path in [*ROOT.glob("specs/*/*.cnn"), *ROOT.glob("tests/attacks/*/*.cnn")]]
    return texts + [grown(seed, 3).encode() for seed in range(200)]


def graphs() -> list[bytes]:
    from cnnspec.ir.serialize import graph_to_json
    from tests.properties.grower import grown
    from tests.properties.oracles import graph_of

    return [graph_to_json(graph_of(grown(seed, 2))).encode() for seed in range(40)]


def check(data: bytes) -> None:
    """All that `check` does."""
    from cnnspec.elaborate.limits import Limits
    from tests.properties.oracles import ends_well

    ends_well(data.decode("utf-8-sig"), Limits(work=WORK, layers=LAYERS))


def form(data: bytes) -> None:
    """Parsing and formatting alone."""
    from tests.properties.oracles import formats_for_good

    formats_for_good(data.decode("utf-8-sig"))


def programs(data: bytes) -> None:
    """The programs of what is valid."""
    from cnnspec.elaborate.limits import Limits
    from tests.properties.oracles import programs_are_well_behaved

    programs_are_well_behaved(data.decode("utf-8-sig"), Limits(work=WORK, layers=LAYERS))


def graph(data: bytes) -> None:
    """A graph as JSON."""
    from tests.properties.test_texts import reads_or_refuses

    reads_or_refuses(data)


KINDS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "s": (check, specs),
    "p": (form, specs),
    "b": (programs, specs),
    "j": (graph, graphs),
    "c": (doors.command, lambda: doors.each_form(specs(), len(doors.FORMS))),
    "d": (doors.document, doors.documents),
    "i": (doors.imported, doors.files),
    "t": (doors.recipe, doors.recipes),
}
"""What the rest of an input goes through, and the first inputs."""
IN_BYTES = b"jcdi"
"""Kinds whose input need not be text."""


def one_input(data: bytes) -> None:
    goes_through, _ = KINDS.get(data[:1].decode("latin-1"), KINDS["s"])
    if data[:1] in IN_BYTES or readable(data[1:]):
        goes_through(data[1:])


def readable(data: bytes) -> bool:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def changed(data: bytes, most: int, seed: int) -> bytes:
    """Half the time a change of tokens (bytes alone seldom make another valid spec), else libFuzzer's own."""
    import atheris

    from tests.properties.texts import mutated

    chance = random.Random(seed)
    head = 2 if data[:1] in b"cdi" else 1
    if data[:1] != b"j" and chance.random() < 0.5:
        text = data[head:].decode("utf-8", "ignore")
        for _ in range(chance.choice((1, 1, 2, 4))):
            text = mutated(text, chance)
        made = data[:head] + text.encode("utf-8", "ignore")
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
        import cnnspec.cli
        import cnnspec.documents
        import cnnspec.drawing
        import cnnspec.elaborate
        import cnnspec.ir.serialize
        import cnnspec.language.formatter
        import cnnspec.language.recovery.engine
        import cnnspec.pipeline
        import cnnspec.sources.keras.convert
        import cnnspec.structure
        import cnnspec.targets.numpy
        import cnnspec.targets.torch
        import cnnspec.training.program
        import cnnspec.training.read  # noqa: F401
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
    parser.add_argument("--kinds", default="".join(KINDS), help="the kinds of the first inputs")
    options = parser.parse_args()
    try:
        atheris = instrumented()
    except ImportError:
        print(
            "atheris is not installed here (`pip install 'cnnspec[fuzz]'`; Linux, CPython 3.11 to 3.13): left out"
        )
        return 0
    seeds(options.corpus, options.kinds)
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
