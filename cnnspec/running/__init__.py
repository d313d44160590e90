"""Runs emitted programs: the work of `verify` and `run`, without the command line.

This stage comes after the pipeline, because it needs programs that are written already (`verify` needs both
targets', and targets are independent of each other), and before the command line, because nothing here uses a
terminal.

`job.py` and `process.py` run in this process: they describe a job, and start a child process in a temporary
folder for it. `worker/` runs in the child: only there are numpy, torch, Pillow and safetensors imported."""
