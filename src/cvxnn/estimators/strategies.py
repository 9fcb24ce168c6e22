"""How the network of an estimator is made: of all patterns or of gates drawn at random; targets that are numbers."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from cvxnn.certificates import CriticalBeta, Rotation
from cvxnn.deadlines import Deadline
from cvxnn.estimators.base import Data, NetworkEstimator
from cvxnn.estimators.choosing import GIVEN, KNOTS, RATIOS, SHARE, TOO_SHORT, choose
from cvxnn.estimators.preparation import Preparation
from cvxnn.losses import get_loss
from cvxnn.patterns import sample_patterns
from cvxnn.problem import Problem
from cvxnn.programs import GatedReLUProgram
from cvxnn.seeds import as_generator, as_random_state
from cvxnn.solvers import Solution, SolveRecord, solve
from cvxnn.solvers.path import critical_beta
from cvxnn.status_line import StatusLine
from cvxnn.threads import on_one_blas_thread
from cvxnn.training import TrainingResult, train
from cvxnn.validation import Array, as_number, require_exact_integers


class GatedReLUEstimator(NetworkEstimator):
    """An estimator that solves the convex program of gates drawn at random."""

    n_gates: int

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **NetworkEstimator._parameter_constraints,
        "n_gates": [Interval(Integral, 1, None, closed="left")],
    }

    def _solve(self, prepared: Preparation, deadline: Deadline) -> tuple[Problem, Solution]:
        rng = as_generator(as_random_state(self.random_state))
        # Gates are normal vectors in all coordinates.
        rotation = Rotation.of(prepared.problem)
        inner = prepared.in_coordinates(rotation)
        patterns = sample_patterns(inner.problem.X, self.n_gates, random_state=rng)
        reference = GatedReLUProgram(inner.reference.with_beta(1.0), patterns)
        problem, self.critical_beta_ = inner.with_beta(
            self.beta, self.beta_ratio, lambda: CriticalBeta(critical_beta(reference), is_exact=True)
        )
        program = reference.with_problem(problem)
        rotation = rotation.with_beta(problem.beta)
        with StatusLine(self.verbose) as line:

            def show(record: SolveRecord) -> None:
                line.show(
                    f"step {record.step}  {record.seconds:.1f} s  objective {record.objective:.6g}  "
                    f"lower bound {record.lower_bound:.6g}"
                )

            solution = solve(program, tol=self.tol, max_seconds=deadline.limit(), callback=show)
        if rotation.is_plain:
            return problem, solution
        gates = patterns.with_gates(rotation.vectors(patterns.gates))
        given = GatedReLUProgram(rotation.given, gates)
        return given.problem, solution.rotated_back(given, rotation)


class ReLUEstimator(NetworkEstimator):
    """An estimator that calls `train`, and chooses share of the critical weight decay and knots if asked to."""

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **NetworkEstimator._parameter_constraints,
        "beta_ratio": [*NetworkEstimator._parameter_constraints["beta_ratio"], None],
        "knots": [*NetworkEstimator._parameter_constraints["knots"], StrOptions({"auto"})],
    }

    def _choose(self, data: Data, deadline: Deadline) -> Preparation:
        coded = self._coded(data)
        beta = None if self.beta == "auto" else as_number(self.beta, "beta")
        ratio = self.beta_ratio if beta is None else None
        self.choice_, self.beta_scores_ = GIVEN, None
        self.beta_ratio_, self.knots_ = ratio, self.knots
        if self.knots == "auto" or (beta is None and ratio is None):
            choice = choose(
                coded,
                self._standardised,
                ratios=RATIOS if beta is None and ratio is None else (ratio,),
                knots=KNOTS if self.knots == "auto" else (self.knots,),
                beta=beta,
                classes=not self._scales_targets,
                tol=self.tol,
                deadline=deadline.part(SHARE),
                random_state=self.random_state,
                verbose=int(self.verbose),
            )
            self.choice_, self.beta_scores_ = choice.reason, choice.scores
            self.beta_ratio_, self.knots_ = choice.chosen
            if choice.reason == TOO_SHORT:
                warnings.warn(f"beta_ratio and knots: {choice.reason}", ConvergenceWarning, stacklevel=4)
        self.encoder_, prepared = self._standardised(coded, self.knots_)
        return prepared

    def _solve(self, prepared: Preparation, deadline: Deadline) -> tuple[Problem, TrainingResult]:
        deadline = deadline.share(1.0)  # what choosing left
        # Once, for the critical beta and for training.
        rotation = Rotation.of(prepared.problem)
        inner = prepared.in_coordinates(rotation)
        ratio = 1.0 if self.beta_ratio_ is None else self.beta_ratio_  # None where beta is given
        problem, self.critical_beta_ = inner.with_beta(
            self.beta, ratio, lambda: inner.critical_beta(deadline)
        )
        result = train(
            problem,
            tol=self.tol,
            max_seconds=deadline.limit(),
            random_state=self.random_state,
            verbose=int(self.verbose),
        )
        rotation = rotation.with_beta(problem.beta)
        return rotation.given, result.rotated_back(rotation)


class Regression(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """Regression: targets of one or several columns, with a loss of residuals."""

    @on_one_blas_thread
    def predict(self, X: Any) -> Array:
        """Predict targets.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data in the units of training.

        Returns
        -------
        ndarray of shape (n,) or (n, C)
            As the targets of training.
        """
        return self._outputs(X)

    def _check_targets(self, X: Any, y: Any) -> tuple[Array, Array]:
        require_exact_integers(y, "y")
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        return X, np.asarray(y, dtype=np.float64)

    def _code(self, y: Array) -> Array:
        self.loss_ = get_loss(self.loss)
        if self.loss_.is_classification:
            raise ValueError(
                f"loss must be one for numbers, such as 'squared', 'huber' or 'quantile'; got {self.loss!r}"
            )
        return y

    @property
    def _scales_targets(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
