"""The linear system of the semismooth Newton steps on gated programs of several outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from cvxnn.deadlines import NEVER, Deadline
from cvxnn.programs import GatedReLUProgram, OutOfTime
from cvxnn.programs.singular_values import ShrinkJacobian
from cvxnn.solvers.newton_system import conjugate_gradients
from cvxnn.validation import Array

Indices = NDArray[np.intp]

# Order of the largest system that is stored: a few matrices of 128 MiB.
_STORED = 4096
# Products that conjugate gradients take the time of, counted in operations of a matrix product.
_PRODUCTS = 100
# Numbers in the images of a chunk: 4 MiB of float64.
_CHUNK_ENTRIES = 1 << 19
# Of the largest diagonal entry of a Gram matrix: what rounding may take off its smallest eigenvalue.
_ROUNDING = 1e-15


def gated_newton_solve(
    program: GatedReLUProgram, V: Array, sigma: float, gradient: Array, deadline: Deadline = NEVER
) -> Array:
    """Solve ``(I + sigma A J A^T) x = gradient`` with J a Jacobian of the prox with step sigma at V.

    By the smaller of two systems: one equation for each prediction, or for each non-zero eigenvalue of J. To a
    relative residual of 1e-2, without any matrix, where both are too large to store or to be worth it.

    Parameters
    ----------
    program : GatedReLUProgram
        Gates, data, beta.
    V : ndarray of shape (d, G C)
        What the prox is taken of.
    sigma : float
        Its step.
    gradient : ndarray of shape (n, C)
        The right-hand side, orthogonal to what offsets add where the problem has one.
    deadline : Deadline, default never
        When `OutOfTime` is raised.

    Returns
    -------
    ndarray of shape (n, C)
    """
    jacobian = ShrinkJacobian.at(program.matrices(V), sigma * program.problem.beta)
    if jacobian.used.size == 0:
        return gradient
    order = int(np.count_nonzero(jacobian.weights))
    if not _is_worth_storing(order, gradient.size, program, jacobian):
        return _solve_by_conjugate_gradients(program, jacobian, sigma, gradient, deadline)
    directions = _Directions.of(program, jacobian)
    solve = _solve_by_directions if order < gradient.size else _solve_by_predictions
    return solve(program, directions, sigma, gradient, deadline)


def _is_worth_storing(order: int, size: int, program: GatedReLUProgram, jacobian: ShrinkJacobian) -> bool:
    """Return whether a system fits in memory and costs no more than conjugate gradients, as far as can be told."""
    smaller = min(order, size)
    stored = smaller * (size * order + smaller**2 / 3)
    # Two passes over the masks and the data, of two operations an entry each, for every number of the blocks in use.
    product = (
        8.0 * program.problem.n_samples * program.problem.n_features * program.width * jacobian.used.size
    )
    return smaller <= _STORED and stored <= _PRODUCTS * product


@dataclass(frozen=True, eq=False)
class _Directions:
    """Eigenvectors of the Jacobian with their eigenvalues, as changes of single gates' blocks."""

    gates: Indices  # (m,)
    changes: Array  # (m, C, d), Z_b^T
    values: Array  # (m,)

    @classmethod
    def of(cls, program: GatedReLUProgram, jacobian: ShrinkJacobian) -> _Directions:
        owners, vectors, values = jacobian.eigenvectors()
        per_gate = program.n_outputs // program.width
        changes = np.zeros((len(owners), per_gate, *vectors.shape[1:]))
        changes[np.arange(len(owners)), owners % per_gate] = vectors
        return cls(owners // per_gate, changes.reshape(len(owners), program.n_outputs, -1), values)

    def images(self, program: GatedReLUProgram, rows: slice, part: slice = slice(None)) -> Array:
        """Return what some rows' predictions change by, shape (rows C, m)."""
        X, masks = program.problem.X[rows], program.masks[rows][:, self.gates[part]]
        values = X @ self.changes[part].transpose(1, 2, 0)  # (C, rows, m)
        values *= masks
        scaled = program.scale(values.transpose(1, 0, 2), rows)
        return scaled.reshape(-1, masks.shape[1])

    def coordinates(self, program: GatedReLUProgram, x: Array) -> Array:
        """Return the products of all images with x of shape (n, C), shape (m,)."""
        blocks = program.adjoint(x).T.reshape(program.n_gates, program.n_outputs, -1)
        return np.asarray(np.einsum("mcd,mcd->m", self.changes, blocks[self.gates]))

    def image(self, program: GatedReLUProgram, weights: Array) -> Array:
        """Return the sum of the images with weights (m,), less what offsets can add, shape (n, C)."""
        blocks = np.zeros((program.n_gates, *self.changes.shape[1:]))
        np.add.at(blocks, self.gates, weights[:, None, None] * self.changes)
        return program.problem.project_dual(program.forward(blocks.reshape(program.n_blocks, -1).T))


def _solve_by_directions(
    program: GatedReLUProgram, directions: _Directions, sigma: float, gradient: Array, deadline: Deadline
) -> Array:
    """Solve by Woodbury's formula: ``x = g - B (1 / (sigma j) + B^T B)^{-1} B^T g`` with B the images."""
    m = len(directions.values)
    gram = np.zeros((m, m))
    height = max(16, _CHUNK_ENTRIES // (m * program.n_outputs))
    for start in range(0, program.problem.n_samples, height):
        if deadline.is_over:
            raise OutOfTime
        images = directions.images(program, slice(start, start + height))
        # NumPy sends the product of a matrix and its own transpose to the symmetric BLAS routine, half the work.
        gram += images.T @ images
    rounding = _ROUNDING * float(np.max(np.diag(gram)))
    for unit in program.problem.offset_basis.T:
        sums = directions.coordinates(program, unit.reshape(gradient.shape))
        gram -= np.outer(sums, sums)
    gram[np.diag_indices(m)] += 1.0 / (sigma * directions.values) + rounding
    factor = cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
    weights = cho_solve(factor, directions.coordinates(program, gradient), check_finite=False)
    return np.asarray(gradient - directions.image(program, weights))


def _solve_by_predictions(
    program: GatedReLUProgram, directions: _Directions, sigma: float, gradient: Array, deadline: Deadline
) -> Array:
    """Solve ``(1 / sigma + B j B^T) x = g / sigma``."""
    basis, size = program.problem.offset_basis, gradient.size
    outer = np.eye(size) / sigma
    width = max(16, _CHUNK_ENTRIES // size)
    for start in range(0, len(directions.values), width):
        if deadline.is_over:
            raise OutOfTime
        part = slice(start, start + width)
        images = directions.images(program, slice(None), part)
        images -= basis @ (basis.T @ images)
        images *= np.sqrt(directions.values[part])
        outer += images @ images.T
    factor = cho_factor(outer, lower=True, overwrite_a=True, check_finite=False)
    solved = cho_solve(factor, gradient.reshape(-1) / sigma, check_finite=False)
    return np.asarray(solved).reshape(gradient.shape)


def _solve_by_conjugate_gradients(
    program: GatedReLUProgram, jacobian: ShrinkJacobian, sigma: float, gradient: Array, deadline: Deadline
) -> Array:
    """Solve by conjugate gradients. Where they stop early, x is still a direction of descent."""
    per_gate = program.n_outputs // program.width
    gates, first = np.unique(jacobian.used // per_gate, return_inverse=True)
    part, places = program.restrict(gates), first * per_gate + jacobian.used % per_gate

    def product(x: Array) -> Array:
        matrices = np.zeros((len(gates) * per_gate, part.width, part.problem.n_features))
        matrices[places] = jacobian.times(part.matrices(part.adjoint(x))[places])
        moved = part.forward(np.ascontiguousarray(matrices.reshape(part.n_blocks, -1).T))
        return np.asarray(x + sigma * part.problem.project_dual(moved))

    return conjugate_gradients(product, gradient, deadline)
