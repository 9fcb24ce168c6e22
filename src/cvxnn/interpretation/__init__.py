"""Trained networks in the user's words: neurons as half-space rules, and the regions on which a network is linear."""

from cvxnn.interpretation.regions import ActiveRegions, active_regions
from cvxnn.interpretation.rules import NetworkRules
from cvxnn.names import keep_old_names

__all__ = ["ActiveRegions", "NetworkRules", "active_regions"]

keep_old_names(
    __name__,
    {
        "ActiveRegion": "cvxnn.interpretation.regions.ActiveRegion",
    },
)
