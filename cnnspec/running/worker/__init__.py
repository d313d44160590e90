"""What happens in the child process: an emitted program is loaded, given its weights and its input, and
watched."""
