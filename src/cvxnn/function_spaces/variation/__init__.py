"""The variation norm of networks and of values."""
