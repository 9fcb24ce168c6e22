"""Stationary points, local minima, and descent that sees kinks."""
