"""Reading specs and writing results: a file is read within limits or refused, and written whole or not at
all.

Errors are findings (E701–E706, E601), which are returned, not raised.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from cnnspec.diagnostics import Diagnostic, Source, Span

MAX_BYTES = 300_000
"""The most bytes of one spec: some 10,000 lines."""

STDIN = "-"
NOWHERE = Span(0, 0)
EXISTS_ALREADY = Diagnostic("E705", "this file already exists", NOWHERE, help="--force replaces it")
"""The help for a file that would be replaced without `--force`."""


def read_source(
    path: str, limit: int = MAX_BYTES, name: str | None = None
) -> tuple[Source, Diagnostic | None]:
    """The spec at `path` (`-` is standard input), called `name` in messages; empty, with a finding, if it
    can't be read."""
    name = path if name is None else name
    if path == STDIN:
        name = "<stdin>"
    data = read_bytes(path, limit)
    return (Source(name, ""), data) if isinstance(data, Diagnostic) else decoded(name, data)


def read_bytes(path: str, limit: int) -> bytes | Diagnostic:
    """The bytes of the file at `path`, or the finding that says why it cannot be read."""
    try:
        return _standard_input(limit) if path == STDIN else _regular_file(path, limit)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        message = f"this file cannot be read: {_reason(error)}"
        return Diagnostic("E701", message, NOWHERE, help=_in_the_zoo(path, error))


def decoded(name: str, data: bytes) -> tuple[Source, Diagnostic | None]:
    """These bytes as a spec; if they are not UTF-8, the readable part and a finding."""
    try:
        return Source(name, data.decode("utf-8-sig")), None
    except UnicodeDecodeError as error:
        if (finding := _other_format(name, data)) is not None:
            return Source(name, ""), finding
        # what could be read is shown, so that the finding has a place; the error counts from after a BOM
        text = data.decode("utf-8-sig", errors="replace")
        behind_bom = error.object[: error.start]
        offset = len(behind_bom.decode("utf-8", errors="replace"))
        finding = Diagnostic(
            "E703",
            f"this file is not UTF-8: byte 0x{error.object[error.start]:02x} is not valid here",
            Span(offset, min(offset + 1, len(text))),
            help="save it as UTF-8",
        )
        return Source(name, text), finding


def _other_format(name: str, data: bytes) -> Diagnostic | None:
    """E703 for a file that is not text."""
    ending = os.path.splitext(name)[1].lower()
    if ending in (".onnx", ".keras", ".h5", ".hdf5"):
        kind, way = "a model", f"`cnnspec import {name}` writes its spec"
    elif ending in (".pt", ".pth", ".safetensors", ".npz", ".caffemodel", ".weights"):
        kind, way = "a file of weights", "a spec is a text file; `cnnspec run --weights` reads weights"
    elif b"\0" in data[:_BEGINNING] or ending in (".png", ".jpg", ".jpeg", ".pdf"):
        kind, way = "not text", "a spec is a text file: `cnnspec zoo lenet5` prints one"
    else:
        return None
    return Diagnostic("E703", f"this file is {kind}", NOWHERE, help=way)


_BEGINNING = 1000
DOCUMENTS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".qmd": "markdown",
    ".rmd": "markdown",
    ".tex": "latex",
    ".ltx": "latex",
    ".ipynb": "notebook",
}
"""The documents that may contain specs, by the ending of their names."""


def document_named(argument: str) -> tuple[str, str] | None:
    """The document of an argument, and the text after `#`: `paper.md#LeNet5`."""
    path, name = argument, ""
    if "#" in argument and not os.path.exists(argument):
        path, _, name = argument.rpartition("#")
    return (path, name) if os.path.splitext(path)[1].lower() in DOCUMENTS else None


ZOO = "zoo:"


def named(argument: str) -> tuple[list[tuple[str, str]], Diagnostic | None]:
    """The files of an argument: a file, all `.cnn` below a folder, `zoo:name`, `-`.

    Pairs of a path and its name in messages; with a finding if there is none.
    """
    if argument.startswith(ZOO):
        from cnnspec.resources import zoo

        shipped = zoo()
        spec_name = argument.removeprefix(ZOO).removesuffix(".cnn")
        if spec_name in shipped:
            return [(shipped[spec_name], ZOO + spec_name)], None
        from cnnspec.diagnostics.suggest import did_you_mean

        near = _variant(spec_name) or did_you_mean(spec_name, shipped) or "`cnnspec zoo` lists all specs"
        return [], Diagnostic(
            "E701",
            f"the zoo has no {spec_name}" if spec_name else "`zoo:` is followed by the name of a spec",
            NOWHERE,
            help=near,
        )
    if os.path.isdir(argument):
        found = [(path, path) for path in specs_below(argument)]
        return found, None if found else Diagnostic("E706", "this folder contains no .cnn file", NOWHERE)
    return [(argument, argument)], None


