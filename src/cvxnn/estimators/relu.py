"""Estimators whose network is trained over all activation patterns."""

from __future__ import annotations

from cvxnn.certificates import beta_max
from cvxnn.estimators.base import Deadline, NetworkEstimator, Prepared
from cvxnn.estimators.standardisation import weight_decay
from cvxnn.problem import Problem
from cvxnn.training import TrainingResult, train


class ReLUEstimator(NetworkEstimator):
    """An estimator that calls `train`."""

    def _solve(self, prepared: Prepared, deadline: Deadline) -> tuple[Problem, TrainingResult]:
        beta = weight_decay(self.beta, self.beta_ratio, lambda: beta_max(prepared.reference))
        problem = prepared.problem.with_beta(beta)
        return problem, train(
            problem,
            tol=self.tol,
            max_seconds=deadline.seconds_left(),
            random_state=self.random_state,
            verbose=int(self.verbose),
        )
