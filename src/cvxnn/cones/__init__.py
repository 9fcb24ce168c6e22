"""Cones and boxes of R^d: shortest vectors, projections with their multipliers, null spaces, arcs of the plane.

A room of the package's own: its names are not public.
"""

from cvxnn.cones.arcs import Arcs as Arcs
from cvxnn.cones.arcs import on_circle as on_circle
from cvxnn.cones.boxes import least_norm_in_box as least_norm_in_box
from cvxnn.cones.distances import least_distance as least_distance
from cvxnn.cones.distances import least_norm as least_norm
from cvxnn.cones.lengths import lengths_and_units as lengths_and_units
from cvxnn.cones.projections import cone_multipliers as cone_multipliers
from cvxnn.cones.projections import project_on_cone as project_on_cone
from cvxnn.cones.subspaces import null_space as null_space
from cvxnn.cones.subspaces import row_span as row_span
