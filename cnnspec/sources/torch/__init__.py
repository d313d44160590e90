"""The door for PyTorch modules: an exported graph (trace.py), read op by op (table.py) into a layer list.

`export.py` runs where the module is, with torch; everything else is arithmetic on what it gives, and imports
no torch. `layout.py` keeps how torch's dimensions lie on channels and axes, so that a transposition is no
layer where the code only wants its channels last.
"""
