"""Hostile files for `run`: weights, inputs and labels. A coded finding each, which says why, and nothing on disk changed."""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import io
import json
import os
import pickle
import resource
import socket
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from cnnspec import build
from tests.attacks.conftest import Snapshot, guarded
from tests.attacks.test_specs import harmless
from tests.cli.conftest import Command

Make = Callable[[Path], object]
Array = np.ndarray[Any, Any]


class Attack(NamedTuple):
    """A file's ending, what is in it (or how it is made), and what the finding must say."""

    suffix: str
    make: bytes | Make
    says: str

    def file(self, folder: Path) -> Path:
        path = folder / f"given{self.suffix}"
        if isinstance(self.make, bytes):
            path.write_bytes(self.make)
        else:
            self.make(path)
        return path


SPEC = "input 3x8x8\na: conv F3 K2 -> bn -> relu\nflatten -> fc 4\n"
PLANE = "input 1x2x2\nrelu\n"


@cache
def whole() -> dict[str, Array]:
    """Weights that fit SPEC."""
    names: dict[str, Any] = {}
    exec(build(text=SPEC, target="numpy"), names)
    made: dict[str, Array] = names["init"](seed=7)
    return made


def params(**changed: Any) -> dict[str, Array]:
    """Weights that fit SPEC, but for what is changed (`fc_bias=None` takes one away)."""
    made = dict(whole())
    for name, value in changed.items():
        made[name.replace("_", ".", name.count("_") if "running" not in name else 2)] = value
    return {name: value for name, value in made.items() if value is not None}


def large(make: Callable[[], bytes]) -> Make:
    """Made when it is wanted, not when the tests are collected."""
    return lambda path: path.write_bytes(make())


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2 << 30)


OBJECTS = pickle.dumps([1, 2, 3])


