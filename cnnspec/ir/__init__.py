"""The intermediate representation: what every analysis and every target reads."""

from cnnspec.ir.graph import (
    Block,
    BlockParameter,
    Body,
    Claim,
    Graph,
    Hole,
    Layer,
    Pass,
    Region,
    Step,
)

__all__ = [
    "Block",
    "BlockParameter",
    "Body",
    "Claim",
    "Graph",
    "Hole",
    "Layer",
    "Pass",
    "Region",
    "Step",
]
