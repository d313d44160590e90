"""Training programs in NumPy alone, to be read from top to bottom: a course's assignment."""

from __future__ import annotations

from cnnspec.training.numpy.limits import refused
from cnnspec.training.numpy.program import emit

__all__ = ["emit", "refused"]
