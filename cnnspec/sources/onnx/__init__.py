"""Reads ONNX files. Needs onnx and NumPy but not torch, and executes nothing in the file.

The graph (model.py), with its constants computed (fold.py), is translated node by node into the calls that
torch would make (convert.py and the tables beside it). Their meaning is in `sources.calls`."""
