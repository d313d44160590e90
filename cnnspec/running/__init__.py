"""Emitted programs put to work: what `verify` and `run` do behind the command line.

It comes after the pipeline, because it needs programs that are already written, of both targets in `verify`
(and targets do not know each other); and before the command line, because nothing here knows a terminal.

`job.py` and `process.py` are this side: what is to be done, and a child process in a folder of its own that
does it. `worker/` is the other side: it alone imports numpy, torch, Pillow and safetensors, and only in the
child.
"""
