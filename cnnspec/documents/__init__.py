"""Specs inside Markdown, LaTeX and notebooks.

A reader per format finds the fences of a document and where each of their characters stands in it; a fence
is then a `Source` like any other, whose findings are at the lines and columns of the document. A document
is only read as text, and is changed in its fences and its generated regions alone.
"""
