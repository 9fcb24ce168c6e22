"""What conditional gradient returns: the network, the proof, and a record of every step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.function_spaces.conditional_gradient.steps import StepKind
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import SolveStatus
from cvxnn.validation import Array


@short_repr
@dataclass(frozen=True)
class ConditionalGradientRecord:
    """One point of the run.

    Parameters
    ----------
    step : int
        t: steps taken so far; 0 is the start.
    seconds : float
        Since the run began.
    objective : float
        J(f_t).
    found_gap : float
        ``<lam, fbar - f_t>`` with the oracle's point fbar: what the oracle found.
    proven_gap : float
        ``delta upper - <lam, f_t>``: a proven bound on ``J(f_t) - J*``. To rounding the same as ``found_gap`` where the
        oracle is exact.
    oracle_value : float
        ``|lam^T (X v)_+^k|`` at the neuron found.
    oracle_upper : float
        The oracle's proven upper bound on it.
    is_exact : bool
        Whether the oracle found the maximum and proved it.
    method : str
        The oracle's method.
    neurons : int
        Neurons of f_t.
    rho : float
        Size of the step that led here.
    kind : {"start", "forward", "away", "drop", "corrective"}
        Its kind.
    """

    step: int
    seconds: float
    objective: float
    found_gap: float
    proven_gap: float
    oracle_value: float
    oracle_upper: float
    is_exact: bool
    method: str
    neurons: int
    rho: float
    kind: StepKind


@dataclass(frozen=True, eq=False)
class ConditionalGradientResult:
    """The best point of a run with its proof.

    Parameters
    ----------
    network : UnitNetwork
        The point of lowest objective that was visited: hidden units of length one, weights of l1 norm at most delta.
    objective : float
        Its J, evaluated from the network.
    lower_bound : float
        Proven: ``J(f_t) - proven_gap`` at its largest, and not below 0.
    multiplier : float
        ``max_v |lam^T (X v)_+^k|`` at the network's ``lam = -grad J``, as the oracle found it. At the optimum, the
        weight decay whose penalised optimum is the constrained one; of a run that stopped before, no such thing, and
        NaN where an interrupt came before the oracle's first answer.
    history : tuple of ConditionalGradientRecord
        Every point, the start first; empty where an interrupt came before the oracle's first answer.
    status : SolveStatus
        Why it stopped.
    """

    network: UnitNetwork
    objective: float
    lower_bound: float
    multiplier: float
    history: tuple[ConditionalGradientRecord, ...]
    status: SolveStatus

    @property
    def gap(self) -> float:
        """Return objective less lower bound, proven: at least the distance to the optimum."""
        return max(self.objective - self.lower_bound, 0.0)

    @property
    def objectives(self) -> Array:
        """Return J at every point, shape (t + 1,)."""
        return np.array([record.objective for record in self.history])

    @property
    def gaps(self) -> Array:
        """Return the proven gap at every point, shape (t + 1,)."""
        return np.array([record.proven_gap for record in self.history])

    @property
    def good_steps(self) -> Array:
        """Return the number of steps so far that were no drop steps, shape (t + 1,): what the rate counts."""
        kinds = [record.kind for record in self.history]
        return np.cumsum([kind not in ("start", "drop") for kind in kinds])

    def __repr__(self) -> str:
        steps = max(len(self.history) - 1, 0)
        return (
            f"ConditionalGradientResult(objective={self.objective:.6g}, lower_bound={self.lower_bound:.6g}, "
            f"steps={steps}, neurons={self.network.n_neurons}, status={self.status.name})"
        )
