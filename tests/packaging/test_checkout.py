"""In a checkout, and so in an editable install, the zoo and the grammar lie beside the package."""

import sys
from pathlib import Path

import cnnspec
from cnnspec import resources

ROOT = Path(__file__).parents[2]


def test_what_ships_is_found_beside_the_package() -> None:
    assert Path(resources.folder("specs")) == ROOT / "specs"
    assert Path(resources.folder("grammar")) == ROOT / "grammar"


def test_every_spec_is_in_the_zoo_once() -> None:
    stems = [path.stem for path in (ROOT / "specs").rglob("*.cnn")]
    assert sorted(resources.zoo()) == sorted(stems)
    assert resources.family(resources.zoo()["vgg"]) == "classic"


def test_an_editable_install_leaves_no_copy_of_the_data() -> None:
    copies = [Path(path) / "cnnspec" / "_data" for path in sys.path if path.endswith("site-packages")]
    assert Path(cnnspec.__file__).parents[1] != ROOT or not any(copy.exists() for copy in copies)


def test_the_api_is_lazy_and_complete() -> None:
    assert {"load", "check", "build", "explain"} <= set(cnnspec.__all__)
    for name in cnnspec.__all__:
        assert getattr(cnnspec, name) is not None
