"""Atoms: the neurons that solutions are made of, the kinks they sit on, and basic selections of them."""

from cvxnn.atoms.atoms import Atoms, signed_activations
from cvxnn.atoms.kinks import ON_KINK, find_kinks, kink_signs
from cvxnn.atoms.pruning import basic_atoms, prune_to_basic

__all__ = [
    "ON_KINK",
    "Atoms",
    "basic_atoms",
    "find_kinks",
    "kink_signs",
    "prune_to_basic",
    "signed_activations",
]
