"""Particle flows: measures on the sphere, teachers and students."""
