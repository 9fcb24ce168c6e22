"""The best objective of networks with at most m neurons, against m, with the dual's optimum under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import Atoms
from cvxnn.landscape.duality.dual_program import require_oracle, solve_dual
from cvxnn.landscape.duality.support_search import PROGRAM_TOL, SAME, SupportSearch
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import count_bound, enumerate_patterns
from cvxnn.problem import Problem, as_problem
from cvxnn.programs import ReLUProgram
from cvxnn.seeds import Seed, as_generator
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison
from cvxnn.threads import on_one_blas_thread
from cvxnn.training import convexify, descend, small_random_network
from cvxnn.validation import Array, as_count, as_number

# Patterns up to which supports are searched at all.
_MAX_CELLS = 2000
# Alternations of descent and sub-program from one start.
_ROUNDS = 5


@short_repr
@dataclass(frozen=True, eq=False)
class NeuronCurve:
    """The best objective ``p*_m`` of networks with at most m neurons, for m = 0, 1, ...

    Parameters
    ----------
    values : ndarray of shape (M + 1,)
        ``p*_m`` where exact, else an upper bound; falling.
    exact : bool ndarray of shape (M + 1,)
        Whether the value is ``p*_m``: every choice of blocks that could be better was ruled out, or the value equals
        the dual's optimum to ``tol``.
    networks : tuple of ReLUNetwork
        A network of each value.
    dual_value : float
        The optimum of the dual program: no network of any width is below.
    programs : int
        Sub-programs solved by the search.
    tol : float
        Relative gap below which a value counts as the optimum of the dual.
    """

    values: Array  # (M + 1,)
    exact: NDArray[np.bool_]  # (M + 1,)
    networks: tuple[ReLUNetwork, ...]
    dual_value: float
    programs: int
    tol: float

    @property
    def gaps(self) -> Array:
        """Return ``p*_m`` less the dual's optimum, shape (M + 1,)."""
        return np.asarray(self.values - self.dual_value)

    @property
    def optimal(self) -> NDArray[np.bool_]:
        """Return for which m the value is the dual's optimum, to the tolerance."""
        return np.asarray(self.gaps <= self.tol * np.abs(self.values))

    @property
    def fewest(self) -> int | None:
        """Return m*, the fewest neurons that reach the dual's optimum; None where it is not settled."""
        reached = np.flatnonzero(self.optimal)
        if reached.size == 0 or (reached[0] > 0 and not self.exact[reached[0] - 1]):
            return None
        return int(reached[0])

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the values beside the dual's optimum: at least that, and equal from m* on."""
        relations = ("equal" if is_optimal else "at least" for is_optimal in self.optimal)
        return tuple(
            Comparison(float(value), self.dual_value, relation, tol=self.tol)  # type: ignore[arg-type]
            for value, relation in zip(self.values, relations, strict=True)
        )


