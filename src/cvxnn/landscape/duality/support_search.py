"""The best m blocks of a convex program: supports that might be better, each ruled out by a dual variable or solved."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cvxnn.networks import ReLUNetwork
from cvxnn.programs import ReLUProgram
from cvxnn.solvers import solve
from cvxnn.validation import Array

# Relative gap of the programs, and by how much a support must be better to be told apart.
PROGRAM_TOL = 1e-9
SAME = 1e-8
# Programs that may be spent on making a dual variable rule out more.
_WIDENINGS = 4

Blocks = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Optimum:
    """The optimum on some blocks, and what its dual variable says of all."""

    value: float
    network: ReLUNetwork
    norms: Array  # (B,)
    violated: NDArray[np.bool_]  # (B,)


@dataclass(eq=False)
class SupportSearch:
    """Search for m blocks of a program whose optimum, with the others left out, is below a value.

    A dual variable lam whose bound, with all its feasible blocks in the program, is not below the value rules out
    every support inside these blocks: a better support has one of those that lam violates. The violated blocks of the
    dual variables met so far are sets that a better support must hit; it is grown by branching on a set not hit yet.
    Only a support that hits all is solved, which names a new set or a better value.

    Parameters
    ----------
    program : ReLUProgram
        With all blocks.
    max_programs : int
        Programs to solve at most, in all searches together.

    References
    ----------
    J. N. Hooker and G. Ottosson, "Logic-based Benders decomposition", Math. Programming 96 (2003); E. Moreno-Centeno
    and R. M. Karp, "The implicit hitting set approach to solve combinatorial optimization problems", Operations
    Research 61 (2013).
    """

    program: ReLUProgram
    max_programs: int
    solved: int = 0
    bounds: list[float] = field(default_factory=list)  # (K,) the value of each dual variable
    violated: list[NDArray[np.bool_]] = field(default_factory=list)  # (K, B) the blocks that each violates
    value: float = np.inf
    network: ReLUNetwork | None = None

    def better(self, m: int, value: float) -> tuple[ReLUNetwork | None, bool]:
        """Return a network of at most m neurons below a value, the best there is, and whether the search is complete.

        Parameters
        ----------
        m : int
            Blocks of a support.
        value : float
            What is to be beaten.

        Returns
        -------
        network : ReLUNetwork or None
            None where the search met none.
        is_complete : bool
            False where ``max_programs`` ended it.
        """
        self.value, self.network = value, None
        return self._descend((), np.zeros(self.program.n_blocks, dtype=np.bool_), m)

    def _descend(
        self, support: Blocks, excluded: NDArray[np.bool_], m: int
    ) -> tuple[ReLUNetwork | None, bool]:
        """Search the supports that contain some blocks and none of the excluded ones."""
        choices = self._choices(support, excluded)
        if choices is None:
            if self.solved >= self.max_programs:
                return self.network, False
            self._solve(support)
            choices = self._choices(support, excluded)
            assert choices is not None
        if len(support) == m:
            return self.network, True
        excluded, is_complete = excluded.copy(), True
        for block in choices:
            is_complete &= self._descend((*support, int(block)), excluded, m)[1]
            if not is_complete:
                break
            excluded[block] = True
        return self.network, is_complete

    def _choices(self, support: Blocks, excluded: NDArray[np.bool_]) -> NDArray[np.intp] | None:
        """Return the smallest set that the support does not hit, less the excluded; None where it hits all."""
        if not self.violated:
            return None
        sets = np.array(self.violated)
        counts = np.array(self.bounds) >= self.value * (1.0 - SAME)
        open_sets = sets[counts & ~np.any(sets[:, list(support)], axis=1)]
        if len(open_sets) == 0:
            return None
        allowed = open_sets & ~excluded
        return np.flatnonzero(allowed[np.argmin(np.sum(allowed, axis=1))])

    def _solve(self, support: Blocks) -> None:
        """Solve the program on a support; keep its network if it is better, and what its dual variable rules out."""
        chosen = np.zeros(self.program.n_blocks, dtype=np.bool_)
        chosen[list(support)] = True
        optimum = self._optimum(chosen)
        if optimum.value < self.value * (1.0 - SAME):
            self.value, self.network = optimum.value, optimum.network
        optimum = self._widened(chosen, optimum)
        self.bounds.append(optimum.value)
        self.violated.append(optimum.violated)

    def _widened(self, chosen: NDArray[np.bool_], optimum: _Optimum) -> _Optimum:
        """Return the optimum on a support with blocks added, while that is not below the value: it violates fewer."""
        share = 0.5
        for _ in range(_WIDENINGS):
            outside = np.flatnonzero(optimum.violated)
            added = outside[np.argsort(optimum.norms[outside], kind="stable")][: int(share * len(outside))]
            if len(added) == 0:
                break
            wider = ~optimum.violated
            wider[added] = True
            tried = self._optimum(wider)
            if tried.value >= self.value * (1.0 - SAME):
                optimum = tried
            else:
                share *= 0.5
        return optimum

    def _optimum(self, blocks: NDArray[np.bool_]) -> _Optimum:
        """Solve the program on some blocks."""
        full, problem = self.program, self.program.problem
        if not np.any(blocks):
            network = ReLUNetwork(np.zeros((problem.n_features, 0)), [], problem.null_offset())
            lam = full.dual_variable(np.zeros((problem.n_features, full.n_blocks)))
            return _Optimum(problem.objective(network), network, *self._norms(lam, blocks))
        self.solved += 1
        solution = solve(ReLUProgram(problem, full.masks[:, blocks], full.signs[blocks]), tol=PROGRAM_TOL)
        found = solution.network
        assert isinstance(found, ReLUNetwork)
        return _Optimum(solution.objective, found, *self._norms(solution.dual_variable, blocks))

    def _norms(self, lam: Array, blocks: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_]]:
        """Return the blocks' largest correlations with a dual variable, and which of the others exceed beta."""
        norms = np.linalg.norm(self.program.project(self.program.adjoint(lam)), axis=0)
        return norms, (norms > self.program.problem.beta * (1.0 + SAME)) & ~blocks
