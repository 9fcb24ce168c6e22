"""From data and coded targets to the standardised problem that is trained, and the rule for its weight decay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates import CriticalBeta, Rotation, estimate_beta_max
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.estimators.standardisation import Standardisation
from cvxnn.losses import Loss
from cvxnn.problem import Problem, relative_weights
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_number

# Of a time limit, what the critical weight decay may take of it where it has no bound of its own.
_CRITICAL_SHARE = 0.1


@short_repr
@dataclass(frozen=True, eq=False)
class Preparation:
    """A standardised problem, its weight decay still 0, and how to fold it back.

    Parameters
    ----------
    scaling : Standardisation
        From data and targets to those of the problem.
    problem : Problem
        The training problem, with beta 0.
    reference : Problem
        The problem whose critical beta ratios refer to: the same with class weights replaced by their mean. Extreme
        class weights make the null network nearly perfect, and the critical beta of the problem itself as small as
        what is left to learn.
    """

    scaling: Standardisation
    problem: Problem
    reference: Problem

    @classmethod
    def of(
        cls,
        X: Array,
        y: Array,
        *,
        loss: str | Loss,
        fit_intercept: bool,
        standardize: bool = True,
        scale_target: bool = True,
        unscaled: NDArray[np.bool_] | None = None,
        sample_weight: Array | None = None,
        class_weight: Array | None = None,
    ) -> Preparation:
        """Return the standardised problem of data.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Data.
        y : ndarray of shape (n,) or (n, C)
            Targets, as the loss takes them.
        loss : str or Loss
            Training loss.
        fit_intercept : bool
            Whether there is a hidden bias and an output offset.
        standardize : bool, default True
            False leaves data and targets as they are.
        scale_target : bool, default True
            False leaves the targets as they are: classes are not numbers.
        unscaled : bool ndarray of shape (d,), optional
            Columns that stay as they are, such as the zeros and ones of categories.
        sample_weight : ndarray of shape (n,), optional
            Weights of the samples, > 0.
        class_weight : ndarray of shape (n,), optional
            Factors of the weights that ratios of weight decays do not see.
        """
        weights = sample_weight
        if class_weight is not None:
            sample_weight = np.ones(len(X)) if sample_weight is None else sample_weight
            weights = sample_weight * class_weight
        scaling = Standardisation.of(
            X,
            y,
            centre=fit_intercept,
            scale=standardize,
            sample_weight=weights,
            scale_target=scale_target,
            unscaled=unscaled,
        )
        problem = scaling.problem(X, y, loss=loss, sample_weight=weights)
        if sample_weight is None or class_weight is None:
            return cls(scaling, problem, problem)
        mean = float(np.average(class_weight, weights=relative_weights(sample_weight)))
        return cls(scaling, problem, scaling.problem(X, y, loss=loss, sample_weight=sample_weight * mean))

    def in_coordinates(self, rotation: Rotation) -> Preparation:
        """Return the preparation in the coordinates of a rotation of its problem."""
        problem = rotation.problem
        same = self.reference is self.problem
        return Preparation(self.scaling, problem, problem if same else rotation.carried(self.reference))

    def with_beta(
        self, beta: float | str, beta_ratio: float, critical: Callable[[], CriticalBeta] | None = None
    ) -> tuple[Problem, CriticalBeta | None]:
        """Return the problem with a weight decay, and the critical one that "auto" refers to.

        "auto" is ``beta_ratio`` times the critical weight decay, or times 1 if that is 0: a network without neurons is
        optimal at every beta then, as for a constant target.

        Parameters
        ----------
        beta : float or "auto"
            Weight decay.
        beta_ratio : float
            Used when ``beta="auto"``.
        critical : callable, optional
            Gives the critical beta; by default it is `critical_beta`'s.
        """
        if beta != "auto":
            return self.problem.with_beta(as_number(beta, "beta")), None
        found = self.critical_beta() if critical is None else critical()
        return self.problem.with_beta(beta_ratio * (found.value or 1.0)), found

    def critical_beta(self, deadline: Deadline = NEVER) -> CriticalBeta:
        """Return what ratios of weight decays refer to: the critical beta, as far as a share of the time finds it."""
        return estimate_beta_max(self.reference, max_seconds=deadline.part(_CRITICAL_SHARE).limit())
