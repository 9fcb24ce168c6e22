"""Searches for neurons that violate the dual constraint: numbers, never proofs."""
