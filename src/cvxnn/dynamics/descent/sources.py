"""Where gradients come from: all samples, mini-batches of them, or fresh ones at every step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.dynamics.starts.objectives import BatchedObjective, Samples
from cvxnn.losses import Loss
from cvxnn.problem import Problem
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_count, as_number

Draw = Callable[[np.random.Generator], tuple[Array, Array]]


class SampleSource(ABC):
    """Draws the samples of a step. Their gradient estimates that of one objective without bias."""

    @property
    @abstractmethod
    def beta(self) -> float:
        """Return the weight decay of the objective."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, n_networks: int | None = None) -> Samples:
        """Return the samples of the next step, common to all networks or some for each of so many."""

    @abstractmethod
    def judge(self) -> Samples:
        """Return the samples that objectives along a trajectory are evaluated on."""


@short_repr
@dataclass(frozen=True, eq=False)
class FullBatch(SampleSource):
    """All samples of a problem, at every step: the gradient is exact.

    Parameters
    ----------
    problem : Problem
        One output, no output offset.
    """

    problem: Problem

    def __post_init__(self) -> None:
        _require_problem(self.problem)
        object.__setattr__(self, "_samples", Samples.of(self.problem))

    @property
    def beta(self) -> float:
        """Return the problem's weight decay."""
        return self.problem.beta

    def draw(self, rng: np.random.Generator, n_networks: int | None = None) -> Samples:
        """Return all samples."""
        return self.judge()

    def judge(self) -> Samples:
        """Return all samples."""
        samples: Samples = self._samples  # type: ignore[attr-defined]
        return samples


@short_repr
@dataclass(frozen=True, eq=False)
class MiniBatches(SampleSource):
    """Samples of a problem drawn with replacement, their losses times ``n / size``: unbiased for the summed loss.

    Parameters
    ----------
    problem : Problem
        One output, no output offset.
    size : int, default 1
        Samples in a step.
    common : bool, default False
        Whether all networks of a batch see the same samples, which takes less time, instead of each its own.
    """

    problem: Problem
    size: int = 1
    common: bool = False

    def __post_init__(self) -> None:
        as_count(self.size, "size", 1)
        _require_problem(self.problem)
        object.__setattr__(self, "_samples", Samples.of(self.problem))

    @property
    def beta(self) -> float:
        """Return the problem's weight decay."""
        return self.problem.beta

    def draw(self, rng: np.random.Generator, n_networks: int | None = None) -> Samples:
        """Return ``size`` random samples, or so many for each network."""
        n = self.problem.n_samples
        shape = self.size if self.common or n_networks in (None, 1) else (n_networks, self.size)
        return self.judge().rows(rng.integers(n, size=shape), n / self.size)

    def judge(self) -> Samples:
        """Return all samples."""
        samples: Samples = self._samples  # type: ignore[attr-defined]
        return samples


@short_repr
@dataclass(frozen=True, eq=False)
class FreshSamples(SampleSource):
    """New samples from a distribution at every step; the objective is the mean loss.

    Parameters
    ----------
    sampler : callable
        ``sampler(rng)`` returns X of shape (b, d) and targets of shape (b,), or (B, b) for targets of each network; or
        X of shape (B, b, d), for samples of each network.
    test : tuple of ndarray
        X of shape (n, d) and targets of shape (n,) or (B, n): what objectives are evaluated on. Drawn apart from the
        training samples, whose generator `simulate` makes from its ``random_state``.
    loss : str or Loss, default "squared"
        The loss of a sample.
    beta : float, default 0
        Weight decay.
    """

    sampler: Draw
    test: tuple[Array, Array]
    loss: str | Loss = "squared"
    beta: float = 0.0

    def __post_init__(self) -> None:
        as_number(self.beta, "beta")
        if not callable(self.sampler):
            raise ValueError(f"sampler must be a function of a random generator; got {self.sampler!r}")
        object.__setattr__(self, "_test", self._mean(self.test, "test"))

    def draw(self, rng: np.random.Generator, n_networks: int | None = None) -> Samples:
        """Return fresh samples."""
        drawn, d = self._mean(self.sampler(rng), "sampler"), self.judge().X.shape[-1]
        if drawn.X.shape[-1] != d:
            raise ValueError(f"sampler must return samples of {d} columns, as test has; got {drawn.X.shape}")
        if n_networks is not None and drawn.y.ndim == 2 and len(drawn.y) != n_networks:
            raise ValueError(f"sampler must return targets of {n_networks} networks; got {len(drawn.y)}")
        return drawn

    def judge(self) -> Samples:
        """Return the test samples."""
        samples: Samples = self._test  # type: ignore[attr-defined]
        return samples

    def _mean(self, pair: Any, name: str) -> Samples:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"{name} must give a pair, samples and their targets; got {pair!r:.100}")
        X, y = np.asarray(pair[0]), pair[1]
        if X.ndim < 2 or X.shape[-2] == 0:
            raise ValueError(f"{name} must give samples of shape (n, d) or (B, n, d), n >= 1; got {X.shape}")
        return Samples(X, y, self.loss, 1.0 / X.shape[-2])


def _require_problem(problem: Any) -> None:
    if not isinstance(problem, Problem):
        raise ValueError(f"problem must be a Problem; got {type(problem).__name__}")


def as_source(source: Any) -> SampleSource:
    """Return a sample source: a problem means all its samples at every step.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if isinstance(source, Problem):
        return FullBatch(source)
    if isinstance(source, SampleSource):
        return source
    raise ValueError(
        f"source must be a Problem, FullBatch, MiniBatches or FreshSamples; got {type(source).__name__}"
    )


def judging_objective(source: SampleSource, activation: Any) -> BatchedObjective:
    """Return the objective that a source's gradients estimate, on its judging samples."""
    return BatchedObjective(source.judge(), source.beta, activation)
