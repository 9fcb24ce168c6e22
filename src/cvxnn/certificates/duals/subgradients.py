"""Networks on kinks of the loss: the choice of a subgradient, by cutting planes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from cvxnn.atoms import signed_activations
from cvxnn.certificates.oracles import Maximisers
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import Array, PrecisionError

_TOL = 1e-6
_MOST_ROUNDS = 50
_CUTS = 10  # directions that join the linear program each round
_MOST_FREE = 5000  # entries of lam that the linear program decides on

Maximise = Callable[[Array], Maximisers]


@dataclass(frozen=True, eq=False)
class Kinks:
    """The subgradients of a loss near a prediction: ``lower <= lam <= upper``.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    lower, upper : ndarray of shape (n, C)
        Minus the loss's slopes, times the weights.
    is_balanced : bool
        Whether the problem has an output offset, and lam must sum to zero in each output.
    """

    X: Array
    lower: Array
    upper: Array
    is_balanced: bool

    @classmethod
    def near(cls, problem: Problem, f: Array, offset: Array, width: float) -> Kinks | None:
        """Return the slopes between ``f - width`` and ``f + width``; None where there is one only for each sample.

        Parameters
        ----------
        problem : Problem
            Of a loss with kinks.
        f : ndarray, shape of y
            Predictions without the offset.
        offset : ndarray of shape (C,)
            The offset.
        width : float
            How far from a kink a prediction counts as on it.
        """
        upper, lower = (
            -problem.loss_gradient(f + side, offset).reshape(len(f), -1) for side in (-width, width)
        )
        return cls(problem.X, lower, upper, problem.output_offset) if np.any(upper > lower) else None

    @property
    def are_few(self) -> bool:
        """Return whether a linear program can choose among them in seconds."""
        return int(np.count_nonzero(self.upper > self.lower)) <= _MOST_FREE

    def choose(
        self,
        gain: Array,
        limit: float,
        price: float,
        start: Array,
        maximise: Maximise,
        *,
        deadline: Deadline = NEVER,
    ) -> tuple[Array, float]:
        """Return lam, (n, C), that maximises ``<gain, lam> - price (Phi(lam) - limit)_+``, and Phi(lam).

        Kelley's method: for unit directions u and q, ``q^T lam^T (X u)_+`` is linear in lam and at most ``Phi(lam)``.
        With those met so far this is a linear program; the maximisers for its solution join them, until there is
        none that it had not reckoned with to 1e-6.

        Parameters
        ----------
        gain : ndarray of shape (n, C)
            What the dual objective gains.
        limit, price : float
            The dual constraint and what exceeding it costs.
        start : ndarray of shape (k, n C)
            Rows ``vec((X u)_+ q^T)`` to begin with.
        maximise : callable
            Of lam, the maximum of its dual constraint.
        deadline : Deadline, default never
            When to return the best so far.

        Raises
        ------
        PrecisionError
            If the linear program has no solution: no subgradient is balanced.

        References
        ----------
        J. E. Kelley, "The cutting-plane method for solving convex programs", J. SIAM 8 (1960).
        """
        cuts = start
        best = (-np.inf, 0.5 * (self.lower + self.upper), np.inf)
        for _ in range(_MOST_ROUNDS):
            lam, excess = self._linear_program(gain, limit, price, cuts)
            found = maximise(lam)
            value = float(np.sum(gain * lam)) - price * max(found.value - limit, 0.0)
            if value > best[0]:
                best = (value, lam, found.value)
            if deadline.is_over:
                break
            if found.value <= (limit + excess) * (1 + _TOL) or len(found.values) == 0:
                break
            cuts = np.vstack(
                [cuts, signed_activations(self.X, found.directions[:, :_CUTS], found.signs[:_CUTS])]
            )
        return best[1], best[2]

    def _linear_program(self, gain: Array, limit: float, price: float, cuts: Array) -> tuple[Array, float]:
        """Return lam and by how much it exceeds the limit on the cuts."""
        (n, outputs), free = self.lower.shape, np.flatnonzero((self.upper > self.lower).ravel())
        lam = self.lower.ravel().copy()
        lam[free] = 0.0
        fixed, scale = cuts @ lam, max(float(np.max(np.abs(gain))), 1.0)
        excess = -np.ones((len(cuts), 1))
        above = csr_array(np.vstack([np.hstack([s * cuts[:, free], excess]) for s in (1.0, -1.0)]))
        room = np.concatenate([limit - fixed, limit + fixed])
        sums = np.tile(np.eye(outputs), n)
        equal = (
            (np.hstack([sums[:, free], np.zeros((outputs, 1))]), -sums @ lam)
            if self.is_balanced
            else (None, None)
        )
        bounds = [*zip(self.lower.ravel()[free], self.upper.ravel()[free], strict=True), (0.0, None)]
        cost = np.append(-gain.ravel()[free], price) / scale
        solved = linprog(cost, above, room, *equal, bounds)
        if solved.x is None:
            raise PrecisionError(f"the choice of a subgradient: {solved.message}")
        lam[free] = np.clip(solved.x[:-1], self.lower.ravel()[free], self.upper.ravel()[free])
        return lam.reshape(n, outputs), float(solved.x[-1])


def network_atoms(problem: Problem, network: ReLUNetwork) -> Array:
    """Return the atoms of a network's neurons, at unit length in the problem's norms."""
    outputs = network.output.reshape(network.n_neurons, network.n_outputs)
    order = 2 if problem.output_norm == "l2" else 1
    sizes = np.linalg.norm(network.hidden, axis=0), np.linalg.norm(outputs, axis=1, ord=order)
    used = (sizes[0] > 0) & (sizes[1] > 0)
    return signed_activations(
        problem.X, network.hidden[:, used] / sizes[0][used], outputs[used] / sizes[1][used, None]
    )
