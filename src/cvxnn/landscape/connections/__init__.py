"""Continuous ways between networks along which the objective does not rise."""
