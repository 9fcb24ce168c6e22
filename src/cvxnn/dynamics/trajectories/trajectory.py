"""Recorded trajectories of simulated networks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.activations import Activation, PositivePart, activation_key, get_activation
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.flow_events import FlowEvents
from cvxnn.model_files import Arrays, Header, read_model, write_model
from cvxnn.networks import ReLUNetwork
from cvxnn.validation import Array

_KIND, _VERSION = "trajectory", 1
_RECORD, _EVENT = "record:", "event:"


class TrajectoryStatus(Enum):
    """Why a simulation ended."""

    FINISHED = "all steps were taken"
    DIVERGED = "all networks diverged: take smaller steps"
    STALLED = "no flow could be continued, its steps fell below rounding; the trajectory ends there"
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
    events : FlowEvents, optional
        For gradient flows: when neurons crossed boundaries of samples; empty but for ReLU.
    """

    times: Array
    records: Mapping[str, NDArray[Any]]
    final: Weights
    activation: Activation
    status: TrajectoryStatus
    events: FlowEvents | None = None

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name == "weights" and "hidden" in self.records:
            raise ValueError(
                "weights are kept as 'hidden' and 'output'; trajectory.weights(index) returns both"
            )
        if name not in self.records:
            raise ValueError(f"{name!r} was not recorded; this trajectory holds {sorted(self.records)}")
        return self.records[name]

    def weights(self, index: int) -> Weights:
        """Return the networks at ``times[index]``; needs the record "weights"."""
        return Weights.trusted(self["hidden"][index], self["output"][index])

    def network(self, index: int = 0) -> ReLUNetwork:
        """Return one of the networks at the end.

        Raises
        ------
        ValueError
            If the activation is not ReLU, or there is no such network.
        """
        if self.activation != PositivePart(1):
            raise ValueError(
                f"a ReLU network has the activation {PositivePart(1)!r}; this run has {self.activation!r}"
            )
        return self.final.network(index)

    def predict(self, X: Any) -> Array:
        """Return the predictions of all networks at the end, shape (B, n), with the run's activation."""
        return self.final.predict(X, self.activation)

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """Return which networks ended in weights that are not finite, shape (B,)."""
        finite = np.isfinite(self.final.hidden).all(axis=(1, 2)) & np.isfinite(self.final.output).all(axis=1)
        return np.asarray(~finite)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trajectory to a file, atomically and as plain data; `load_trajectory` reads it back bit for bit.

        Raises
        ------
        ValueError
            If the activation has no name, or a record is not an array of numbers.
        """
        arrays: Arrays = {"times": self.times, "hidden": self.final.hidden, "output": self.final.output}
        arrays |= {_RECORD + name: rows for name, rows in self.records.items()}
        if self.events is not None:
            arrays |= {_EVENT + name: column for name, column in self.events.columns.items()}
        header = {"activation": activation_key(self.activation), "status": self.status.name}
        write_model(path, _KIND, _VERSION, header, arrays)

    def __repr__(self) -> str:
        return (
            f"Trajectory({self.final!r} at {len(self.times)} times up to {self.times[-1]:.6g}, "
            f"records {sorted(self.records)}, {self.status.name})"
        )


def load_trajectory(path: str | os.PathLike[str]) -> Trajectory:
    """Read a trajectory that `Trajectory.save` wrote.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Trajectory

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds no trajectory, is damaged, or is newer than this release.
    """
    header, arrays = read_model(path, _KIND, _VERSION)
    try:
        return _restored(header, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"path must be a whole trajectory file; {path} is damaged ({error!r})") from None


def _restored(header: Header, arrays: Arrays) -> Trajectory:
    times, hidden, output = arrays["times"], arrays["hidden"], arrays["output"]
    records = _with_prefix(arrays, _RECORD)
    events = _with_prefix(arrays, _EVENT)
    if hidden.ndim != 3 or output.shape != (hidden.shape[0], hidden.shape[2]) or times.ndim != 1:
        raise ValueError("weights of no shape")
    for name, rows in records.items():
        if rows.shape[:1] != times.shape:
            raise ValueError(f"record {name!r} of another length than times")
    return Trajectory(
        times,
        records,
        Weights.trusted(hidden, output),
        get_activation(header["activation"]),
        TrajectoryStatus[header["status"]],
        FlowEvents.of_columns(events) if events else None,
    )


def _with_prefix(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
