"""The excess risk of a network as approximation, estimation and optimisation error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.deadlines import NEVER, Deadline
from cvxnn.function_spaces.conditional_gradient.ball_fits import ConstrainedFit, constrained_fit
from cvxnn.function_spaces.oracles.neuron_oracles import neuron_oracle
from cvxnn.function_spaces.oracles.ranking import NeuronOracle
from cvxnn.function_spaces.unit_norm.problem_units import ProblemUnits
from cvxnn.function_spaces.unit_norm.rounds import uninterrupted
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, unit_norm_form
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import ActivationPatterns, enumerate_patterns, require_few_patterns
from cvxnn.problem import Problem
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import SolveStatus
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_finite_array, as_number, as_vector, times_power, within_float64

_STARTS, _STEPS = 5, 20
_PAIRS = 1 << 14  # matrices of pairs of cells at once
_EPS = float(np.finfo(np.float64).eps)


def deviation(w: Array, f: Array, y: Array) -> float:
    """Return ``J_n(f) - J(f)``."""
    return 0.5 * float(w @ (f - y) ** 2)


def largest_pair(X: Array, w: Array, patterns: ActivationPatterns, deadline: Deadline = NEVER) -> float:
    """Return ``max over pairs of cells of ||X^T D W D' X||_2``, at least ``|a^T W a'|`` of all pairs of unit atoms.

    P^2 / 2 singular values of matrices of size min(d, N); ``||X^T |W| X||_2``, which is at least that, where there is
    no time for them.

    Parameters
    ----------
    X : ndarray of shape (N, d)
        Data.
    w : ndarray of shape (N,)
        Diagonal of W.
    patterns : ActivationPatterns
        All patterns of X; rows on a boundary add nothing to an atom, so that open cells are enough.
    deadline : Deadline, default NEVER
        When to stop looking at pairs.
    """
    if X.shape[1] > len(X):
        X = np.linalg.qr(X.T)[1].T  # coordinates of the rows in their span
    masks = np.asarray(patterns, dtype=np.float64).T  # (P, N)
    products = (w[:, None, None] * X[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    rounding = 8 * len(X) * _EPS * float(np.sum(np.abs(products)))
    rows, columns = np.triu_indices(len(masks))
    largest = 0.0
    for start in range(0, len(rows), _PAIRS):
        if deadline.is_over:
            return float(np.linalg.norm(np.sqrt(np.abs(w))[:, None] * X, 2)) ** 2 + rounding
        pairs = slice(start, start + _PAIRS)
        both = masks[rows[pairs]] * masks[columns[pairs]]
        matrices = (both @ products).reshape(-1, X.shape[1], X.shape[1])
        largest = max(largest, float(np.max(np.linalg.norm(matrices, 2, axis=(1, 2)))))
    return largest + rounding


def largest_deviation(
    X: Array,
    w: Array,
    y: Array,
    delta: float,
    oracle: NeuronOracle,
    patterns: ActivationPatterns,
    deadline: Deadline = NEVER,
) -> float:
    """Return a proven upper bound on ``sup over the ball of |J_n(f) - J(f)|``, a larger one where time ends."""
    constant = 0.5 * abs(float(w @ y**2))
    bilinear = largest_pair(X, w, patterns, deadline)
    return constant + delta * oracle.maximise(w * y).upper + 0.5 * delta**2 * bilinear


def deviation_found(
    X: Array,
    w: Array,
    y: Array,
    delta: float,
    oracle: NeuronOracle,
    patterns: ActivationPatterns,
    fits: Array | None = None,
    deadline: Deadline = NEVER,
) -> float:
    """Return the largest ``|J_n(f) - J(f)|`` met by ascent from members of the ball.

    Starts are zero, the ``fits`` (N, s) given, and of the atoms along the patterns' gates the best of either sign. Each
    step moves towards the atom of the largest slope, as far as the quadratic on that segment rises. After the deadline
    starts are looked at, and no step is taken.
    """
    atoms = delta * np.maximum(X @ patterns.gates, 0.0)
    atoms = np.column_stack([np.zeros(len(y)), atoms, -atoms])
    values = 0.5 * (w @ (atoms - y[:, None]) ** 2)
    given = np.zeros((len(y), 0)) if fits is None else fits
    best = 0.0
    for sign in (1.0, -1.0):
        chosen = np.argsort(-sign * values, kind="stable")[:_STARTS]
        for start in np.column_stack([atoms[:, chosen], given]).T:
            best = max(best, _climb(X, sign * w, y, delta, oracle, start, deadline))
    return best


def _climb(
    X: Array, w: Array, y: Array, delta: float, oracle: NeuronOracle, f: Array, deadline: Deadline
) -> float:
    for _ in range(_STEPS):
        if deadline.is_over:
            break
        slope = w * (f - y)
        found = oracle.maximise(slope)
        if delta * found.value - slope @ f <= 1e-12 * (1 + abs(float(slope @ f))) or len(found.signs) == 0:
            break
        atom = delta * found.signs[0] * np.maximum(X @ found.directions[:, 0], 0.0)
        step = atom - f
        rise, bend = float(slope @ step), float(w @ step**2)
        f = f + (min(1.0, -rise / bend) if bend < 0 else 1.0) * step
    return deviation(w, f, y)


# Pairs of cells are looked at.
_MAX_PATTERNS = 1000
# Allowance for the rounding of a path norm.
_INSIDE = 1e-9
_FIT_TOL = 1e-10


@short_repr
@dataclass(frozen=True, eq=False)
class ErrorDecomposition:
    """The excess risk beside the three errors that bound it.

    Parameters
    ----------
    excess_risk : float
        ``J(f) - inf over F_1 of J``.
    approximation : float
        ``inf over the ball of J - inf over F_1 of J``, from above, by no more than the fit's gap.
    estimation_lower, estimation_upper : float
        ``sup over the ball of |J_n - J|`` lies between: attained, and proven.
    optimisation : float
        ``J_n(f) - inf over the ball of J_n``, from above, by no more than the fit's gap.
    status : SolveStatus
        That of the fits, or MAX_SECONDS where time ended the fits, the ascent to ``estimation_lower`` or the proof of
        ``estimation_upper``: each error is then what the sentence above says, and less sharp.
    """

    excess_risk: float
    approximation: float
    estimation_lower: float
    estimation_upper: float
    optimisation: float
    status: SolveStatus = SolveStatus.PROVEN

    @property
    def comparison(self) -> Comparison:
        """Return the excess risk beside the bound with the estimation error as attained: at most.

        The sharper of two sides. The proof needs the deviations at the network and at the best of the ball only, and
        both are among those that ``estimation_lower`` is the largest of.
        """
        bound = self.approximation + 2 * self.estimation_lower + self.optimisation
        return Comparison(self.excess_risk, bound, "at most")

    @property
    def proven(self) -> Comparison:
        """Return the excess risk beside the bound with the estimation error's proven upper bound: at most."""
        bound = self.approximation + 2 * self.estimation_upper + self.optimisation
        return Comparison(self.excess_risk, bound, "at most")


