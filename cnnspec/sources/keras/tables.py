"""Keras's layers, and the function that converts each."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.sources.keras.activations import ACTIVATIONS
from cnnspec.sources.keras.convert import Converting
from cnnspec.sources.keras.layers import LAYERS
from cnnspec.sources.keras.shapes import SHAPES

TABLE: Mapping[str, Converting] = {**LAYERS, **ACTIVATIONS, **SHAPES}
