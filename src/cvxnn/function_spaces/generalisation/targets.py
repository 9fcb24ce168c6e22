"""Target functions with structure: affine, additive, projection pursuit, and of a few directions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import gammaln
from scipy.stats import norm

from cvxnn.networks import ReLUNetwork
from cvxnn.seeds import Seed, as_random_state
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_count, as_finite_array, as_number, read_only

# Directions count as unit, and as orthonormal, up to this.
UNIT = 1e-8


def orthonormal(d: int, k: int, rng: np.random.RandomState) -> Array:
    """Return k uniform orthonormal directions (d, k)."""
    if k > d:
        raise ValueError(f"at most {d} directions are orthonormal in {d} dimensions; got {k}")
    Q, R = np.linalg.qr(rng.standard_normal((d, k)))
    signs: Array = np.sign(np.diag(R))  # makes the distribution uniform
    return np.asarray(Q * signs)


def as_unit_columns(directions: Any) -> Array:
    """Return directions (d, k), refusing columns whose length is not 1."""
    W = as_finite_array(directions, "directions", (2,))
    lengths = np.linalg.norm(W, axis=0)
    if np.max(np.abs(lengths - 1)) > UNIT:
        raise ValueError(f"directions must be columns of length 1; found lengths up to {lengths.max():g}")
    return read_only(W)


def moments_of_bend(kinks: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of ``|t - b|`` under ``t ~ N(0, 1)``, each (k,)."""
    mean = 2 * norm.pdf(kinks) + kinks * (2 * norm.cdf(kinks) - 1)
    return np.asarray(mean), np.sqrt(1 + kinks**2 - mean**2)


def sum_of_bends(Z: Array, coefficients: Array, kinks: Array) -> Array:
    """Return ``sum_j c_j (|z_j - b_j| - mean_j) / std_j``, shape (n,), for Z (n, k)."""
    mean, std = moments_of_bend(kinks)
    return np.asarray(((np.abs(Z - kinks) - mean) / std) @ coefficients)


def bends_as_network(W: Array, coefficients: Array, kinks: Array, bias: float) -> ReLUNetwork:
    """Return ``sum_j c_j (|w_j^T x - b_j| - mean_j) / std_j`` as a network on features ``(x, bias)``."""
    mean, std = moments_of_bend(kinks)
    weights = coefficients / std
    hidden, levels = np.hstack([W, -W]), np.concatenate([-kinks, kinks])
    return with_constant(hidden, levels, np.concatenate([weights, weights]), -float(mean @ weights), bias)


def with_constant(hidden: Array, levels: Array, output: Array, constant: float, bias: float) -> ReLUNetwork:
    """Return ``sum_j a_j (w_j^T x + level_j)_+ + constant`` as a network on features ``(x, bias)``."""
    bias = as_number(bias, "bias", positive=True)
    columns = np.vstack([hidden, levels / bias])
    last = np.append(np.zeros(len(hidden)), 1.0)
    return ReLUNetwork(np.column_stack([columns, last]), np.append(output, constant / bias))


def random_bends(k: int, rng: np.random.RandomState) -> tuple[Array, Array]:
    """Return coefficients (k,) of either sign with squares that sum to 1, and kinks (k,)."""
    return rng.choice([-1.0, 1.0], k) / np.sqrt(k), rng.uniform(-1, 1, k)


class Target(ABC):
    """A function of x in R^d to be learnt from samples.

    Under inputs ``N(0, I_d)`` all random targets have variance 1 in every dimension, exactly, and mean 0 (affine ones:
    their offset), so that excess risks can be compared across d: predicting the mean has risk 1.
    """

    @property
    @abstractmethod
    def n_features(self) -> int:
        """Return d."""

    @abstractmethod
    def __call__(self, X: Any) -> Array:
        """Return the values (n,) at X (n, d)."""

    @abstractmethod
    def variation(self, bias: float = 1.0) -> float:
        """Return an upper bound on the variation norm gamma_1 over features ``(x, bias)``.

        Parameters
        ----------
        bias : float, default 1.0
            The constant feature, > 0.
        """

    def _inputs(self, X: Any) -> Array:
        """Return X as an array (n, d), refusing other numbers of columns."""
        inputs = as_finite_array(X, "X", (2,))
        if inputs.shape[1] != self.n_features:
            raise ValueError(f"X must have {self.n_features} columns; got {inputs.shape[1]}")
        return inputs


