"""Approximation of Lipschitz functions on the circle by balls of F_2: the error against the ball's radius."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.deadlines import Deadline
from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel
from cvxnn.short_reprs import short_repr
from cvxnn.statistics import log_log_slope
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_finite_array

# Exponent -2 / (d + 1) of the sphere S^d; the circle has d = 1.
_EXPONENT = -1.0
# The fitted exponent is compared to this: the finite grid and range of radii leave a few hundredths.
_SLOPE_TOL = 0.1
_ALL = slice(None)
# An interior point takes cubes of that.
_MOST_ANGLES = 2000


@short_repr
@dataclass(frozen=True, eq=False)
class CircleApproximation:
    """Least sup-errors within balls of F_2 on the circle.

    Parameters
    ----------
    deltas : ndarray of shape (k,)
        Radii of the balls, ``gamma_2 <= delta``.
    errors : ndarray of shape (k,)
        Least largest error on the grid; for a class of functions, of its worst member.
    lower : ndarray of shape (k,)
        Bounds proved by duality: no member of the ball is nearer to the target.
    targets : ndarray of shape (k, N)
        The function approximated, on N equispaced angles from 0 to pi.
    approximations : ndarray of shape (k, N)
        The best approximations.
    is_complete : bool
        Whether there was time for all radii asked for, and for all functions of the class.
    """

    deltas: Array  # (k,)
    errors: Array  # (k,)
    lower: Array  # (k,)
    targets: Array  # (k, N)
    approximations: Array  # (k, N)
    is_complete: bool = True

    @property
    def slope(self) -> float:
        """Return the exponent of the errors in delta, fitted over all radii."""
        return log_log_slope(self.deltas, self.errors).value

    @property
    def constants(self) -> Array:
        """Return ``errors * deltas``, shape (k,): what the rate 1 / delta leaves, which C log delta is to bound."""
        return self.errors * self.deltas

    @property
    def rate(self) -> Comparison:
        """Return the fitted exponent beside that of the theorem: at most -1, the logarithm apart."""
        return Comparison(self.slope, _EXPONENT, "at most", _SLOPE_TOL)

    @property
    def sharpness(self) -> Comparison:
        """Return the same as an equality: it holds where the theorem's exponent is attained."""
        return Comparison(self.slope, _EXPONENT, "equal", _SLOPE_TOL)


@on_one_blas_thread
def approximate_on_circle(
    target: Any, deltas: Any, *, max_seconds: float | None = None
) -> CircleApproximation:
    """Return the least sup-errors of a function on the circle within balls of F_2, k = 1 without bias.

    Statement: for an even 1-Lipschitz g with ``|g| <= 1`` on the sphere S^d and delta above a constant, some h with
    ``gamma_2(h) <= delta`` has ``sup |h - g| <= C(d) delta^(-2/(d+1)) log delta``; on the circle d = 1.
    Hypotheses: the values are 1-Lipschitz in the angle, and at most 1; being even is built in, since the angles cover
    half the circle and values repeat on the other.
    Guarantee: an upper bound with a constant that is not stated; single functions may do better, see `hardest_waves`.

    Error and norm are those on the grid: both are at most those on the circle. Solved by CVXPY and Clarabel, with the
    kernel matrix diagonalised by cosines and sines.

    Parameters
    ----------
    target : array_like of shape (N,)
        Values at the angles ``pi i / N``, N >= 4 even, at most 2000.
    deltas : array_like of shape (k,)
        Radii > 0.
    max_seconds : float, optional
        Time limit, looked at before every radius but the first; the result is of those reached.

    Raises
    ------
    HypothesisError
        If the target is not 1-Lipschitz or exceeds 1.
    ValueError
        If N is odd, too small or too large, or a radius is not positive.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18, 2017: the approximation of
    Lipschitz-continuous functions on the sphere.

    Examples
    --------
    >>> angles = np.pi * np.arange(32) / 32
    >>> wave = np.minimum(angles, np.pi - angles) - np.pi / 4
    >>> approximate_on_circle(wave, [4.0, 8.0]).errors.round(3)
    array([0.183, 0.035])
    """
    target, radii = as_finite_array(target, "target", (1,)), _as_radii(deltas)
    N = len(target)
    if N < 4 or N % 2:
        raise ValueError(f"target must have an even number of values, at least 4; got {N}")
    if N > _MOST_ANGLES:
        raise ValueError(f"target must have at most {_MOST_ANGLES} values; got {N}")
    deadline = Deadline.after(max_seconds)
    steepest = float(np.max(np.abs(np.diff(np.append(target, target[0]))))) * N / np.pi
    if steepest > 1.0 + 1e-9:
        raise HypothesisError(
            f"the target must be 1-Lipschitz in the angle; its steepest slope is {steepest:.6g}"
        )
    if np.max(np.abs(target)) > 1.0:
        raise HypothesisError(f"the target must be at most 1; its largest is {np.max(np.abs(target)):.6g}")
    approximate = _projection(_unit_ball(N), target)
    found: list[_Nearest] = []
    for delta in radii:
        if found and deadline.is_over:
            break
        found.append(approximate(float(delta)))
    return _gather(radii, found, len(found) == len(radii))