def read_one(
    argument: str, found: tuple[list[tuple[str, str]], Diagnostic | None], limit: int = MAX_BYTES
) -> tuple[str, Source, Diagnostic | None]:
    """The path and the text of the only file of an argument (as `named` returns them)."""
    pairs, problem = found
    if problem is None and len(pairs) > 1:
        listed = ", ".join(path for path, _ in pairs[:20]) + (", …" if len(pairs) > 20 else "")
        several = f"found {len(pairs)} .cnn files: {listed}"
        problem = Diagnostic("E706", several, NOWHERE, help="name one of them")
    if problem is not None:
        return argument, Source(argument, ""), problem
    ((path, name),) = pairs
    return path, *read_source(path, limit, name)


def unreadable(path: str) -> Diagnostic | None:
    """The reason why there is no file to read at `path`; None if there is one."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):  # opening a FIFO would wait
            return Diagnostic("E702", f"this is {_kind(mode)}, not a file to read", NOWHERE)
        open(path, "rb").close()
    except (OSError, ValueError) as error:
        return Diagnostic("E701", f"this file cannot be read: {_reason(error)}", NOWHERE)
    return None


def _in_the_zoo(path: str, error: OSError | ValueError) -> str:
    """The help if `lenet5` may be meant as `zoo:lenet5`."""
    if not isinstance(error, FileNotFoundError) or os.path.dirname(path):
        return ""
    from cnnspec.diagnostics.suggest import nearest
    from cnnspec.resources import zoo

    name, shipped = path.removesuffix(".cnn"), zoo()
    near = name if name in shipped else _variant(name) or nearest(name, shipped)
    return near if near and " " in near else f"did you mean `{ZOO}{near}`?" if near else ""


def _variant(name: str) -> str:
    """The help if `resnet50` may be meant as a variant of a shipped spec; "" if no variant has this name."""
    from cnnspec.diagnostics.suggest import fold
    from cnnspec.resources import zoo

    folded = fold(re.sub("^.*#", "", name))
    for spec, path in zoo().items():
        with open(path, encoding="utf-8") as file:
            for variant in re.findall(r"(?m)^variant[ \t]+(\w+)", file.read()):
                if fold(variant) == folded:
                    return f"did you mean `{ZOO}{spec} --variant {variant}`?"
    return ""


def _regular_file(path: str, limit: int) -> bytes | Diagnostic:
    # O_NONBLOCK: opening a FIFO must not wait for a writer
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            return Diagnostic("E702", f"this is {_kind(mode)}, not a file to read", NOWHERE)
        return within(file.read(limit + 1), limit)


def _standard_input(limit: int) -> bytes | Diagnostic:
    if sys.stdin is None or sys.stdin.closed:
        return Diagnostic("E701", "standard input is closed", NOWHERE)
    return within(sys.stdin.buffer.read(limit + 1), limit)


def within(data: bytes, limit: int) -> bytes | Diagnostic:
    if len(data) <= limit:
        return data
    message = f"this file has more than {limit:,} bytes"
    return Diagnostic("E601", message, NOWHERE, help="--max-bytes raises the limit")


_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
_KINDS |= dict.fromkeys((stat.S_IFCHR, stat.S_IFBLK), "a device")


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _others(path: str, name: str) -> bool:
    """Whether a folder is hidden or contains installed files: a virtual environment, `node_modules`."""
    signs = (os.path.join(path, name, sign) for sign in ("pyvenv.cfg", "conda-meta"))
    return name.startswith(".") or name == "node_modules" or any(map(os.path.exists, signs))


def specs_below(folder: str) -> Iterator[str]:
    """Every `.cnn` below a folder."""
    return files_below(folder, (".cnn",))


def files_below(folder: str, endings: tuple[str, ...]) -> Iterator[str]:
    """The files below a folder with these endings, folder by folder in alphabetical order, then the folders
    that cannot be opened: reading them reports why. Links to folders are not followed."""
    closed: list[str] = []
    for path, folders, files in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        folders[:] = sorted(name for name in folders if not _others(path, name))
        inside = os.path.normpath(path)
        for name in sorted(files):
            if name.endswith(endings):
                yield name if inside == os.curdir else os.path.join(inside, name)
    yield from map(os.path.normpath, closed)


def write_whole(
    path: str, text: str | bytes, *, force: bool = False, inputs: tuple[str, ...] = ()
) -> Diagnostic | None:
    """Write `text` (or bytes) to `path`, all of it or nothing: into a new file beside it, which then takes
    its name.

    An existing file is replaced only with `force`, and one of `inputs` never. After any interruption (a full
    disk, Ctrl-C), the old file at `path` still exists.
    """
    problem = write_all({path: text}, force=force, inputs=inputs)
    return None if problem is None else problem[1]


def write_all(
    contents: Mapping[str, str | bytes],
    *,
    folder: str | None = None,
    force: bool = False,
    inputs: tuple[str, ...] = (),
) -> tuple[str, Diagnostic] | None:
    """Write several files, all of them or none: only when each is complete beside its place do they take
    their names.

    `folder` is made first, and is removed again if nothing could be written. Returns the path that could not
    be written, and why.
    """
    folders: list[str] = []
    ready: list[_Ready] = []
    done = False
    path, failure = folder or "", "this folder cannot be created"
    try:
        if folder is not None:
            _make_folders(folder, folders)
        failure = "this file cannot be written"
        for path, content in contents.items():
            _write_beside(path, content, force, inputs, ready)
        for one in ready:
            path = one.path
            if one.new:
                _take_free_name(one.beside, one.target)
            else:
                os.replace(one.beside, one.target)
            done = True
    except _Refused as refused:
        return path, refused.args[0]
    except (OSError, ValueError) as error:
        return path, Diagnostic("E704", f"{failure}: {_reason(error)}", NOWHERE)
    finally:
        for one in ready:
            with suppress(OSError):  # it is already renamed, or cannot be removed
                os.unlink(one.beside)
        for new in [] if done else reversed(folders):
            with suppress(OSError, ValueError):  # another process has written into it
                os.rmdir(new)
    return None


class _Refused(Exception):
    """A finding that says why a file is not written."""


class _Ready(NamedTuple):
    """A new file that is about to replace another: the path as given, the real path, and the temporary
    path."""

    path: str
    target: str
    beside: str
    new: bool


def _write_beside(
    path: str, content: str | bytes, force: bool, inputs: tuple[str, ...], ready: list[_Ready]
) -> None:
    """Write the file beside its place, and add it to `ready`."""
    target = os.path.realpath(path)
    try:
        old = os.stat(target)
    except FileNotFoundError:
        old = None
    if old is not None:
        _may_replace(old, target, force, inputs)
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    beside = os.path.join(os.path.dirname(target), f".{os.path.basename(target)[:40]}.{os.getpid()}.tmp")
    mode = 0o666 if old is None else stat.S_IMODE(old.st_mode)
    ready.append(_Ready(path, target, beside, old is None))  # before there is anything to clean up
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, mode)
    except OSError:
        ready.pop()
        raise
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
        if old is not None and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)


def _may_replace(old: os.stat_result, target: str, force: bool, inputs: tuple[str, ...]) -> None:
    if not stat.S_ISREG(old.st_mode):
        raise _Refused(Diagnostic("E704", f"this is {_kind(old.st_mode)}, not a file to write", NOWHERE))
    if any(_same(old, source) for source in inputs):
        message = "this file is an input; the output would overwrite it"
        raise _Refused(Diagnostic("E704", message, NOWHERE, help="choose another -o"))
    if not force:
        raise _Refused(EXISTS_ALREADY)
    if not os.access(target, os.W_OK):  # renaming would need only the folder's permissions
        raise _Refused(Diagnostic("E704", "this file cannot be written: it is write-protected", NOWHERE))


def _make_folders(folder: str, folders: list[str]) -> None:
    """Make a folder and those above it that are missing; they are added to `made`, the outermost first."""
    missing = [folder]
    while (above := os.path.dirname(missing[-1])) and not os.path.lexists(above) and above != missing[-1]:
        missing.append(above)
    for path in reversed(missing):
        if not os.path.isdir(path):
            folders.append(path)
            os.mkdir(path)


def _take_free_name(beside: str, target: str) -> None:
    """Give the new file its name unless another process has just made a file of that name."""
    try:
        os.link(beside, target)
    except (OSError, AttributeError, NotImplementedError):  # taken, or a file system without hard links
        if os.path.lexists(target):
            raise _Refused(EXISTS_ALREADY) from None
        os.replace(beside, target)


def _same(state: os.stat_result, path: str) -> bool:
    try:
        return os.path.samestat(state, os.stat(path))
    except (OSError, ValueError):
        return False
