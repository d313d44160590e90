"""The look `levels`: bars on levels, down along an encoder and up along its decoder."""
