"""Where a particle flow has come, beside the optimum over all measures."""

from __future__ import annotations

from dataclasses import dataclass

from cvxnn.certificates import Certificate
from cvxnn.dynamics.particles.measures import SphereMeasure, measure_distance
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison
from cvxnn.threads import on_one_blas_thread
from cvxnn.training import TrainingResult, train
from cvxnn.validation import as_number, within_float64


@short_repr
@dataclass(frozen=True, eq=False)
class ParticleOptimality:
    """A network that a flow has reached, beside an optimum of the convex program over measures.

    Parameters
    ----------
    objective : Comparison
        The network's objective, predicted to be the optimum's.
    lower_bound : float
        Proven lower bound of the objective, of any width.
    variation : Comparison
        ``|mu|`` of the network's particles, predicted to be the optimum's.
    distance : float
        Flat distance of the two measures, both merged; see `measure_distance`. The optimum need not be unique.
    particles, optimum : SphereMeasure
        The two, merged.
    """

    objective: Comparison
    lower_bound: float
    variation: Comparison
    distance: float
    particles: SphereMeasure
    optimum: SphereMeasure

    @property
    def excess(self) -> float:
        """Return ``(objective - lower_bound) / objective``: what is above the best measure is proven to be no more."""
        value = self.objective.measured
        return (value - self.lower_bound) / value if value > 0 else 0.0


@on_one_blas_thread
def particle_optimality(
    problem: Problem,
    network: ReLUNetwork,
    *,
    optimum: TrainingResult | None = None,
    tol: float = 1e-3,
    angle: float = 0.05,
    max_seconds: float | None = None,
) -> ParticleOptimality:
    """Compare a network that a particle flow has reached with the optimum over all measures.

    Statement. If the flow of infinitely many particles from a start whose support separates (all of a sphere)
    converges, its limit is a global minimiser of
    ``loss(int (X v)_+ dmu(v)) + beta |mu|``, the value p* of the convex program.

    Guarantee. None for finitely many particles and finite time: the comparison measures what is left. The lower bound
    is proven, so the excess is too.

    Parameters
    ----------
    problem : Problem
        What the flow descended on; ``beta > 0``.
    network : ReLUNetwork
        Where it came, in plain-sum weights.
    optimum : TrainingResult, optional
        Of `train`; found here by default.
    tol : float, default 1e-3
        Relative tolerance of both comparisons.
    angle : float, default 0.05
        Directions closer than this, in radians, are merged.
    max_seconds : float, optional
        Time limit of the training here; the comparison is with what it has then.

    Returns
    -------
    ParticleOptimality

    Raises
    ------
    ValueError
        If the problem cannot be trained (``beta = 0``), or the network does not fit it.

    References
    ----------
    L. Chizat and F. Bach, NeurIPS 2018, theorems 3.3 and 3.5; for ReLU, report "On convex neural networks",
    proposition 4.1, stated there without proof.

    Examples
    --------
    >>> problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.5)
    >>> found = particle_optimality(problem, ReLUNetwork([[-1.2]], [1.25]))
    >>> round(found.objective.measured, 3), round(found.objective.predicted, 3), found.objective.holds
    (1.376, 1.25, False)
    """
    with within_float64("the problem and network"):
        problem, network = as_problem(problem), as_network(network)
        objective, tol = problem.objective(network), as_number(tol, "tol", positive=True)
        result = (
            train(problem, tol=min(1e-4, 0.1 * tol), max_seconds=max_seconds) if optimum is None else optimum
        )
        bound: Certificate = result.certificate
        mine, best = SphereMeasure.of(network), SphereMeasure.of(result.network)
        merged, merged_best = mine.merged(angle), best.merged(angle)
        return ParticleOptimality(
            objective=_relative(objective, problem.objective(result.network), tol),
            lower_bound=bound.lower_bound,
            variation=_relative(mine.variation, best.variation, tol),
            distance=measure_distance(merged, merged_best),
            particles=merged,
            optimum=merged_best,
        )


def _relative(measured: float, predicted: float, tol: float) -> Comparison:
    """Compare relative to the prediction, whose scale is the data's, also below 1."""
    return Comparison(measured, predicted, tol=tol * min(1.0, max(abs(predicted), 1e-12)))
