"""The landscape of training: optimal sets, minimal networks, stationary points, connections of networks, duality.

Functions take a problem first. Interpolation takes (X, y), as it has no weight decay, and so do splines, whose X are
columns made of the numbers x.
"""

from cvxnn.landscape.cones.distances import function_distance, neuron_distance
from cvxnn.landscape.connections.routes import (
    Connection,
    connect_to_nearly_minimal,
    connect_to_optimum,
)
from cvxnn.landscape.duality.complexity import (
    cell_count,
    fitted_slope,
    interior_point_growth,
    interior_point_operations,
    program_size,
)
from cvxnn.landscape.duality.dual_program import solve_dual, strong_duality
from cvxnn.landscape.duality.fewer_neurons import value_by_neurons
from cvxnn.landscape.duality.interpolation import (
    interpolation_limit,
    minimum_norm_interpolation,
)
from cvxnn.landscape.minimal_networks.l1_form import l1_equivalence, l1_objective, to_l1_form
from cvxnn.landscape.minimal_networks.mappings import round_trip, to_blocks
from cvxnn.landscape.minimal_networks.minimality import (
    is_basic,
    is_minimal,
    is_nearly_minimal,
    is_scaled,
    largest_spread,
)
from cvxnn.landscape.minimal_networks.operations import (
    merge_cones,
    merge_directions,
    permute,
    split,
    what_changed,
)
from cvxnn.landscape.minimal_networks.pruning import minimal, prune, width_bounds
from cvxnn.landscape.optimal_sets.elements import OptimalSet
from cvxnn.landscape.optimal_sets.finding import locate, optimal_set, smallest
from cvxnn.landscape.solution_paths.active_directions import ActiveDirection, PathPoint
from cvxnn.landscape.solution_paths.breakpoints import (
    SolutionPath,
    envelope,
    solution_path,
)
from cvxnn.landscape.solution_paths.splines import (
    free_bias_spline,
    optimal_spline,
    spline_kinks,
)
from cvxnn.landscape.stationary_points.clarke import Stationarity, stationarity
from cvxnn.landscape.stationary_points.directional import Descent, directional_slopes, is_local_minimum
from cvxnn.landscape.stationary_points.kink_descent import (
    descend_to_stationarity,
)
from cvxnn.landscape.stationary_points.minima import local_minima
from cvxnn.landscape.stationary_points.neuron_at_zero import zero_neuron
from cvxnn.landscape.stationary_points.sub_programs import (
    kinked_example,
    optimal_on_own_patterns,
    sub_sampled_program,
)
from cvxnn.names import keep_old_names

__all__ = [
    "ActiveDirection",
    "Connection",
    "Descent",
    "OptimalSet",
    "PathPoint",
    "SolutionPath",
    "Stationarity",
    "cell_count",
    "connect_to_nearly_minimal",
    "connect_to_optimum",
    "descend_to_stationarity",
    "directional_slopes",
    "envelope",
    "fitted_slope",
    "free_bias_spline",
    "function_distance",
    "interior_point_growth",
    "interior_point_operations",
    "interpolation_limit",
    "is_basic",
    "is_local_minimum",
    "is_minimal",
    "is_nearly_minimal",
    "is_scaled",
    "kinked_example",
    "l1_equivalence",
    "l1_objective",
    "largest_spread",
    "local_minima",
    "locate",
    "merge_cones",
    "merge_directions",
    "minimal",
    "minimum_norm_interpolation",
    "neuron_distance",
    "optimal_on_own_patterns",
    "optimal_set",
    "optimal_spline",
    "permute",
    "program_size",
    "prune",
    "round_trip",
    "smallest",
    "solution_path",
    "solve_dual",
    "spline_kinks",
    "split",
    "stationarity",
    "strong_duality",
    "sub_sampled_program",
    "to_blocks",
    "to_l1_form",
    "value_by_neurons",
    "what_changed",
    "width_bounds",
    "zero_neuron",
]

keep_old_names(
    __name__,
    {
        "KinkDescentStatus": "cvxnn.solvers.SolveStatus",
        "NetworkPath": "Connection",
        "PathDescent": "cvxnn.landscape.connections.routes.ConnectionDescent",
        "path_to_nearly_minimal": "connect_to_nearly_minimal",
        "path_to_optimum": "connect_to_optimum",
        "Breakpoint": "cvxnn.landscape.solution_paths.breakpoints.Breakpoint",
        "CellCount": "cvxnn.landscape.duality.complexity.CellCount",
        "Change": "cvxnn.landscape.minimal_networks.operations.Change",
        "ConnectionDescent": "cvxnn.landscape.connections.routes.ConnectionDescent",
        "DualSolution": "cvxnn.landscape.duality.dual_program.DualSolution",
        "EnvelopeStep": "cvxnn.landscape.solution_paths.breakpoints.EnvelopeStep",
        "FreeBiasSpline": "cvxnn.landscape.solution_paths.splines.FreeBiasSpline",
        "Interpolation": "cvxnn.landscape.duality.interpolation.Interpolation",
        "InterpolationLimit": "cvxnn.landscape.duality.interpolation.InterpolationLimit",
        "KinkDescent": "cvxnn.landscape.stationary_points.kink_descent.KinkDescent",
        "KinkedExample": "cvxnn.landscape.stationary_points.sub_programs.KinkedExample",
        "L1Equivalence": "cvxnn.landscape.minimal_networks.l1_form.L1Equivalence",
        "LocalMinima": "cvxnn.landscape.stationary_points.minima.LocalMinima",
        "Location": "cvxnn.landscape.optimal_sets.location.Location",
        "NeuronCurve": "cvxnn.landscape.duality.fewer_neurons.NeuronCurve",
        "OptimalSpline": "cvxnn.landscape.solution_paths.splines.OptimalSpline",
        "OwnProgram": "cvxnn.landscape.stationary_points.sub_programs.OwnProgram",
        "Polytope": "cvxnn.landscape.optimal_sets.polytope.Polytope",
        "ProgramSize": "cvxnn.landscape.duality.complexity.ProgramSize",
        "RoundTrip": "cvxnn.landscape.minimal_networks.mappings.RoundTrip",
        "SplineKinks": "cvxnn.landscape.solution_paths.splines.SplineKinks",
        "StrongDuality": "cvxnn.landscape.duality.dual_program.StrongDuality",
        "SupportSize": "cvxnn.landscape.optimal_sets.supports.SupportSize",
        "WidthBounds": "cvxnn.landscape.minimal_networks.pruning.WidthBounds",
        "ZeroNeuron": "cvxnn.landscape.stationary_points.neuron_at_zero.ZeroNeuron",
    },
)
