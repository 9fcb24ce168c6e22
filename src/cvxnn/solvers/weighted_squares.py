"""Weighted least squares in place of a loss: what semismooth Newton solves, one after the other, for every loss.

``1/2 sum_i ||R_i (f_i + b - z_i)||^2`` with R_i a number for one output, a vector (a factor for each output) or a
matrix (C, C) for several: squared loss of predictions whose rows are scaled by R_i, which changes no cone. For one
output X itself is scaled; for several the program's products are. The offset is no longer the same for every row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.deadlines import NEVER, Deadline
from cvxnn.losses import SquaredLoss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.programs import (
    ConvexProgram,
    GatedReLUProgram,
    OutOfTime,
    ReLUProgram,
    Statement,
    WorkingSets,
)
from cvxnn.programs.program import scale_to_cvxpy
from cvxnn.validation import Array, are_matrices, as_columns

# Numbers in the images of a chunk of rows: 4 MiB of float64.
_CHUNK_ENTRIES = 1 << 19


def least_squares(program: ConvexProgram, roots: Array, targets: Array) -> ConvexProgram:
    """Return the program with ``1/2 sum_i ||R_i (f_i + b - z_i)||^2`` in place of its loss.

    Parameters
    ----------
    program : ReLUProgram or GatedReLUProgram
        Blocks, cones, penalty, and whether there is an offset.
    roots : ndarray of shape (n,), (n, C) or (n, C, C)
        R; the first for one output.
    targets : ndarray, shape of ``program.target``
        z.
    """
    assert isinstance(program, ReLUProgram | GatedReLUProgram)
    problem = program.problem
    if problem.n_outputs == 1:
        X = problem.X * roots[:, None]
        return program.with_problem(LeastSquares(problem, X, roots * targets, _columns(problem, roots)))
    scaled = LeastSquares(problem, problem.X, scale(roots, targets), _columns(problem, roots))
    if isinstance(program, GatedReLUProgram):
        return program.with_problem(scaled, roots)
    assert isinstance(program, ReLUProgram)
    return ScaledProgram(program, scaled, roots)


def scale(roots: Array, f: Array) -> Array:
    """Return ``R_i f_i``, shape of f."""
    return np.einsum("ncd,nd->nc", roots, f) if are_matrices(roots) else roots * f


def scale_transposed(roots: Array, f: Array) -> Array:
    """Return ``R_i^T f_i``, shape of f."""
    return np.einsum("ncd,nc->nd", roots, f) if are_matrices(roots) else roots * f


def _columns(problem: Problem, roots: Array) -> Array:
    """Return what an offset of 1 of each output adds to the scaled predictions, shape (n C, C); none without."""
    n, C = problem.n_samples, problem.n_outputs
    if not problem.output_offset:
        return np.zeros((n * C, 0))
    matrices = roots if are_matrices(roots) else as_columns(roots)[:, :, None] * np.eye(C)
    return matrices.reshape(n * C, C)


class LeastSquares(Problem):
    """Squared loss of scaled predictions, as a problem with an offset of its own.

    Parameters
    ----------
    problem : Problem
        beta, the norm of output weights, whether there is an offset.
    X : ndarray of shape (n, d)
        Data.
    y : ndarray of shape (n,) or (n, C)
        Scaled targets ``R_i z_i``.
    columns : ndarray of shape (n C, C)
        What an offset of 1 of each output adds to the scaled predictions.
    """

    columns: Array
    basis: Array  # (n C, k), orthonormal, of the columns

    def __init__(self, problem: Problem, X: Array, y: Array, columns: Array) -> None:
        values: dict[str, Any] = {
            "X": X,
            "y": y,
            "beta": problem.beta,
            "loss": SquaredLoss(),
            "output_offset": problem.output_offset,
            "sample_weight": None,
            "output_norm": problem.output_norm,
            "shift": np.zeros(problem.n_outputs),
            "centred_target": y,
            "columns": columns,
            "basis": np.linalg.qr(columns).Q if problem.output_offset else columns,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def offset_columns(self) -> Array:
        """Return what an offset of 1 of each output adds to the scaled predictions."""
        return self.columns

    @property
    def offset_basis(self) -> Array:
        """Return an orthonormal basis of what offsets add to scaled predictions, shape (n C, k)."""
        return self.basis

    def _added(self, offset: Array) -> Array:
        if not self.output_offset:
            return np.zeros_like(self.y)
        return (self.columns @ offset).reshape(self.y.shape)

    def loss_value(self, f: Array, offset: Array) -> float:
        """Return ``1/2 ||f + offset's part - y||^2`` of scaled predictions f."""
        return self.loss.value(f + self._added(offset), self.y)

    def loss_gradient(self, f: Array, offset: Array, rows: slice = slice(None)) -> Array:
        """Return the gradient of `loss_value` with respect to f."""
        return np.asarray(f + self._added(offset)[rows] - self.y[rows])

    def project_dual(self, lam: Array) -> Array:
        """Return the part of lam that is orthogonal to what offsets add; lam has n C numbers a column."""
        if not self.output_offset:
            return lam
        flat = lam.reshape(self.basis.shape[0], -1)
        return np.asarray(flat - self.basis @ (self.basis.T @ flat)).reshape(lam.shape)

    def best_offset(self, f: Array) -> Array:
        """Return the least-squares offset."""
        if not self.output_offset:
            return np.zeros(self.n_outputs)
        return np.asarray(np.linalg.lstsq(self.columns, (self.y - f).ravel(), rcond=None)[0])


