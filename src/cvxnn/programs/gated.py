"""The convex program of two-layer gated ReLU networks: a group lasso."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.networks import GatedReLUNetwork
from cvxnn.patterns import ActivationPatterns, patterns_with_gates
from cvxnn.problem import Problem
from cvxnn.programs.pattern_rows import PatternRows
from cvxnn.programs.program import ConvexProgram, Statement
from cvxnn.programs.relu import as_masks
from cvxnn.programs.working_sets import WorkingSets
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class GatedReLUProgram(ConvexProgram):
    """Convex program of gated ReLU networks with given gates: no cones, no signs.

    ``min ell(sum_b D_b X w_b + b, y) + beta sum_b ||w_b||``

    Its optimum is exactly that of training a gated network with one neuron per gate, and a lower bound on that of
    the `ReLUProgram` of the same patterns.

    Parameters
    ----------
    problem : Problem
        Data, targets, beta > 0, loss; one output.
    patterns : ActivationPatterns or bool array_like of shape (n, P)
        The gates and their patterns on X; of an array, whose columns are distinct, gates are found
        (`patterns_with_gates`).

    Raises
    ------
    ValueError
        If the patterns do not fit the data or have no gates, or the problem is not trainable.

    References
    ----------
    A. Mishkin, A. Sahiner, M. Pilanci, "Fast convex optimization for two-layer ReLU networks", ICML 2022,
    Theorem 2.2.
    """

    problem: Problem
    patterns: ActivationPatterns
    masks: NDArray[np.bool_]  # (n, B), a view of rows that are contiguous for each gate
    _map: PatternRows

    def __init__(self, problem: Problem, patterns: ActivationPatterns | Any) -> None:
        problem.require_trainable()
        if problem.n_outputs != 1:
            raise ValueError(f"y must have one output for a gated program; got {problem.n_outputs}")
        masks = as_masks(patterns, problem.n_samples)
        self._set(problem, patterns_with_gates(problem.X, patterns), np.ascontiguousarray(masks.T))

    def _set(self, problem: Problem, patterns: ActivationPatterns, rows: NDArray[np.bool_]) -> None:
        object.__setattr__(self, "problem", problem)
        object.__setattr__(self, "patterns", patterns)
        object.__setattr__(self, "masks", rows.T)
        object.__setattr__(self, "_map", PatternRows(problem.X, rows))

    def restrict(self, blocks: NDArray[np.intp]) -> GatedReLUProgram:
        """Return the program of some of the gates: the others' blocks are zero.

        Parameters
        ----------
        blocks : int ndarray of shape (k,)
            Distinct gates, k >= 1; block j of the result is ``blocks[j]`` here.
        """
        program = object.__new__(GatedReLUProgram)
        program._set(self.problem, self.patterns[blocks], self._map.rows[blocks])
        return program

    def with_problem(self, problem: Problem) -> GatedReLUProgram:
        """Return the program of another problem with the same gates; the patterns are shared.

        Its X must be this X with rows scaled by non-negative numbers.
        """
        problem.require_trainable()
        program = object.__new__(GatedReLUProgram)
        program._set(problem, self.patterns, self._map.rows)
        return program

    def with_beta(self, beta: float) -> GatedReLUProgram:
        """Return the program of another weight decay; the patterns are shared.

        Raises
        ------
        ValueError
            If ``beta`` is not a finite number > 0.
        """
        return self.with_problem(self.problem.with_beta(beta))

    @property
    def n_blocks(self) -> int:
        """Return B, the number of gates."""
        return int(self.masks.shape[1])

    def forward(self, W: Array) -> Array:
        """Return ``sum_b D_b X w_b``, shape (n,)."""
        return self._map.forward(W)

    def adjoint(self, lam: Array) -> Array:
        """Return ``X^T D_b lam``, shape (d, B)."""
        return self._map.adjoint(lam)

    def project(
        self,
        V: Array,
        sets: WorkingSets | None = None,
        blocks: NDArray[np.intp] | None = None,
        negligible: float = 0.0,
    ) -> Array:
        """Return columns of V as they are: there are no cones."""
        return V if blocks is None else V[:, blocks]

    def face_bases(self, sets: WorkingSets, blocks: NDArray[np.intp]) -> tuple[NDArray[np.intp], Array]:
        """Return the unit vectors for every block: no row is ever active."""
        d = self.problem.n_features
        return np.repeat(blocks, d), np.tile(np.eye(d), len(blocks))

    def images(self, blocks: NDArray[np.intp], directions: Array) -> Array:
        """Return ``D_b X u`` for pairs of a block and a direction, shape (n, k)."""
        return self._map.images(blocks, directions)

    def norm_bounds(self) -> Array:
        """Return upper bounds on ``||D_b X||``, shape (B,): how fast a block's dual norm can change."""
        return self._map.norm_bounds()

    def violation(self, W: Array) -> float:
        """Return 0: there are no cones."""
        return 0.0

    def to_network(self, W: Array, offset: Array | None = None) -> GatedReLUNetwork:
        """Map blocks to a balanced gated network: ``u = w / sqrt ||w||``, ``a = sqrt ||w||``; zeros are dropped."""
        offset = self.best_offset(W) if offset is None else offset
        norms = np.linalg.norm(W, axis=0)
        used = np.flatnonzero(norms > 0)
        roots = np.sqrt(norms[used])
        output = roots.reshape((len(used), *self.problem.y.shape[1:]))
        return GatedReLUNetwork(self.patterns.gates[:, used], W[:, used] / roots, output, offset)

    def to_blocks(self, network: GatedReLUNetwork) -> Array:
        """Map a gated network to blocks: ``a_j u_j`` added up in the block of its gate's pattern.

        Raises
        ------
        ValueError
            If a gate's pattern has no block.
        """
        packed = np.packbits(self.masks.T, axis=1)
        slots = {row.tobytes(): b for b, row in reversed(list(enumerate(packed)))}
        W = np.zeros((self.problem.n_features, self.n_blocks))
        shown = np.packbits(network.patterns(self.problem.X).T, axis=1)
        for j, row in enumerate(shown):
            if row.tobytes() not in slots:
                raise ValueError(
                    f"network must keep to the program's patterns; gate {j} shows a pattern without a block"
                )
            W[:, slots[row.tobytes()]] += network.output.reshape(-1)[j] * network.hidden[:, j]
        return W

    def to_cvxpy(self) -> Statement:
        """State the program to CVXPY."""
        import cvxpy as cp

        problem = self.problem
        W = cp.Variable((problem.n_features, self.n_blocks))
        f = cp.sum(cp.multiply(self.masks.astype(np.float64), problem.X @ W), axis=1)
        return Statement.of(problem, f, self.norms_to_cvxpy(W), W, [])

    def __repr__(self) -> str:
        return f"GatedReLUProgram({self.problem!r}, gates={self.n_blocks})"
