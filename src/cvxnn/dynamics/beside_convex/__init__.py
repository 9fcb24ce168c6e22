"""Trajectories beside the optimum of the convex program on their patterns."""
