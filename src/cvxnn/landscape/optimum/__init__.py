"""Optima of convex programs on few patterns, to the last digits."""