@on_one_blas_thread
def hardest_waves(
    deltas: Any, *, n_angles: int = 192, frequencies: Any = None, max_seconds: float | None = None
) -> CircleApproximation:
    """Return the largest of the least sup-errors over the waves ``cos(K t) / K``, K even: the theorem's lower side.

    Every wave is even and 1-Lipschitz, so the errors bound those of the class from below. They fall like 1 / delta: for
    each ball there is a wave of frequency about delta that it hardly sees.

    Parameters
    ----------
    deltas : array_like of shape (k,)
        Radii > 0.
    n_angles : int, default 192
        N, angles from 0 to pi, 16 to 2000.
    frequencies : array_like of int, optional
        Frequencies K; by default all even divisors of N up to N / 4, and others are refused. Radii up to N / 8 or so
        find their wave among them.
    max_seconds : float, optional
        Time limit, looked at before every approximation but the first; the result is of the radii reached. The error at
        the last of them may be of some of the waves only, and bounds that of the class no less.

    Raises
    ------
    ValueError
        If an argument is none of these.

    References
    ----------
    As of `approximate_on_circle`.

    Examples
    --------
    >>> hardest_waves([4.0, 8.0], n_angles=48).constants.round(2)
    array([0.52, 0.54])
    """
    radii, N = _as_radii(deltas), as_count(n_angles, "n_angles", 16)
    if N > _MOST_ANGLES:
        raise ValueError(f"n_angles must be at most {_MOST_ANGLES}; got {N}")
    deadline, ball = Deadline.after(max_seconds), _unit_ball(N)
    waves = [_wave(ball, K) for K in _as_frequencies(frequencies, N)]
    found: list[_Nearest] = []
    n_solved = 0
    for delta in radii:
        of_waves: list[_Nearest] = []
        for wave in waves:
            if n_solved and deadline.is_over:
                break
            of_waves.append(wave(float(delta)))
            n_solved += 1
        if of_waves:
            found.append(max(of_waves, key=lambda one: one.error))
    return _gather(radii, found, n_solved == len(radii) * len(waves))


@dataclass(frozen=True, eq=False)
class _Nearest:
    """The member of a ball nearest to a target in the sup-norm."""

    error: float
    lower: float
    target: Array  # (N,)
    values: Array  # (N,)


def _gather(radii: Array, found: list[_Nearest], is_complete: bool) -> CircleApproximation:
    return CircleApproximation(
        radii[: len(found)],
        np.array([one.error for one in found]),
        np.array([one.lower for one in found]),
        np.array([one.target for one in found]),
        np.array([one.values for one in found]),
        is_complete,
    )


