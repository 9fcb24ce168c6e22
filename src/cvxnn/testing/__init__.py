"""The laws that every loss, pattern set, network, program, solver and certificate must obey.

Each ``check_...`` takes an object and inputs, and raises ``AssertionError`` where the law fails, so that a
new loss or solver is tested by calling the checks of its family. `samplers` makes inputs that have a property
by construction.
"""

from cvxnn.names import keep_old_names
from cvxnn.testing import samplers
from cvxnn.testing.arguments import check_takes_limits, check_takes_seeds
from cvxnn.testing.certificates import (
    check_bound_holds,
    check_certificate,
    check_oracle,
)
from cvxnn.testing.cones import (
    check_free_directions,
    check_projection,
    check_prox,
    check_prox_by_cvxpy,
)
from cvxnn.testing.corners import CORNERS, check_answers
from cvxnn.testing.loss_duals import (
    check_best_dual_scale,
    check_best_offset,
    check_dual_balance,
    check_into_domain,
    check_largest_dual_scale,
    check_majorised_by_newton_model,
    check_smoothed,
)
from cvxnn.testing.loss_statements import check_conjugate_by_cvxpy, check_statements
from cvxnn.testing.losses import (
    check_convexity,
    check_curvature,
    check_fenchel_young,
    check_gradient,
    check_newton_weights,
    check_non_negative,
    check_summed_over_samples,
    check_units,
    check_weights,
)
from cvxnn.testing.networks import (
    check_balance,
    check_merge,
    check_neuron_permutation,
    check_positive_rescaling,
    check_prune_zeros,
    check_save_and_load,
)
from cvxnn.testing.optima import (
    check_added_pattern,
    check_duplicated_patterns,
    check_gated_below_relu,
    check_monotone_in_beta,
    check_order_of_patterns,
    check_scaling,
    check_scaling_of_data,
)
from cvxnn.testing.patterns import (
    check_complete,
    check_distinct,
    check_generic_count,
    check_made_by_gates,
    check_permutation_of_samples,
)
from cvxnn.testing.programs import (
    check_adjoint,
    check_blocks_to_network,
    check_critical_beta,
    check_dual_scaling,
    check_images,
    check_network_to_blocks,
    check_weak_duality,
)
from cvxnn.testing.requirements import members
from cvxnn.testing.solvers import (
    check_interrupt,
    check_never_worse_than_start,
    check_solution,
    check_solves,
    check_time_limit,
    reference_optimum,
)

__all__ = [
    "CORNERS",
    "check_added_pattern",
    "check_adjoint",
    "check_answers",
    "check_balance",
    "check_best_dual_scale",
    "check_best_offset",
    "check_blocks_to_network",
    "check_bound_holds",
    "check_certificate",
    "check_complete",
    "check_conjugate_by_cvxpy",
    "check_convexity",
    "check_critical_beta",
    "check_curvature",
    "check_distinct",
    "check_dual_balance",
    "check_dual_scaling",
    "check_duplicated_patterns",
    "check_fenchel_young",
    "check_free_directions",
    "check_gated_below_relu",
    "check_generic_count",
    "check_gradient",
    "check_images",
    "check_interrupt",
    "check_into_domain",
    "check_largest_dual_scale",
    "check_made_by_gates",
    "check_majorised_by_newton_model",
    "check_merge",
    "check_monotone_in_beta",
    "check_network_to_blocks",
    "check_neuron_permutation",
    "check_never_worse_than_start",
    "check_newton_weights",
    "check_non_negative",
    "check_oracle",
    "check_order_of_patterns",
    "check_permutation_of_samples",
    "check_positive_rescaling",
    "check_projection",
    "check_prox",
    "check_prox_by_cvxpy",
    "check_prune_zeros",
    "check_save_and_load",
    "check_scaling",
    "check_scaling_of_data",
    "check_smoothed",
    "check_solution",
    "check_solves",
    "check_statements",
    "check_summed_over_samples",
    "check_takes_limits",
    "check_takes_seeds",
    "check_time_limit",
    "check_units",
    "check_weak_duality",
    "check_weights",
    "members",
    "reference_optimum",
    "samplers",
]

keep_old_names(
    __name__,
    {
        "public_functions": "cvxnn.testing.arguments.public_functions",
        "sample_targets": "cvxnn.testing.losses.sample_targets",
        "several_outputs_optimum": "cvxnn.testing.optima.several_outputs_optimum",
    },
)
