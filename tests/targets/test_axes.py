"""Signals and volumes: layers, merges and constructs on both targets, NumPy = torch with all gradients."""

from __future__ import annotations

import random
from itertools import product

import pytest
import torch

from cnnspec.ops import lookup, words
from tests.support import sampled
from tests.targets.beside import differences
from tests.targets.torch.support import graph_of

torch.set_num_threads(1)  # several threads wait for each other where tests share a machine

SHAPES = {1: (4, 9), 3: (4, 4, 5, 6)}
DRAWN = sorted(
    word
    for word in words()
    if lookup(word).draw(random.Random(0), (4, 9)) and word not in ("dropout", "droppath", "hsigmoid")
)
"""hsigmoid's gradient has a constant of float32 in torch. What is dropped by chance has its own test."""


def alike(text: str) -> None:
    graph = graph_of(text)
    for training in (False, True):
        for name, error in differences(graph, training).items():
            assert error < 1e-10, (name, error, "training" if training else "evaluation", text)


@pytest.mark.parametrize(("word", "rank"), sampled(product(DRAWN, SHAPES), 3))
def test_drawn_layers(word: str, rank: int) -> None:
    chance, shape = random.Random(word), SHAPES[rank]
    for _ in range(4):
        if line := lookup(word).draw(chance, shape):
            line = line.replace(" init=zeros", "")  # which no weightnorm or spectral can divide by
            alike(f"input {'x'.join(map(str, shape))}\nconv F1 K4\n{line}\n")


SIGNALS = {
    "a temporal block": """
        block residual(k, d) {
          add [
            pad left=2*d -> conv F3 D=d K=k -> bn -> relu -> dropout 0 maps
            pad left=2*d -> conv F3 D=d K=k -> bn -> relu
          | if C != k [ conv F1 K=k ] else [ id ]
          ] -> relu
        }
        input 3x20
        residual(8, 1) -> residual(8, 2) -> residual(4, 4) => 4x20
        gap -> fc 5 -> softmax
        """,
    "one block at three ranks": """
        block unit(k, s=1) { conv F3 P1 S=s K=k nobias -> bn -> relu }
        input a: 2x12
        input b: 2x6x8
        input c: 2x4x5x6
        x: @a -> unit(4) -> unit(6, s=2) -> gap -> flatten
        y: @b -> unit(4, s=2) -> unit(6) -> gap -> flatten
        z: @c -> unit(6, s=2) -> gap -> flatten
        concat [ @x | @y | @z ] -> fc 3
        """,
    "gates": """
        input 4x10
        mul [ id | gap -> conv F1 K2 -> relu -> conv F1 K4 -> sigmoid ]
        mul [ id | gap -> flatten -> fc 4 -> sigmoid ]
        mul [ id | cmean -> sigmoid ]
        div [ id | abs -> cmean -> softplus ]
        """,
    "an encoder and a decoder": """
        input 2x17
        e: conv F3 P1 K4 -> relu
        m: maxpool F2 ceil
        conv F3 P1 K4 -> relu -> unpool like=@m
        concat [ id | @e ] -> crop 15 -> crop 9 offset=2
        """,
    "sizes of another tensor": """
        input 2x16
        e: conv F5 K4
        m: maxpool F2 -> deconv F2 S2 K4
        u: upsample like=@e linear
        concat [ id | @e -> crop like=@u ] -> conv F3 K2
        """,
    "a repeat that shrinks": """
        input 2x40
        [conv F3 K=4*(i + 1) -> relu -> maxpool F2]*3
        flatten -> fc 4
        """,
    "a gate by an if": """
        block down(k, s=1) {
          conv F3 P1 S=s K=k -> if s > 1 [ bn -> relu ] else [ relu ]
          if W > 8 [ maxpool F2 ]
        }
        input 3x32
        down(4) -> down(8, s=2) -> down(8)
        pad W//4 -> upsample 2 -> slice 0:4
        """,
    "relative attention": "input 4x9\nattention heads=2 relative [ id | conv F1 K4 | id ] -> conv F1 K4",
    "attention by the query": "input 4x7\nattention heads=2 relative=query [ id | conv F1 K4 | id ]",
    "locally connected": "input 3x9\nlocal F3 S2 P1 K4 -> relu -> local F3 Psame D2 K2",
    "fc on one position": "input 3x9\nconv F9 K5 -> relu -> fc 4 -> reshape 2x2 -> conv F1 K3",
    "transposed": "input 3x7\ndeconv F3 S2 P1 extra=1 K4 -> deconv F4 S2 Psame K4 G2 -> deconv F2 S3 Psame K2",  # noqa: E501
    "a table": "input 4x9\nconv F3 K3 connect=[0 1; 2; 1 2 3] P1 -> conv F3 K2 connect=[0; 1 2] Psame S2",
    "literals": "input 1x9\nconv F3 K1 nobias weight=[1 0 -1] frozen -> conv F2 K1 weight=[1 2] bias=3",
}

VOLUMES = {
    "a residual block": """
        block unit(k, s=1) {
          add [
            conv F1x3x3 P0x1x1 S=1x(s)x(s) K=k nobias -> bn -> relu
            conv F3x1x1 P1x0x0 S=(s)x1x1 K=k nobias -> bn
          | if s > 1 or C != k [ conv F1 S=s K=k nobias -> bn ] else [ id ]
          ] -> relu
        }
        input 2x6x8x10
        unit(4) -> unit(8, s=2) -> gap -> flatten -> dropout 0 -> fc 3
        """,
    "a decoder": """
        input 1x8x6x10
        e: conv F3 P1 K4 -> in affine -> leaky
        maxpool F2 -> conv F3 P1 K8 -> gn G2 -> prelu
        upsample 2 trilinear
        concat [ id | @e ] -> conv F1 K2 -> softmax
        """,
    "another decoder": """
        input 1x7x6x9
        e: conv F3 K4 -> elu
        m: maxpool F2 ceil
        unpool like=@m -> deconv F2 S2 K4 -> crop like=@e
        sub [ id | @e ] -> upsample out=4x5x6 trilinear corners
        """,
    "gates": """
        input 4x3x5x6
        mul [ id | gap -> conv F1 K2 -> relu -> conv F1 K4 -> sigmoid ]
        mul [ id | gap -> flatten -> fc 4 -> sigmoid ]
        max [ id | cmax -> conv F1 K4 ]
        """,
    "names of sizes": """
        block keep(k) { conv F3 P1 K=k -> pad front=T//2 left=W//2 -> crop (T)x(H)x3 }
        input 2x4x5x6
        keep(3) -> keep(2)
        conv F=(T)x1x(W) K3 => 3x1x5x1
        """,
    "padding": """
        input 2x4x5x6
        pad front=1 back=2 top=1 bottom=0 left=0 right=2 reflect -> conv F2 K2
        pad 1 channels=1:2 -> conv F2 K2
        pad channels=2 -> pad 2 replicate
        """,
    "attention": "input 4x3x3x3\nattention heads=2 relative [ id | conv F1 K4 | id ] -> ln all",
    "planes to channels": "input 2x4x6x8\npixelunshuffle 2x1x2 -> conv F1 K8 -> pixelshuffle 1x2x4 -> coords",
}


@pytest.mark.parametrize("text", SIGNALS.values(), ids=SIGNALS)
def test_signals(text: str) -> None:
    alike(text)


@pytest.mark.parametrize("text", VOLUMES.values(), ids=VOLUMES)
def test_volumes(text: str) -> None:
    alike(text)