@on_one_blas_thread
def error_decomposition(
    X: Any,
    y: Any,
    sample: Any,
    network: ReLUNetwork | UnitNetwork,
    delta: float,
    *,
    max_seconds: float | None = None,
) -> ErrorDecomposition:
    """Decompose the excess risk of a network learnt from a sample of a finite population.

    Statement: for f in the ball ``gamma_1 <= delta``,
    ``J(f) - inf_{F_1} J <= [inf_ball J - inf_{F_1} J] + 2 sup_ball |J_n - J| + [J_n(f) - inf_ball J_n]``.
    Hypotheses: the network is in the ball, by its path norm; the activation patterns of the population can be
    enumerated. Here the population is the N rows of X, ``J(f) = 1/N sum_i 1/2 (f(x_i) - y_i)^2``,
    and J_n the mean over the sample.
    Guarantee: tight. Where the sample is the population, with equality.

    Every term is computed or bounded: the infima over the ball are convex programs, solved to a proven gap; that over
    F_1 is the distance of y to the span of all ``D X``; the supremum is not a convex program, and bracketed.

    Parameters
    ----------
    X : array_like of shape (N, d)
        The population's inputs, a bias as a column.
    y : array_like of shape (N,)
        Its targets.
    sample : array_like of int, shape (n,)
        Rows that were drawn, with repetitions or without.
    network : ReLUNetwork or UnitNetwork
        What was learnt, from whatever: one output, no offset, ReLUs, path norm (total variation) at most delta.
    delta : float
        The radius of the ball, > 0.
    max_seconds : float, optional
        Time limit, of which both fits, ascent and proof get a quarter each, and what those before them left.

    Raises
    ------
    HypothesisError
        If the network is not in the ball, or the population has more than 1000 possible patterns.
    ValueError
        If shapes do not fit, the sample is not made of row numbers, or the network is none of these.

    References
    ----------
    L. Bottou and O. Bousquet, "The tradeoffs of large scale learning", NIPS 2007, section 2, for the three errors;
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18, 2017, section 5.

    Examples
    --------
    >>> X, y = np.array([[1.0], [1.0], [-1.0]]), np.array([1.0, -2.0, 1.0])
    >>> learnt = ReLUNetwork([[1.0]], [0.5])
    >>> errors = error_decomposition(X, y, [0, 2], learnt, 0.5)
    >>> errors.comparison.holds, errors.estimation_lower <= errors.estimation_upper
    (True, True)
    """
    X, y = as_finite_array(X, "X", (2,)), as_vector(y, "y")
    delta, deadline = as_number(delta, "delta", positive=True), Deadline.after(max_seconds)
    shares = _shares(X, y, sample)
    learnt = _in_ball(network, X, delta)
    units = ProblemUnits.of(Problem(X, y, beta=0.0), 1)
    with within_float64("X, y and delta"):
        own, radius = units.problem, times_power(delta, -units.weights)
        errors, status = _decomposed(own.X, own.y, shares, units.network(learnt), radius, deadline)
        excess, approximation, lower, upper, optimisation = (
            float(np.ldexp(error, units.losses)) for error in errors
        )
        return ErrorDecomposition(excess, approximation, lower, upper, optimisation, status)


