"""Programs in PyTorch and Keras: their layers, read off Python's syntax tree. Nothing is executed.

Statements are read one by one, in whatever class or function they are: the value of each name is kept,
and each layer that a tensor passes through is a node of the network.
"""

from __future__ import annotations

from cnnspec.notations.python.layers import network
from cnnspec.notations.python.loops import read_loop
from cnnspec.notations.python.state import NOT_FOLLOWED, State, tool_in
from cnnspec.notations.python.statements import OWN_WORDS, read_statement

__all__ = ["NOT_FOLLOWED", "OWN_WORDS", "State", "network", "read_loop", "read_statement", "tool_in"]
