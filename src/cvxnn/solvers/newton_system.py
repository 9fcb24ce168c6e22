"""The linear system of the semismooth Newton steps, coupled through the free dimensions of the blocks in use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from cvxnn.deadlines import Deadline
from cvxnn.programs import ConvexProgram, OutOfTime, WorkingSets
from cvxnn.validation import Array

Indices = NDArray[np.intp]

# Of the largest diagonal entry of a Gram matrix: what rounding may take off its smallest eigenvalue.
_ROUNDING = 1e-15
# From this share of changed directions on, a new Gram matrix is cheaper: its symmetry halves the work.
_CHANGED = 0.5
# Relative residual of the conjugate gradients, and their iterations at most.
_RESIDUAL = 1e-2
_ITERATIONS = 200


@dataclass(eq=False)
class FaceGram:
    """The Gram matrix of the images of face bases, kept from step to step: most faces do not change.

    With N_b an orthonormal basis of block b's free dimensions, it is ``G = (A N)^T (A N)`` with the images centred
    where the problem has an offset. Only rows and columns of blocks on a new face are computed.

    Parameters
    ----------
    faces : int ndarray of shape (k, K)
        The blocks' active rows, sorted.
    blocks : int ndarray of shape (k,)
        The blocks.
    owners, bases : ndarrays of shapes (r,), (d, r)
        The block of each direction, and the directions; a block's are side by side.
    gram : ndarray of shape (r, r)
        Before centring.
    """

    faces: Indices = field(default_factory=lambda: np.zeros((0, 0), dtype=np.intp))
    blocks: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    owners: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    bases: Array = field(default_factory=lambda: np.zeros((0, 0)))
    gram: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def update(self, program: ConvexProgram, sets: WorkingSets, used: Indices) -> None:
        """Make this the Gram matrix of the faces that the blocks in use, in rising order, are on."""
        faces = np.sort(sets.rows[used], axis=1)
        places = np.minimum(np.searchsorted(self.blocks, used), max(len(self.blocks) - 1, 0))
        kept = np.zeros(len(used), dtype=np.bool_)
        if len(self.blocks) and self.faces.shape[1] == faces.shape[1]:
            kept = (self.blocks[places] == used) & np.all(self.faces[places] == faces, axis=1)
        old = np.flatnonzero(np.isin(self.owners, used[kept]))
        owners, bases = program.face_bases(sets, used[~kept])
        if len(owners) > _CHANGED * (len(owners) + len(old)):
            old = old[:0]
            owners, bases = program.face_bases(sets, used)
        self._extend(program, old, owners, bases, sets.deadline)
        self.faces, self.blocks = faces, used

    def _extend(
        self, program: ConvexProgram, old: Indices, owners: Indices, bases: Array, deadline: Deadline
    ) -> None:
        """Keep old directions and add new ones."""
        k, r = len(old), len(old) + len(owners)
        gram = np.empty((r, r))
        gram[:k, :k] = self.gram[np.ix_(old, old)]
        all_owners, all_bases = owners, bases
        if k:
            all_owners = np.concatenate([self.owners[old], owners])
            all_bases = np.hstack([self.bases[:, old], bases])
        if k < r:
            gram[k:] = program.gram(owners, bases, all_owners, all_bases, deadline)
            gram[:k, k:] = gram[k:, :k].T
        self.owners, self.bases, self.gram = all_owners, all_bases, gram

    def solve(self, program: ConvexProgram, blocks: Array, sigma: float, gradient: Array) -> Array:
        """Solve ``(I + sigma sum_b A_b J_b A_b^T) x = gradient``.

        With ``B = A N S`` and ``S_b^2 = (1 - c) I + c tau tau^T``, ``tau = N^T th``, a factor of the Jacobians, it is
        ``x = gradient - A N (S^{-2} / sigma + G)^{-1} (A N)^T gradient`` (Woodbury): only blocks on the diagonal of the
        Gram matrix change from step to step.
        """
        root = _Root.at(program, blocks, sigma, self.owners, self.bases)
        inner = root.add_inverse_square(self._centred(program), 1.0 / sigma)
        rounding = _ROUNDING * float(np.max(np.diag(self.gram)))
        inner[np.diag_indices_from(inner)] += rounding
        right = _coordinates(program, self.owners, self.bases, gradient)
        factor = cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)
        weights = cho_solve(factor, right, check_finite=False)
        moved = _image(program, self.owners, self.bases, weights)
        return np.asarray(gradient - moved)

    def _centred(self, program: ConvexProgram) -> Array:
        if not program.problem.output_offset:
            return self.gram
        centred = self.gram
        for unit in program.problem.offset_basis.T:
            sums = _coordinates(program, self.owners, self.bases, unit.reshape(program.target.shape))
            centred = centred - np.outer(sums, sums)
        return centred


def solve_by_conjugate_gradients(
    program: ConvexProgram, sets: WorkingSets, blocks: Array, sigma: float, gradient: Array
) -> Array:
    """Solve ``(I + sigma sum_b A_b J_b A_b^T) x = gradient`` to 1e-2, without any matrix.

    For systems too large to store. Where it stops early, x is still a direction of descent.
    """
    used = np.flatnonzero(np.any(blocks, axis=0))
    # J = (1 - c) P + c th th^T with P the projection on the face, made of the face's few normals.
    owners, normals = program.face_normals(sets, used)
    bearers, starts = np.unique(owners, return_index=True)
    places, bearers = np.searchsorted(used, owners), np.searchsorted(used, bearers)
    norms = np.linalg.norm(blocks[:, used], axis=0)
    theta, rest = blocks[:, used] / norms, norms / (norms + sigma * program.problem.beta)

    def product(x: Array) -> Array:
        V = program.adjoint(x)[:, used]
        moved = (1.0 - rest) * np.sum(theta * V, axis=0) * theta
        if len(bearers):
            along = normals * np.sum(normals * V[:, places], axis=0)
            V[:, bearers] -= np.add.reduceat(along, starts, axis=1)
        W = np.zeros_like(blocks)
        W[:, used] = moved + rest * V
        return np.asarray(x + sigma * program.problem.project_dual(program.forward(W)))

    return conjugate_gradients(product, gradient, sets.deadline)


def conjugate_gradients(product: Callable[[Array], Array], gradient: Array, deadline: Deadline) -> Array:
    """Return x with ``product(x)`` the gradient to 1e-2; wherever it stops, x is a direction of descent.

    Raises
    ------
    OutOfTime
        After the deadline.
    """
    x, residual = np.zeros_like(gradient), np.array(gradient)
    direction, square = residual, float(np.vdot(residual, residual))
    goal = _RESIDUAL**2 * square
    for _ in range(_ITERATIONS):
        if deadline.is_over:
            raise OutOfTime
        moved = product(direction)
        size = square / float(np.vdot(direction, moved))
        x = x + size * direction
        residual = residual - size * moved
        before, square = square, float(np.vdot(residual, residual))
        if square <= goal:
            break
        direction = residual + square / before * direction
    return np.asarray(x)


def _coordinates(program: ConvexProgram, owners: Indices, bases: Array, x: Array) -> Array:
    """Return ``N^T A^T x``."""
    return np.asarray(np.sum(bases * program.adjoint(x)[:, owners], axis=0))


def _image(program: ConvexProgram, owners: Indices, bases: Array, coordinates: Array) -> Array:
    """Return ``A N c``, centred where there is an offset."""
    blocks = np.zeros((program.n_blocks, bases.shape[0]))
    np.add.at(blocks, owners, (bases * coordinates).T)
    return program.problem.project_dual(program.forward(blocks.T))


class _Root:
    """``S``, block-diagonal: ``rho I + (1 - rho) tau tau^T`` for each block, with ``S^2 = N^T J N``."""

    @classmethod
    def at(cls, program: ConvexProgram, blocks: Array, sigma: float, owners: Indices, bases: Array) -> _Root:
        """Return it for the blocks of a prox: ``1 - c = ||w|| / (||w|| + sigma beta)``."""
        norms = np.linalg.norm(blocks, axis=0)
        rho = np.sqrt(norms / (norms + sigma * program.problem.beta))[owners]
        return cls(owners, rho, np.sum(bases * (blocks[:, owners] / norms[owners]), axis=0))

    def __init__(self, owners: Indices, rho: Array, tau: Array) -> None:
        starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
        self.starts = starts
        self.group = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(owners)]))
        self.rho, self.tau = rho, tau

    def add_inverse_square(self, matrix: Array, factor: float) -> Array:
        """Return ``matrix + factor S^{-2}``, with ``S^{-2} = rho^{-2} (I - tau tau^T) + tau tau^T`` in each block."""
        inverse = self.rho**-2.0
        total = np.array(matrix)
        total[np.diag_indices_from(total)] += factor * inverse
        sizes = np.diff(np.r_[self.starts, len(self.rho)])
        rows = np.repeat(np.arange(len(self.rho)), sizes[self.group])
        first = np.repeat(np.cumsum(sizes**2) - sizes**2, sizes**2)
        places = np.arange(len(rows)) - first
        columns = self.starts[self.group[rows]] + places % sizes[self.group[rows]]
        total[rows, columns] += factor * (1.0 - inverse[rows]) * self.tau[rows] * self.tau[columns]
        return total
