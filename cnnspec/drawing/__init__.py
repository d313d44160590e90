"""Figures of a network: a layout gives a scene, and a writer per format prints it."""
