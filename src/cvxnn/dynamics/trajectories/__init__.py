"""What is recorded along a trajectory, and the trajectory."""