@short_repr
@dataclass(frozen=True, eq=False)
class AffineTarget(Target):
    """``f(x) = w^T x + b``.

    Parameters
    ----------
    weights : array_like of shape (d,)
        w; the variance is ``||w||^2``.
    offset : float, default 0.0
        b, the mean.

    Examples
    --------
    >>> target = AffineTarget([0.6, 0.8], 1.0)
    >>> target([[1.0, 1.0], [0.0, 0.0]])
    array([2.4, 1. ])
    >>> target.variation()
    3.0
    """

    weights: Array  # (d,)
    offset: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", read_only(as_finite_array(self.weights, "weights", (1,))))
        object.__setattr__(self, "offset", float(as_finite_array(self.offset, "offset", (0,))))

    @classmethod
    def random(cls, n_features: int, *, random_state: Seed = None) -> Self:
        """Return one with w uniform on the unit sphere and b uniform on [-1, 1]."""
        rng = as_random_state(random_state)
        return cls(orthonormal(as_count(n_features, "n_features", 1), 1, rng)[:, 0], rng.uniform(-1, 1))

    @property
    def n_features(self) -> int:
        """Return d."""
        return len(self.weights)

    def __call__(self, X: Any) -> Array:
        """Return ``X w + b``, shape (n,)."""
        return np.asarray(self._inputs(X) @ self.weights + self.offset)

    def network(self, bias: float = 1.0) -> ReLUNetwork:
        """Return f as a network on features ``(x, bias)``: neurons w, -w and one for the offset."""
        w = self.weights[:, None]
        return with_constant(np.hstack([w, -w]), np.zeros(2), np.array([1.0, -1.0]), self.offset, bias)

    def variation(self, bias: float = 1.0) -> float:
        """Return ``2 ||w|| + |b| / bias``, the path norm of `network`."""
        return self.network(bias).path_norm


@short_repr
@dataclass(frozen=True, eq=False)
class AdditiveTarget(Target):
    """``f(x) = sum_j c_j h_j(x_j)``, a generative additive model of bends ``h_j(t) = (|t - b_j| - mean) / std``.

    Mean and standard deviation are those of ``|t - b_j|`` under ``t ~ N(0, 1)``: independent standard normal features
    give mean 0 and variance ``||c||^2``.

    Parameters
    ----------
    coefficients : array_like of shape (d,)
        c.
    kinks : array_like of shape (d,)
        b.

    Examples
    --------
    >>> target = AdditiveTarget.random(50, random_state=0)
    >>> X = np.random.default_rng(1).standard_normal((20000, 50))
    >>> np.allclose([target(X).mean(), target(X).var()], [0, 1], atol=0.05)
    True
    """

    coefficients: Array  # (d,)
    kinks: Array  # (d,)

    def __post_init__(self) -> None:
        _check_bends(self)

    @classmethod
    def random(cls, n_features: int, *, random_state: Seed = None) -> Self:
        """Return one with ``c_j = +-1 / sqrt(d)`` and kinks uniform on [-1, 1]."""
        d = as_count(n_features, "n_features", 1)
        return cls(*random_bends(d, as_random_state(random_state)))

    @property
    def n_features(self) -> int:
        """Return d."""
        return len(self.coefficients)

    def __call__(self, X: Any) -> Array:
        """Return the values (n,)."""
        return sum_of_bends(self._inputs(X), self.coefficients, self.kinks)

    def network(self, bias: float = 1.0) -> ReLUNetwork:
        """Return f as a network on features ``(x, bias)``: two neurons a feature, and one for the constant."""
        return bends_as_network(np.eye(self.n_features), self.coefficients, self.kinks, bias)

    def variation(self, bias: float = 1.0) -> float:
        """Return the path norm of `network`: of order ``sqrt(d)`` for random targets."""
        return self.network(bias).path_norm


