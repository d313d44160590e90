"""Specs inside Markdown, LaTeX and notebooks.

A reader per format finds the fences of a document and the place of each of their characters in it; a fence is
then a `Source` like any other, whose findings are at the lines and columns of the document. A document is
read as text only, and is changed only in its fences and generated regions.
"""
