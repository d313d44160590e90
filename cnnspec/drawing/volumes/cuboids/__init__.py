"""The look `cuboids`: boxes in oblique projection; consecutive maps of equal size are bands of one block."""
