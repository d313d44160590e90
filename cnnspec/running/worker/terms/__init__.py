"""How one number of each kind of layer is computed: one function per kind, which computes the sum itself."""
