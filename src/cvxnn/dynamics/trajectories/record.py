"""One quantity measured along a trajectory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from numpy.typing import NDArray

from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Weights


class Record(ABC):
    """A quantity measured along a trajectory."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Return the key under which a trajectory keeps it."""

    @abstractmethod
    def measure(self, objective: BatchedObjective, weights: Weights) -> NDArray[Any]:
        """Return the quantity of each network, shape (B, ...), always the same shape."""
