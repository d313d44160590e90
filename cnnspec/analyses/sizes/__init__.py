"""Which sizes of the input fit a network, and the size of the output for each: exact, for all sizes."""
