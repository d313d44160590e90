"""Data sets of the package datasets: as `save_to_disk` writes them, and as Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnspec.training.library import tables
from cnnspec.training.library.common import Refused
from tests.training.running import built, log, run
from tests.training.test_files import AREA, SPEC, STREAM

datasets = pytest.importorskip("datasets")

RECIPE = STREAM.replace('"folder"', '"datasets"').replace("stream = true\nthreads = 2\n", "")


def data_set(classes: int = 3) -> Any:
    generator = np.random.default_rng(0)
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=[*"abc"]),
            "weight": datasets.Value("float32"),
        }
    )

    def split(count: int) -> Any:
        pixels = [generator.integers(0, 256, (20, 15, 3)).astype(np.uint8) for _ in range(count)]
        images = [Image.fromarray(one) for one in pixels]
        rows = {"image": images, "label": [number % 3 for number in range(count)], "weight": [0.5] * count}
        return datasets.Dataset.from_dict(rows, features=features)

    return datasets.DatasetDict(train=split(12), test=split(6))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    whole = data_set()
    whole.save_to_disk(folder / "disk")
    (folder / "parquet" / "data").mkdir(parents=True)
    for name, split in whole.items():
        split.to_parquet(folder / "parquet" / "data" / f"{name}-00000-of-00001.parquet")
    return folder


def test_both_forms_in_memory_and_on_disk_train_alike(stored: Path, tmp_path: Path) -> None:
    logs = []
    for kind in ("disk", "parquet"):
        folder = built(tmp_path / kind, SPEC, RECIPE, data=str(stored / kind))
        run(folder)
        logs.append(log(folder))
    streamed = built(
        tmp_path / "streamed", SPEC, STREAM.replace('"folder"', '"datasets"'), data=str(stored / "disk")
    )
    run(streamed)
    assert logs[0] == logs[1] == log(streamed)
    assert [row["step"] for row in logs[0]] == ["3", "6"]


def test_parts_are_drawn_and_a_share_is_held_out(stored: Path, tmp_path: Path) -> None:
    recipe = AREA.replace('"folder"', '"datasets"').replace("side = 10", "side = 10\nvalidation = 0.25")
    folder = built(tmp_path, SPEC, recipe, data=str(stored / "parquet"))
    run(folder)
    assert [row["step"] for row in log(folder)] == ["2", "4"]
    assert "best: epoch" in run(folder, "--resume")


WRONG = [
    (("disk", "train", "image", "label", 2), "expected labels from 0 to 1 in label, found 2"),
    (("disk", "val", "image", "label", 3), "it has no split val; it has train, test"),
    (("disk", "train", "img", "label", 3), "has no column img in train; it has image, label, weight"),
    (("disk", "train", "image", "weight", 3), "expected labels from 0 to 2 in weight, found 0.5"),
    (("parquet", "val", "image", "label", 3), "no Parquet file begins with val: "),
    (("none", "train", "image", "label", 3), "none"),
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=[one[1] for one in WRONG])
def test_what_is_wrong_with_a_data_set_is_said(given: tuple[Any, ...], message: str, stored: Path) -> None:
    with pytest.raises(Refused) as refused:
        tables.table_files(stored / given[0], *given[1:])
    assert message in str(refused.value)


def test_paths_to_other_files_are_not_followed(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "other.png")
    rows = {"image": [{"bytes": None, "path": str(tmp_path / "other.png")}], "label": [0]}
    features = datasets.Features({"image": datasets.Image(decode=False), "label": datasets.Value("int64")})
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "train.parquet")
    files = tables.table_files(tmp_path, "train", "image", "label", 1)
    with pytest.raises(Refused, match="image 0 of the data set is not stored in it as a file"):
        files.paths[0].content()
