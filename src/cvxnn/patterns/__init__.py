"""Activation patterns of a data set: evaluate, enumerate, count, sample, and tell which are realisable."""

from cvxnn.patterns.activation import activation_patterns
from cvxnn.patterns.counting import count_bound, count_cells, is_in_general_position, loose_count_bound
from cvxnn.patterns.enumeration import enumerate_patterns, require_few_patterns
from cvxnn.patterns.gates import patterns_with_gates
from cvxnn.patterns.pattern_set import ActivationPatterns
from cvxnn.patterns.realisability import is_realisable, require_realisable
from cvxnn.patterns.reduction import ReducedArrangement, reduce_rows
from cvxnn.patterns.sampling import sample_patterns

__all__ = [
    "ActivationPatterns",
    "ReducedArrangement",
    "activation_patterns",
    "count_bound",
    "count_cells",
    "enumerate_patterns",
    "is_in_general_position",
    "is_realisable",
    "loose_count_bound",
    "patterns_with_gates",
    "reduce_rows",
    "require_few_patterns",
    "require_realisable",
    "sample_patterns",
]
