"""A layer list → a syntax tree with blocks and repeats, and its text. One file for each pass.

`spec` (spec.py) is the face of it.
"""

from cnnspec.structure.spec import Spec, UnfitList, spec

__all__ = ["Spec", "UnfitList", "spec"]
