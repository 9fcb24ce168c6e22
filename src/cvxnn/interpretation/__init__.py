"""Trained networks in the user's words: neurons as half-space rules, and the regions on which a network is linear."""

from cvxnn.interpretation.regions import ActiveRegion, ActiveRegions, active_regions
from cvxnn.interpretation.rules import NetworkRules

__all__ = ["ActiveRegion", "ActiveRegions", "NetworkRules", "active_regions"]
