"""Where gradients come from: all samples, mini-batches of them, or fresh ones at every step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.dynamics.objectives import BatchedObjective, Samples
from cvxnn.losses import Loss
from cvxnn.problem import Problem
from cvxnn.validation import Array, as_count, as_number

Draw = Callable[[np.random.Generator], tuple[Array, Array]]


class SampleSource(ABC):
    """Draws the samples of a step. Their gradient estimates that of one objective without bias."""

    @property
    @abstractmethod
    def beta(self) -> float:
        """Return the weight decay of the objective."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Samples:
        """Return the samples of the next step."""

    @abstractmethod
    def judge(self) -> Samples:
        """Return the samples that objectives along a trajectory are evaluated on."""


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
        object.__setattr__(self, "_samples", Samples.of(self.problem))

    @property
    def beta(self) -> float:
        """Return the problem's weight decay."""
        return self.problem.beta

    def draw(self, rng: np.random.Generator) -> Samples:
        """Return all samples."""
        return self.judge()

    def judge(self) -> Samples:
        """Return all samples."""
        samples: Samples = self._samples  # type: ignore[attr-defined]
        return samples


@dataclass(frozen=True, eq=False)
class MiniBatches(SampleSource):
    """Samples of a problem drawn with replacement, their losses times ``n / size``: unbiased for the summed loss.

    Parameters
    ----------
    problem : Problem
        One output, no output offset.
    size : int, default 1
        Samples in a step; the networks of a batch see the same ones.
    """

    problem: Problem
    size: int = 1

    def __post_init__(self) -> None:
        as_count(self.size, "size", 1)
        object.__setattr__(self, "_samples", Samples.of(self.problem))

    @property
    def beta(self) -> float:
        """Return the problem's weight decay."""
        return self.problem.beta

    def draw(self, rng: np.random.Generator) -> Samples:
        """Return ``size`` random samples."""
        n = self.problem.n_samples
        return self.judge().rows(rng.integers(n, size=self.size), n / self.size)

    def judge(self) -> Samples:
        """Return all samples."""
        samples: Samples = self._samples  # type: ignore[attr-defined]
        return samples


@dataclass(frozen=True, eq=False)
class FreshSamples(SampleSource):
    """New samples from a distribution at every step; the objective is the mean loss.

    Parameters
    ----------
    sampler : callable
        ``sampler(rng)`` returns X of shape (b, d) and targets of shape (b,), or (B, b) for targets of each network.
    test : tuple of ndarray
        X of shape (n, d) and targets of shape (n,) or (B, n): what objectives are evaluated on.
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
        object.__setattr__(self, "_test", self._mean(*self.test))

    def draw(self, rng: np.random.Generator) -> Samples:
        """Return fresh samples."""
        return self._mean(*self.sampler(rng))

    def judge(self) -> Samples:
        """Return the test samples."""
        samples: Samples = self._test  # type: ignore[attr-defined]
        return samples

    def _mean(self, X: Any, y: Any) -> Samples:
        return Samples(X, y, self.loss, 1.0 / len(X))


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
