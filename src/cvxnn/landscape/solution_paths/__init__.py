"""Optimal networks as weight decay changes."""
