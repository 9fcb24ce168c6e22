"""Batches of networks, where they start, and the objective that they descend."""