class Told:
    """Says so if it is ever unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("unpickled", "w"))


# --- files of arrays --------------------------------------------------------------------------------------


def npy(
    header: str | bytes, body: bytes = b"", version: bytes = b"\x01\x00", length: int | None = None
) -> bytes:
    """An array's file with this header, whatever that says; `length` is what it says about the header's length."""
    data = header.encode() if isinstance(header, str) else header
    size = struct.pack("<H" if version == b"\x01\x00" else "<I", len(data) if length is None else length)
    return b"\x93NUMPY" + version + size + data + body


def head(descr: str = "'<f4'", shape: str = "(3, 8, 8)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def saved(array: Array) -> bytes:
    made = io.BytesIO()
    np.save(made, array, allow_pickle=True)
    return made.getvalue()


WHOLE = saved(np.zeros((3, 8, 8), np.float32))
BAD_HEADS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "complete .npy file"),
    "magic alone": (b"\x93NUMPY", "complete .npy file"),
    "version of nobody": (npy(head(), version=b"\x09\x09"), "version"),
    "cut off in the header": (WHOLE[:40], "complete .npy file"),
    "header of 4 GB": (npy(head(), version=b"\x02\x00", length=0xFFFFFFF0), "complete .npy file"),
    "header of a million spaces": (npy(head() + " " * 1_000_000, version=b"\x02\x00"), "complete .npy file"),
    "header of brackets": (npy("(" * 9000), "complete .npy file"),
    "header of minus signs": (npy("-" * 9000 + "1"), "complete .npy file"),
    "header that calls": (npy("__import__('os').system('touch called')"), "complete .npy file"),
    "header of bytes": (npy(b"\xff\x00\x1b[2J" * 20), "complete .npy file"),
    "header half": (npy("{'descr': '<f4', 'shape': (3,"), "complete .npy file"),
    "header unindented": (npy("  \n {'a'\n:1}"), "complete .npy file"),
    "header a list": (npy("[1, 2]"), "complete .npy file"),
    "header without a shape": (npy("{'descr': '<f4', 'fortran_order': False}"), "complete .npy file"),
    "shape a word": (npy(head(shape="'many'")), "complete .npy file"),
    "shape negative": (npy(head(shape="(-3, -8, 8)"), bytes(768)), "complete .npy file"),
    "descr a number": (npy(head("5")), "complete .npy file"),
    "descr a call": (npy(head("'os.system'")), "complete .npy file"),
    "descr of escapes": (npy(head(r"'\x1b[31m'")), "complete .npy file"),
    "objects": (saved(np.array([Told()], object)), "a pickle can run code"),
    "objects in a structure": (npy(head("[('a', '|O')]"), OBJECTS), "a pickle can run code"),
    "structure": (saved(np.zeros((3, 8, 8), [("a", "<f4"), ("b", "<i8")])), "not numbers"),
    "numbers of numbers": (npy(head("('<f4', (100000, 100000))"), bytes(768)), "complete .npy file"),
    "texts": (saved(np.zeros((3, 8, 8), "U3")), "not numbers"),
    "raw bytes": (npy(head("'|V2000000000'"), bytes(768)), "not numbers"),
    "no bytes a number": (npy(head("'|S0'"), bytes(768)), "not numbers"),
    "dates": (saved(np.zeros((3, 8, 8), "M8[s]")), "not numbers"),
    "complex numbers": (saved(np.zeros((3, 8, 8), np.complex64)), "not numbers"),
}  # fmt: skip

ARRAYS: dict[str, Attack] = {
    **{name: Attack(".npy", data, says) for name, (data, says) in BAD_HEADS.items()},
    "body too short": Attack(".npy", WHOLE[:-1], "cut off"),
    "body missing": Attack(".npy", npy(head()), "cut off"),
    "shape huge, body tiny": Attack(".npy", npy(head(shape="(1000000000, 3, 8, 8)"), bytes(64)), "complete .npy file"),
    "shape beyond 64 bits": Attack(".npy", npy(head(shape=f"({10**30}, 3, 8, 8)"), bytes(64)), "complete .npy file"),
    "shape of 1000 dimensions": Attack(".npy", npy(head(shape=f"({'1, ' * 1000})"), bytes(64)), "complete .npy file"),
    "no image": Attack(".npy", saved(np.zeros((0, 3, 8, 8))), "expected 3x8x8"),
    "nothing, hugely": Attack(".npy", npy(head(shape=f"(0, {10**30})")), "complete .npy file"),
    "too few dimensions": Attack(".npy", saved(np.zeros(192)), "expected 3x8x8"),
    "a single number": Attack(".npy", saved(np.array(1.0)), "one number"),
    "too many dimensions": Attack(".npy", saved(np.zeros((1, 1, 3, 8, 8))), "expected 3x8x8"),
    "channels last": Attack(".npy", saved(np.zeros((8, 8, 3))), "np.moveaxis"),
    "transposed": Attack(".npy", saved(np.asfortranarray(np.zeros((8, 3, 8)))), "expected 3x8x8"),
    "NaN": Attack(".npy", saved(np.full((3, 8, 8), np.nan)), "not finite"),
    "infinity": Attack(".npy", saved(np.full((3, 8, 8), -np.inf, np.float16)), "not finite"),
    "too large for float32": Attack(".npy", saved(np.full((3, 8, 8), 1e300)), "too large for float32"),
    "a zip": Attack(".npy", large(lambda: zipped({"a.npy": WHOLE})), ".npz"),
    "a pickle": Attack(".npy", pickle.dumps(Told()), "complete .npy file"),
    "2 GB of nothing": Attack(".npy", sparse, "complete .npy file"),
}  # fmt: skip

# --- tables -----------------------------------------------------------------------------------------------

TABLES: dict[str, Attack] = {
    "empty": Attack(".csv", b"", "is empty"),
    "only a byte order mark": Attack(".csv", b"\xef\xbb\xbf", "is empty"),
    "only comments": Attack(".csv", b"# 1,2\n" * 1000, "is empty"),
    "ragged": Attack(".csv", b"1,2\n3\n", "line 2 has 1 number,"),
    "words": Attack(".csv", b"1,2\n3,four\n", "line 2"),
    "a heading": Attack(".csv", b"left,right\n1,2\n3,4\n", "line 1"),
    "words that a terminal obeys": Attack(".csv", b"1,2\n3,\x1b[2J\x1b]0;mine\x07\n", "line 2"),
    "words in rich markup": Attack(".csv", b"1,2\n3,[bold red]4[/]\n", "line 2"),
    "a bidirectional control": Attack(".csv", "1,2\n3,\u202e4\n".encode(), "line 2"),
    "NUL bytes": Attack(".csv", b"1,2\n3,\x00\n", "line 2"),
    "nothing but NULs": Attack(".csv", bytes(1000), "line 1"),
    "NaN": Attack(".csv", b"1,2\n3,nan\n", "not finite"),
    "infinity": Attack(".csv", b"1,2\n3,-inf\n", "not finite"),
    "1e999": Attack(".csv", b"1,2\n3,1e999\n", "not finite"),
    "too large for float32": Attack(".csv", b"1,2\n3,1e39\n", "too large for float32"),
    "hexadecimal": Attack(".csv", b"1,2\n3,0x10\n", "line 2"),
    "complex": Attack(".csv", b"1,2\n3,4j\n", "line 2"),
    "an empty cell": Attack(".csv", b"1,2\n3,\n", "line 2"),
    "a number of a million digits": Attack(".csv", b"1,2\n3," + b"9" * 1_000_000 + b"\n", "not finite"),
    "a word of a million letters": Attack(".csv", b"1,2\n3," + b"a" * 1_000_000 + b"\n", "line 2"),
    "a line of a million numbers": Attack(".csv", b"1," * 1_000_000 + b"1\n", "line 1 has more than 100,000 numbers"),
    "a million lines": Attack(".csv", b"1,2\n" * 1_000_000, "expected 1x2x2 or Nx1x2x2 for input, found 1x1000000x2"),
    "a million planes": Attack(".csv", b"1\n\n" * 1_000_000, "expected 1x2x2 or Nx1x2x2 for input, found 1000000x1x1"),
    "planes of different sizes": Attack(".csv", b"1,2\n\n3,4\n5,6\n", "equal sizes"),
    "planes of a million sizes": Attack(".csv", large(lambda: b"\n\n".join(b"\n".join([b"1"] * n) for n in range(1, 1000))), "equal sizes"),
    "UTF-16": Attack(".csv", "1,2\n3,4\n".encode("utf-16"), "not UTF-8"),
    "a lone surrogate": Attack(".csv", b"1,2\n3,\xed\xa0\x80\n", "not UTF-8"),
    "2 GB": Attack(".csv", sparse, "bytes"),
    "carriage returns alone": Attack(".tsv", b"1\t2\r3\t4\r5\t6\r", "expected 1x2x2"),
}  # fmt: skip

# --- images -----------------------------------------------------------------------------------------------


def picture(form: str, mode: str = "RGB", size: tuple[int, int] = (8, 8), **options: Any) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size).save(made, form, **options)
    return made.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    import zlib

    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + b"".join(chunks) + chunk(b"IEND", b"")


def texts(count: int) -> PngImagePlugin.PngInfo:
    made = PngImagePlugin.PngInfo()
    for number in range(count):
        made.add_text(f"t{number}", "a" * 900_000, zip=True)
    return made


def exif(data: bytes) -> bytes:
    return picture("JPEG", exif=b"Exif\x00\x00" + data)


def tiff(*entries: tuple[int, int, int, int]) -> bytes:
    """A TIFF of these entries: tag, kind, count, value."""
    return b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", *one) for one in entries
    ) + bytes(4)  # fmt: skip


def frames(count: int) -> bytes:
    made = io.BytesIO()
    images = [Image.new("P", (8, 8), number % 250) for number in range(count)]
    images[0].save(made, "GIF", save_all=True, append_images=images[1:], duration=10)
    return made.getvalue()


JPEG = picture("JPEG")
PNG = picture("PNG")
IMAGES: dict[str, Attack] = {
    "empty": Attack(".png", b"", "not an image that can be read"),
    "a text": Attack(".png", b"hello", "not an image that can be read"),
    "PNG cut off in its head": Attack(".png", PNG[:20], "image"),
    "PNG cut off in its pixels": Attack(".png", PNG[:45], "cannot be read"),
    "JPEG cut off": Attack(".jpg", JPEG[:-100], "cannot be read"),
    "GIF cut off": Attack(".gif", picture("GIF", "P")[:30], "cannot be read"),
    "BMP cut off": Attack(".bmp", picture("BMP")[:60], "cannot be read"),
    "TIFF cut off": Attack(".tif", picture("TIFF")[:100], "image"),
    "WebP cut off": Attack(".webp", picture("WEBP")[:30], "image"),
    "PPM cut off": Attack(".ppm", picture("PPM")[:40], "cannot be read"),
    "no pixels": Attack(".png", png(8, 8), "cannot be read"),
    "pixels that do not unpack": Attack(".png", png(8, 8, chunk(b"IDAT", b"garbage")), "cannot be read"),
    "of no width": Attack(".png", png(0, 8), "image"),
    "wrong checksum": Attack(".png", PNG.replace(b"IDAT", b"IDAX"), "image"),
    "bomb of 4 billion pixels": Attack(".png", png(65_535, 65_535), "more than 50,000,000 pixels"),
    "bomb as wide as can be": Attack(".png", png(2**31 - 1, 2**31 - 1), "pixels"),
    "bomb of text": Attack(".png", large(lambda: picture("PNG", pnginfo=texts(80))), "image"),
    "bomb as BMP": Attack(".bmp", b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0), "pixels"),
    "bomb as GIF": Attack(".gif", b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0), "image"),
    "bomb as PPM": Attack(".ppm", b"P6 1000000 1000000 255\n", "pixels"),
    "bomb as TIFF": Attack(".tif", tiff((256, 4, 1, 10**6), (257, 4, 1, 10**6), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)), "image"),
    "PPM of a huge number": Attack(".ppm", b"P6 " + b"9" * 10_000 + b" 8 255\n", "image"),
    "PPM of a negative size": Attack(".ppm", b"P6 -8 -8 255\n" + bytes(192), "image"),
    "PostScript": Attack(".png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "not an image that can be read"),
    "SVG": Attack(".png", b"<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'/>", "not an image that can be read"),
    "icon": Attack(".png", picture("ICO"), "not an image that can be read"),
    "TIFF that points behind itself": Attack(".tif", b"II*\x00\xff\xff\xff\x7f", "image"),
    "TIFF that points at itself": Attack(".tif", b"II*\x00\x00\x00\x00\x00", "image"),
    "TIFF of nonsense": Attack(".tif", tiff(*[(256 + n, 5, 2**31, 7) for n in range(40)]), "image"),
    "TIFF of zero": Attack(".tif", tiff(*[(256 + n, 3, 1, 0) for n in range(40)]), "image"),
    "another size": Attack(".png", picture("PNG", "RGB", (9, 8)), "--resize scales it"),
    "a long side": Attack(".png", picture("PNG", "1", (8, 1_000_000)), "--resize scales it"),
}  # fmt: skip

# --- weights ----------------------------------------------------------------------------------------------


def tensors(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with this header, whatever that says."""
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(data) if length is None else length) + data + body


