"""Max-margin networks, their duality, and the geometry of rectified ellipsoids."""

from cvxnn.margin.dual_constraint import DualConstraint
from cvxnn.margin.ellipsoids import Ellipsoid, ExtremePoint, RectifiedEllipsoid
from cvxnn.margin.flow_limits import FlowComparison, FlowLimit, compare_flow, flow_limit
from cvxnn.margin.kkt_points import KKTPoint, kkt
from cvxnn.margin.linear import LinearMaxMargin, linear_bound, linear_max_margin
from cvxnn.margin.orthogonal import (
    CoveringNeurons,
    OrthogonalOptimum,
    covering_neurons,
    is_orthogonally_separable,
    orthogonal_optimum,
)
from cvxnn.margin.polar_sets import PolarSet, PolarSupport, polar_support
from cvxnn.margin.separating import Separability, separability
from cvxnn.margin.spike_networks import SpikeFreeness, Spikes, spike_freeness, spikes
from cvxnn.margin.widest import MaxMargin, max_margin
from cvxnn.margin.zonotopes import (
    Excess,
    OracleAsHausdorffDistance,
    Zonotope,
    dual_zonotopes,
    excess,
    hausdorff_distance,
    oracle_as_hausdorff_distance,
)

__all__ = [
    "CoveringNeurons",
    "DualConstraint",
    "Ellipsoid",
    "Excess",
    "ExtremePoint",
    "FlowComparison",
    "FlowLimit",
    "KKTPoint",
    "LinearMaxMargin",
    "MaxMargin",
    "OracleAsHausdorffDistance",
    "OrthogonalOptimum",
    "PolarSet",
    "PolarSupport",
    "RectifiedEllipsoid",
    "Separability",
    "SpikeFreeness",
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
