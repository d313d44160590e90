"""The wheel in a clean environment: without torch, away from the checkout, it finds its grammar and its
zoo."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from cnnspec import __version__, resources

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def build(kind: str, source: Path, into: Path) -> Path:
    """Build a wheel or an sdist with the build backend itself: no network, no environment of its own."""
    into.mkdir(exist_ok=True)
    done = run(sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", into, cwd=source)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = into.iterdir()
    return built


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel") / "out")


@pytest.fixture(scope="session")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it."""
    home = tmp_path_factory.mktemp("home")
    made = run(sys.executable, "-m", "venv", home / "env", cwd=home)
    assert made.returncode == 0, made.stderr
    done = run(home / "env/bin/python", "-m", "pip", "install", "--quiet", wheel, cwd=home)
    if done.returncode != 0 and not os.environ.get("CI"):
        pytest.skip(f"pip could not install the wheel's dependencies: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return home


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return set(opened.namelist())


def test_the_wheel_holds_the_package_the_zoo_and_the_grammar_and_nothing_else(wheel: Path) -> None:
    inside = names(wheel)
    tops = {name.split("/")[0] for name in inside}
    assert tops == {"cnnspec", f"cnnspec-{__version__}.dist-info"}
    for folder in ("specs", "grammar"):
        here = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert here, folder
        assert {f"cnnspec/_data/{name}" for name in here} <= inside
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "cnnspec").rglob("*.md")}
    assert pages <= inside
    assert {"cnnspec/py.typed", f"cnnspec-{__version__}.dist-info/licenses/LICENSE"} <= inside


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(sdist) as opened:
        # Debian 12's Python 3.11.2 does not have the argument, from 3.12 on it is missed
        opened.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (unpacked,) = (path for path in tmp_path.iterdir() if path.name.startswith("cnnspec-"))
    assert names(build("wheel", unpacked, tmp_path / "again")) == names(wheel)


def test_it_lives_in_its_environment_and_needs_no_torch(home: Path) -> None:
    python = home / "env/bin/python"
    found = run(
        python,
        "-c",
        "import cnnspec.resources as r; print(r.folder('specs')); print(r.folder('grammar'))",
        cwd=home,
    )
    specs, grammar = map(Path, found.stdout.splitlines())
    assert home in specs.parents, found.stderr
    assert specs.is_dir()
    assert grammar.is_dir()
    assert run(python, "-c", "import torch", cwd=home).returncode == 1
    assert run(python, "-m", "pip", "check", cwd=home).returncode == 0


def test_check_works_there(home: Path) -> None:
    done = run(home / "env/bin/cnnspec", "check", "zoo:resnet", "--variant", "ResNet50", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "25,557,032" in done.stdout


@pytest.mark.parametrize("target", ["torch", "numpy"])
def test_build_works_there(home: Path, target: str) -> None:
    done = run(
        *(home / "env/bin/cnnspec", "build", "zoo:resnet", "--variant", "ResNet50", "--target", target),
        *("-o", f"resnet50_{target}.py"),
        cwd=home,
    )
    assert done.returncode == 0, done.stderr
    compile((home / f"resnet50_{target}.py").read_text(), target, "exec")


def test_zoo_and_pages_work_there(home: Path) -> None:
    zoo = run(home / "env/bin/cnnspec", "zoo", cwd=home)
    assert zoo.returncode == 0, zoo.stderr
    assert set(resources.zoo()) <= set(zoo.stdout.split())
    page = run(home / "env/bin/cnnspec", "explain", "E301", cwd=home)
    assert page.returncode == 0, page.stderr


def test_python_dash_m_is_the_command(home: Path) -> None:
    done = run(home / "env/bin/python", "-m", "cnnspec", "--version", cwd=home)
    assert done.stdout == f"cnnspec, version {__version__}\n"
