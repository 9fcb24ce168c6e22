"""What a theorem returns: the quantity measured, the quantity predicted, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Relation = Literal["equal", "at most", "at least"]


class HypothesisError(ValueError):
    """A hypothesis of a theorem does not hold; the message names it."""


def require_balanced(
    hidden: NDArray[Any], output: NDArray[Any], name: str, *, slack: NDArray[Any] | float, remedy: str = ""
) -> None:
    """Raise `HypothesisError` unless ``||u_j|| = ||a_j||`` for every neuron.

    Parameters
    ----------
    hidden, output : ndarray of shape (m,)
        ``||u_j||`` and ``||a_j||``.
    name : str
        What has to be balanced.
    slack : ndarray of shape (m,) or float
        How far the two may differ.
    remedy : str, default ""
        The end of the message.

    Examples
    --------
    >>> require_balanced(np.array([1.0, 2.0]), np.array([1.0, 3.0]), "start", slack=1e-9)
    Traceback (most recent call last):
    cvxnn.theorems.HypothesisError: start must be balanced, ||u_j|| = ||a_j||; neuron 1 has 2 and 3
    """
    excess = np.abs(hidden - output) - slack
    if np.any(excess > 0):
        j = int(np.argmax(excess))
        raise HypothesisError(
            f"{name} must be balanced, ||u_j|| = ||a_j||; neuron {j} has {hidden[j]:.6g} and {output[j]:.6g}{remedy}"
        )


def require_no_zero_neuron(hidden: NDArray[Any], name: str) -> None:
    """Raise `HypothesisError` if some ``||u_j||``, of shape (m,), is zero."""
    if np.any(hidden == 0):
        raise HypothesisError(f"{name} must have no zero neuron; neuron {int(np.argmin(hidden))} is zero")


@dataclass(frozen=True)
class Comparison:
    """What was measured, beside what a theorem predicts.

    Parameters
    ----------
    measured : float
        The quantity as computed without the theorem.
    predicted : float
        What the theorem says of it.
    relation : {"equal", "at most", "at least"}, default "equal"
        How ``measured`` stands to ``predicted`` by the theorem.
    tol : float, default 1e-6
        Tolerance of `holds`, relative to the larger of 1 and the two numbers' sizes.

    Examples
    --------
    >>> Comparison(1.0, 1.0 + 1e-9).holds
    True
    >>> Comparison(2.0, 1.0, "at most").holds
    False
    """

    measured: float
    predicted: float
    relation: Relation = "equal"
    tol: float = 1e-6

    @property
    def difference(self) -> float:
        """Return measured less predicted."""
        return self.measured - self.predicted

    @property
    def holds(self) -> bool:
        """Return whether the relation holds to ``tol``."""
        slack = self.tol * max(1.0, abs(self.measured), abs(self.predicted))
        if self.relation == "equal":
            return abs(self.difference) <= slack
        return self.difference <= slack if self.relation == "at most" else self.difference >= -slack
