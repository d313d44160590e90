"""Reads Keras's `model.to_json()` and `.keras` files, versions 2 and 3. Nothing in them is executed, and
Keras is not needed.

A model's configuration (config.py) is translated layer by layer into the calls that torch would make
(convert.py and its tables)."""
