"""Learning in F_1 and in F_2 from one sample, with the regularisation chosen on a second one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cvxnn.certificates import Certificate, beta_max
from cvxnn.deadlines import as_limit
from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel, as_kernel
from cvxnn.function_spaces.unit_norm.problem_units import ProblemUnits
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.seeds import Seed
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.training import train
from cvxnn.validation import Array, as_count, as_finite_array, as_number, within_float64

# Half decades: of the critical weight decay, and of the kernel matrix's largest eigenvalue.
_F1_RATIOS = tuple(10.0**-k for k in np.arange(0.5, 3.1, 0.5))
_F2_RATIOS = tuple(10.0**-k for k in np.arange(0.5, 6.1, 0.5))


@short_repr
@dataclass(frozen=True, eq=False)
class TrainingSample:
    """What a learner sees: one sample to fit and one to choose the regularisation on.

    Parameters
    ----------
    features, validation_features : ndarrays of shape (n, d) and (p, d)
        Inputs, the bias column included.
    y, validation_y : ndarrays of shape (n,) and (p,)
        Targets, with their noise.
    """

    features: Array  # (n, d)
    y: Array  # (n,)
    validation_features: Array  # (p, d)
    validation_y: Array  # (p,)


@short_repr
@dataclass(frozen=True, eq=False)
class LearntNetwork:
    """A function learnt in F_1.

    Parameters
    ----------
    network : ReLUNetwork
        The function.
    choice : int
        Index of the chosen ratio.
    certificate : Certificate
        How far training is from the optimum.
    """

    network: ReLUNetwork
    choice: int
    certificate: Certificate

    def predict(self, features: Array) -> Array:
        """Return values (p,) at features (p, d)."""
        return self.network.predict(features)


@short_repr
@dataclass(frozen=True, eq=False)
class LearntRidge:
    """A function learnt in F_2, ``sum_i c_i k(x_i, .)``.

    Parameters
    ----------
    kernel : ArcCosineKernel
        k.
    features : ndarray of shape (n, d)
        x_i.
    coefficients : ndarray of shape (n,)
        c.
    choice : int
        Index of the chosen ratio.
    """

    kernel: ArcCosineKernel
    features: Array  # (n, d)
    coefficients: Array  # (n,)
    choice: int

    def predict(self, features: Array) -> Array:
        """Return values (p,) at features (p, d)."""
        return np.asarray(self.kernel.gram(features, self.features) @ self.coefficients)


@short_repr
@dataclass(frozen=True)
class VariationNormLearner:
    """Least squares with a penalty on the variation norm: ``1/2 ||f - y||^2 + beta gamma_1(f)``, trained to optimality.

    The penalised form of learning in the ball of F_1: a network with weight decay beta. Weight decays are ratios of the
    critical one. The path of networks that the ratio is chosen from ends each training after its descent, which leaves
    the objective within some hundredths of its optimum; the network of the ratio chosen is then trained on.

    Parameters
    ----------
    ratios : tuple of float
        Ratios of weight decay to the critical one, decreasing; by default half decades from 10^-0.5 to 10^-3.
    tol, max_seconds, max_rounds, prove
        Of `cvxnn.train` for the last training; by default to a violation of the dual of 1e-2 that a search finds,
        without an effort to prove the gap.

    Raises
    ------
    ValueError
        If an argument is not what is accepted.
    """

    ratios: tuple[float, ...] = _F1_RATIOS
    tol: float = 1e-2
    max_seconds: float | None = None
    max_rounds: int | None = None
    prove: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratios", _as_ratios(self.ratios))
        as_number(self.tol, "tol")
        as_limit(self.max_seconds)
        if self.max_rounds is not None:
            as_count(self.max_rounds, "max_rounds")
        if not isinstance(self.prove, bool):
            raise ValueError(f"prove must be True or False; got {self.prove!r}")

    @on_one_blas_thread
    def learn(self, sample: TrainingSample, random_state: Seed = 0) -> LearntNetwork:
        """Return the network learnt, the ratio chosen by squared error on the validation sample."""
        given = Problem(sample.features, sample.y, beta=0.0)
        units = ProblemUnits.of(given, 1)
        problem, validation = units.problem, sample.validation_features / units.units.data
        validation_y = sample.validation_y / units.units.target
        critical = beta_max(problem, random_state=random_state)
        networks: list[ReLUNetwork] = []
        for ratio in self.ratios:
            start = networks[-1] if networks else None
            descended = train(
                problem.with_beta(ratio * critical),
                tol=self.tol,
                start=start,
                max_rounds=0,
                prove=False,
                random_state=random_state,
            )
            networks.append(descended.network)
        choice = _best([network.predict(validation) for network in networks], validation_y)
        result = train(
            problem.with_beta(self.ratios[choice] * critical),
            tol=self.tol,
            max_seconds=self.max_seconds,
            max_rounds=self.max_rounds,
            prove=self.prove,
            start=networks[choice],
            random_state=random_state,
        )
        found = result.certificate
        certificate = replace(
            found,
            objective=float(np.ldexp(found.objective, units.losses)),
            lower_bound=float(np.ldexp(found.lower_bound, units.losses)),
            gap=float(np.ldexp(found.gap, units.losses)),
        )
        return LearntNetwork(units.units.network(result.network), choice, certificate)


@short_repr
@dataclass(frozen=True)
class KernelLearner:
    """Kernel ridge regression in F_2: ``1/2 ||f - y||^2 + alpha/2 gamma_2(f)^2``, solved exactly.

    Parameters
    ----------
    ratios : tuple of float
        Ratios of alpha to the largest eigenvalue of the kernel matrix, decreasing; by default half decades from
        10^-0.5 to 10^-6, twice as many as F_1 has: choosing among them costs nothing.
    kernel : ArcCosineKernel
        By default that of ReLU neurons with weights uniform on the sphere.

    Raises
    ------
    ValueError
        If an argument is not what is accepted.
    """

    ratios: tuple[float, ...] = _F2_RATIOS
    kernel: ArcCosineKernel = ArcCosineKernel(1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratios", _as_ratios(self.ratios))
        object.__setattr__(self, "kernel", as_kernel(self.kernel))

    @on_one_blas_thread
    def learn(self, sample: TrainingSample) -> LearntRidge:
        """Return the function learnt, the ratio chosen by squared error on the validation sample."""
        X = sample.features
        levels, vectors = np.linalg.eigh(self.kernel.gram(X))
        levels = np.maximum(levels, 0.0)  # rounding
        if levels[-1] == 0.0:  # all rows are zero, and so is every function of the space on them
            return LearntRidge(self.kernel, X, np.zeros(len(X)), 0)
        with within_float64("the sample"):
            rotated = vectors.T @ sample.y
            coefficients = [vectors @ (rotated / (levels + ratio * levels[-1])) for ratio in self.ratios]
            cross = self.kernel.gram(sample.validation_features, X)
            choice = _best([cross @ c for c in coefficients], sample.validation_y)
        return LearntRidge(self.kernel, X, coefficients[choice], choice)


def _best(predictions: Sequence[Array], y: Array) -> int:
    """Return which predictions have the least squared error on targets of the validation sample."""
    return int(np.argmin([np.mean((f - y) ** 2) for f in predictions]))


def _as_ratios(ratios: Any) -> tuple[float, ...]:
    """Return ratios as a tuple, refusing those that do not decrease within (0, 1)."""
    array = as_finite_array(ratios, "ratios", (1,))
    if array.min() <= 0 or array.max() >= 1 or np.any(np.diff(array) >= 0):
        raise ValueError(f"ratios must decrease and be within (0, 1); got {array.tolist()}")
    return tuple(float(ratio) for ratio in array)
