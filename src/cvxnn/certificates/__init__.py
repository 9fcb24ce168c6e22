"""Lower bounds: exact oracles, relaxations, search, and the certificates they make."""

from cvxnn.certificates.bounds.norms import norm_bound
from cvxnn.certificates.bounds.relaxation import relaxed_upper_bound
from cvxnn.certificates.certificate import Certificate, make_certificate
from cvxnn.certificates.critical import CriticalBeta, beta_max, estimate_beta_max
from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.duals.dual_variables import network_dual
from cvxnn.certificates.exact_oracles.cells import CellOracle
from cvxnn.certificates.exact_oracles.choice import exact_oracle
from cvxnn.certificates.exact_oracles.output_sphere import OutputSphereOracle
from cvxnn.certificates.exact_oracles.per_output import PerOutputOracle
from cvxnn.certificates.exact_oracles.sweep import SweepOracle
from cvxnn.certificates.improving import improving_bounds, relaxed_bound
from cvxnn.certificates.local_search.multi_start import search
from cvxnn.certificates.oracles import Maximisers, Oracle
from cvxnn.certificates.proving import certify, certify_until_interrupt
from cvxnn.certificates.relaxations.joint_program import joint_dual_sdp
from cvxnn.certificates.relaxations.lifted_dual import LiftedDual
from cvxnn.certificates.rotation import Rotation
from cvxnn.certificates.row_space import RowSpace
from cvxnn.certificates.row_space import seconds_to_factor as seconds_to_factor
from cvxnn.names import keep_old_names

__all__ = [
    "CellOracle",
    "Certificate",
    "CriticalBeta",
    "LiftedDual",
    "Maximisers",
    "Oracle",
    "OutputSphereOracle",
    "PerOutputOracle",
    "Rotation",
    "RowSpace",
    "SweepOracle",
    "beta_max",
    "certify",
    "certify_until_interrupt",
    "dual_bound",
    "estimate_beta_max",
    "exact_oracle",
    "improving_bounds",
    "joint_dual_sdp",
    "make_certificate",
    "network_dual",
    "norm_bound",
    "relaxed_bound",
    "relaxed_upper_bound",
    "search",
]

keep_old_names(
    __name__,
    {
        "OracleValue": "Maximisers",
        "OutputSweepOracle": "SweepOracle",
        "SearchResult": "Maximisers",
        "Enclosure": "cvxnn.certificates.bounds.enclosure.Enclosure",
        "LowerBound": "cvxnn.certificates.improving.LowerBound",
        "RowGroups": "cvxnn.certificates.relaxations.row_groups.RowGroups",
        "constraint_bound": "cvxnn.certificates.bounds.output_bounds.constraint_bound",
        "group_rows": "cvxnn.certificates.relaxations.row_groups.group_rows",
        "DualPoint": "cvxnn.certificates.relaxations.joint_program.DualPoint",
    },
)
