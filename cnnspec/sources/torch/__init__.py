"""The door for PyTorch modules: export.py runs where the module is, with torch, and gives a trace."""
