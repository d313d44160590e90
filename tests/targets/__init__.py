"""A package, so that `torch` and `numpy` below it are not taken for the libraries."""
