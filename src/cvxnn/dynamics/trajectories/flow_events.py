"""When neurons crossed the boundaries of samples along a gradient flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

    def of_network(self, network: int) -> FlowEvents:
        """Return one network's events."""
        own = self.networks == network
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
