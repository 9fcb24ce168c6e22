"""Max-margin networks, their duality, and the geometry of rectified ellipsoids.

Functions take (X, y), as max margin has neither a loss nor a weight decay.
"""

from cvxnn.margin.ellipsoids import Ellipsoid, RectifiedEllipsoid
from cvxnn.margin.flow_limits import compare_flow, flow_limit
from cvxnn.margin.kkt_points import kkt
from cvxnn.margin.linear import linear_bound, linear_max_margin
from cvxnn.margin.orthogonal import (
    covering_neurons,
    is_orthogonally_separable,
    orthogonal_optimum,
)
from cvxnn.margin.polar_sets import PolarSet, polar_support
from cvxnn.margin.separating import separability
from cvxnn.margin.spike_networks import Spikes, spike_freeness, spikes
from cvxnn.margin.widest import max_margin
from cvxnn.margin.zonotopes import (
    Excess,
    Zonotope,
    dual_zonotopes,
    excess,
    hausdorff_distance,
    oracle_as_hausdorff_distance,
)
from cvxnn.names import keep_old_names

__all__ = [
    "Ellipsoid",
    "Excess",
    "PolarSet",
    "RectifiedEllipsoid",
    "Spikes",
    "Zonotope",
    "compare_flow",
    "covering_neurons",
    "dual_zonotopes",
    "excess",
    "flow_limit",
    "hausdorff_distance",
    "is_orthogonally_separable",
    "kkt",
    "linear_bound",
    "linear_max_margin",
    "max_margin",
    "oracle_as_hausdorff_distance",
    "orthogonal_optimum",
    "polar_support",
    "separability",
    "spike_freeness",
    "spikes",
]

keep_old_names(
    __name__,
    {
        "CoveringNeurons": "cvxnn.margin.orthogonal.CoveringNeurons",
        "DualConstraint": "cvxnn.margin.dual_constraint.DualConstraint",
        "ExtremePoint": "cvxnn.margin.ellipsoids.ExtremePoint",
        "FlowComparison": "cvxnn.margin.flow_limits.FlowComparison",
        "FlowLimit": "cvxnn.margin.flow_limits.FlowLimit",
        "KKTPoint": "cvxnn.margin.kkt_points.KKTPoint",
        "LinearMaxMargin": "cvxnn.margin.linear.LinearMaxMargin",
        "MaxMargin": "cvxnn.margin.widest.MaxMargin",
        "OracleAsHausdorffDistance": "cvxnn.margin.zonotopes.OracleAsHausdorffDistance",
        "OrthogonalOptimum": "cvxnn.margin.orthogonal.OrthogonalOptimum",
        "PolarSupport": "cvxnn.margin.polar_sets.PolarSupport",
        "Separability": "cvxnn.margin.separating.Separability",
        "SpikeFreeness": "cvxnn.margin.spike_networks.SpikeFreeness",
    },
)
