"""A problem in units in which its data, its targets and its weights are of order one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, relative_weights
from cvxnn.validation import Array, PrecisionError, as_finite_array

# Decades of the objective of no neurons: objective, bound and gap are then numbers with all their digits.
_FEWEST_DECADES, _MOST_DECADES = -305.0, 307.0


@dataclass(frozen=True, eq=False)
class Units:
    """A problem, and the same in other units; what is found for the one is carried over to the other.

    Units are powers of four, so that nothing is rounded on the way. With ``X = a X'``, ``y = b y'``,
    ``ell(b f, b y) = F ell'(f, y)`` and ``beta = beta' a F / b``, objectives are F times, dual variables ``F / b``
    times as large, and ``U = sqrt(b / a) U'``, ``A = sqrt(b / a) A'``. Targets of a loss that has no such F, as labels
    have, keep theirs: b = 1 and F = 1. Sample weights have a unit of their own, about their mean, which is part of F.
    So a network depends on ratios only: of weights, of rows, of targets, and of beta to the critical one. Where output
    weights are given numbers that stay, and no part of the objective, ``U = (b / a) U'`` and
    ``beta = beta' a^2 F / b^2``.

    Parameters
    ----------
    given : Problem
        The problem as it was given.
    problem : Problem
        The same in units.
    data, target, value : float
        a, b and F.
    hidden, output : float
        What hidden and output weights of ``given`` are times those of ``problem``.

    Examples
    --------
    >>> units = Units.of(Problem([[1e9]], [1e-9], beta=0.5))
    >>> bool(1.0 <= units.problem.X[0, 0] < 4.0), bool(1.0 <= units.problem.y[0] < 4.0)
    (True, True)
    """

    given: Problem
    problem: Problem
    data: float
    target: float
    value: float
    hidden: float
    output: float

    @property
    def is_plain(self) -> bool:
        """Return whether all units are 1, and ``problem`` is the one given."""
        return self.problem is self.given

    @classmethod
    def of(cls, problem: Problem, *, fixed_output: bool = False) -> Units:
        """Return the units of a problem, by default one whose output weights are variables.

        Raises
        ------
        PrecisionError
            If beta is 0 or infinite in them, though it is not as given.
        """
        data, weight = power_of_four(problem.X), 1.0
        if problem.sample_weight is not None:
            relative = relative_weights(problem.sample_weight)
            weight = power_of_four(np.max(problem.sample_weight) * np.mean(relative / np.max(relative)))
        target, value, loss = 1.0, 1.0, problem.loss
        scaled = loss.in_units(power_of_four(problem.centred_target))
        if scaled is not None:
            target = power_of_four(problem.centred_target)
            loss, value = scaled
        if data == target == weight == 1.0:
            return cls.as_given(problem)
        if not 0.0 < value * weight < math.inf:
            raise PrecisionError(
                f"y must have entries whose losses are numbers in double precision; got up to {target:.3g}, with "
                f"sample weights up to {weight:.3g}"
            )
        ratio = math.frexp(target)[1] - math.frexp(data)[1]
        hidden = math.ldexp(1.0, ratio if fixed_output else ratio // 2)
        # Exponents, since products of the units themselves may overflow. frexp's is one above that of the power.
        loss_exponent = math.frexp(value)[1] + math.frexp(weight)[1] - 2
        beta = _ldexp(problem.beta, (2 if fixed_output else 1) * ratio - loss_exponent)
        if not 0.0 < beta < math.inf and problem.beta > 0.0:
            raise PrecisionError(
                f"beta must be a number for which double precision tells the problem from one without weight decay, or "
                f"without data; got {problem.beta!r} with entries up to {_size(problem.X):.3g} of X and up to "
                f"{_size(problem.centred_target):.3g} of y"
            )
        weights = None if problem.sample_weight is None else problem.sample_weight / weight
        inner = Problem(
            problem.X if data == 1.0 else problem.X / data,
            problem.y / target,
            beta,
            loss,
            problem.output_offset,
            weights,
            problem.output_norm,
        )
        output = 1.0 if fixed_output else hidden
        return cls(problem, inner, data, target, value * weight, hidden, output)

    @classmethod
    def as_given(cls, problem: Problem) -> Units:
        """Return the units of a problem that stays as it is: all are one."""
        return cls(problem, problem, 1.0, 1.0, 1.0, 1.0, 1.0)

    def require_representable(self) -> None:
        """Raise unless objectives down to a small part of that of no neurons are numbers with all their digits.

        Raises
        ------
        PrecisionError
            If the objective of no neurons is not between 1e-305 and 1e307. A ``ValueError`` too.
        """
        inner, given = self.problem, self.given
        null = inner.loss_value(np.zeros_like(inner.y), inner.null_offset())
        decades = math.log10(null) + math.log10(self.value) if null > 0.0 else 0.0
        if not _FEWEST_DECADES <= decades <= _MOST_DECADES:
            weights = given.sample_weight
            found = f"y with entries up to {_size(given.y):.3g}" + (
                "" if weights is None else f", and sample_weight up to {_size(weights):.3g}"
            )
            raise PrecisionError(
                "y and sample_weight must be such that the loss of no neurons is between 1e-305 and 1e307, in double "
                f"precision; got {found}, where it is about 1e{decades:.0f}: divide y or the weights by a constant"
            )

    def network(self, network: ReLUNetwork) -> ReLUNetwork:
        """Return a network of ``problem`` as one of ``given``."""
        if self.is_plain:
            return network
        offset = network.offset * self.target
        return ReLUNetwork(network.hidden * self.hidden, network.output * self.output, offset)

    def network_in_units(self, network: ReLUNetwork) -> ReLUNetwork:
        """Return a network of ``given`` as one of ``problem``."""
        if self.is_plain:
            return network
        offset = network.offset / self.target
        return ReLUNetwork(network.hidden / self.hidden, network.output / self.output, offset)

    def objective(self, value: float) -> float:
        """Return an objective, or a bound on one, of ``problem`` as one of ``given``."""
        return value * self.value

    def blocks(self, W: Array) -> Array:
        """Return blocks ``u ||a||`` of ``problem`` as those of ``given``."""
        return W * (self.target / self.data)

    def blocks_in_units(self, W: Array) -> Array:
        """Return blocks of ``given`` as those of ``problem``."""
        return W / (self.target / self.data)

    def offset(self, offset: Array) -> Array:
        """Return an output offset of ``problem`` as one of ``given``."""
        return offset * self.target

    def dual_in_units(self, lam: Any) -> Array:
        """Return a dual variable of ``given`` as one of ``problem``."""
        return np.asarray(as_finite_array(lam, "dual", (1, 2)) / (self.value / self.target))

    def dual(self, lam: Array) -> Array:
        """Return a dual variable of ``problem`` as one of ``given``."""
        return lam * (self.value / self.target)

    def correlation(self, value: float) -> float:
        """Return ``lam^T (X u)_+`` of ``problem`` as one of ``given``: in the unit of beta."""
        return value * (self.value / self.target) * self.data


def _size(array: Any) -> float:
    return max(float(np.max(array, initial=0.0)), -float(np.min(array, initial=0.0)))


def power_of_four(array: Any) -> float:
    """Return the largest power of four that is at most the largest entry; 1 for zeros."""
    size = _size(array)
    return math.ldexp(1.0, 2 * ((math.frexp(size)[1] - 1) // 2)) if size > 0 else 1.0


def _ldexp(value: float, exponent: int) -> float:
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.inf
