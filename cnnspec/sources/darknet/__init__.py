"""Reads Darknet's .cfg, whose sections `notations` parses, and translates each layer into the calls that
torch would make. Darknet is not needed."""

from cnnspec.sources.darknet.convert import Refused, convert

__all__ = ["Refused", "convert"]
