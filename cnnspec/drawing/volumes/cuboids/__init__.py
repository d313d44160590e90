"""The look `cuboids`: boxes in oblique projection, equal maps as bands of one block."""
