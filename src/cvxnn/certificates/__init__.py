"""Lower bounds: exact oracles, relaxations, search, and the certificates they make."""

from cvxnn.certificates.cells import CellOracle
from cvxnn.certificates.certificate import Certificate, make_certificate
from cvxnn.certificates.certify import certify
from cvxnn.certificates.critical import beta_max
from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.dual_sdp import DualPoint, joint_dual_sdp
from cvxnn.certificates.dual_variables import network_dual
from cvxnn.certificates.enclosure import Enclosure
from cvxnn.certificates.exact import exact_oracle
from cvxnn.certificates.improving import LowerBound, improving_bounds, relaxed_bound
from cvxnn.certificates.lifted_dual import LiftedDual
from cvxnn.certificates.norms import norm_bound
from cvxnn.certificates.oracles import Oracle, OracleValue
from cvxnn.certificates.output_bounds import constraint_bound
from cvxnn.certificates.output_sphere import OutputSphereOracle
from cvxnn.certificates.output_sweep import OutputSweepOracle
from cvxnn.certificates.per_output import PerOutputOracle
from cvxnn.certificates.relaxation import relaxed_upper_bound
from cvxnn.certificates.row_groups import RowGroups, group_rows
from cvxnn.certificates.row_space import RowSpace
from cvxnn.certificates.search import SearchResult, search
from cvxnn.certificates.sweep import SweepOracle

__all__ = [
    "CellOracle",
    "Certificate",
    "DualPoint",
    "Enclosure",
    "LiftedDual",
    "LowerBound",
    "Oracle",
    "OracleValue",
    "OutputSphereOracle",
    "OutputSweepOracle",
    "PerOutputOracle",
    "RowGroups",
    "RowSpace",
    "SearchResult",
    "SweepOracle",
    "beta_max",
    "certify",
    "constraint_bound",
    "dual_bound",
    "exact_oracle",
    "group_rows",
    "improving_bounds",
    "joint_dual_sdp",
    "make_certificate",
    "network_dual",
    "norm_bound",
    "relaxed_bound",
    "relaxed_upper_bound",
    "search",
]
