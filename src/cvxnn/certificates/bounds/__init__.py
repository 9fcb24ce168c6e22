"""Proven upper bounds on the dual constraint."""