def tensor(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def stored(arrays: Mapping[str, Array]) -> bytes:
    from safetensors.numpy import save

    return bytes(save({name: np.asarray(value, order="C") for name, value in arrays.items()}))


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def npz(**changed: Any) -> bytes:
    return zipped({f"{name}.npy": saved(value) for name, value in params(**changed).items()})


def beside(name: str, data: bytes) -> bytes:
    """Weights that fit, but for one member of the archive that is this."""
    members = {f"{one}.npy": saved(value) for one, value in params().items()}
    return zipped({**members, name: data})


def twice() -> bytes:
    """A member without `.npy` beside one with it: which of them is `fc.bias`?"""
    return beside("fc.bias", saved(np.zeros((50_000, 1000), np.int8)))


def doubled() -> bytes:
    made = beside("fc.bios.npy", saved(np.zeros(7)))
    return made.replace(b"fc.bios", b"fc.bias")


def broken(method: int) -> bytes:
    """Packed bytes that do not unpack, with a directory that is whole."""
    data = bytearray(zipped({f"{name}.npy": saved(value) for name, value in params().items()}, method))
    start = data.index(b"fc.weight.npy") + len("fc.weight.npy")
    for place in range(start + 8, start + 200):
        data[place] ^= 0x55
    return bytes(data)


def marked(flag: int, method: int | None = None) -> bytes:
    """Every member marked as encrypted, or packed by a method that nobody has."""
    data = bytearray(npz())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(signature)
        while start >= 0:
            data[start + place] |= flag
            if method is not None:
                data[start + place + 2] = method
            start = data.find(signature, start + 4)
    return bytes(data)


FITS = stored(params())
WEIGHTS: dict[str, Attack] = {
    "safetensors empty": Attack(".safetensors", b"", "a complete safetensors file"),
    "safetensors of zeros": Attack(".safetensors", bytes(1000), "a complete safetensors file"),
    "safetensors cut off in its length": Attack(".safetensors", FITS[:5], "a complete safetensors file"),
    "safetensors cut off in its header": Attack(".safetensors", FITS[:60], "a complete safetensors file"),
    "safetensors cut off in its body": Attack(".safetensors", FITS[:-1], "a complete safetensors file"),
    "safetensors with a tail": Attack(".safetensors", FITS + b"tail", "a complete safetensors file"),
    "header longer than the file": Attack(".safetensors", tensors({}, length=1000), "a complete safetensors file"),
    "header of 2**64 bytes": Attack(".safetensors", tensors({}, length=2**64 - 1), "a complete safetensors file"),
    "header no JSON": Attack(".safetensors", tensors(b"{'a': 1}"), "a complete safetensors file"),
    "header a list": Attack(".safetensors", tensors([1, 2]), "a complete safetensors file"),
    "header deep": Attack(".safetensors", tensors(b'{"a":' * 100_000), "a complete safetensors file"),
    "header of NULs": Attack(".safetensors", tensors(bytes(100_000)), "a complete safetensors file"),
    "header not UTF-8": Attack(".safetensors", tensors(b'{"\xff\xfe": 1}'), "a complete safetensors file"),
    "offsets behind the end": Attack(".safetensors", tensors({"a": tensor([4], 0, 16)}, bytes(8)), "a complete safetensors file"),
    "offsets backwards": Attack(".safetensors", tensors({"a": tensor([4], 16, 0)}, bytes(16)), "a complete safetensors file"),
    "offsets negative": Attack(".safetensors", tensors({"a": tensor([4], -16, 0)}, bytes(16)), "a complete safetensors file"),
    "offsets over each other": Attack(".safetensors", tensors({"a": tensor([4], 0, 16), "b": tensor([4], 8, 24)}, bytes(24)), "a complete safetensors file"),
    "a hole between tensors": Attack(".safetensors", tensors({"a": tensor([4], 0, 16), "b": tensor([4], 32, 48)}, bytes(48)), "a complete safetensors file"),
    "shape and bytes that differ": Attack(".safetensors", tensors({"a": tensor([5], 0, 16)}, bytes(16)), "a complete safetensors file"),
    "shape beyond 64 bits": Attack(".safetensors", tensors({"a": tensor([2**63, 2**63], 0, 16)}, bytes(16)), "a complete safetensors file"),
    "shape negative": Attack(".safetensors", tensors({"a": tensor([-4, -1], 0, 16)}, bytes(16)), "a complete safetensors file"),
    "shape 0 times huge": Attack(".safetensors", tensors({"a": tensor([0, 2**62], 0, 0)}), "do not fit"),
    "numbers of no kind": Attack(".safetensors", tensors({"a": tensor([4], 0, 16, "F1")}, bytes(16)), "a complete safetensors file"),
    "bfloat16": Attack(".safetensors", tensors({"a": tensor([4], 0, 8, "BF16")}, bytes(8)), "has no type BF16"),
    "8-bit floats": Attack(".safetensors", tensors({"a": tensor([4], 0, 4, "F8_E4M3")}, bytes(4)), "has no type F8_E4M3"),
    "metadata of numbers": Attack(".safetensors", tensors({"__metadata__": {"a": 1}}), "a complete safetensors file"),
    "name with an escape": Attack(".safetensors", tensors({"\x1b[2J\x1b]0;mine\x07": tensor([0], 0, 0)}), "too many"),
    "name with lines": Attack(".safetensors", tensors({"a\n::error::mine\r\n": tensor([0], 0, 0)}), "too many"),
    "name in rich markup": Attack(".safetensors", tensors({"[bold red]a[/]": tensor([0], 0, 0)}), "[bold red]a[/]"),
    "name turned around": Attack(".safetensors", tensors({"\u202ea\u2066": tensor([0], 0, 0)}), "too many"),
    "name of a lone surrogate": Attack(".safetensors", tensors(b'{"\\ud800": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}'), "a complete safetensors file"),
    "name of a million letters": Attack(".safetensors", tensors({"a" * 1_000_000: tensor([0], 0, 0)}), "too many"),
    "100,000 names": Attack(".safetensors", large(lambda: tensors({f"fc.weigh{n}": tensor([0], 0, 0) for n in range(100_000)})), "expected 9 names, found 100,000"),
    "shape of 10,000 dimensions": Attack(".safetensors", tensors({"fc.bias": tensor([1] * 10_000, 0, 4)}, bytes(4)), "shape"),
    "safetensors with NaN": Attack(".safetensors", stored(params(fc_bias=np.full(4, np.nan, np.float32))), "not finite"),
    "safetensors with infinity": Attack(".safetensors", stored(params(fc_bias=np.full(4, np.inf, np.float32))), "not finite"),
    "safetensors beyond float32": Attack(".safetensors", stored(params(fc_bias=np.full(4, 1e300))), "too large for float32"),
    "safetensors of truth values": Attack(".safetensors", stored(params(fc_bias=np.zeros(4, bool))), "expected numbers"),
    "safetensors with one missing": Attack(".safetensors", stored(params(fc_bias=None)), "fc.bias (4) is missing"),
    "safetensors with one too many": Attack(".safetensors", stored(params(more=np.zeros(1))), "1 too many"),
    "safetensors with one turned": Attack(".safetensors", stored(params(fc_weight=np.zeros((72, 4)))), "the file has 72x4, the spec 4x72"),
    "safetensors of 2 GB": Attack(".safetensors", sparse, "a complete safetensors file"),
    "a pickle as safetensors": Attack(".safetensors", pickle.dumps(Told()), "a complete safetensors file"),
    "a zip as safetensors": Attack(".safetensors", npz(), "a complete safetensors file"),
    "npz empty": Attack(".npz", b"", "a complete .npz file"),
    "npz of nothing": Attack(".npz", zipped({}), "missing"),
    "npz cut off at once": Attack(".npz", npz()[:10], "a complete .npz file"),
    "npz cut in half": Attack(".npz", npz()[: len(npz()) // 2], "a complete .npz file"),
    "npz without its last byte": Attack(".npz", npz()[:-1], "a complete .npz file"),
    "npz without its directory": Attack(".npz", npz()[: npz().rindex(b"PK\x05\x06")], "a complete .npz file"),
    "npz with a directory elsewhere": Attack(".npz", npz()[:-6] + b"\xff\xff\xff\x7f\x00\x00", "a complete .npz file"),
    "npz of 2 GB": Attack(".npz", sparse, "a complete .npz file"),
    "a pickle as npz": Attack(".npz", pickle.dumps(Told()), "a complete .npz file"),
    "a torch checkpoint as npz": Attack(".npz", zipped({"archive/data.pkl": pickle.dumps(Told()), "archive/version": b"3"}), "a complete .npz file"),
    "a text in the npz": Attack(".npz", beside("readme.txt", b"hello"), "a complete .npz file"),
    "a zip in the npz": Attack(".npz", beside("more.npy", npz()), "a complete .npz file"),
    "a folder in the npz": Attack(".npz", beside("folder/", b""), "a complete .npz file"),
    "a member that climbs": Attack(".npz", beside("../../../climbed.npy", saved(np.zeros(1))), "../../../climbed"),
    "a member with an escape": Attack(".npz", beside("\x1b[2Ja.npy", saved(np.zeros(1))), "1 too many"),
    "a member of 60,000 letters": Attack(".npz", beside("a" * 60_000 + ".npy", saved(np.zeros(1))), "1 too many"),
    "10,000 members": Attack(".npz", large(lambda: zipped({f"a{n}.npy": saved(np.zeros(1)) for n in range(10_000)})), "expected 9 names, found 10,000"),
    "the same member twice": Attack(".npz", doubled(), "fc.bias is in this .npz file twice"),
    "a member with and without .npy": Attack(".npz", large(lambda: twice()), "fc.bias is in this .npz file twice"),
    "npz of objects": Attack(".npz", npz(fc_bias=np.array([Told()], object)), "fc.bias is pickled"),
    "npz with NaN": Attack(".npz", npz(fc_bias=np.full(4, np.nan)), "not finite"),
    "npz beyond float32": Attack(".npz", npz(a_bn_running_var=np.full(2, 1e39)), "too large for float32"),
    "npz of truth values": Attack(".npz", npz(fc_bias=np.zeros(4, bool)), "expected numbers"),
    "npz of a wrong shape": Attack(".npz", npz(fc_bias=np.zeros((2, 2))), "the file has 2x2, the spec 4"),
    "npz with one missing": Attack(".npz", npz(fc_bias=None), "fc.bias (4) is missing"),
    "npz bomb: a huge array": Attack(".npz", large(lambda: npz(fc_bias=np.zeros((50_000, 1000), np.int8))), "the file has 50000x1000, the spec 4"),
    "npz bomb: a huge array that is not asked for": Attack(".npz", large(lambda: npz(more=np.zeros((50_000, 1000), np.int8))), "1 too many"),
    "npz bomb: a huge header": Attack(".npz", large(lambda: beside("fc.bias.npy", npy(b" " * 100_000_000, version=b"\x02\x00"))), "a complete .npz file"),
    "npz bomb: behind the array": Attack(".npz", large(lambda: beside("fc.bias.npy", saved(np.zeros(4)) + bytes(100_000_000))), "a complete .npz file"),
    "npz encrypted": Attack(".npz", marked(1), "a complete .npz file"),
    "npz packed by method 99": Attack(".npz", marked(0, 99), "a complete .npz file"),
    "npz with a wrong checksum": Attack(".npz", broken(zipfile.ZIP_STORED), "a complete .npz file"),
    "npz whose deflate is broken": Attack(".npz", broken(zipfile.ZIP_DEFLATED), "a complete .npz file"),
    "npz whose bzip2 is broken": Attack(".npz", broken(zipfile.ZIP_BZIP2), "a complete .npz file"),
    "npz whose lzma is broken": Attack(".npz", broken(zipfile.ZIP_LZMA), "a complete .npz file"),
    **{f"npz, {name}": Attack(".npz", beside("fc.bias.npy", data), says.replace("complete .npy", "complete .npz")) for name, (data, says) in BAD_HEADS.items()},
    "npz, body too short": Attack(".npz", beside("fc.bias.npy", npy(head(shape="(4,)"), bytes(15))), "an array in it is cut off"),
    "npz, shape beyond 64 bits": Attack(".npz", beside("fc.bias.npy", npy(head(shape=f"({10**30},)"), bytes(64))), "the file has 1000"),
    "npz, shape of a truth value": Attack(".npz", beside("fc.bias.npy", npy(head(shape="(True,)"), bytes(16))), "the spec 4"),
    "a checkpoint": Attack(".pt", pickle.dumps(Told()), "a torch checkpoint is a pickle, which can run code"),
    "no ending": Attack("", FITS, "a file without an extension"),
}  # fmt: skip


KINDS = (
    ("weights", "--weights", SPEC, "E707", WEIGHTS),
    ("array", "--input", SPEC, "E708", ARRAYS),
    ("table", "--input", PLANE, "E708", TABLES),
    ("image", "--input", SPEC, "E708", IMAGES),
)
HOSTILE = [
    pytest.param(option, spec, code, attack, id=f"{kind}-{name}".replace(" ", "_"))
    for kind, option, spec, code, attacks in KINDS
    for name, attack in attacks.items()
]


@pytest.mark.parametrize(("option", "spec", "code", "attack"), HOSTILE)
@pytest.mark.usefixtures("without_a_child")
def test_a_hostile_file_is_refused(
    option: str, spec: str, code: str, attack: Attack, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    (tmp_path / "net.cnn").write_text(spec)
    path = attack.file(tmp_path)
    before = unchanged()
    given = ["--random"] if option == "--weights" else []
    with guarded():
        ran = cnnspec("run", "net.cnn", *given, option, path, "-o", "out.npz", "--save-maps", "maps")
    harmless(ran, attack.suffix)
    assert (ran.status, ran.out) == (2, "")
    assert f"error[{code}]" in ran.err
    assert attack.says in " ".join(ran.err.split())
    assert len(ran.err) < 10_000
    assert unchanged() == before


@pytest.mark.parametrize(("option", "spec", "code", "attack"), HOSTILE[::7])
@pytest.mark.usefixtures("without_a_child")
def test_a_hostile_file_is_refused_in_json(
    option: str, spec: str, code: str, attack: Attack, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    (tmp_path / "net.cnn").write_text(spec)
    path = attack.file(tmp_path)
    given = ["--random"] if option == "--weights" else []
    ran = cnnspec("run", "net.cnn", *given, option, path, "--format", "json")
    assert (ran.status, ran.err) == (2, "")
    document = json.loads(ran.out)
    (told,) = document["diagnostics"]
    assert (document["ok"], told["code"], told["file"]) == (False, code, str(path))


OWN_PROCESS = [one for one in HOSTILE if "bomb" in str(one.id) or "objects" in str(one.id)]


@pytest.mark.parametrize(("option", "spec", "code", "attack"), OWN_PROCESS)
def test_in_processes_of_their_own(
    option: str, spec: str, code: str, attack: Attack, unchanged: Snapshot, tmp_path: Path
) -> None:
    """As a user runs it, with 2 GB of memory for the command and as much for its child."""
    (tmp_path / "net.cnn").write_text(spec)
    path = attack.file(tmp_path)
    before = unchanged()
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec", "run", "net.cnn", "--random", option, path],
        capture_output=True,
        preexec_fn=limited,
        timeout=120,
    )
    assert done.returncode == 2
    assert f"error[{code}]".encode() in done.stderr
    assert attack.says in " ".join(done.stderr.decode().split())
    assert unchanged() == before


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))


# --- paths ------------------------------------------------------------------------------------------------


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)  # in the working folder: a socket's whole path must be short


PATHS: dict[str, tuple[str, str | Make]] = {
    "fifo": ("E702", os.mkfifo),
    "folder": ("E702", Path.mkdir),
    "socket": ("E70", listening),
    "link to an endless device": ("E702", lambda path: path.symlink_to("/dev/zero")),
    "link to itself": ("E701", lambda path: path.symlink_to(path)),
    "link to nothing": ("E701", lambda path: path.symlink_to("missing")),
    "ring of links": ("E701", lambda path: (path.symlink_to("b"), Path("b").symlink_to(path))),
    "missing": ("E701", lambda path: None),
    "a NUL in the name": ("E701", "a\0b"),
    "a name too long": ("E701", "a" * 5000),
    "a path too long": ("E701", "a/" * 5000 + "a"),
    "a lone surrogate": ("E701", "a\udcff"),
    "an escape": ("E701", "\x1b[2Jb"),
    "a device": ("E702", "/dev/null"),
    "standard input": ("E701", "-"),
    "nothing": ("E701", ""),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "option"),
    [
        (name, option)
        for name in PATHS
        for option in ("--weights", "--input", "--labels")
        if (name, option) != ("standard input", "--input")  # an input can be read from there
    ],
)
@pytest.mark.usefixtures("without_a_child")
def test_a_path_that_is_no_file(
    name: str, option: str, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    code, make = PATHS[name]
    (tmp_path / "net.cnn").write_text(SPEC)
    suffix = {"--weights": ".npz", "--input": ".npy", "--labels": ".txt"}[option]
    path: str | Path = make if isinstance(make, str) else tmp_path / f"given{suffix}"
    if isinstance(path, Path) and callable(make):
        make(path)
    before = unchanged()
    with guarded():
        ran = cnnspec("run", "net.cnn", "--random", option, path, "-o", "out.npz")
    harmless(ran, name)
    assert (ran.status, ran.out) == (2, "")
    wanted = "E70" if option == "--labels" else code  # labels: 4 are wanted of standard input
    assert f"error[{wanted}" in ran.err
    assert unchanged() == before


LABELS: dict[str, tuple[bytes, str]] = {
    "none": (b"", "E708"),
    "too many": (b"a\n" * 100_000, "E708"),
    "binary": (bytes(range(256)), "E703"),
    "large": (b"a" * 400_000, "E601"),
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.usefixtures("without_a_child")
def test_labels_that_are_none(name: str, cnnspec: Command, unchanged: Snapshot, tmp_path: Path) -> None:
    data, code = LABELS[name]
    (tmp_path / "net.cnn").write_text(SPEC)
    (tmp_path / "labels.txt").write_bytes(data)
    before = unchanged()
    ran = cnnspec("run", "net.cnn", "--random", "--labels", "labels.txt")
    harmless(ran, name)
    assert f"error[{code}]" in ran.err
    assert unchanged() == before


@pytest.mark.usefixtures("without_a_child")
def test_labels_move_no_cursor(cnnspec: Command, unchanged: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(SPEC)
    (tmp_path / "labels.txt").write_text("\x1b[2J\n[bold]b[/]\n\u202ec\na\tb\n")
    ran = cnnspec("run", "net.cnn", "--random", "--labels", "labels.txt")
    assert ran.status == 0
    assert {char for char in ran.out if not char.isprintable()} == {"\n"}
    assert "[bold]b[/]" in ran.out


@pytest.mark.usefixtures("without_a_child")
def test_labels_are_no_commands_in_a_log(cnnspec: Command, unchanged: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(SPEC)
    (tmp_path / "labels.txt").write_text("::error::a\n##[error]b\n\v::error::c\nd ::error::\n")
    ran = cnnspec("run", "net.cnn", "--random", "--labels", "labels.txt")
    assert ran.status == 0
    assert ran.out.count("error") == 4
    assert "##[" not in ran.out
    assert not [line for line in ran.out.splitlines() if line.lstrip().startswith("::")]


NUMBERS = (
    "1e999999999",
    "1/1e-999999999",
    "nan",
    "inf",
    "1/0",
    "0x10",
    "9" * 5000,
    "1/3/5",
    "",
    "1e-9999999999",
)


@pytest.mark.parametrize("option", ["--scale", "--mean", "--std"])
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.usefixtures("without_a_child")
def test_numbers_of_the_command_line(
    number: str, option: str, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    (tmp_path / "net.cnn").write_text(SPEC)
    np.save(tmp_path / "x.npy", np.ones((3, 8, 8)))
    with guarded():
        ran = cnnspec("run", "net.cnn", "--input", "x.npy", option, number)
    assert ran.status in (0, 2)
    assert (ran.status == 0) == (
        (number == "" and option != "--scale") or (number == "1e-9999999999" and option != "--std")
    )


# --- output -----------------------------------------------------------------------------------------------

ONTO: dict[str, tuple[str, str | Make]] = {
    "the spec": ("E704", "net.npy/../net.cnn"),
    "a folder": ("E704", Path.mkdir),
    "a fifo": ("E704", os.mkfifo),
    "a link to a device": ("E704", lambda path: path.symlink_to("/dev/full")),
    "a link to itself": ("E704", lambda path: path.symlink_to(path)),
    "a link to the input": ("E704", lambda path: path.symlink_to("x.npy")),
    "a hard link to the weights": ("E704", lambda path: path.hardlink_to("w.npz")),
    "a link to the labels": ("E704", lambda path: path.symlink_to("labels.txt")),
    "a missing folder": ("E704", "missing/y.npy"),
    "below a file": ("E704", "x.npy/y.npy"),
    "a NUL": ("E704", "a\0b.npy"),
    "a name too long": ("E704", "a" * 5000 + ".npy"),
    "an old file": ("E705", lambda path: path.write_text("old")),
}  # fmt: skip


@pytest.mark.parametrize("name", ONTO)
@pytest.mark.usefixtures("without_a_child")
def test_where_the_output_may_not_go(
    name: str, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    code, make = ONTO[name]
    everything(tmp_path)
    path: str | Path = make if isinstance(make, str) else tmp_path / "y.npy"
    if isinstance(path, Path) and callable(make):
        make(path)
    before = unchanged()
    force = [] if code == "E705" else ["--force"]
    ran = cnnspec(*RUN, "-o", path, "--save-maps", "maps", *force)
    if name == "the spec":  # the ending is wrong before anything else is
        assert ran.status == 2
    else:
        assert f"error[{code}]" in ran.err
        harmless(ran, name)
    assert (ran.status, ran.out) == (2, "")
    assert unchanged() == before


RUN = ("run", "net.cnn", "--input", "x.npy", "--weights", "w.npz", "--labels", "labels.txt")


def everything(folder: Path) -> None:
    (folder / "net.cnn").write_text(SPEC)
    (folder / "w.npz").write_bytes(npz())
    (folder / "labels.txt").write_text("a\nb\nc\nd\n")
    np.save(folder / "x.npy", np.ones((3, 8, 8), np.float32))


MAPS: dict[str, tuple[str, str | Make]] = {
    "a file": ("E704", lambda path: path.write_text("old")),
    "a fifo": ("E704", os.mkfifo),
    "a link to itself": ("E704", lambda path: path.symlink_to(path)),
    "a link to nothing": ("E704", lambda path: path.symlink_to("missing")),
    "below a file": ("E704", "x.npy/maps"),
    "a NUL": ("E704", "a\0b"),
    "a name too long": ("E704", "a" * 5000),
    "nothing": ("E704", ""),
    "a folder with a folder in the way": ("E704", lambda path: (path / "001-a.conv.png").mkdir(parents=True)),
    "a folder with a fifo in the way": ("E704", lambda path: (path.mkdir(), os.mkfifo(path / "002-a.bn.png"))),
    "a folder with a link to the spec": ("E704", lambda path: (path.mkdir(), (path / "003-a.relu.png").symlink_to("../net.cnn"))),
    "a folder with an old sheet": ("E705", lambda path: (path.mkdir(), (path / "003-a.relu.png").write_text("old"))),
    "where no folder may be made": ("E704", "/proc/maps/here"),
}  # fmt: skip


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.usefixtures("without_a_child")
def test_where_the_maps_may_not_go(name: str, cnnspec: Command, unchanged: Snapshot, tmp_path: Path) -> None:
    """Nothing is written at all, not the output and not the sheets before the one that could not be."""
    code, make = MAPS[name]
    everything(tmp_path)
    path: str | Path = make if isinstance(make, str) else tmp_path / "maps"
    if isinstance(path, Path) and callable(make):
        make(path)
    before = unchanged()
    force = [] if code == "E705" else ["--force"]
    ran = cnnspec(*RUN, "-o", "y.npy", "--save-maps", path, *force)
    harmless(ran, name)
    assert (ran.status, ran.out) == (2, "")
    assert f"error[{code}]" in ran.err
    assert unchanged() == before
