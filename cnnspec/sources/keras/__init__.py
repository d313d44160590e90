"""The door for Keras: `model.to_json()` and `.keras` files, versions 2 and 3. Nothing of them is run, and
Keras is not needed.

A model's configuration (config.py) is read layer by layer into the calls that torch would have made
(convert.py and its tables).
"""
