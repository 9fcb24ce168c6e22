"""The dual program over all cells, interpolation, and networks with fewer neurons."""
