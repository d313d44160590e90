"""Recipes, and the training programs that are written from them.

A recipe is data (TOML) and names no code. Like the targets, this folder only writes text: it imports neither
torch nor NumPy, and `check` does not import it.
"""
