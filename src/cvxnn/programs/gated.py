"""The convex program of two-layer gated ReLU networks: a group lasso, for several outputs nuclear norms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.networks import GatedReLUNetwork
from cvxnn.patterns import ActivationPatterns, patterns_with_gates
from cvxnn.problem import Problem, as_problem
from cvxnn.programs.pattern_rows import PatternRows
from cvxnn.programs.program import ConvexProgram, Statement, scale_to_cvxpy
from cvxnn.programs.relu import as_masks
from cvxnn.programs.singular_values import balanced_factors, frobenius_norms, shrink, spectral_norms
from cvxnn.programs.working_sets import WorkingSets
from cvxnn.validation import Array, are_matrices


@dataclass(frozen=True, eq=False)
class GatedReLUProgram(ConvexProgram):
    """Convex program of gated ReLU networks with given gates: no cones, no signs.

    ``min ell(sum_b D_b X w_b + b, y) + beta sum_b ||w_b||``

    For C >= 2 outputs the blocks are matrices ``Z_b`` of shape (d, C), and the norm is the nuclear norm:

    ``min ell(sum_b D_b X Z_b + b, y) + beta sum_b ||Z_b||_*``

    Its optimum is exactly that of training a gated network with min(d, C) neurons for each gate, and a lower bound on
    that of ReLU networks that keep to the same patterns. For the per-class variant, ``problem.output_norm == "l1"``,
    the penalty is ``beta sum_bc ||Z_b e_c||``: a group lasso of one block for each gate and output.

    Parameters
    ----------
    problem : Problem
        Data, targets of one output or several, beta > 0, loss.
    patterns : ActivationPatterns or bool array_like of shape (n, P)
        The gates and their patterns on X; of an array, whose columns are distinct, gates are found
        (`patterns_with_gates`).

    Raises
    ------
    ValueError
        If the patterns do not fit the data or have no gates, or the problem is not trainable.

    Notes
    -----
    Blocks W have a column for each gate and output: those of gate b are columns ``b C .. b C + C - 1``, the matrix
    Z_b. Predictions of several outputs may be scaled by matrices R_i, row by row (`with_problem`): what a Newton method
    makes of a loss.

    References
    ----------
    A. Mishkin, A. Sahiner, M. Pilanci, "Fast convex optimization for two-layer ReLU networks", ICML 2022, Theorem 2.2
    (gates); A. Sahiner, T. Ergen, J. Pauly, M. Pilanci, "Vector-output ReLU neural network problems are copositive
    programs", ICLR 2021 (the nuclear norm as a relaxation).

    Examples
    --------
    >>> from cvxnn import sample_patterns, solve
    >>> X, y = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]
    >>> program = GatedReLUProgram(Problem(X, y, beta=0.5), sample_patterns(X, 10, random_state=0))
    >>> program.n_outputs, program.n_blocks == 2 * program.n_gates
    (2, True)
    >>> solve(program).network.n_outputs
    2
    """

    problem: Problem
    patterns: ActivationPatterns
    masks: NDArray[np.bool_]  # (n, G), a view of rows that are contiguous for each gate
    roots: Array | None  # R of several outputs, (n, C) for diagonal matrices or (n, C, C)
    _map: PatternRows

    def __init__(self, problem: Problem, patterns: ActivationPatterns | Any) -> None:
        as_problem(problem).require_trainable()
        masks = as_masks(patterns, problem.n_samples)
        self._set(problem, patterns_with_gates(problem.X, patterns), np.ascontiguousarray(masks.T), None)

    def _set(
        self,
        problem: Problem,
        patterns: ActivationPatterns,
        rows: NDArray[np.bool_],
        roots: Array | None,
    ) -> GatedReLUProgram:
        values: dict[str, Any] = {"problem": problem, "patterns": patterns, "masks": rows.T, "roots": roots}
        for name, value in {**values, "_map": PatternRows(problem.X, rows)}.items():
            object.__setattr__(self, name, value)
        return self

    def restrict(self, gates: NDArray[np.intp]) -> GatedReLUProgram:
        """Return the program of some of the gates: the others' blocks are zero.

        Parameters
        ----------
        gates : int ndarray of shape (k,)
            Distinct gates, k >= 1; gate j of the result is ``gates[j]`` here.
        """
        program = object.__new__(GatedReLUProgram)
        return program._set(self.problem, self.patterns[gates], self._map.rows[gates], self.roots)

    def with_problem(self, problem: Problem, roots: Array | None = None) -> GatedReLUProgram:
        """Return the program of another problem with the same gates; the patterns are shared.

        Parameters
        ----------
        problem : Problem
            The other problem, of as many outputs; its X must be this X with rows scaled by non-negative numbers.
        roots : ndarray of shape (n, C) or (n, C, C), optional
            R: predictions are ``R_i (sum_b D_b X Z_b)_i``, with R_i diagonal in the first case. For one output, scale
            the rows of X.

        Raises
        ------
        ValueError
            If there are roots for one output, or the problem is not trainable.
        """
        problem.require_trainable()
        if roots is not None and problem.n_outputs == 1:
            raise ValueError(f"roots must be None for one output: scale rows of X; got shape {roots.shape}")
        program = object.__new__(GatedReLUProgram)
        return program._set(problem, self.patterns, self._map.rows, roots)

    def in_coordinates(self, problem: Problem, gates: Array) -> GatedReLUProgram:
        """Return the same program in coordinates: the patterns stay.

        Parameters
        ----------
        problem : Problem
            The problem, its X in coordinates.
        gates : ndarray of shape (r, G)
            The gates in the same coordinates.
        """
        problem.require_trainable()
        program = object.__new__(GatedReLUProgram)
        return program._set(problem, self.patterns.with_gates(gates), self._map.rows, self.roots)

    def with_beta(self, beta: float) -> GatedReLUProgram:
        """Return the program of another weight decay; the patterns are shared.

        Raises
        ------
        ValueError
            If ``beta`` is not a finite number > 0.
        """
        return self.with_problem(self.problem.with_beta(beta), self.roots)

    @property
    def n_gates(self) -> int:
        """Return G, the number of gates."""
        return int(self.masks.shape[1])

    @property
    def n_outputs(self) -> int:
        """Return C."""
        return self.problem.n_outputs

    @property
    def _is_scalar(self) -> bool:
        """Return whether there is one output: a block is a vector then."""
        return self.n_outputs == 1

    @property
    def n_blocks(self) -> int:
        """Return G C, the number of columns of W."""
        return self.n_gates * self.n_outputs

    @property
    def width(self) -> int:
        """Return how many columns of W a norm of the penalty is of: C, or 1 for the per-class variant."""
        return self.n_outputs if self.problem.output_norm == "l2" else 1

    def matrices(self, W: Array) -> Array:
        """Return the matrices that the penalty is a sum of norms of, transposed: shape (G C / width, width, d)."""
        return np.asarray(W.T.reshape(-1, self.width, W.shape[0]))

    def forward(self, W: Array) -> Array:
        """Return ``sum_b D_b X Z_b``, shape (n,) or (n, C)."""
        if self._is_scalar:
            return self._map.forward(W)
        f = np.stack([self._map.forward(W[:, c :: self.n_outputs]) for c in range(self.n_outputs)], axis=1)
        return self.scale(f, slice(None))

    def adjoint(self, lam: Array) -> Array:
        """Return ``X^T D_b lam`` side by side for all gates, shape (d, G C)."""
        if self._is_scalar:
            return self._map.adjoint(lam)
        if self.roots is not None:
            lam = np.einsum("ncd,nc->nd", self.roots, lam) if are_matrices(self.roots) else self.roots * lam
        G = np.stack([self._map.adjoint(column) for column in np.ascontiguousarray(lam.T)], axis=2)
        return G.reshape(len(G), -1)

    def scale(self, f: Array, rows: slice) -> Array:
        """Return ``R_i f_i`` of some rows, for f of shape (rows, C) or (rows, C, k)."""
        if self.roots is None:
            return f
        roots = self.roots[rows]
        if are_matrices(roots):
            return np.asarray(roots @ f) if f.ndim == 3 else np.einsum("ncd,nd->nc", roots, f)
        return roots.reshape(*roots.shape, *[1] * (f.ndim - 2)) * f

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
        """Return the unit vectors for every column: no row is ever active."""
        d = self.problem.n_features
        return np.repeat(blocks, d), np.tile(np.eye(d), len(blocks))

    def face_normals(self, sets: WorkingSets, blocks: NDArray[np.intp]) -> tuple[NDArray[np.intp], Array]:
        """Return none: no row is ever active."""
        return np.zeros(0, dtype=np.intp), np.zeros((self.problem.n_features, 0))

    def images(self, blocks: NDArray[np.intp], directions: Array) -> Array:
        """Return ``D_b X u e_c^T`` for pairs of a column, of gate b and output c, and a direction.

        Shape (n, k), or (n, C, k) for several outputs.
        """
        if self._is_scalar:
            return self._map.images(blocks, directions)
        values = self._map.images(blocks // self.n_outputs, directions)
        outputs = np.arange(self.n_outputs)[:, None] == blocks % self.n_outputs
        return self.scale(values[:, None, :] * outputs, slice(None))

    def norm_bounds(self) -> Array:
        """Return upper bounds on ``||D_b X||``, shape (G,): how fast a gate's dual norm can change."""
        return self._map.norm_bounds()

    def violation(self, W: Array) -> float:
        """Return 0: there are no cones."""
        return 0.0

    def penalty(self, W: Array) -> float:
        """Return ``beta sum_b ||Z_b||_*``, or the sum of column norms for the per-class variant."""
        if self._is_scalar:
            return super().penalty(W)
        matrices = self.matrices(W)
        used = matrices[np.any(matrices, axis=(1, 2))]
        return self.problem.beta * float(np.sum(np.linalg.svd(used, compute_uv=False)))

    def prox(self, V: Array, step: float, sets: WorkingSets | None = None) -> Array:
        """Return ``argmin_W 1/(2 step) ||W - V||^2 + penalty(W)``: singular values less ``step beta``, or zero."""
        if self._is_scalar:
            return super().prox(V, step)
        shrunk = shrink(self.matrices(V), step * self.problem.beta)
        return np.ascontiguousarray(shrunk.reshape(self.n_blocks, -1).T)

    def dual_norms(self, G: Array, floor: float) -> Array:
        """Return upper bounds on the norms of ``A^T lam`` that are dual to the penalty's, one for each gate.

        Parameters
        ----------
        G : ndarray of shape (d, G C)
            ``A^T lam``.
        floor : float
            Bounds above this are exact.

        Returns
        -------
        ndarray of shape (G,)
        """
        if self.width == 1:
            norms = np.linalg.norm(G, axis=0)
        else:
            norms = spectral_norms(self.matrices(G), floor)
        return np.asarray(np.max(norms.reshape(self.n_gates, -1), axis=1))

    def critical_beta(self, lam: Array, sets: WorkingSets | None = None) -> float:
        """Return the largest dual norm of a gate: lam is dual feasible when this is at most beta."""
        G = self.adjoint(lam)
        # A spectral norm is at least the Frobenius norm over the root of the rank.
        rank = min(self.problem.n_features, self.width)
        floor = float(np.max(frobenius_norms(self.matrices(G)))) / np.sqrt(rank)
        return float(np.max(self.dual_norms(G, (1.0 - 1e-12) * floor)))

    def _feasible_norm(self, lam: Array, sets: WorkingSets | None) -> float:
        """Return an upper bound on the largest dual norm that is exact where it exceeds beta."""
        return float(np.max(self.dual_norms(self.adjoint(lam), self.problem.beta)))

    def to_network(self, W: Array, offset: Array | None = None) -> GatedReLUNetwork:
        """Map blocks to a balanced gated network, one neuron for each non-zero singular value; keeps the objective.

        ``Z_b = sum_k s_k p_k q_k^T`` gives neurons ``u = sqrt(s_k) p_k``, ``a = sqrt(s_k) q_k``: for one output
        ``u = w / sqrt ||w||``, ``a = sqrt ||w||``. Those of the per-class variant serve one output each.
        """
        offset = self.best_offset(W) if offset is None else offset
        owners, left, right = balanced_factors(self.matrices(W))
        per_gate = self.n_outputs // self.width
        output = np.zeros((len(owners), per_gate, self.width))
        output[np.arange(len(owners)), owners % per_gate] = left
        shaped = output.reshape((len(owners), *self.problem.y.shape[1:]))
        return GatedReLUNetwork(self.patterns.gates[:, owners // per_gate], right.T, shaped, offset)

    def to_blocks(self, network: GatedReLUNetwork) -> Array:
        """Map a gated network to blocks: ``u_j a_j^T`` added up in the block of its gate's pattern.

        Never raises the objective.

        Raises
        ------
        ValueError
            If the network has another number of outputs, or a gate's pattern no block.
        """
        output = network.output_weights
        if network.n_outputs != self.n_outputs:
            raise ValueError(
                f"network must have as many outputs as y, {self.n_outputs}; got {network.n_outputs}"
            )
        packed = np.packbits(self._map.rows, axis=1)
        slots = {row.tobytes(): b for b, row in reversed(list(enumerate(packed)))}
        Z = np.zeros((self.problem.n_features, self.n_gates, self.n_outputs))
        for j, row in enumerate(np.packbits(network.patterns(self.problem.X).T, axis=1)):
            if row.tobytes() not in slots:
                raise ValueError(
                    f"network must keep to the program's patterns; gate {j} shows a pattern without a block"
                )
            Z[:, slots[row.tobytes()]] += np.outer(network.hidden[:, j], output[j])
        return Z.reshape(len(Z), -1)

    def to_cvxpy(self) -> Statement:
        """State the program to CVXPY."""
        import cvxpy as cp

        problem, C = self.problem, self.n_outputs
        W = cp.Variable((problem.n_features, self.n_blocks))
        # The columns of output c, masked, are added up by one product.
        values = cp.multiply(np.repeat(self.masks, C, axis=1).astype(np.float64), problem.X @ W)
        f = values @ (np.ones(self.n_gates) if self._is_scalar else np.tile(np.eye(C), (self.n_gates, 1)))
        if self.roots is not None:
            f = scale_to_cvxpy(self.roots, f)
        if self.width == 1:
            penalty = self.norms_to_cvxpy(W)
        else:
            penalty = problem.beta * sum(cp.normNuc(W[:, b * C : (b + 1) * C]) for b in range(self.n_gates))
        return Statement.of(problem, f, penalty, W, [])

    def __repr__(self) -> str:
        return f"GatedReLUProgram({self.problem!r}, gates={self.n_gates})"
