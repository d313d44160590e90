"""Reads Caffe's .prototxt, with either version of its layers, and translates each layer into the calls that
torch would make. Caffe is not needed."""

from cnnspec.sources.caffe.convert import Refused, convert

__all__ = ["Refused", "convert"]
