"""Gradient flow, integrated piece by piece, and on the logistic loss to the end."""
