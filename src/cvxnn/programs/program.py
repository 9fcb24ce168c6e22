"""What every convex program offers to solvers, proofs and the map to networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.deadlines import NEVER, Deadline
from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.programs.working_sets import WorkingSets
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, are_matrices


@short_repr
@dataclass(frozen=True, eq=False)
class Statement:
    """A program stated to CVXPY.

    Parameters
    ----------
    problem : cvxpy.Problem
        The statement; call its ``solve``.
    blocks : cvxpy.Variable of shape (d, B)
        The blocks.
    offset : cvxpy.Variable or None
        The output offset, where the problem has one.
    fit : cvxpy.Constraint
        That predictions are what blocks and offset say; its dual value is the dual variable.
    """

    problem: Any
    blocks: Any
    offset: Any
    fit: Any

    @classmethod
    def of(cls, problem: Problem, f: Any, penalty: Any, blocks: Any, constraints: list[Any]) -> Statement:
        """Return the statement of ``min ell(f + offset) + penalty`` for predictions f without the offset.

        Parameters
        ----------
        problem : Problem
            Loss, targets, weights, and whether there is an offset.
        f, penalty : cvxpy.Expression
            Predictions, of the shape of `ConvexProgram.target`, and the penalty.
        blocks : cvxpy.Variable
            The blocks.
        constraints : list of cvxpy.Constraint
            The cones.
        """
        import cvxpy as cp

        target = problem.y if problem.n_outputs > 1 else problem.y.reshape(-1)
        predictions, offset = cp.Variable(target.shape), None
        if problem.output_offset:
            offset = cp.Variable(problem.n_outputs)
            f = f + cp.reshape(problem.offset_columns @ offset, target.shape, order="C")
        fit = predictions == f
        objective = problem.loss.to_cvxpy(predictions, target, problem.sample_weight) + penalty
        return cls(cp.Problem(cp.Minimize(objective), [fit, *constraints]), blocks, offset, fit)


class ConvexProgram(ABC):
    """A convex program ``min over W of ell(A W + b, y) + beta sum_b ||w_b||, w_b in a cone``.

    Conventions: blocks W have shape (d, B), one column per block; ``A W = sum_b D_b X w_b s_b^T`` and duals have the
    shape of `target`: (n,) for one output, (n, C) for several. A program holds data and no state: the working sets that
    make repeated projections cheap belong to the caller.
    """

    problem: Problem

    @property
    @abstractmethod
    def n_blocks(self) -> int:
        """Return B."""

    @abstractmethod
    def forward(self, W: Array) -> Array:
        """Return ``A W``, shape of `target`, without the offset."""

    @abstractmethod
    def adjoint(self, lam: Array) -> Array:
        """Return ``A^T lam``, shape (d, B)."""

    @abstractmethod
    def project(
        self,
        V: Array,
        sets: WorkingSets | None = None,
        blocks: NDArray[np.intp] | None = None,
        negligible: float = 0.0,
    ) -> Array:
        """Return the projections of columns of V on their cones.

        Parameters
        ----------
        V : ndarray of shape (d, B)
            Points.
        sets : WorkingSets, optional
            Working sets, changed in place.
        blocks : int ndarray, optional
            The columns to project, all by default. The result has a column for each.
        negligible : float, default 0
            For a column whose projection is found to be no longer than this, another vector no longer than this
            may be returned.
        """

    @abstractmethod
    def face_bases(self, sets: WorkingSets, blocks: NDArray[np.intp]) -> tuple[NDArray[np.intp], Array]:
        """Return orthonormal bases of the directions that keep blocks' active rows at zero.

        Parameters
        ----------
        sets : WorkingSets
            Those of the blocks' last projection.
        blocks : int ndarray
            The blocks.

        Returns
        -------
        owners : int ndarray of shape (r,)
            The block of each direction.
        directions : ndarray of shape (d, r)
            The bases side by side.
        """

    @abstractmethod
    def face_normals(self, sets: WorkingSets, blocks: NDArray[np.intp]) -> tuple[NDArray[np.intp], Array]:
        """Return orthonormal bases of the spans of blocks' active rows: the complements of `face_bases`.

        Faces of few active rows have nearly d dimensions, and their normals few.

        Parameters
        ----------
        sets : WorkingSets
            Those of the blocks' last projection.
        blocks : int ndarray
            The blocks.

        Returns
        -------
        owners : int ndarray of shape (r,)
            The block of each normal, those of a block side by side.
        normals : ndarray of shape (d, r)
        """

    def free_directions(self, sets: WorkingSets, block: int) -> Array:
        """Return an orthonormal basis, (d, k), of the directions that keep a block's active rows at zero.

        ``sets`` are the working sets of the block's last projection.
        """
        return self.face_bases(sets, np.array([block]))[1]

    @abstractmethod
    def images(self, blocks: NDArray[np.intp], directions: Array) -> Array:
        """Return ``D_b X u s_b^T`` for pairs of a block and a direction.

        Parameters
        ----------
        blocks : int ndarray of shape (k,)
            Block of each column.
        directions : ndarray of shape (d, k)
            Directions.

        Returns
        -------
        ndarray of shape (n, k), or (n, C, k) for several outputs
        """

    def gram(
        self,
        blocks: NDArray[np.intp],
        directions: Array,
        others: NDArray[np.intp],
        other_directions: Array,
        deadline: Deadline = NEVER,
    ) -> Array:
        """Return the products of two families of `images`, shape (k, l).

        Parameters
        ----------
        blocks, directions : ndarrays of shapes (k,), (d, k)
            The first family.
        others, other_directions : ndarrays of shapes (l,), (d, l)
            The second.
        deadline : Deadline, default never
            When `OutOfTime` is raised where the work is done in chunks.
        """
        first, second = self.images(blocks, directions), self.images(others, other_directions)
        return np.asarray(first.reshape(-1, len(blocks)).T @ second.reshape(-1, len(others)))

    @abstractmethod
    def violation(self, W: Array) -> float:
        """Return how far blocks are outside their cones, ``max_ib (-S_b x_i^T w_b)_+ / (||x_i|| max ||w||)``."""

    @abstractmethod
    def to_network(self, W: Array, offset: Array | None = None) -> ReLUNetwork | GatedReLUNetwork:
        """Map blocks to a balanced network that has the same value on the data."""

    @abstractmethod
    def to_cvxpy(self) -> Statement:
        """State the program to CVXPY."""

    @property
    def target(self) -> Array:
        """Return y, as a vector of shape (n,) where there is one output."""
        return self.problem.y if self.problem.n_outputs > 1 else self.problem.y.reshape(-1)

    def _shaped(self, f: Array) -> Array:
        """Return predictions or duals in the shape of the problem's y."""
        return f.reshape(self.problem.y.shape)

    def penalty(self, W: Array) -> float:
        """Return ``beta sum_b ||w_b||``."""
        return self.problem.beta * float(np.sum(np.linalg.norm(W, axis=0)))

    def norms_to_cvxpy(self, W: Any) -> Any:
        """Return ``beta sum_b ||w_b||`` of CVXPY blocks (d, B)."""
        import cvxpy as cp

        return self.problem.beta * cp.sum(cp.norm(W, 2, axis=0))

    def best_offset(self, W: Array) -> Array:
        """Return the best output offset for blocks W, shape (C,); zero where the problem has none."""
        if not self.problem.output_offset:
            return np.zeros(self.problem.n_outputs)
        return self.problem.best_offset(self._shaped(self.forward(W)))

    def objective(self, W: Array, offset: Array | None = None) -> float:
        """Return the program's objective at blocks W, with the best offset where none is given.

        The cone constraints are not looked at: see `violation`.
        """
        f = self._shaped(self.forward(W))
        offset = self.problem.best_offset(f) if offset is None else offset
        return self.problem.loss_value(f, offset) + self.penalty(W)

    def dual_variable(self, W: Array, offset: Array | None = None) -> Array:
        """Return ``lam = -grad ell`` at blocks W, with ``1^T lam = 0`` where there is an offset."""
        f = self._shaped(self.forward(W))
        offset = self.problem.best_offset(f) if offset is None else offset
        lam = self.problem.project_dual(-self.problem.loss_gradient(f, offset))
        return lam.reshape(self.target.shape)

    def squared_norm(self) -> float:
        """Return an upper estimate of ``||A||^2`` by power iteration, with a margin for its slow convergence."""
        v = np.random.default_rng(0).standard_normal(self.target.shape)
        value = 0.0
        for _ in range(50):
            w = self.forward(self.adjoint(v))
            value = float(np.linalg.norm(w))
            if value == 0.0:
                return 0.0
            v = w / value
        return 1.05 * value

    def prox(self, V: Array, step: float, sets: WorkingSets | None = None) -> Array:
        """Return ``argmin_W 1/(2 step) ||W - V||^2 + beta sum_b ||w_b||`` over the cones.

        It is ``(1 - step beta / ||t||)_+ t`` with t the projection of v on its cone; columns with
        ``||v|| <= step beta`` are zero without a projection.
        """
        threshold = step * self.problem.beta
        W = np.zeros_like(V)
        large = np.flatnonzero(np.linalg.norm(V, axis=0) > threshold)
        if large.size:
            T = self.project(V, sets, large, threshold)
            norms = np.linalg.norm(T, axis=0)
            shrink = np.maximum(0.0, 1.0 - threshold / np.where(norms > 0, norms, np.inf))
            W[:, large] = T * np.where(norms > 0, shrink, 0.0)
        return W

    def critical_beta(self, lam: Array, sets: WorkingSets | None = None) -> float:
        """Return ``max_b ||Pi_K(A^T lam)_b||``: lam is dual feasible when this is at most beta."""
        G = self.adjoint(lam)
        norms = np.linalg.norm(G, axis=0)
        best = 0.0
        order = np.argsort(-norms, kind="stable")
        sets = WorkingSets.empty(self.n_blocks) if sets is None else sets
        # The unconstrained norm bounds the cone's from above: project in decreasing order until it cannot matter.
        for start in range(0, self.n_blocks, 64):
            batch = order[start : start + 64]
            batch = batch[norms[batch] > best]
            if batch.size == 0:
                break
            best = max(best, float(np.max(np.linalg.norm(self.project(G, sets, batch, best), axis=0))))
        return best

    def dual_bound(self, lam: Array, sets: WorkingSets | None = None) -> float:
        """Return a lower bound on the program's optimum from a dual variable, by scaling it to be feasible.

        Parameters
        ----------
        lam : ndarray, shape of `target`
            ``-lam`` in the domain of the loss's conjugate; balanced here where the problem has an offset.
        sets : WorkingSets, optional
            Working sets of the projections, changed in place.

        Notes
        -----
        Blocks whose unconstrained norm is at most beta need no projection, so the scaling is found on the others.
        """
        problem = self.problem
        lam = problem.project_dual(self._shaped(lam))
        largest_norm = self._feasible_norm(lam.reshape(self.target.shape), sets)
        # A value of t up to beta / max norm is feasible; an all-zero dual is feasible at any scale.
        limit = problem.beta / largest_norm if largest_norm > 0 else 1.0
        t = problem.best_dual_scale(lam, limit)
        return max(0.0, problem.dual_objective(t * lam))

    def _feasible_norm(self, lam: Array, sets: WorkingSets | None) -> float:
        """Return an upper bound on ``max_b ||Pi_K(A^T lam)_b||`` that is exact where it exceeds beta."""
        G = self.adjoint(lam)
        norms = np.linalg.norm(G, axis=0)
        large = np.flatnonzero(norms > self.problem.beta)
        if large.size == 0:
            return float(np.max(norms, initial=0.0))
        projected = np.linalg.norm(self.project(G, sets, large, self.problem.beta), axis=0)
        return max(float(np.max(projected)), self.problem.beta if large.size < norms.size else 0.0)


def scale_to_cvxpy(roots: Array, f: Any) -> Any:
    """Return ``R_i f_i`` of CVXPY predictions (n, C), for roots of shape (n, C) or (n, C, C)."""
    import cvxpy as cp

    if not are_matrices(roots):
        return cp.multiply(roots, f)
    return sum(
        cp.multiply(roots[:, :, c], f[:, [c]] @ np.ones((1, roots.shape[1]))) for c in range(roots.shape[2])
    )
