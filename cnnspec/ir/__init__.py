"""The intermediate representation: what every analysis and every target reads."""

from cnnspec.ir.graph import (
    Arm,
    Block,
    BlockParameter,
    Body,
    Claim,
    Condition,
    Graph,
    Guard,
    Hole,
    Layer,
    Local,
    Pass,
    Region,
    Step,
)

__all__ = [
    "Arm",
    "Block",
    "BlockParameter",
    "Body",
    "Claim",
    "Condition",
    "Graph",
    "Guard",
    "Hole",
    "Layer",
    "Local",
    "Pass",
    "Region",
    "Step",
]
