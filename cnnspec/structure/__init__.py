"""A layer list → a syntax tree with blocks, parameters and repeats. One file for each pass."""
