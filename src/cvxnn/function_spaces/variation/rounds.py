"""Neurons that span values, then linear programs over ever more of them: the variation norm from both sides."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import linprog
from scipy.spatial import cKDTree

from cvxnn.deadlines import Deadline
from cvxnn.function_spaces.oracles.ranking import NeuronOracle
from cvxnn.function_spaces.unit_norm.rounds import settled
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, unit_features
from cvxnn.statuses import SolveStatus
from cvxnn.theorems import HypothesisError
from cvxnn.validation import Array, PrecisionError

# Of the values' length: a fit that misses by less is one, and a correlation with no more is none.
MISFIT = 1e-9
# Neurons that a round adds: more local maxima at a time, fewer rounds.
_MOST_NEW = 64
# Unit rows no farther apart are named as the reason of an ill-conditioned span.
_NEAR = 1e-4
# What the linear program may leave of a violated constraint, with a margin.
_PROGRAM_TOL = 1e-10
_VIOLATION = 10 * _PROGRAM_TOL


class VariationNormRounds:
    """The rounds of one computation: where it is, and what is known so far from both sides.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data, rows of length one or zero.
    f : ndarray of shape (n,)
        Values, not all zero.
    oracle : NeuronOracle
        Of X.

    Attributes
    ----------
    value : float
        ``||w||_1`` of the network; infinite until there is one that takes the values.
    lower_bound : float
        Proven.
    lam : ndarray of shape (n,)
        The dual variable that proves it.
    rounds : int
        Linear programs solved.
    is_exact : bool
        Whether the oracle of the last round was.
    """

    def __init__(self, X: Array, f: Array, oracle: NeuronOracle) -> None:
        self.X, self.f, self.oracle = X, f, oracle
        self.directions, self.weights = np.zeros((X.shape[1], 0)), np.zeros(0)
        self.value, self.lower_bound, self.lam = math.inf, 0.0, np.zeros(len(f))
        self.rounds, self.is_exact = 0, False

    def network(self) -> UnitNetwork:
        """Return the neurons in use."""
        used = self.weights != 0
        return UnitNetwork(self.directions[:, used], self.weights[used], self.oracle.degree)

    def to_the_end(self, tol: float, max_rounds: int, deadline: Deadline) -> SolveStatus:
        """Span the values, then exchange neurons until a reason to stop; return it.

        Raises
        ------
        HypothesisError
            If no network takes the values.
        PrecisionError
            If rounding leaves the neurons found without the values in their span.
        """
        if not self.span(deadline):
            return SolveStatus.MAX_SECONDS
        tol, V = max(tol, _VIOLATION), self.directions
        for _ in range(max_rounds):
            weights, lam = least_l1(unit_features(self.X, V, self.oracle.degree), self.f)
            self.directions, self.weights, self.value = V, weights, float(np.sum(np.abs(weights)))
            self.rounds += 1
            found = self.oracle.maximise(lam, starts=V[:, weights != 0])
            self._bound(lam, found.upper)
            self.is_exact = found.is_exact
            found_gap = self.value - float(lam @ self.f) / max(found.value, 1.0)
            reason = settled(found_gap, self.value - self.lower_bound, tol * self.value, found.method)
            if reason is not None:
                return reason
            if deadline.is_over:
                return SolveStatus.MAX_SECONDS
            V = np.column_stack([V, found.directions[:, :_MOST_NEW]])
        return SolveStatus.MAX_ROUNDS

    def span(self, deadline: Deadline) -> bool:
        """Find neurons whose span has the values; return whether there was time to.

        What is left of f after projecting it on the span so far names a new neuron; where no neuron correlates with it,
        it is orthogonal to all, and f is out of reach.
        """
        degree = self.oracle.degree
        lam: Array = self.f
        for _ in range(len(self.f) + 1):
            found = self.oracle.maximise(lam, starts=self.directions)
            reach = MISFIT * float(np.abs(lam) @ np.linalg.norm(self.X, axis=1) ** degree)
            if found.value <= reach:
                raise HypothesisError(
                    "values must be those of a network: their variation norm is infinite, or above about 1e9 times "
                    "their size; no unit neuron correlates with what "
                    f"{self.directions.shape[1]} neurons leave of them"
                    + ("" if found.upper <= 2 * reach else ", as far as a search can tell")
                    + _nearest(self.X, self.f)
                )
            self._bound(lam, found.upper)
            V = np.column_stack([self.directions, found.directions[:, :_MOST_NEW]])
            H = unit_features(self.X, V, degree)
            weights = np.asarray(np.linalg.lstsq(H, self.f, rcond=1e-12)[0], dtype=np.float64)
            self.directions, self.weights = V, weights
            left = self.f - H @ weights
            length = float(np.linalg.norm(left))
            if length <= MISFIT * float(np.linalg.norm(self.f)):
                self.value = float(np.sum(np.abs(weights)))
                return True
            if deadline.is_over:
                return False
            lam = left / length
        raise PrecisionError(
            "values must be those of a network of norm up to about 3e7 times their size; rounding does not tell what "
            "is left of them from zero: X is too ill-conditioned" + _nearest(self.X, self.f)
        )

    def _bound(self, lam: Array, upper: float) -> None:
        bound = float(lam @ self.f) / upper
        if bound > self.lower_bound:
            self.lower_bound, self.lam = bound, lam / upper


def _nearest(X: Array, f: Array) -> str:
    """Return words about the two nearest rows, where they are near enough to be the reason."""
    if len(X) < 2:
        return ""
    distances, nearest = cKDTree(X).query(X, k=2)
    i = int(np.argmin(distances[:, 1]))
    j = int(nearest[i, 1])
    if distances[i, 1] > _NEAR:
        return ""
    apart = f"{distances[i, 1]:.1e} apart, and values that differ by {abs(f[i] - f[j]):.1e}"
    return f"; two of its rows have directions {apart} of the largest"


def least_l1(H: Array, f: Array) -> tuple[Array, Array]:
    """Return a basic solution of ``min ||w||_1 s.t. H w = f``, shape (m,), and its dual variable, (n,)."""
    m = H.shape[1]
    program = linprog(
        np.ones(2 * m),
        A_eq=np.hstack([H, -H]),
        b_eq=f,
        bounds=(0, None),
        method="highs-ds",
        options={"primal_feasibility_tolerance": _PROGRAM_TOL, "dual_feasibility_tolerance": _PROGRAM_TOL},
    )
    if program.x is None:
        raise PrecisionError(
            "values must be those of a network of norm up to about 3e7 times their size; the linear program over the "
            "neurons found has no solution to 1e-10: X is too ill-conditioned"
        )
    w = program.x[:m] - program.x[m:]
    used = np.flatnonzero(np.abs(w) > 1e-12 * np.max(np.abs(w)))
    weights = np.zeros(m)
    weights[used] = np.linalg.lstsq(H[:, used], f, rcond=None)[0]  # to rounding, from the solver's 1e-10
    return weights, np.asarray(program.eqlin.marginals)
