"""The look `levels`: bars on levels, from an encoder down and up to its decoder."""
