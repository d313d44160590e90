"""How long `cnnspec check` takes, beside its peers: `make bench`.

Every figure is a whole process, cold: started, run, ended. Peers are run in turn with cnnspec, so that
whatever else the machine does falls on both, and what is compared is the ratio of each pair. The peers do
what `check` does with a network that they have: ONNX loads a model without weights, infers its shapes (in
C++) and prints a plain table; torchinfo runs the torch program and prints its table.

    python benchmarks/check.py [--runs N] [--only NAME]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from cnnspec import resources

RESNET = [resources.zoo()["resnet"], "--variant", "ResNet50"]
LAYERS = 100_000
LINES = 10_000

TORCHINFO_TABLE = """
import runpy, sys, torchinfo
ResNet50 = runpy.run_path(sys.argv[1])["ResNet50"]
torchinfo.summary(ResNet50(), (1, 3, 224, 224), col_names=("output_size", "num_params", "mult_adds"))
"""


@dataclass
class Entry:
    """A command and what it took: seconds of the wall clock, and the most memory that it held, in MB."""

    name: str
    command: Sequence[str]
    seconds: list[float] = field(default_factory=list)
    memory: float = 0.0

    def run(self) -> None:
        begin = time.perf_counter()
        process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT
        )
        assert process.stderr is not None
        told = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        self.seconds.append(time.perf_counter() - begin)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{self.name} failed:\n{told.decode()}")
        self.memory = max(self.memory, usage.ru_maxrss / 1024)

    @property
    def time(self) -> float:
        return median(self.seconds)


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def cnnspec(*arguments: str) -> list[str]:
    """The command as it is installed."""
    script = Path(sys.executable).with_name("cnnspec")
    return [
        str(script) if script.exists() else sys.executable,
        *([] if script.exists() else ["-m", "cnnspec"]),
        *arguments,
    ]


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def race(entries: list[Entry], runs: int) -> None:
    """Run all in turn: once to fill the caches, then `runs` times, each round in another order."""
    for entry in entries:
        entry.run()
        entry.seconds.clear()
    for number in range(runs):
        turn = number % len(entries)
        for entry in entries[turn:] + entries[:turn]:
            entry.run()


def ratio(entry: Entry, base: Entry) -> float:
    """The median of the ratios, round by round."""
    return median(mine / theirs for mine, theirs in zip(entry.seconds, base.seconds, strict=True))


def show(title: str, entries: list[Entry], aim: str) -> None:
    print(f"\n{title}")
    width = max(len(entry.name) for entry in entries)
    base = entries[0]
    for entry in entries:
        relative = "" if entry is base else f"{ratio(entry, base):7.2f} times the first"
        figures = f"{entry.time * 1000:8.0f} ms  {entry.memory:6.0f} MB"
        print(f"  {entry.name:<{width}}  {figures}  {relative}".rstrip())
    print(f"  aim: {aim}")


# --- the figures ------------------------------------------------------------------------------------------


ONNX = [sys.executable, str(Path(__file__).with_name("onnx_peer.py"))]


def make(what: str, path: Path) -> str:
    """Let a process of its own build a model: what this one holds in memory, its children inherit."""
    subprocess.run([*ONNX, "make", what, str(path)], check=True, env=ENVIRONMENT)
    return str(path)


def spec_chain(path: Path, layers: int) -> Path:
    path.write_text(f"input 4x8x8\n[conv F3 P1 K4 nobias -> relu]*{layers // 2}\n")
    return path


def spec_lines(path: Path, lines: int) -> Path:
    """So many written lines, no two neighbours alike."""
    path.write_text("input 4x8x8\n" + "".join(f"conv F3 P1 K{4 + n % 5} -> relu\n" for n in range(lines - 1)))
    return path


def cold(folder: Path, runs: int) -> None:
    entries = [Entry("cnnspec check", cnnspec("check", *RESNET))]
    entries.append(Entry("cnnspec check, as JSON", cnnspec("check", *RESNET, "--format", "json")))
    entries.append(Entry("cnnspec check, coloured", cnnspec("check", *RESNET, "--color", "always")))
    if has("onnx"):
        model = make("resnet50", folder / "resnet50.onnx")
        entries.append(Entry("onnx: load, infer, table", [*ONNX, "table", model]))
    if has("torchinfo"):
        program = folder / "resnet50.py"
        subprocess.run(
            cnnspec("build", *RESNET, "--target", "torch", "-o", str(program), "--force"),
            check=True,
            env=ENVIRONMENT,
        )
        (folder / "info.py").write_text(TORCHINFO_TABLE)
        entries.append(Entry("torchinfo", [sys.executable, str(folder / "info.py"), str(program)]))
    entries.append(Entry("python -c pass", [sys.executable, "-c", "pass"]))
    race(entries, runs)
    show(
        "ResNet-50, the whole process",
        entries,
        "as JSON 1.1 times onnx at most, with the table 1.25; a tenth of torchinfo; coloured 1.4 times",
    )


def repeats(folder: Path, runs: int) -> None:
    spec = spec_chain(folder / "chain.cnn", LAYERS)
    entries = [Entry(f"cnnspec check, {LAYERS:,} layers by repeats", cnnspec("check", str(spec)))]
    if has("onnx"):
        model = make(str(LAYERS), folder / "chain.onnx")
        entries.append(Entry("onnx: load, infer, first rows", [*ONNX, "table", model]))
    race(entries, max(3, runs // 3))
    show("A network of 100,000 layers", entries, "no longer than onnx; below 400 MB")


def lines(folder: Path, runs: int) -> None:
    entries = []
    for count in (LINES, LINES // 10, LINES // 2):
        spec = spec_lines(folder / f"lines{count}.cnn", count)
        entries.append(Entry(f"cnnspec check, {count:,} written lines", cnnspec("check", str(spec))))
    race(entries, max(3, runs // 3))
    show("Written lines", entries, "10,000 lines in under 2.5 s, growing linearly")
    most, tenth, half = (entry.time for entry in entries)
    early, late = (half - tenth) / 4 * 1000, (most - half) / 5 * 1000
    print(f"  per 1,000 lines: {early:.0f} ms up to 5,000, {late:.0f} ms beyond")


def growth(folder: Path, runs: int) -> None:
    entries = []
    for count in (LAYERS, LAYERS // 100, LAYERS * 5):
        spec = spec_chain(folder / f"chain{count}.cnn", count)
        entries.append(
            Entry(
                f"cnnspec check, {count:,} layers by repeats",
                cnnspec("check", str(spec), "--max-layers", "1000000"),
            )
        )
    for count in (LAYERS // 10, LAYERS // 2):
        spec = spec_chain(folder / f"chain{count}.cnn", count)
        entries.append(Entry(f"cnnspec check --all, {count:,} layers", cnnspec("check", "--all", str(spec))))
    race(entries, max(3, runs // 5))
    show("Growth", entries, "linear at most")


FIGURES: dict[str, Callable[[Path, int], None]] = {
    "cold": cold,
    "repeats": repeats,
    "lines": lines,
    "growth": growth,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=21, help="rounds of each race (default 21)")
    parser.add_argument("--only", choices=tuple(FIGURES), help="one of the races")
    options = parser.parse_args()
    for module in ("onnx", "torchinfo"):
        if not has(module):
            print(f"({module} is not installed: its rows are left out)")
    with tempfile.TemporaryDirectory() as name:
        for figure, measure in FIGURES.items():
            if options.only in (None, figure):
                measure(Path(name), options.runs)


if __name__ == "__main__":
    main()
