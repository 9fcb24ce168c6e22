"""The state of training: atoms, each with the pattern of a closed cell it lies in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import activation_patterns
from cvxnn.patterns.packing import pack_columns
from cvxnn.problem import Problem
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_columns, row_norms

# Unit vectors closer than this are one direction. Optimal atoms on a common face of two cells agree to the
# solver's tolerance (about 1e-9); distinct atoms of a basic solution are far apart in comparison.
_SAME_DIRECTION = 1e-6


@short_repr
@dataclass(frozen=True, eq=False)
class Atoms:
    """Blocks with their patterns and output signs, or directions where there are several outputs.

    An atom on a kink lies in several closed cells; the pattern it carries names one of them and is never read off
    again from the rounding noise of ``X u``.

    Parameters
    ----------
    blocks : ndarray of shape (d, K)
        ``w_k = c_k u_k``, unit direction times coefficient; zero for a pattern not yet in use.
    masks : bool ndarray of shape (n, K)
        Patterns.
    signs : ndarray of shape (K,) or (K, C)
        Output signs; unit vectors for several outputs.
    """

    blocks: Array
    masks: NDArray[np.bool_]
    signs: Array

    @classmethod
    def none(cls, problem: Problem) -> Atoms:
        """Return no atoms."""
        shape = (problem.n_samples, 0)
        signs = np.zeros((0, *problem.y.shape[1:]))
        return cls(np.zeros((problem.n_features, 0)), np.zeros(shape, dtype=np.bool_), signs)

    @classmethod
    def of_network(cls, problem: Problem, network: ReLUNetwork) -> Atoms:
        """Return the atoms of a network whose neurons of one pattern and sign have been merged.

        Neurons whose output weights are zero have no sign, and are left out.
        """
        merged, masks = network.merge_with_patterns(problem.X)
        norms = row_norms(merged.output)
        signs = (merged.output.T / np.where(norms > 0, norms, 1.0)).T
        atoms = cls(merged.hidden * norms, masks, signs)
        return atoms if np.all(norms > 0) else atoms.select(norms > 0)

    @classmethod
    def of_directions(cls, problem: Problem, directions: Array, signs: Array) -> Atoms:
        """Return zero atoms with the patterns of directions (d, K) and their signs (K,)."""
        return cls(np.zeros_like(directions), activation_patterns(problem.X, directions), signs)

    @property
    def coefficients(self) -> Array:
        """Return ``c_k = ||w_k||``, shape (K,)."""
        return np.asarray(np.linalg.norm(self.blocks, axis=0))

    def __len__(self) -> int:
        return int(self.signs.shape[0])

    def select(self, atoms: NDArray[np.generic]) -> Atoms:
        """Return some atoms, by index or mask."""
        is_mask = atoms.dtype == np.bool_
        if is_mask and np.all(atoms):
            return self
        chosen = np.flatnonzero(atoms) if is_mask else np.asarray(atoms, dtype=np.intp)
        # A fifth of the time of brackets, on many rows.
        return Atoms(np.take(self.blocks, chosen, 1), np.take(self.masks, chosen, 1), self.signs[chosen])

    def nonzero(self) -> Atoms:
        """Return the atoms in use."""
        return self.select(self.coefficients > 0)

    def without_specks(self, share: float) -> Atoms:
        """Return the atoms with coefficients above a share of the largest."""
        c = self.coefficients
        return self.select(c > share * np.max(c, initial=0.0))

    def without_blocks(self) -> Atoms:
        """Return zero atoms of the same patterns and signs."""
        return Atoms(np.zeros_like(self.blocks), self.masks, self.signs)

    def join(self, other: Atoms) -> Atoms:
        """Return the atoms of both; of those with one pattern and sign (or direction), the first, with its block."""
        both = Atoms(
            np.hstack([self.blocks, other.blocks]),
            np.hstack([self.masks, other.masks]),
            np.concatenate([self.signs, other.signs]),
        )
        signs = np.ascontiguousarray(
            np.round(as_columns(both.signs), 9) + 0.0
        )  # no -0.0, of other bytes than 0.0
        keys = np.ascontiguousarray(np.hstack([pack_columns(both.masks), signs.view(np.uint8)]))
        _, first = np.unique(keys.view(np.dtype((np.void, keys.shape[1]))).ravel(), return_index=True)
        return both.select(np.sort(first))

    def merge_directions(self) -> Atoms:
        """Return the atoms in use, those of equal direction (to 1e-6) and sign added up."""
        atoms = self.nonzero()
        c = atoms.coefficients
        units = atoms.blocks / c
        blocks, kept = np.array(atoms.blocks), np.ones(len(atoms), dtype=np.bool_)
        for k in range(len(atoms)):
            if kept[k]:
                near = np.linalg.norm(units - units[:, [k]], axis=0) < _SAME_DIRECTION
                near &= kept & atoms.has_sign_of(k)
                blocks[:, k] = atoms.blocks[:, near].sum(axis=1)
                kept[near] = False
                kept[k] = True
        return Atoms(blocks, atoms.masks, atoms.signs).select(kept)

    def has_sign_of(self, k: int) -> NDArray[np.bool_]:
        """Return which atoms have atom k's sign, or output direction, to 1e-6."""
        return np.asarray(row_norms(self.signs - self.signs[k]) < _SAME_DIRECTION)

    def activations(self, problem: Problem) -> Array:
        """Return ``(X u_k)_+ s_k^T`` for the atoms' unit directions, shape (n, K) or (n C, K); all in use."""
        hidden = np.maximum(problem.X @ (self.blocks / self.coefficients), 0.0)
        signs = as_columns(self.signs).T
        return np.asarray((hidden[:, None, :] * signs).reshape(len(hidden) * len(signs), len(self)))

    def network(self, problem: Problem, offset: Array) -> ReLUNetwork:
        """Return the balanced network of the atoms in use."""
        c = self.coefficients
        used = c > 0
        roots = np.sqrt(c[used])
        output = (self.signs[used].T * roots).T.reshape((len(roots), *problem.y.shape[1:]))
        return ReLUNetwork(self.blocks[:, used] / roots, output, offset)


def signed_activations(X: Array, directions: Array, signs: Array) -> Array:
    """Return ``vec((X u)_+ q^T)`` of directions u (d, k) and q, signs (k,) or unit vectors (k, C), shape (k, n C)."""
    H, outputs = np.maximum(X @ directions, 0.0), np.atleast_2d(signs.T).T
    rows: Array = np.einsum("ik,kc->kic", H, outputs).reshape(H.shape[1], H.shape[0] * outputs.shape[1])
    return rows
