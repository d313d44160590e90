"""The door for Caffe: a .prototxt, of either version of its layers, read layer by layer into the calls that
torch would have made. Caffe is not needed.
"""

from cnnspec.sources.caffe.convert import Refused, convert

__all__ = ["Refused", "convert"]
