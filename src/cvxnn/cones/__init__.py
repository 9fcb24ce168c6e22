"""Cones and boxes of R^d: shortest vectors, projections with their multipliers, null spaces, arcs of the plane."""

from cvxnn.cones.arcs import Arcs, on_circle
from cvxnn.cones.boxes import least_norm_in_box
from cvxnn.cones.distances import least_distance, least_norm
from cvxnn.cones.lengths import lengths_and_units
from cvxnn.cones.projections import cone_multipliers, project_on_cone
from cvxnn.cones.subspaces import null_space

__all__ = [
    "Arcs",
    "cone_multipliers",
    "least_distance",
    "least_norm",
    "least_norm_in_box",
    "lengths_and_units",
    "null_space",
    "on_circle",
    "project_on_cone",
]
