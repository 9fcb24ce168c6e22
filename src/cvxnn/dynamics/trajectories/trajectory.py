"""Recorded trajectories of simulated networks, and when neurons crossed the boundaries of samples."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.activations import Activation, PositivePart, activation_key, get_activation
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.model_files import Arrays, Header, read_model, write_model
from cvxnn.names import keep_old_arguments
from cvxnn.networks import ReLUNetwork
from cvxnn.statuses import TrajectoryStatus
from cvxnn.validation import Array

NAMES = ("times", "networks", "neurons", "samples", "directions", "unique")


@dataclass(frozen=True, eq=False)
class FlowEvents:
    """A table of E events, each network's in the order in which they happened.

    Parameters
    ----------
    times : ndarray of shape (E,)
        When.
    networks, neurons, samples : int ndarrays of shape (E,)
        Which neuron of which network met the boundary of which sample. Samples on one line through the origin share
        a boundary: the first of them is named. -1 where the neuron came to rest at the origin, on all boundaries.
    directions : int ndarray of shape (E,)
        +1 where the neuron went to the sample's active side, -1 to its inactive one, 0 where it began to slide along
        the boundary, or to rest.
    unique : bool ndarray of shape (E,)
        Whether flow goes on in one way only. A start on a boundary is an event, at time 0, only where it does not.
    """

    times: Array
    networks: NDArray[np.int64]
    neurons: NDArray[np.int64]
    samples: NDArray[np.int64]
    directions: NDArray[np.int64]
    unique: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Sequence[tuple[float, int, int, int, int, bool]]) -> FlowEvents:
        """Return the table of rows (time, network, neuron, sample, direction, unique)."""
        table = np.array(rows, dtype=np.float64).reshape(-1, 6)
        order = np.lexsort((table[:, 0], table[:, 1]))
        return cls.of_columns(dict(zip(NAMES, table[order].T, strict=True)))

    @classmethod
    def of_columns(cls, columns: Mapping[str, NDArray[Any]]) -> FlowEvents:
        """Return the table of columns by name."""
        whole = [np.asarray(columns[name], dtype=np.int64) for name in NAMES[1:-1]]
        unique = np.asarray(columns["unique"], dtype=np.bool_)
        return cls(
            np.asarray(columns["times"], dtype=np.float64), whole[0], whole[1], whole[2], whole[3], unique
        )

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name."""
        return {name: getattr(self, name) for name in NAMES}

    def __len__(self) -> int:
        return len(self.times)

    @keep_old_arguments(network="index")
    def of_network(self, index: int) -> FlowEvents:
        """Return one network's events.

        Parameters
        ----------
        index : int
            Which of the networks.
        """
        own = self.networks == index
        return FlowEvents.of_columns({name: column[own] for name, column in self.columns.items()})

    @property
    def n_crossings(self) -> int:
        """Return how often a neuron went to a side of a boundary: crossings, ends of slides, forks at the start."""
        return int(np.sum(self.directions != 0))

    @property
    def n_slides(self) -> int:
        """Return how often a neuron began to slide along a boundary."""
        return int(np.sum((self.directions == 0) & (self.samples >= 0)))

    @property
    def n_rests(self) -> int:
        """Return how many neurons came to rest at the origin, or started there with an output weight."""
        return int(np.sum(self.samples < 0))

    def __repr__(self) -> str:
        return f"FlowEvents({self.n_crossings} crossings, {self.n_slides} slides, {self.n_rests} rests)"


_KIND, _VERSION = "trajectory", 1
_RECORD, _EVENT = "record:", "event:"


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
        """Return the networks at ``times[index]``; needs the record "weights".

        Parameters
        ----------
        index : int
            Which of the times.
        """
        return Weights.trusted(self["hidden"][index], self["output"][index])

    def network(self, index: int = 0) -> ReLUNetwork:
        """Return one of the networks at the end.

        Parameters
        ----------
        index : int, default 0
            Which of the networks.

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
