"""The convex program of two-layer ReLU networks on given activation patterns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.cones import lengths_and_units
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.linear_maps import MaskedMap
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import ActivationPatterns
from cvxnn.problem import Problem
from cvxnn.programs.cones import project_blocks
from cvxnn.programs.program import ConvexProgram, Statement
from cvxnn.programs.working_sets import OutOfTime, WorkingSets
from cvxnn.validation import Array, row_norms

# Numbers in the images of a chunk of rows: 4 MiB of float64.
_CHUNK_ENTRIES = 1 << 19
# Unit output directions with a cosine above 1 minus this are one.
_SAME_DIRECTION = 1e-9


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


@dataclass(frozen=True, eq=False)
class ReLUProgram(ConvexProgram):
    """Convex program of ReLU networks whose neurons keep to given patterns.

    ``min ell(sum_b D_b X w_b s_b^T + b, y) + beta sum_b ||w_b||`` with ``w_b`` in ``K_b = {u : (2 D_b - I) X u >= 0}``.

    For one output, over all patterns of X, its optimum is that of the training problem. For several outputs a block
    is a pattern with a unit output direction, and the program's optimum is that of the networks whose neurons keep to
    these pairs.

    Parameters
    ----------
    problem : Problem
        Data, targets, beta > 0, loss.
    patterns : ActivationPatterns or bool array_like of shape (n, P)
        The patterns.
    signs : array_like of shape (P,), or (P, C) for several outputs, optional
        The output sign of each pattern's block, +1 or -1; for several outputs, unit vectors. By default every pattern
        has a block for each sign: blocks 0 .. P-1 with sign +1, blocks P .. 2P-1 with sign -1; for several outputs,
        for each sign of each output alone, ``e_1, -e_1, e_2, ...``: all that the per-class variant needs.

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
    signs: Array  # (B,) or (B, C)
    _map: MaskedMap
    _unit_X: Array  # (n, d)
    _sides: NDArray[np.int8]  # (B, n), the signs of masks: a block's are contiguous

    def __init__(self, problem: Problem, patterns: ActivationPatterns | Any, signs: Any = None) -> None:
        problem.require_trainable()
        masks = as_masks(patterns, problem.n_samples)
        if signs is None:
            signs = _all_signs(problem.n_outputs)
            masks, signs = np.tile(masks, len(signs)), np.repeat(signs, masks.shape[1], axis=0)
        signs = _as_signs(signs, masks.shape[1], problem.n_outputs)
        object.__setattr__(self, "problem", problem)
        object.__setattr__(self, "masks", masks)
        object.__setattr__(self, "signs", signs)
        object.__setattr__(self, "_map", MaskedMap(problem.X, masks, signs))
        object.__setattr__(self, "_unit_X", lengths_and_units(problem.X)[1])
        sides = np.where(masks.T, np.int8(1), np.int8(-1))
        object.__setattr__(self, "_sides", np.ascontiguousarray(sides))

    def with_problem(self, problem: Problem) -> ReLUProgram:
        """Return the program of another problem on the same blocks.

        Its X must be this X with rows scaled by non-negative numbers, which changes no cone; the patterns are shared.
        """
        problem.require_trainable()
        program = object.__new__(ReLUProgram)
        shared = {name: getattr(self, name) for name in ("masks", "signs", "_unit_X", "_sides")}
        for name, value in {**shared, "problem": problem}.items():
            object.__setattr__(program, name, value)
        object.__setattr__(program, "_map", MaskedMap(problem.X, self.masks, self.signs))
        return program

    @property
    def n_blocks(self) -> int:
        """Return B."""
        return int(self.masks.shape[1])

    @property
    def _is_scalar(self) -> bool:
        """Return whether there is one output, whose signs go to the blocks, not to their images."""
        return self.problem.n_outputs == 1

    def forward(self, W: Array) -> Array:
        """Return ``sum_b D_b X w_b s_b^T``, shape (n,) or (n, C)."""
        used = np.flatnonzero(np.any(W, axis=0))
        if 2 * used.size > self.n_blocks:
            return np.asarray(self._map.forward(W))
        # Copying the masks in use costs less than to walk over all.
        part = MaskedMap(self.problem.X, np.take(self.masks, used, axis=1), self.signs[used])
        return np.asarray(part.forward(W[:, used]))

    def adjoint(self, lam: Array) -> Array:
        """Return ``X^T D_b lam s_b``, shape (d, B)."""
        return np.asarray(self._map.adjoint(lam.reshape(self.target.shape)))

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

    def face_normals(self, sets: WorkingSets, blocks: NDArray[np.intp]) -> tuple[NDArray[np.intp], Array]:
        """Return orthonormal bases of the spans of blocks' active rows, shapes (r,) and (d, r)."""
        width = int(np.max(sets.counts[blocks], initial=0))
        families = [np.zeros((0, self.problem.n_features))]
        step = max(1, _CHUNK_ENTRIES // (self.problem.n_features * max(width, 1)))
        for start in range(0, len(blocks) if width else 0, step):
            rows = sets.rows[blocks[start : start + step], :width]
            active = np.where(rows[:, :, None] >= 0, self._unit_X[rows], 0.0)
            q = np.linalg.qr(active.mT).Q
            families.append(q.mT[rows >= 0])  # as in `face_bases`, zero columns are at the end
        return np.repeat(blocks, sets.counts[blocks]), np.concatenate(families).T

    def images(self, blocks: NDArray[np.intp], directions: Array) -> Array:
        """Return ``D_b X u s_b^T`` for pairs of a block and a direction, shape (n, k) or (n, C, k)."""
        values = self.unsigned_images(blocks, directions, slice(None)).T
        return values if self._is_scalar else values[:, None, :] * self.signs[blocks].T

    def unsigned_images(self, blocks: NDArray[np.intp], directions: Array, rows: slice) -> Array:
        """Return the images of some rows, (k, rows), without the output directions of several outputs."""
        signed = directions * self.signs[blocks] if self._is_scalar else directions
        values: Array = signed.T @ self.problem.X[rows].T
        values *= self._sides[blocks, rows] > 0
        return values

    def gram(
        self,
        blocks: NDArray[np.intp],
        directions: Array,
        others: NDArray[np.intp],
        other_directions: Array,
        deadline: Deadline = NEVER,
    ) -> Array:
        """Return the products of two families of images, by chunks of rows: no n x k matrix is made."""
        total = np.zeros((len(blocks), len(others)))
        size = max(64, _CHUNK_ENTRIES // (len(blocks) + len(others)))
        same = others is blocks and other_directions is directions
        for start in range(0, self.problem.n_samples, size):
            if deadline.is_over:
                raise OutOfTime
            rows = slice(start, start + size)
            first = self.unsigned_images(blocks, directions, rows)
            # NumPy sends the product of a matrix and its own transpose to the symmetric BLAS routine, half the work.
            total += first @ (first if same else self.unsigned_images(others, other_directions, rows)).T
        return total if self._is_scalar else total * (self.signs[blocks] @ self.signs[others].T)

    def violation(self, W: Array) -> float:
        """Return ``max_ib (-S_b x_i^T w_b)_+ / (||x_i|| max_b ||w_b||)``; 0 at W = 0."""
        scale = float(np.max(np.linalg.norm(W, axis=0), initial=0.0))
        if scale == 0.0:
            return 0.0
        margins = np.where(self.masks, 1.0, -1.0) * (self._unit_X @ (W / scale))
        return max(0.0, -float(np.min(margins)))

    def to_network(self, W: Array, offset: Array | None = None) -> ReLUNetwork:
        """Map blocks to a balanced network: ``u = w / sqrt ||w||``, ``a = sqrt ||w|| s``; zero blocks are dropped.

        Keeps the objective for blocks in their cones (Pilanci & Ergen 2020, Theorem 1).
        """
        offset = self.best_offset(W) if offset is None else offset
        norms = np.linalg.norm(W, axis=0)
        used = np.flatnonzero(norms > 0)
        roots = np.sqrt(norms[used])
        output = (self.signs[used].T * roots).T
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
        network = self.problem.fitting(network)
        network = network.prune_zeros()
        output = network.output_weights
        W = np.zeros((self.problem.n_features, self.n_blocks))
        if network.n_neurons == 0:
            return W
        signs, places = self.signs.reshape(self.n_blocks, -1), _places(self.masks)
        norms = np.linalg.norm(output, axis=1)
        for j, key in enumerate(_keys(network.patterns(self.problem.X))):
            blocks = places.get(key, np.zeros(0, dtype=np.intp))
            along = signs[blocks] @ (output[j] / norms[j])
            if blocks.size == 0 or np.max(along) < 1.0 - _SAME_DIRECTION:
                raise ValueError(
                    f"network must keep to the program's patterns; neuron {j} shows a pattern without a block"
                )
            W[:, blocks[np.argmax(along)]] += norms[j] * network.hidden[:, j]
        return W

    def to_cvxpy(self) -> Statement:
        """State the program to CVXPY."""
        W, f, cones = self.terms_to_cvxpy()
        return Statement.of(self.problem, f, self.norms_to_cvxpy(W), W, cones)

    def terms_to_cvxpy(self) -> tuple[Any, Any, list[Any]]:
        """Return blocks (d, B) as a CVXPY variable, their predictions without the offset, and their cones."""
        import cvxpy as cp

        W = cp.Variable((self.problem.n_features, self.n_blocks))
        Z = self.problem.X @ W
        if self._is_scalar:
            f = cp.sum(cp.multiply(self.masks * self.signs, Z), axis=1)
        else:
            f = cp.multiply(self.masks.astype(np.float64), Z) @ self.signs
        return W, f, [cp.multiply(np.where(self.masks, 1.0, -1.0), Z) >= 0]

    def __repr__(self) -> str:
        return f"ReLUProgram({self.problem!r}, blocks={self.n_blocks})"


def _all_signs(n_outputs: int) -> Array:
    """Return +1 and -1; for several outputs ``e_1, -e_1, e_2, ...``, shape (2 C, C)."""
    if n_outputs == 1:
        return np.array([1.0, -1.0])
    return np.asarray(np.repeat(np.eye(n_outputs), 2, axis=0) * np.tile([1.0, -1.0], n_outputs)[:, None])


def _as_signs(given: Any, n_blocks: int, n_outputs: int) -> Array:
    """Return signs as an array of the right shape, whose rows have norm one."""
    signs: Array = np.asarray(given, dtype=np.float64)
    shape: tuple[int, ...]
    shape, what, rounding = (n_blocks, n_outputs), "rows of norm one", _SAME_DIRECTION
    if n_outputs == 1:
        shape, what, rounding = (n_blocks,), "+1 and -1 only", 0.0
    fits = signs.shape in (shape, (n_blocks, n_outputs))
    if not fits or not np.all(np.abs(row_norms(signs) - 1.0) <= rounding):
        raise ValueError(f"signs must have shape {shape} and hold {what}; got {given!r}")
    return signs.reshape(shape)


def _keys(masks: NDArray[np.bool_]) -> list[bytes]:
    return [row.tobytes() for row in np.packbits(masks.T, axis=1)]


def _places(masks: NDArray[np.bool_]) -> dict[bytes, NDArray[np.intp]]:
    """Return the blocks of every pattern."""
    places: dict[bytes, list[int]] = {}
    for b, key in enumerate(_keys(masks)):
        places.setdefault(key, []).append(b)
    return {key: np.array(blocks, dtype=np.intp) for key, blocks in places.items()}
