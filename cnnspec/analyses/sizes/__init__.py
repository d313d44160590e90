"""Which sizes of the input fit a network, and how large the output then is: exact, for all sizes."""
