"""A writer for each format: `svg`, `tikz`, `pdf` and `png` print a scene, `mermaid` and `dot` a folded
network. It is a module with one function `write`, which gives a text or bytes: the same for the same input.
"""
