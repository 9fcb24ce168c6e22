"""Pictures of F_1 and F_2."""