def _decomposed(
    X: Array, y: Array, shares: Array, learnt: UnitNetwork, delta: float, deadline: Deadline
) -> tuple[tuple[float, float, float, float, float], SolveStatus]:
    """Return the excess risk and the errors in the order of `ErrorDecomposition`, and their status."""
    patterns = _patterns(X)
    oracle = neuron_oracle(X)
    population = _best_in_ball(X, y, np.full(len(y), 1 / len(y)), delta, deadline.share(1 / 4))
    drawn = _best_in_ball(X, y, shares, delta, deadline.share(1 / 3))
    f, w = learnt.predict(X), shares - 1 / len(y)
    fits = np.column_stack([f, population.network.predict(X), drawn.network.predict(X)])
    infimum = _infimum(X, y, patterns)
    ascent = deadline.share(1 / 2)
    found = deviation_found(X, w, y, delta, oracle, patterns, fits, ascent)
    in_time = not ascent.is_over
    proven = largest_deviation(X, w, y, delta, oracle, patterns, deadline)
    errors = (
        0.5 * float(np.mean((f - y) ** 2)) - infimum,
        population.objective - infimum,
        found,
        proven,
        0.5 * float(shares @ (f - y) ** 2) - drawn.lower_bound,
    )
    if not in_time or deadline.is_over:
        return errors, SolveStatus.MAX_SECONDS
    return errors, population.status if population.status is not SolveStatus.PROVEN else drawn.status


def _shares(X: Array, y: Array, sample: Any) -> Array:
    """Return how often each row was drawn, as a share of n."""
    if len(y) != len(X):
        raise ValueError(f"y must have one entry for each of the {len(X)} rows of X; got {len(y)}")
    rows = np.asarray(sample)
    if rows.ndim != 1 or rows.size == 0 or not np.issubdtype(rows.dtype, np.integer):
        raise ValueError(f"sample must be a non-empty list of row numbers; got {sample!r}")
    if rows.min() < 0 or rows.max() >= len(X):
        raise ValueError(f"sample must hold rows 0 to {len(X) - 1}; found {rows.min()} to {rows.max()}")
    return np.asarray(np.bincount(rows, minlength=len(X)) / len(rows))


def _in_ball(network: ReLUNetwork | UnitNetwork, X: Array, delta: float) -> UnitNetwork:
    """Return the network in unit-norm form; refuse what is none of ReLUs on these columns, or outside the ball."""
    unit = unit_norm_form(network)
    if unit.degree != 1 or len(unit.directions) != X.shape[1]:
        raise ValueError(
            f"network must be of ReLUs on {X.shape[1]} features; got degree {unit.degree} and "
            f"{len(unit.directions)} features"
        )
    if unit.total_variation > delta * (1 + _INSIDE):
        raise HypothesisError(
            f"the network must be in the ball of radius {delta:g}; its path norm is {unit.total_variation:g}"
        )
    return unit


def _patterns(X: Array) -> ActivationPatterns:
    try:
        require_few_patterns(X, _MAX_PATTERNS)
        return enumerate_patterns(X)
    except ValueError as error:
        raise HypothesisError(f"the population's patterns must be few enough: {error}") from None


def _best_in_ball(X: Array, y: Array, shares: Array, delta: float, deadline: Deadline) -> ConstrainedFit:
    """Return the best of the ball for a weighted mean of losses, its lower bound proven."""
    return uninterrupted(
        constrained_fit(X, y, delta, sample_weight=shares, tol=_FIT_TOL, max_seconds=deadline.limit())
    )


def _infimum(X: Array, y: Array, patterns: ActivationPatterns) -> float:
    """Return ``inf over F_1 of J``: the atoms of an open cell span the columns of D X."""
    masks = np.asarray(patterns, dtype=np.float64)  # (N, P)
    columns = (masks[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    residual = y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
    return 0.5 * float(np.mean(residual**2))
