"""What a record is, the rows of a trajectory's records, and the steps at which they are filled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Point, Weights
from cvxnn.dynamics.trajectories.trajectory import FlowEvents, Trajectory
from cvxnn.statuses import TrajectoryStatus
from cvxnn.validation import as_count, as_number

Spacing = Literal["linear", "log"]


class Record(ABC):
    """A quantity measured along a trajectory."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Return the key under which a trajectory keeps it."""

    @abstractmethod
    def measure(self, objective: BatchedObjective, weights: Weights) -> NDArray[Any]:
        """Return the quantity of each network, shape (B, ...), always the same shape."""


def record_steps(n_steps: int, n_records: int, spacing: Spacing) -> NDArray[np.int64]:
    """Return the steps to record at: 0, n_steps, and others spaced linearly or logarithmically between them."""
    n_records = as_count(n_records, "n_records", 2)
    if spacing == "linear":
        steps = np.linspace(0, n_steps, n_records)
    elif spacing == "log":
        steps = np.concatenate([[0.0], np.geomspace(n_steps, 1, n_records - 1)[::-1]])
    else:
        raise ValueError(f"spacing must be 'linear' or 'log'; got {spacing!r}")
    return np.unique(np.round(steps).astype(np.int64))


class RecordBook:
    """Rows of records, filled one by one; refuses to be larger than allowed.

    Parameters
    ----------
    objective : BatchedObjective
        What records are measured on.
    records : tuple of Record
        What to record.
    n_rows : int
        How many times at most; one more is kept for an early end.
    max_bytes : float
        Memory that all rows may take.
    """

    def __init__(
        self, objective: BatchedObjective, records: tuple[Record, ...], n_rows: int, max_bytes: float
    ) -> None:
        self._objective, self._records, self._n_rows = objective, records, n_rows
        self._max_bytes = as_number(max_bytes, "max_bytes", positive=True)
        self._times: list[float] = []
        self._rows: dict[str, NDArray[Any]] = {}

    @property
    def n_filled(self) -> int:
        """Return how many rows are filled, at most the last one that was planned."""
        return min(len(self._times), self._n_rows - 1)

    @property
    def last(self) -> float:
        """Return the time of the last row."""
        return self._times[-1]

    def add(self, when: float, point: Point) -> None:
        """Measure all records at a point: hidden weights (d, B, m) and output weights (B, m)."""
        weights = _as_weights(point)
        for record in self._records:
            value = np.asarray(record.measure(self._objective, weights))
            if value.shape[:1] != (weights.n_networks,):
                raise ValueError(
                    f"record {record.name!r} must measure each of {weights.n_networks} networks; got {value.shape}"
                )
            if not self._times:
                self._allocate(record.name, value)
            self._rows[record.name][len(self._times)] = value
        self._times.append(float(when))

    def trajectory(
        self, point: Point, status: TrajectoryStatus, events: FlowEvents | None = None
    ) -> Trajectory:
        """Return what was recorded, with the networks at the end."""
        k = len(self._times)
        rows = {name: array[:k] for name, array in self._rows.items()}
        return Trajectory(
            np.array(self._times), rows, _as_weights(point), self._objective.activation, status, events
        )

    def _allocate(self, name: str, value: NDArray[Any]) -> None:
        size = sum(array.nbytes for array in self._rows.values()) + (self._n_rows + 1) * value.nbytes
        if size > self._max_bytes:
            raise ValueError(
                f"records would take {size:.3g} bytes at {name!r}, more than max_bytes={self._max_bytes:.3g}: record "
                "fewer times (n_records) or less (record)"
            )
        self._rows[name] = np.empty((self._n_rows + 1, *value.shape), dtype=value.dtype)


def _as_weights(point: Point) -> Weights:
    return Weights.trusted(np.moveaxis(point[0], 1, 0), point[1])
