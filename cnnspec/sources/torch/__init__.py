"""Reads PyTorch modules: export.py runs with torch in the process that has the module, and makes a trace."""
