"""Training dynamics: descent methods and flows of two-layer networks, their trajectories, and what they tend to."""

from cvxnn.dynamics.logistic_flow import FlowStatus, LogisticFlow, logistic_flow

__all__ = ["FlowStatus", "LogisticFlow", "logistic_flow"]
