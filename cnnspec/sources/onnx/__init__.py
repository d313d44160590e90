"""The door for ONNX files. Needs onnx and NumPy, no torch, and runs nothing of the file.

The graph (model.py), its constants worked out (fold.py), read node by node into the calls that torch would
have made (convert.py and the tables beside it): what these mean is known to `sources.calls`.
"""
