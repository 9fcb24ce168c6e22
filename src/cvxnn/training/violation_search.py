"""Look for directions that violate the dual: explore, search, confirm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cvxnn.certificates import Oracle
from cvxnn.deadlines import Deadline
from cvxnn.problem import Problem
from cvxnn.training.exploration import explore
from cvxnn.training.state import TrainingState
from cvxnn.training.violations import (
    RANDOM_STARTS,
    Violations,
    explored_violations,
    searched_violations,
)

# A search that finds nothing is repeated with this many times the starts before it is believed.
_CONFIRMATION = 4


def find_violations(
    state: TrainingState,
    *,
    rough: Problem,
    oracle: Oracle | None,
    tol: float,
    n_fresh: int,
    confirms: bool,
    rng: np.random.Generator,
    deadline: Deadline,
    is_enough: Callable[[float], bool] | None = None,
) -> Violations:
    """Return the violations of the best network's dual variable; the dearer ways to find them follow the cheaper ones.

    A cheap exact oracle is asked at once. Otherwise a descent explores, a search (and the dear oracle, where there is
    one) follows where the descent met none, and a search that found none is confirmed with more starts.

    Parameters
    ----------
    state : TrainingState
        The best network so far; not changed.
    rough : Problem
        What the exploration descends: the same problem, its loss perhaps a smoother one.
    oracle : Oracle or None
        The exact oracle, where one is affordable.
    tol : float
        Violation that training tolerates.
    n_fresh : int
        Random neurons of the exploration.
    confirms : bool
        Whether a search that found nothing is repeated, where there is no oracle, with four times the starts.
    rng : numpy.random.Generator
        Source of randomness.
    deadline : Deadline
        When to stop.
    is_enough : callable, optional
        Whether training ends if the violation that the exploration found is all there is; no search follows then.
    """
    problem, lam = state.problem, state.dual_variable()

    def searched(n_random: int) -> Violations:
        limit = deadline.limit()
        return searched_violations(
            problem, lam, state.atoms, oracle, tol=tol, rng=rng, n_random=n_random, max_seconds=limit
        )

    if oracle is not None and oracle.is_cheap:
        return searched(RANDOM_STARTS)
    exploration = explore(
        problem,
        rough,
        state.atoms,
        state.offset,
        lam,
        n_fresh=n_fresh,
        rng=rng,
        max_seconds=deadline.limit(),
    )
    found = explored_violations(problem, exploration, tol=tol)
    if (is_enough is not None and is_enough(found.value)) or (found.value > tol and not deadline.is_over):
        return found
    found = found.join(searched(RANDOM_STARTS))
    if confirms and oracle is None and found.value <= tol and not deadline.is_over:
        found = found.join(searched(_CONFIRMATION * RANDOM_STARTS))
    return found
