"""Reading and writing: whole or not at all, regular files only, within limits."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cnnspec.files import named, read_source, specs_below, write_whole
from tests.cli.conftest import GOOD, Command


def code_of(path: str | Path, **options: int) -> str | None:
    _, problem = read_source(str(path), **options)
    return problem.code if problem is not None else None


def test_a_file_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.cnn"
    path.write_bytes(b"\xef\xbb\xbfinput 1x2x2\r\nrelu")
    source, problem = read_source(str(path))
    assert problem is None
    assert source.text == "input 1x2x2\r\nrelu"


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.cnn"
    os.mkfifo(fifo)
    begin = time.monotonic()
    assert code_of(fifo) == "E702"
    assert time.monotonic() - begin < 5
    assert code_of(tmp_path) in ("E701", "E702")
    assert code_of("/dev/null") == "E702"
    assert code_of("/dev/zero") == "E702"
    assert code_of(tmp_path / "missing.cnn") == "E701"
    assert code_of("a\0b.cnn") == "E701"
    loop = tmp_path / "loop.cnn"
    loop.symlink_to(loop)
    assert code_of(loop) == "E701"


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a.cnn").write_text(GOOD)
    (tmp_path / "b.cnn").symlink_to("a.cnn")
    assert code_of(tmp_path / "b.cnn") is None


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.cnn"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    begin = time.monotonic()
    assert code_of(path) == "E601"
    assert time.monotonic() - begin < 5
    path.write_bytes(b"a" * 101)
    assert code_of(path, limit=100) == "E601"
    assert code_of(path, limit=101) is None


def test_what_is_no_utf8_is_shown_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "latin.cnn"
    path.write_bytes(b"\xef\xbb\xbf# \xc3\xa9t\xc3\xa9\ninput 1x2x2 # \xe9t\xe9\n")
    source, problem = read_source(str(path))
    assert problem is not None
    assert problem.code == "E703"
    assert source.position(problem.span.start) == (2, 15)
    path.write_bytes(b"\xed\xa0\x80")  # a lone surrogate
    assert code_of(path) == "E703"


def test_specs_below_come_in_order_and_not_from_hidden_folders(tmp_path: Path) -> None:
    for name in ("b/2.cnn", "b/1.cnn", "a/x.cnn", "z.cnn", ".git/h.cnn", "a/readme.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    (tmp_path / "a/round").symlink_to(tmp_path)
    below = [os.path.relpath(path, tmp_path) for path in specs_below(str(tmp_path))]
    assert below == ["z.cnn", "a/x.cnn", "b/1.cnn", "b/2.cnn"]


def test_the_zoo_is_named_with_its_prefix() -> None:
    pairs, problem = named("zoo:resnet")
    assert problem is None
    assert [name for _, name in pairs] == ["zoo:resnet"]
    _, problem = named("zoo:../../etc/passwd")
    assert problem is not None
    assert problem.code == "E701"


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_new_file_is_written_with_the_usual_rights(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        assert write_whole(str(tmp_path / "new.py"), "text é\n") is None
    finally:
        os.umask(old)
    assert (tmp_path / "new.py").read_text("utf-8") == "text é\n"
    assert stat.S_IMODE((tmp_path / "new.py").stat().st_mode) == 0o640
    assert left(tmp_path) == {"new.py"}


def test_an_old_file_is_replaced_only_with_force_and_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text("old")
    path.chmod(0o755)
    problem = write_whole(str(path), "new")
    assert problem is not None
    assert problem.code == "E705"
    assert path.read_text() == "old"
    assert write_whole(str(path), "new", force=True) is None
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert left(tmp_path) == {"old.py"}


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "a.py"
    target.write_text("old")
    link = tmp_path / "link.py"
    link.symlink_to(target)
    assert write_whole(str(link), "new", force=True) is None
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_the_spec_itself_is_never_overwritten(tmp_path: Path) -> None:
    spec = tmp_path / "a.cnn"
    spec.write_text(GOOD)
    (tmp_path / "hard").hardlink_to(spec)
    for path in (spec, tmp_path / "hard", tmp_path / "." / "a.cnn"):
        problem = write_whole(str(path), "new", force=True, inputs=(str(spec),))
        assert problem is not None
        assert problem.code == "E704"
    assert spec.read_text() == GOOD


def test_devices_and_folders_are_not_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in ("/dev/null", str(tmp_path), str(fifo), "a\0b", str(tmp_path / "missing" / "a.py")):
        problem = write_whole(path, "new", force=True)
        assert problem is not None, path
        assert problem.code == "E704"
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert left(tmp_path) == {"fifo"}


@pytest.mark.parametrize("failing", ["fsync", "replace", "link"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_whatever_fails_the_old_file_stays_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, error: BaseException
) -> None:
    path = tmp_path / "a.py"
    if failing == "replace":
        path.write_text("old")
    before = left(tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(os, failing, fail)
    if failing == "link":
        monkeypatch.setattr(os, "replace", fail)
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            write_whole(str(path), "new", force=True)
    else:
        problem = write_whole(str(path), "new", force=True)
        assert problem is not None
        assert problem.code == "E704"
        assert "No space left" in problem.message
    assert left(tmp_path) == before
    if before:
        assert path.read_text() == "old"


def test_without_force_a_file_made_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.py"
    fsync = os.fsync

    def somebody_else(descriptor: int) -> None:
        fsync(descriptor)
        path.write_text("theirs")

    monkeypatch.setattr(os, "fsync", somebody_else)
    problem = write_whole(str(path), "mine")
    assert problem is not None
    assert problem.code == "E705"
    assert path.read_text() == "theirs"
    assert left(tmp_path) == {"a.py"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_behind_standard_output_is_told_by_the_exit_status(good: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cnnspec", "check", good], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    spec = tmp_path / "long.cnn"
    spec.write_text("input 1x8x8\n" + "[conv F3 P1 K4 -> relu]*9\n" * 3000)
    with subprocess.Popen(
        [sys.executable, "-m", "cnnspec", "check", "--all", spec],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        told = process.stderr.read()
    assert told == b""
    assert process.returncode == 2


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_while_it_waits_for_standard_input(number: int, status: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "cnnspec", "check", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        time.sleep(1.5)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (status, b"", b"")


def test_standard_input_has_a_limit_too(cnnspec: Command) -> None:
    ran = cnnspec("check", "-", "--max-bytes", "20", stdin=GOOD)
    assert ran.status == 2
    assert "E601" in ran.err
    ran = cnnspec("check", "-", stdin=b"input 1x2x2 \xff\n")
    assert ran.status == 2
    assert "E703" in ran.err
    assert "<stdin>:1:13" in ran.err
