"""Cones and boxes of R^d: shortest vectors, projections with their multipliers, null spaces."""

from cvxnn.cones.boxes import least_norm_in_box
from cvxnn.cones.distances import least_distance, least_norm
from cvxnn.cones.projections import cone_multipliers, project_on_cone
from cvxnn.cones.subspaces import null_space

__all__ = [
    "cone_multipliers",
    "least_distance",
    "least_norm",
    "least_norm_in_box",
    "null_space",
    "project_on_cone",
]
