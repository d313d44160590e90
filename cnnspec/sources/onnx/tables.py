"""ONNX's operators, and the function that converts each."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.sources.onnx.convert import Converting
from cnnspec.sources.onnx.elementwise import ELEMENTWISE
from cnnspec.sources.onnx.layers import LAYERS
from cnnspec.sources.onnx.shapes import SHAPES

TABLE: Mapping[str, Converting] = {**LAYERS, **ELEMENTWISE, **SHAPES}
