"""The job `score`: runs the network once on each held-out image of a recipe."""

from __future__ import annotations

import base64
import heapq
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from cnnspec.running.worker.messages import Fault, Missing, reading, step
from cnnspec.running.worker.program import Array, load
from cnnspec.running.worker.weights import read_weights

MOST_SIDE = 128
"""The largest side of a reported image in pixels; of a larger image, every second or third pixel is used."""
Wrong = tuple[float, int, dict[str, Array]]
"""How wrong an answer is (its probability; of a label map, the share of wrong pixels), the image's number in
the order (negative), and the answer and the right one."""
PALETTE = ("#000000", "#1f5fa8", "#c05a12", "#3c8c3c", "#963c96", "#c8aa1e", "#50aab4")
"""Colours of the classes of a label map; those from 1 come again after the last."""


def work(job: dict[str, Any], folder: str) -> dict[str, Any]:
    """Loss, accuracy, the confusion matrix, and the wrong answers with the highest probability."""
    program, data = load(folder), load(folder, "data")
    with reading("E707", job["weights_file"]):
        params = read_weights(job["weights_file"], job["weights"], np.float32)
    step("data", 0, 1)
    with reading("E708", job["data"] or job["recipe"]):
        try:
            images, labels = data.load_held_out(Path(job["data"]))
        except data.Refused as refused:
            raise Fault(str(refused)) from None
        except ImportError as error:
            raise Missing("train", str(error)) from None
    names = _names(job, data)
    K, ignored, loss = job["classes"], job["ignored"], 0.0
    confusion = np.zeros(K * K, np.int64)
    worst: list[Wrong] = []
    for start in range(0, len(labels), job["batch"]):
        step("images", start, len(labels))
        rows = slice(start, start + job["batch"])
        with np.errstate(all="ignore"):
            outputs = program.forward(params, data.prepared(images[rows]))
            loss += len(labels[rows]) * float(data.loss_of(outputs, labels[rows])[0])
        y = outputs[0] if isinstance(outputs, tuple) else outputs
        answers = data.answers_of(y, labels[rows]) if K else None
        if answers is None:
            continue
        one_number = y.size == len(y)
        predicted, right = (
            answer.reshape(-1 if one_number else answer.shape).astype(np.int64) for answer in answers
        )
        counted = right != ignored
        confusion += np.bincount(K * right[counted] + predicted[counted], minlength=K * K)
        away = ((predicted != right) & counted).reshape(len(right), -1)
        for row in np.flatnonzero(away.any(1)).tolist():
            rank = float(away[row].mean())
            if predicted.ndim == 1:
                rank = float(certainty(y[row : row + 1], data.LAST)[0])
            elif np.squeeze(predicted[row]).ndim != 2 or images.ndim != 4:
                continue
            shown = {"found": predicted[row], "right": np.where(counted[row], right[row], 0)}
            one = (rank, -(start + row), shown)
            (heapq.heappush if len(worst) < job["most"] else heapq.heappushpop)(worst, one)
    return {
        "images": len(labels),
        "loss": loss / max(len(labels), 1),
        "confusion": confusion.reshape(K, K).tolist(),
        "names": names,
        "colours": list(PALETTE),
        "wrong": [
            {"image": -number, **_wrong(images[-number], rank, shown, hasattr(data, "OUTPUT"))}
            for rank, number, shown in sorted(worst, reverse=True, key=lambda one: one[:2])
        ],
    }


def _names(job: dict[str, Any], data: Any) -> list[str]:
    """The names of the classes, where they are the names of folders."""
    if job["folders"] is None:
        return []
    return list(data.class_names(Path(job["data"], job["folders"]), 0))


def certainty(y: Array, last: str) -> Array:
    """For each image the probability of its answer; `last` is the word of the layer that makes y."""
    scores = y.reshape(len(y), -1).astype(np.float64)
    if scores.shape[1] == 1:
        shares = scores if last == "sigmoid" else 1 / (1 + np.exp(-scores))
        scores = np.concatenate([shares, 1 - shares], 1)
    elif last != "softmax":
        scores = -scores if last == "rbf" else scores
        scores = np.exp(scores - scores.max(1, keepdims=True))
        scores /= scores.sum(1, keepdims=True)
    return np.asarray(np.nan_to_num(scores.max(1)))


def _wrong(image: Array, rank: float, shown: dict[str, Array], middle: bool) -> dict[str, Any]:
    """What is wrong, and a picture; a label map is of the image's middle or of all of it."""
    if shown["found"].ndim == 0:
        classes = {name: int(one) for name, one in shown.items()}
        return {**classes, "sure": rank, "png": picture(flat(image))}
    predicted, right = np.squeeze(shown["found"]), np.squeeze(shown["right"])
    return {"share": rank, "png": picture(side_by_side(image, predicted, right, middle))}


def flat(image: Array) -> Array:
    """An image as (C, H, W): of a volume the slice in the middle, a line for each channel of a signal."""
    if image.ndim == 4:
        return image[:, image.shape[1] // 2]
    return image if image.ndim == 3 else image.reshape(1, -1, image.shape[-1])


def side_by_side(image: Array, predicted: Array, right: Array, middle: bool) -> Array:
    """An image, the answer and the right label map in colours: (3, H, 3W)."""
    height, width = predicted.shape if middle else image.shape[1:]
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    pixels = grey(image)[:, top : top + height, left : left + width]
    rows = np.arange(height) * predicted.shape[0] // height
    columns = np.arange(width) * predicted.shape[1] // width
    colours = np.array([list(bytes.fromhex(one[1:])) for one in PALETTE], np.uint8)
    places = [np.where(one > 0, (one - 1) % (len(PALETTE) - 1) + 1, 0) for one in (predicted, right)]
    maps = [np.moveaxis(colours[place[rows][:, columns]], 2, 0) for place in places]
    depth = 3 if len(pixels) >= 3 else 1
    return np.concatenate([np.broadcast_to(pixels[:depth], maps[0].shape), *maps], 2)


def grey(image: Array) -> Array:
    """Numbers as bytes; other numbers than bytes are scaled to the range 0 to 255."""
    if image.dtype == np.uint8:
        return image
    image = np.nan_to_num(image.astype(np.float64))
    low, high = image.min(), image.max()
    return np.asarray(np.round(255 * (image - low) / max(high - low, 1e-12)).astype(np.uint8))


def picture(image: Array) -> str:
    """An image (C, H, W) as a PNG in base64; numbers that are not bytes are scaled to 0 to 255."""
    every = max(1, math.ceil(max(image.shape[1:]) / MOST_SIDE))
    shown = image[: 3 if len(image) >= 3 else 1, ::every, ::every]
    shown = grey(shown)
    depth, height, width = shown.shape
    lines = np.moveaxis(shown, 0, 2).reshape(height, -1)
    pixels = np.concatenate([np.zeros((height, 1), np.uint8), lines], 1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if depth == 3 else 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n"
    for name, content in parts:
        check = struct.pack(">I", zlib.crc32(name + content))
        png += struct.pack(">I", len(content)) + name + content + check
    return base64.b64encode(png).decode()
