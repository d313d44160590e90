"""Layers in another notation, put as they are written here: PyTorch's and Keras's calls, rows of tables.

Everything is text, as written. None comes back where it is not sure what was meant, or where nothing about
it is foreign. Looked at only once something is wrong.
"""

from cnnspec.notations.calls import LONGEST, call_in_our_words, in_our_words
from cnnspec.notations.merges import MERGES
from cnnspec.notations.steps import step_in_our_words, told

__all__ = ["LONGEST", "MERGES", "call_in_our_words", "in_our_words", "step_in_our_words", "told"]
