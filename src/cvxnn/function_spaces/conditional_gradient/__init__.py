"""Conditional gradient in the ball of the variation norm, its steps, hulls and rates."""
