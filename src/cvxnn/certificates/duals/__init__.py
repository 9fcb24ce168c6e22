"""Dual variables of networks, also where the loss has a kink."""
