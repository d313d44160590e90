"""Every spec of the zoo is well: no error, no warning, all claims hold; it says what it is and from when."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnnspec.diagnostics import Severity, Sink, Source
from cnnspec.language import parse
from cnnspec.language.tree import Model as ModelStatement
from cnnspec.pipeline import models

ROOT = Path(__file__).parents[2] / "specs"
FILES = sorted(ROOT.rglob("*.cnn"))
TITLE = re.compile(r".+, .*\b(?:19|20)\d\d")
"""`Title, Authors, Venue Year`."""


def test_names_are_told_apart_without_their_folder() -> None:
    assert len({path.stem for path in FILES}) == len(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_is_well(path: Path) -> None:
    for model in models(Source(path.name, path.read_text("utf-8"))):
        assert [finding for finding in model.findings if finding.severity is not Severity.ADVICE] == []
        assert model.report is not None
        assert all(claim.holds for claim in model.report.claims)
        assert any(claim.claim.subject in ("params", "trainable") for claim in model.report.claims)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_tells_its_source(path: Path) -> None:
    statements = parse(Source(path.name, path.read_text("utf-8")), Sink()).statements
    titles = [statement.title for statement in statements if isinstance(statement, ModelStatement)]
    assert len(titles) == 1
    assert TITLE.fullmatch(titles[0])


LONGER = {
    "retinanet": 47,  # ten outputs, a line each
    "deeplabv3_resnet50": 42,
    "mobilenet_v3": 48,  # two tables of 11 and 15 rows
    "regnet_y": 43,  # a table of eight networks and nine columns
    "inception_resnet_v2": 44,
    "inception_v3": 54,
    "inception_v4": 51,  # six figures of the paper, a branch a line
    "efficientnet": 59,  # eight networks, seven stages, rates that grow over all of them
    "efficientdet_d0": 60,  # a backbone, three cells of eight nodes, and ten outputs, a line each
    "googlenet": 42,  # nine inceptions, two heads
    "googlenet_2014": 41,
    "nfnet": 42,
    "video_resnet": 42,  # three networks
    "efficientvit": 42,  # attention at two scales: six slices
    "yolo_v8n": 53,  # a backbone, a neck down and up, and heads
    "nonlocal_resnet": 45,  # a ResNet-50, and its blocks
    "mobilevit": 49,  # three kinds of blocks in one another
    "hrnet": 59,  # a fusion of three resolutions and one of four, all with all
    "nasnet": 60,  # two cells with ten branches each, two ways to fit what they take
    "u2net": 60,  # eleven stages of three kinds, and seven outputs, a line each
    "ddpm_unet": 48,  # twelve skips and as many ups, one by one
    "efficientnet_v2": 60,  # three tables, two kinds of blocks
}
"""Lines of those that cannot be told in 40, a page's table."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_is_as_short_as_a_papers_table(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGER.get(path.stem, 40)


def blocks(name: str) -> dict[str, str]:
    """The blocks of that name, by their files."""
    pattern = re.compile(rf"^block {name}\(.*?^}}", re.MULTILINE | re.DOTALL)
    return {
        path.stem: found.group()
        for path in FILES
        if (found := pattern.search(path.read_text("utf-8"))) is not None
    }


def test_squeeze_and_excitation_is_written_the_same_way_everywhere() -> None:
    """But for its two activations."""
    texts = {re.sub(r"\b(relu|silu|sigmoid|hsigmoid)\b", "…", text) for text in blocks("se").values()}
    assert len(blocks("se")) > 5
    assert len(texts) == 1


def test_an_inverted_residual_ends_the_same_way_everywhere() -> None:
    """A projection without activation, and the tensor itself where it fits."""
    assert len(blocks("inverted")) > 4
    for name, text in blocks("inverted").items():
        assert re.search(r"conv F1 K=k -> bn( -> if residual \[ droppath rate \])?\n    \| if", text), name
        assert "s == 1 and c == k" in text, name
