"""A writer for each format: `svg`, `tikz`, `pdf` and `png` print a scene, `mermaid` and `dot` a folded
network. A writer is a module with one function `write`, which returns a text or bytes: the same for the same
input."""
