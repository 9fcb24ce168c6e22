"""Alignment of neurons along a run: what to record, and what to read off the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.dynamics.starts.objectives import BatchedObjective, Samples
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.record_book import Record
from cvxnn.validation import Array, as_finite_array, as_number

# Pairs of samples and neurons looked at side by side, unless one network has more.
_PART_ENTRIES = 1 << 16


@dataclass(frozen=True)
class AlignmentCosines(Record):
    """Cosines between neurons and ``s_j X^T D(u_j) r``, shape (B, m), with ``r = -grad loss(0)``.

    r is y for the squared loss and y/2 for the logistic one; D takes the strict pattern ``x_i^T u_j > 0`` and s_j is
    the sign of the output weight. Not a number where ``X^T D(u_j) r`` or the neuron is zero: a neuron that is active on
    no sample has no direction to align with, and is counted apart.
    """

    name: str = "alignment"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Return the cosines."""
        cosines = [_cosines(objective.samples, weights, part) for part in _parts(objective.samples, weights)]
        return np.concatenate(cosines)


def _parts(samples: Samples, weights: Weights) -> list[slice]:
    """Return the networks in parts of bounded memory, one network at least."""
    size = max(1, _PART_ENTRIES // max(1, samples.X.shape[-2] * weights.n_neurons))
    return [slice(first, first + size) for first in range(0, weights.n_networks, size)]


def _cosines(samples: Samples, weights: Weights, part: slice) -> Array:
    """Return the cosines of some of the networks, shape (b, m)."""
    U, signs = weights.hidden[part], np.sign(weights.output[part])
    X = samples.X if samples.X.ndim == 2 else samples.X[part]
    residual = -samples.loss_gradients(np.zeros((len(U), X.shape[-2])), part)
    pulls = (
        np.matmul(np.swapaxes(X, -1, -2), (np.matmul(X, U) > 0) * residual[:, :, None]) * signs[:, None, :]
    )
    sizes = np.linalg.norm(pulls, axis=1) * np.linalg.norm(U, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sum(pulls * U, axis=1) / np.where(sizes > 0, sizes, np.nan))


def largest_cosines(cosines: Any, output: Any, sign: int) -> Array:
    """Return the largest cosine of the neurons of one sign at each time, shape (k, B); -1 where there is none.

    Parameters
    ----------
    cosines : array_like of shape (k, B, m)
        The record "alignment".
    output : array_like of shape (B, m)
        Output weights; their signs do not change along balanced flow.
    sign : {1, -1}
        The sign.

    Raises
    ------
    ValueError
        If the sign or a shape is wrong.
    """
    cosines, output = _as_record(cosines, output, (3,))
    as_sign(sign)
    counted = (np.sign(output) == sign) & ~np.isnan(cosines)
    return np.asarray(np.max(np.where(counted, cosines, -1.0), axis=-1))


def alignment_times(times: Any, cosines: Any, output: Any, *, sign: int, delta: float) -> Array:
    """Return T(delta): when a neuron of one sign first has a cosine of ``1 - delta``, shape (B,).

    Interpolated between recorded times; infinite where no neuron reaches it.

    Parameters
    ----------
    times : array_like of shape (k,)
        Recorded times.
    cosines : array_like of shape (k, B, m)
        The record "alignment".
    output : array_like of shape (B, m)
        Output weights.
    sign : {1, -1}
        The sign.
    delta : float
        In (0, 1).

    Raises
    ------
    ValueError
        If an argument has a wrong shape or value.

    Examples
    --------
    >>> alignment_times([0.0, 1.0], [[[0.5]], [[1.0]]], [[2.0]], sign=1, delta=0.25)
    array([0.5])
    """
    times, best = as_finite_array(times, "times", (1,)), largest_cosines(cosines, output, sign)
    if len(times) != len(best):
        raise ValueError(
            f"times must hold {len(best)} numbers, one for each row of cosines; got {len(times)}"
        )
    needed = 1.0 - as_delta(delta)
    reached = best >= needed
    first = np.argmax(reached, axis=0)
    networks = np.arange(best.shape[1])
    after, before = best[first, networks], best[np.maximum(first - 1, 0), networks]
    share = np.where(first > 0, (needed - before) / np.where(after > before, after - before, 1.0), 0.0)
    found = times[np.maximum(first - 1, 0)] + share * (times[first] - times[np.maximum(first - 1, 0)])
    return np.asarray(np.where(reached.any(axis=0), found, np.inf))


def aligned_share(cosines: Any, output: Any, *, sign: int, delta: float) -> Array:
    """Return the share of neurons of one sign with a cosine of ``1 - delta``, shape of the leading axes.

    Only neurons that have a direction to align with are counted; nan where there is none.

    Parameters
    ----------
    cosines : array_like of shape (..., B, m)
        The record "alignment", at some times or one.
    output : array_like of shape (B, m)
        Output weights.
    sign : {1, -1}
        The sign.
    delta : float
        In (0, 1).

    Raises
    ------
    ValueError
        If an argument has a wrong shape or value.
    """
    cosines, output = _as_record(cosines, output)
    as_sign(sign)
    counted = (np.sign(output) == sign) & ~np.isnan(cosines)
    aligned = counted & (np.nan_to_num(cosines, nan=-1.0) >= 1.0 - as_delta(delta))
    n_counted = np.sum(counted, axis=-1)
    return np.asarray(np.where(n_counted > 0, np.sum(aligned, axis=-1) / np.maximum(n_counted, 1), np.nan))


def _as_record(cosines: Any, output: Any, ndim: tuple[int, ...] | None = None) -> tuple[Array, Array]:
    """Return cosines (..., B, m), which may be nan, and output weights (B, m)."""
    output = as_finite_array(output, "output", (2,))
    cosines = np.asarray(cosines, dtype=np.float64)
    if cosines.shape[-2:] != output.shape or (ndim is not None and cosines.ndim not in ndim):
        leading = "..., " if ndim is None else "k, "
        raise ValueError(
            f"cosines must have shape ({leading}{output.shape[0]}, {output.shape[1]}) for output weights of shape "
            f"{output.shape}; got {cosines.shape}"
        )
    return cosines, output


def as_sign(sign: Any) -> int:
    """Return a sign, 1 or -1."""
    if isinstance(sign, bool) or sign not in (1, -1):
        raise ValueError(f"sign must be 1 or -1; got {sign!r}")
    return int(sign)


def as_delta(delta: float) -> float:
    """Return delta as a float in (0, 1)."""
    if not 0.0 < as_number(delta, "delta") < 1.0:
        raise ValueError(f"delta must be in (0, 1); got {delta!r}")
    return float(delta)
