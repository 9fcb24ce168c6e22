"""The convex program of two-layer ReLU networks on given activation patterns."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.linear_maps import MaskedMap
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import ActivationPatterns
from cvxnn.problem import Problem
from cvxnn.programs.cones import project_blocks
from cvxnn.programs.program import ConvexProgram, Statement
from cvxnn.programs.working_sets import OutOfTime, WorkingSets
from cvxnn.validation import Array

# Numbers in the images of a chunk of rows: 4 MiB of float64.
_CHUNK_ENTRIES = 1 << 19


def as_masks(patterns: Any, n_samples: int) -> NDArray[np.bool_]:
    """Return patterns as a bool array of shape (n, P).

    Raises
    ------
    ValueError
        If the array is not 2-D with n rows and at least one column, or holds anything but 0 and 1.
    """
    masks = np.asarray(patterns)
    if masks.ndim != 2 or masks.shape[0] != n_samples or masks.shape[1] == 0:
        raise ValueError(f"patterns must have shape ({n_samples}, P) with P >= 1; got {masks.shape}")
    if masks.dtype != np.bool_ and not np.all((masks == 0) | (masks == 1)):
        raise ValueError(f"patterns must hold 0 and 1 only; got dtype {masks.dtype}")
    return masks.astype(np.bool_)


def unit_rows(X: Array) -> Array:
    """Return X with its non-zero rows scaled to norm one; cones do not change."""
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    return X / np.where(norms > 0, norms, 1.0)


@dataclass(frozen=True, eq=False)
class ReLUProgram(ConvexProgram):
    """Convex program of ReLU networks whose neurons keep to given patterns.

    ``min ell(sum_b s_b D_b X w_b + b, y) + beta sum_b ||w_b||`` with ``w_b`` in ``K_b = {u : (2 D_b - I) X u >= 0}``.

    Over all patterns of X its optimum is that of the training problem.

    Parameters
    ----------
    problem : Problem
        Data, targets, beta > 0, loss; one output.
    patterns : ActivationPatterns or bool array_like of shape (n, P)
        The patterns.
    signs : array_like of shape (P,), optional
        The output sign of each pattern's block, +1 or -1. By default every pattern has two blocks: blocks
        0 .. P-1 with sign +1, blocks P .. 2P-1 with sign -1.

    Raises
    ------
    ValueError
        If patterns or signs have a wrong shape or wrong values, or the problem is not trainable.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, Theorem 1, eq. (8).
    """

    problem: Problem
    masks: NDArray[np.bool_]  # (n, B)
    signs: Array  # (B,)
    _map: MaskedMap
    _unit_X: Array  # (n, d)
    _sides: NDArray[np.int8]  # (B, n), the signs of masks: a block's are contiguous

    def __init__(self, problem: Problem, patterns: ActivationPatterns | Any, signs: Any = None) -> None:
        problem.require_trainable()
        masks = as_masks(patterns, problem.n_samples)
        if signs is None:
            signs = np.repeat([1.0, -1.0], masks.shape[1])
            masks = np.hstack([masks, masks])
        signs = np.asarray(signs, dtype=np.float64)
        if signs.shape != (masks.shape[1],) or not np.all(np.abs(signs) == 1.0):
            raise ValueError(
                f"signs must have shape ({masks.shape[1]},) and hold +1 and -1 only; got {signs!r}"
            )
        object.__setattr__(self, "problem", problem)
        object.__setattr__(self, "masks", masks)
        object.__setattr__(self, "signs", signs)
        object.__setattr__(self, "_map", MaskedMap(problem.X, masks, signs))
        object.__setattr__(self, "_unit_X", unit_rows(problem.X))
        sides = np.where(masks.T, np.int8(1), np.int8(-1))
        object.__setattr__(self, "_sides", np.ascontiguousarray(sides))

    @property
    def n_blocks(self) -> int:
        """Return B."""
        return int(self.masks.shape[1])

    def forward(self, W: Array) -> Array:
        """Return ``sum_b s_b D_b X w_b``, shape (n,)."""
        used = np.flatnonzero(np.any(W, axis=0))
        if 2 * used.size > self.n_blocks:
            return np.asarray(self._map.forward(W))
        # Copying the masks in use costs less than to walk over all.
        part = MaskedMap(self.problem.X, np.take(self.masks, used, axis=1), self.signs[used])
        return np.asarray(part.forward(W[:, used]))

    def adjoint(self, lam: Array) -> Array:
        """Return ``s_b X^T D_b lam``, shape (d, B)."""
        return np.asarray(self._map.adjoint(lam))

    def project(
        self,
        V: Array,
        sets: WorkingSets | None = None,
        blocks: NDArray[np.intp] | None = None,
        negligible: float = 0.0,
    ) -> Array:
        """Return the projections of columns of V on their cones, to rounding."""
        sets = WorkingSets.empty(self.n_blocks) if sets is None else sets
        blocks = np.arange(self.n_blocks) if blocks is None else blocks
        return project_blocks(self._unit_X, self._sides, V, sets, blocks, negligible)

    def face_bases(self, sets: WorkingSets, blocks: NDArray[np.intp]) -> tuple[NDArray[np.intp], Array]:
        """Return orthonormal bases of the null spaces of blocks' active rows, shapes (r,) and (d, r)."""
        rows = sets.rows[blocks]
        active = np.where(rows[:, :, None] >= 0, self._unit_X[rows], 0.0)
        # Householder's QR leaves zero columns at the end alone, and completes the others to an orthonormal basis.
        q = np.linalg.qr(active.mT, mode="complete").Q
        free = np.arange(q.shape[2]) >= sets.counts[blocks][:, None]
        return np.repeat(blocks, np.sum(free, axis=1)), q.mT[free].T

    def images(self, blocks: NDArray[np.intp], directions: Array) -> Array:
        """Return ``s_b D_b X u`` for pairs of a block and a direction, shape (n, k)."""
        return self._images(blocks, directions, slice(None)).T

    def _images(self, blocks: NDArray[np.intp], directions: Array, rows: slice) -> Array:
        values: Array = (directions * self.signs[blocks]).T @ self.problem.X[rows].T
        values *= self._sides[blocks, rows] > 0
        return values

    def gram(
        self,
        blocks: NDArray[np.intp],
        directions: Array,
        others: NDArray[np.intp],
        other_directions: Array,
        deadline: float = np.inf,
    ) -> Array:
        """Return the products of two families of images, by chunks of rows: no n x k matrix is made."""
        total = np.zeros((len(blocks), len(others)))
        size = max(64, _CHUNK_ENTRIES // (len(blocks) + len(others)))
        same = others is blocks and other_directions is directions
        for start in range(0, self.problem.n_samples, size):
            if time.perf_counter() > deadline:
                raise OutOfTime
            rows = slice(start, start + size)
            first = self._images(blocks, directions, rows)
            # NumPy sends the product of a matrix and its own transpose to the symmetric BLAS routine, half the work.
            total += first @ (first if same else self._images(others, other_directions, rows)).T
        return total

    def violation(self, W: Array) -> float:
        """Return ``max_ib (-S_b x_i^T w_b)_+ / (||x_i|| max_b ||w_b||)``; 0 at W = 0."""
        scale = float(np.max(np.linalg.norm(W, axis=0), initial=0.0))
        if scale == 0.0:
            return 0.0
        margins = np.where(self.masks, 1.0, -1.0) * (self._unit_X @ (W / scale))
        return max(0.0, -float(np.min(margins)))

    def to_network(self, W: Array, offset: Array | None = None) -> ReLUNetwork:
        """Map blocks to a balanced network: ``u = w / sqrt ||w||``, ``a = s sqrt ||w||``; zero blocks are dropped.

        Keeps the objective for blocks in their cones (Pilanci & Ergen 2020, Theorem 1).
        """
        offset = self.best_offset(W) if offset is None else offset
        norms = np.linalg.norm(W, axis=0)
        used = np.flatnonzero(norms > 0)
        roots = np.sqrt(norms[used])
        output = self.signs[used] * roots
        shaped = output.reshape((len(used), *self.problem.y.shape[1:]))
        return ReLUNetwork(W[:, used] / roots, shaped, offset)

    def to_blocks(self, network: ReLUNetwork) -> Array:
        """Map a network to blocks: ``|a_j| u_j`` added up in the block of its pattern and sign.

        Never raises the objective, and keeps it when the network is balanced and no two neurons share a block.

        Raises
        ------
        ValueError
            If a non-zero neuron's pattern and sign have no block.
        """
        self.problem.require_fitting(network)
        network = network.prune_zeros()
        output = network.output.reshape(-1)
        W = np.zeros((self.problem.n_features, self.n_blocks))
        if network.n_neurons == 0:
            return W
        slots = {key: b for b, key in reversed(list(enumerate(_keys(self.masks, self.signs))))}
        for j, key in enumerate(_keys(network.patterns(self.problem.X), np.sign(output))):
            if key not in slots:
                raise ValueError(
                    f"network must keep to the program's patterns; neuron {j} shows a pattern without a block"
                )
            W[:, slots[key]] += np.abs(output[j]) * network.hidden[:, j]
        return W

    def to_cvxpy(self) -> Statement:
        """State the program to CVXPY."""
        import cvxpy as cp

        problem = self.problem
        W = cp.Variable((problem.n_features, self.n_blocks))
        offset = cp.Variable() if problem.output_offset else None
        Z = problem.X @ W
        f = cp.sum(cp.multiply(self.masks * self.signs, Z), axis=1)
        objective = problem.loss.to_cvxpy(f if offset is None else f + offset, self.target)
        objective = objective + problem.beta * cp.sum(cp.norm(W, 2, axis=0))
        cones = [cp.multiply(np.where(self.masks, 1.0, -1.0), Z) >= 0]
        return Statement(cp.Problem(cp.Minimize(objective), cones), W, offset)

    def __repr__(self) -> str:
        return f"ReLUProgram({self.problem!r}, blocks={self.n_blocks})"


def _keys(masks: NDArray[np.bool_], signs: Array) -> list[bytes]:
    packed = np.packbits(masks.T, axis=1)
    return [row.tobytes() + (b"+" if s > 0 else b"-") for row, s in zip(packed, signs, strict=True)]
