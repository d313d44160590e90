"""How one number of each kind of layer comes about: a function per kind, which does the sum itself."""
