"""Estimators whose network has gates drawn at random."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from cvxnn.estimators.base import Deadline, NetworkEstimator, Prepared
from cvxnn.estimators.standardisation import weight_decay
from cvxnn.patterns import sample_patterns
from cvxnn.problem import Problem
from cvxnn.programs import gated_program
from cvxnn.solvers import Solution, SolveRecord, solve
from cvxnn.solvers.path import critical_beta
from cvxnn.status_line import StatusLine


class GatedReLUEstimator(NetworkEstimator):
    """An estimator that solves the convex program of gates drawn at random."""

    n_gates: int

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **NetworkEstimator._parameter_constraints,
        "n_gates": [Interval(Integral, 1, None, closed="left")],
    }

    def _solve(self, prepared: Prepared, deadline: Deadline) -> tuple[Problem, Solution]:
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        patterns = sample_patterns(prepared.problem.X, self.n_gates, random_state=rng)
        reference = gated_program(prepared.reference.with_beta(1.0), patterns)
        beta = weight_decay(self.beta, self.beta_ratio, lambda: critical_beta(reference))
        program = reference.with_problem(prepared.problem.with_beta(beta))
        with StatusLine(self.verbose) as line:

            def show(record: SolveRecord) -> None:
                line.show(
                    f"step {record.step}  {record.seconds:.1f} s  objective {record.objective:.6g}  "
                    f"lower bound {record.lower_bound:.6g}"
                )

            left = deadline.seconds_left()
            return program.problem, solve(program, tol=self.tol, max_seconds=left, callback=show)
