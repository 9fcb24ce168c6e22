"""Recorded trajectories of simulated networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.activations import Activation
from cvxnn.dynamics.weights import Weights
from cvxnn.validation import Array


class TrajectoryStatus(Enum):
    """Why a simulation ended."""

    FINISHED = "all steps were taken"
    DIVERGED = "all networks diverged: take smaller steps"
    TIME_LIMIT = "the time limit was reached; the trajectory ends there"
    INTERRUPTED = "it was interrupted; the trajectory ends there"


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What was recorded of B networks at k times.

    Parameters
    ----------
    times : ndarray of shape (k,)
        Numbers of steps for descent methods, times of a flow for flows.
    records : dict of str to ndarray of shape (k, B, ...)
        What was recorded, by name; ``trajectory["objective"]`` is short for ``trajectory.records["objective"]``.
    final : Weights
        The networks at the end; those that diverged hold what overflowed.
    activation : Activation
        Their activation function.
    status : TrajectoryStatus
        Why it ended.
    """

    times: Array
    records: Mapping[str, NDArray[Any]]
    final: Weights
    activation: Activation
    status: TrajectoryStatus

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.records:
            raise ValueError(f"{name!r} was not recorded; this trajectory holds {sorted(self.records)}")
        return self.records[name]

    def weights(self, index: int) -> Weights:
        """Return the networks at ``times[index]``; needs the record "weights"."""
        return Weights.trusted(self["hidden"][index], self["output"][index])

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """Return which networks ended in weights that are not finite, shape (B,)."""
        finite = np.isfinite(self.final.hidden).all(axis=(1, 2)) & np.isfinite(self.final.output).all(axis=1)
        return np.asarray(~finite)
