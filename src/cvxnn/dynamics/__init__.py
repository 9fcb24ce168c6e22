"""Training dynamics: descent methods and flows of two-layer networks, their trajectories, and what they tend to."""
