"""The set of all globally optimal networks: found, described, chosen from."""
