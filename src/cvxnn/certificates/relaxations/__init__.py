"""Semidefinite relaxations of the dual: a joint program and its lift."""
