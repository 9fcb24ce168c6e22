"""Problems in units of their sizes, and the unit-norm networks that belong to them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork
from cvxnn.problem import Problem
from cvxnn.units import Units
from cvxnn.validation import exponent

# Data and targets from 2^-64 to 2^64 stay as they are: squares of squares are far inside float64's range.
_ORDINARY = 64


@dataclass(frozen=True, eq=False)
class ProblemUnits:
    """Units of a problem of extreme size, with neurons of degree k: numbers in them are multiples by powers of two.

    With ``X = a X'``, ``y = b y'`` and losses F times as large, a unit network of weights ``w = (b / a^k) w'`` has the
    values ``b f'``, and correlations are ``a^k F / b`` times as large.

    Parameters
    ----------
    units : Units
        a, b and F.
    degree : int
        k of the activation.
    """

    units: Units
    degree: int

    @classmethod
    def of(cls, problem: Problem, degree: int) -> ProblemUnits:
        """Return the units of a problem.

        Raises
        ------
        PrecisionError
            If beta is 0 or infinite in them, though it is not as given, or losses are beyond the range of float64.
        """
        weights = np.ones(1) if problem.sample_weight is None else problem.sample_weight
        ordinary = all(abs(exponent(array)) <= _ORDINARY for array in (problem.X, problem.y, weights))
        return cls(Units.as_given(problem) if ordinary else Units.of(problem), degree)

    @property
    def problem(self) -> Problem:
        """Return the problem in units."""
        return self.units.problem

    @property
    def weights(self) -> int:
        """Return the power of two of networks' weights and of radii."""
        return _power(self.units.target) - self.degree * _power(self.units.data)

    @property
    def losses(self) -> int:
        """Return the power of two of losses and gaps."""
        return _power(self.units.value)

    @property
    def correlations(self) -> int:
        """Return the power of two of the oracle's values and of multipliers."""
        return self.losses - self.weights

    def network(self, network: UnitNetwork, *, back: bool = False) -> UnitNetwork:
        """Return a network in these units; with ``back``, one in these units as it was."""
        power = self.weights if back else -self.weights
        return UnitNetwork(network.directions, np.ldexp(network.weights, power), network.degree)


def _power(unit: float) -> int:
    return math.frexp(unit)[1] - 1
