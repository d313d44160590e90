"""A layer list → a syntax tree with blocks and repeats, and its text. One file for each pass.

The entry point is `spec` (spec.py)."""

from cnnspec.structure.spec import Spec, UnfitList, spec

__all__ = ["Spec", "UnfitList", "spec"]
