"""The door for Darknet: a .cfg, whose sections `notations` parses, read layer by layer into the calls that
torch would have made. Darknet is not needed.
"""

from cnnspec.sources.darknet.convert import Refused, convert

__all__ = ["Refused", "convert"]
