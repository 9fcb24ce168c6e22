"""Pictures of neurons, ellipsoids and zonotopes."""