@on_one_blas_thread
def value_by_neurons(
    problem: Problem,
    max_neurons: int,
    *,
    max_programs: int = 1000,
    n_restarts: int = 10,
    tol: float = 1e-6,
    random_state: Seed = 0,
) -> NeuronCurve:
    """Return the best objective of networks with at most m neurons, for m = 0 .. max_neurons.

    Training m neurons is not convex, but it is once their patterns and signs are chosen: one block of the convex
    program for each neuron, since two neurons in one closed cell and sign do no better than their sum. Descents
    finished by convex programs give upper bounds; `SupportSearch` rules out all other choices of m blocks, or finds a
    better one, where that takes no more than ``max_programs`` programs.

    Parameters
    ----------
    problem : Problem
        One output, a smooth loss, beta > 0, an affordable exact oracle.
    max_neurons : int
        The largest m.
    max_programs : int, default 1000
        Sub-programs that the search may solve in all; some 15 ms each. 0 asks for upper bounds only.
    n_restarts : int, default 10
        Random starts of the descents at each m up to m*.
    tol : float, default 1e-6
        Relative gap below which a value counts as the optimum of the dual, whose own is 1e-7.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the starts.

    Returns
    -------
    NeuronCurve

    Raises
    ------
    ValueError
        If there are several outputs, the loss has a kink, beta is 0, or no exact oracle is affordable.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, Theorem 1 (m >= m*: no gap).

    Examples
    --------
    >>> curve = value_by_neurons(Problem([[1.0], [-1.0]], [2.0, 2.0], beta=1.0), 3)
    >>> curve.values, curve.fewest
    (array([4. , 3.5, 3. , 3. ]), 2)
    """
    problem = as_problem(problem)
    problem.require_trainable()
    problem.require_scale()
    max_neurons = as_count(max_neurons, "max_neurons")
    max_programs, n_restarts = as_count(max_programs, "max_programs"), as_count(n_restarts, "n_restarts")
    tol = as_number(tol, "tol", positive=True)
    problem = problem.one_output()
    if not problem.loss.is_smooth:
        raise ValueError(f"loss must be differentiable; {problem.loss.name!r} has a kink")
    optimum = solve_dual(problem).value
    search = _support_search(problem, max_programs)
    rng = as_generator(random_state)
    best = ReLUNetwork(np.zeros((problem.n_features, 0)), [], problem.null_offset())
    networks, exact = [best], [True]
    for m in range(1, max_neurons + 1):
        is_exact = problem.objective(best) - optimum <= tol * problem.objective(best)
        if not is_exact:
            best = min([best, *_by_descents(problem, best, m, n_restarts, rng)], key=problem.objective)
            is_exact = problem.objective(best) - optimum <= tol * problem.objective(best)
        if not is_exact and search is not None:
            better, is_exact = search.better(m, problem.objective(best))
            best = best if better is None else better
        networks.append(best)
        exact.append(is_exact)
    return NeuronCurve(
        np.array([problem.objective(network) for network in networks]),
        np.array(exact),
        tuple(networks),
        optimum,
        0 if search is None else search.solved,
        tol,
    )


def _support_search(problem: Problem, max_programs: int) -> SupportSearch | None:
    """Return the search of supports; None where there are too many patterns or no programs to spend."""
    rank = int(np.linalg.matrix_rank(problem.X))
    if max_programs == 0 or count_bound(problem.n_samples, rank) > _MAX_CELLS:
        return None
    return SupportSearch(ReLUProgram(problem, enumerate_patterns(problem.X)), max_programs)


def _by_descents(
    problem: Problem, fewer: ReLUNetwork, m: int, n_restarts: int, rng: np.random.Generator
) -> list[ReLUNetwork]:
    """Return networks of at most m neurons: from random starts, and from fewer neurons with the oracle's choice."""
    starts = [small_random_network(problem, m, rng) for _ in range(n_restarts)]
    found = [_finished(problem, start) for start in starts]
    lam = problem.dual_variable(fewer.predict(problem.X))
    named = require_oracle(problem).maximise(lam, threshold=problem.beta)
    old = Atoms.of_network(problem, fewer)
    for k in range(min(len(named.values), n_restarts)):
        new = Atoms.of_directions(problem, named.directions[:, k : k + 1], named.signs[k : k + 1])
        if len(old) < m:
            atoms, solution = convexify(problem, old.join(new), tol=PROGRAM_TOL)
            found.append(_finished(problem, atoms.network(problem, solution.offset)))
    return found


def _finished(problem: Problem, network: ReLUNetwork) -> ReLUNetwork:
    """Descend and solve the program on the network's own patterns and signs, in turns while that lowers the objective.

    After a program neurons on a kink may cross it in the next descent.
    """
    best = network
    for _ in range(_ROUNDS):
        lower = descend(problem, best)
        atoms = Atoms.of_network(problem, lower)
        if len(atoms) == 0:
            return best
        solved, solution = convexify(problem, atoms, tol=PROGRAM_TOL)
        lower = solved.network(problem, solution.offset)
        if problem.objective(lower) >= problem.objective(best) * (1.0 - SAME):
            return min(best, lower, key=problem.objective)
        best = lower
    return best
