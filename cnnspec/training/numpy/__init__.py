"""Training programs that need only NumPy, to be read from top to bottom as in a course's assignment."""

from __future__ import annotations

from cnnspec.training.numpy.limits import refused
from cnnspec.training.numpy.program import emit, emit_data

__all__ = ["emit", "emit_data", "refused"]
