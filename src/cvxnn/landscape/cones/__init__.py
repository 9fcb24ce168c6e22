"""Closed cones of the data's arrangement, kinks of neurons, and distances between networks."""