def _wave(ball: Array, frequency: int) -> Callable[[float], _Nearest]:
    """Return the map from a ball's radius to the approximation of a wave.

    Averaged over the wave's symmetries, an approximation stays in the ball and its error does not grow. What is left
    are the odd multiples of the frequency, on a quarter of a period.
    """
    N = len(ball)
    wave = np.cos(frequency * np.pi * np.arange(N) / N) / frequency
    kept = np.arange(frequency // 2, N // 2 + 1, frequency)
    return _projection(ball[:, kept], wave, slice(N // (2 * frequency) + 1))


def _projection(basis: Array, target: Array, rows: slice = _ALL) -> Callable[[float], _Nearest]:
    """Return the map from a radius to the best approximation, with the error measured on some rows.

    The lower bound is that of the dual ``max lam^T g - delta ||A^T lam||  s.t.  ||lam||_1 <= 1`` at the solver's
    multipliers.
    """
    import cvxpy as cp

    weights, error, radius = cp.Variable(basis.shape[1]), cp.Variable(), cp.Parameter(nonneg=True)
    excess = basis[rows] @ weights - target[rows]
    above, below = excess <= error, -excess <= error
    statement = cp.Problem(cp.Minimize(error), [above, below, cp.norm(weights) <= radius])

    def approximate(delta: float) -> _Nearest:
        radius.value = delta
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "may be inaccurate": error and bound are recomputed
            statement.solve(solver=cp.CLARABEL)
        if weights.value is None:
            raise ArithmeticError(f"approximation on the circle: the solver ended as {statement.status!r}")
        size = max(float(np.linalg.norm(weights.value)), delta)
        values = basis @ (weights.value * (delta / size))
        lam = np.asarray(below.dual_value) - np.asarray(above.dual_value)
        lam /= max(float(np.sum(np.abs(lam))), 1.0)
        lower = lam @ target[rows] - delta * float(np.linalg.norm(basis[rows].T @ lam))
        return _Nearest(float(np.max(np.abs(values - target))), max(float(lower), 0.0), target, values)

    return approximate


def _unit_ball(N: int) -> Array:
    """Return the map from weights to values at N angles, (N, N): weights of length 1 are functions of gamma_2 = 1.

    On 2N equispaced points of the circle the kernel matrix K is circulant. With h the values of an even function on
    half of it and C the kernel with a point plus that with its antipode, circulant too, its norm is
    ``f^T K^{-1} f = 2 h^T C^{-1} h``.
    """
    angles = np.pi * np.arange(N) / N
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    row = ArcCosineKernel().gram(points[:1], np.vstack([points, -points]))[0]
    spectrum = np.fft.rfft(row[:N] + row[N:]).real
    frequencies = np.arange(N // 2 + 1)
    sizes = np.sqrt(np.maximum(spectrum, 0.0) / N)
    sizes[[0, -1]] /= np.sqrt(2.0)
    cosines = np.cos(2.0 * np.outer(angles, frequencies)) * sizes
    sines = np.sin(2.0 * np.outer(angles, frequencies[1:-1])) * sizes[1:-1]
    return np.hstack([cosines, sines])


def _as_radii(deltas: Any) -> Array:
    radii = as_finite_array(deltas, "deltas", (1,))
    if np.min(radii) <= 0:
        raise ValueError(f"deltas must be > 0; found {np.min(radii):g}")
    return radii


def _as_frequencies(frequencies: Any, N: int) -> list[int]:
    """Return the frequencies asked for, checked, or all even divisors of N up to a quarter of it."""
    possible = [K for K in range(2, N // 4 + 1, 2) if N % K == 0]
    if frequencies is None:
        if not possible:
            raise ValueError(f"n_angles must have an even divisor K <= n_angles / 4; got {N}")
        return possible
    asked = [as_count(K, "frequencies", 2) for K in np.atleast_1d(frequencies).tolist()]
    if not set(asked) <= set(possible):
        raise ValueError(f"frequencies must be even divisors of {N} up to {N // 4}; got {asked}")
    return asked