@short_repr
@dataclass(frozen=True, eq=False)
class ProjectionPursuitTarget(Target):
    """``f(x) = sum_j c_j h_j(w_j^T x)`` over k unit directions, with the bends h_j of `AdditiveTarget`.

    Under inputs ``N(0, I_d)`` the mean is 0, and the variance is ``||c||^2`` where directions are orthogonal.

    Parameters
    ----------
    directions : array_like of shape (d, k)
        Unit vectors w_j.
    coefficients : array_like of shape (k,)
        c.
    kinks : array_like of shape (k,)
        b.

    Examples
    --------
    >>> target = ProjectionPursuitTarget.random(10, n_terms=2, random_state=0)
    >>> target.directions.shape, round(target.variation(), 2) < 12
    ((10, 2), True)
    """

    directions: Array  # (d, k)
    coefficients: Array  # (k,)
    kinks: Array  # (k,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "directions", as_unit_columns(self.directions))
        _check_bends(self)
        if len(self.coefficients) != self.directions.shape[1]:
            raise ValueError(
                f"coefficients must have one entry for each of the {self.directions.shape[1]} directions; "
                f"got {len(self.coefficients)}"
            )

    @classmethod
    def random(cls, n_features: int, *, n_terms: int = 2, random_state: Seed = None) -> Self:
        """Return one with k <= d uniform orthonormal directions, ``c_j = +-1 / sqrt(k)``, kinks on [-1, 1]."""
        rng = as_random_state(random_state)
        W = orthonormal(as_count(n_features, "n_features", 1), as_count(n_terms, "n_terms", 1), rng)
        return cls(W, *random_bends(n_terms, rng))

    @property
    def n_features(self) -> int:
        """Return d."""
        return int(self.directions.shape[0])

    def __call__(self, X: Any) -> Array:
        """Return the values (n,)."""
        return sum_of_bends(self._inputs(X) @ self.directions, self.coefficients, self.kinks)

    def network(self, bias: float = 1.0) -> ReLUNetwork:
        """Return f as a network on features ``(x, bias)``: two neurons a direction, and one for the constant."""
        return bends_as_network(self.directions, self.coefficients, self.kinks, bias)

    def variation(self, bias: float = 1.0) -> float:
        """Return the path norm of `network`: free of d."""
        return self.network(bias).path_norm


@short_repr
@dataclass(frozen=True, eq=False)
class SubspaceTarget(Target):
    """``f(x) = (||W^T x|| - mean) / std`` for s orthonormal directions W: no sum of functions of one direction each.

    Mean and standard deviation are those of the length of an s-dimensional ``N(0, I)`` vector, so inputs ``N(0, I_d)``
    give mean 0 and variance 1.

    Parameters
    ----------
    directions : array_like of shape (d, s)
        W, orthonormal columns.

    Examples
    --------
    >>> target = SubspaceTarget(np.eye(5)[:, :2])
    >>> target([[3.0, 4.0, 0.0, 0.0, 9.0], [0.0, 5.0, 1.0, 1.0, 1.0]]).round(6)
    array([5.71894, 5.71894])
    """

    directions: Array  # (d, s)

    def __post_init__(self) -> None:
        W = as_unit_columns(self.directions)
        if np.max(np.abs(W.T @ W - np.eye(W.shape[1]))) > UNIT:
            raise ValueError("directions must be orthonormal columns; found columns that are not orthogonal")
        object.__setattr__(self, "directions", W)

    @classmethod
    def random(cls, n_features: int, *, n_directions: int = 2, random_state: Seed = None) -> Self:
        """Return one with s <= d uniform orthonormal directions."""
        d, s = as_count(n_features, "n_features", 1), as_count(n_directions, "n_directions", 1)
        return cls(orthonormal(d, s, as_random_state(random_state)))

    @property
    def n_features(self) -> int:
        """Return d."""
        return int(self.directions.shape[0])

    def __call__(self, X: Any) -> Array:
        """Return the values (n,)."""
        lengths = np.linalg.norm(self._inputs(X) @ self.directions, axis=1)
        mean, std = _moments_of_length(self.directions.shape[1])
        return np.asarray((lengths - mean) / std)

    def variation(self, bias: float = 1.0) -> float:
        """Return the mass of ``||z|| = (2 / kappa) E_v (v^T z)_+``, v uniform on the sphere, plus the constant's.

        ``kappa = E |v_1|`` in s dimensions; free of d.
        """
        s = self.directions.shape[1]
        mean, std = _moments_of_length(s)
        # E|g_1| = kappa E||g|| for a Gaussian vector g
        kappa = np.sqrt(2 / np.pi) / mean
        return float(2 / (kappa * std) + mean / (std * as_number(bias, "bias", positive=True)))


def _check_bends(target: AdditiveTarget | ProjectionPursuitTarget) -> None:
    for name in ("coefficients", "kinks"):
        object.__setattr__(target, name, read_only(as_finite_array(getattr(target, name), name, (1,))))
    if len(target.kinks) != len(target.coefficients):
        raise ValueError(
            f"kinks must have one entry for each of the {len(target.coefficients)} coefficients; "
            f"got {len(target.kinks)}"
        )


def _moments_of_length(s: int) -> tuple[float, float]:
    """Return mean and standard deviation of the length of an s-dimensional standard normal vector."""
    mean = float(np.sqrt(2) * np.exp(gammaln((s + 1) / 2) - gammaln(s / 2)))
    return mean, float(np.sqrt(s - mean**2))
