"""The code of the child process: it loads an emitted program, gives it weights and inputs, and records its
results."""