class ScaledProgram(ConvexProgram):
    """A program of several outputs whose predictions are scaled by matrices R_i.

    Parameters
    ----------
    program : ReLUProgram
        Blocks, cones and the map to predictions.
    problem : LeastSquares
        The problem of the scaled predictions.
    roots : ndarray of shape (n, C) or (n, C, C)
        R.
    """

    def __init__(self, program: ReLUProgram, problem: LeastSquares, roots: Array) -> None:
        self.program, self.problem, self.roots = program, problem, roots

    @property
    def n_blocks(self) -> int:
        """Return B."""
        return self.program.n_blocks

    def forward(self, W: Array) -> Array:
        """Return the scaled predictions of blocks, shape (n, C)."""
        return scale(self.roots, self.program.forward(W))

    def adjoint(self, lam: Array) -> Array:
        """Return the adjoint of `forward`, shape (d, B)."""
        return self.program.adjoint(scale_transposed(self.roots, lam))

    def project(
        self,
        V: Array,
        sets: WorkingSets | None = None,
        blocks: NDArray[np.intp] | None = None,
        negligible: float = 0.0,
    ) -> Array:
        """Return the projections of columns of V on their cones."""
        return self.program.project(V, sets, blocks, negligible)

    def face_bases(self, sets: WorkingSets, blocks: NDArray[np.intp]) -> tuple[NDArray[np.intp], Array]:
        """Return orthonormal bases of the directions that keep blocks' active rows at zero."""
        return self.program.face_bases(sets, blocks)

    def face_normals(self, sets: WorkingSets, blocks: NDArray[np.intp]) -> tuple[NDArray[np.intp], Array]:
        """Return orthonormal bases of the spans of blocks' active rows."""
        return self.program.face_normals(sets, blocks)

    def images(self, blocks: NDArray[np.intp], directions: Array) -> Array:
        """Return ``R_i s_b`` times ``(D_b X u)_i`` for pairs of a block and a direction, shape (n, C, k)."""
        return np.moveaxis(self._images(blocks, directions, slice(None)), 0, -1)

    def _images(self, blocks: NDArray[np.intp], directions: Array, rows: slice) -> Array:
        """Return the images of some rows, shape (k, rows, C)."""
        plain = self.program.unsigned_images(blocks, directions, rows)  # (k, rows)
        roots, signs = self.roots[rows], self.program.signs[blocks]
        if not are_matrices(roots):
            return plain[:, :, None] * (roots * signs[:, None, :])
        return np.asarray(plain[:, :, None] * np.einsum("rcd,kd->krc", roots, signs))

    def gram(
        self,
        blocks: NDArray[np.intp],
        directions: Array,
        others: NDArray[np.intp],
        other_directions: Array,
        deadline: Deadline = NEVER,
    ) -> Array:
        """Return the products of two families of images, by chunks of rows."""
        k, size = len(blocks), len(blocks) + len(others)
        total = np.zeros((k, len(others)))
        height = max(16, _CHUNK_ENTRIES // (size * self.roots.shape[1]))
        for start in range(0, self.problem.n_samples, height):
            if deadline.is_over:
                raise OutOfTime
            rows = slice(start, start + height)
            first = self._images(blocks, directions, rows).reshape(k, -1)
            total += first @ self._images(others, other_directions, rows).reshape(len(others), -1).T
        return total

    def violation(self, W: Array) -> float:
        """Return how far blocks are outside their cones."""
        return self.program.violation(W)

    def to_network(self, W: Array, offset: Array | None = None) -> ReLUNetwork:
        """Return the network of the blocks, whose predictions are not scaled."""
        return self.program.to_network(W, self.best_offset(W) if offset is None else offset)

    def to_cvxpy(self) -> Statement:
        """State the program to CVXPY."""
        W, f, cones = self.program.terms_to_cvxpy()
        return Statement.of(self.problem, scale_to_cvxpy(self.roots, f), self.norms_to_cvxpy(W), W, cones)
