"""The linear map of a convex program: blocks to predictions, and its adjoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from cvxnn.linear_maps.chunks import Rows, Scratch, all_rows, chunk_of, row_segments, walk
from cvxnn.linear_maps.hidden_layer import FloatArray, add_product, numpy_dtype
from cvxnn.short_reprs import short_repr


@short_repr
@dataclass(frozen=True, eq=False)
class MaskedMap:
    """The map ``W -> sum_b D_b X w_b s_b^T`` from blocks to predictions, and its adjoint.

    Parameters
    ----------
    X : array of shape (n, d)
        Data; may be a memory-mapped file.
    masks : bool array of shape (n, B)
        Column b is the diagonal of D_b.
    signs : array of shape (B,) or (B, C)
        The signs s_b, +1 or -1; with several outputs, the blocks' output directions.

    Notes
    -----
    With M the masks as numbers, row i of the map is ``x_i^T (M diag(s) W^T)_i``: one product with M, nothing of n x B
    but M's own chunk. It takes 0.8 times the time of masking ``X W`` and summing its rows. With several outputs the
    latter is done, ``(M * X W) S``.
    """

    X: Any  # (n, d)
    masks: Any  # (n, B) bool
    signs: Any  # (B,) or (B, C)

    @property
    def _has_outputs(self) -> bool:
        return len(self.signs.shape) > 1

    def forward(self, W: Any) -> Any:
        """Return ``sum_b D_b X w_b s_b^T``, shape (n,) or (n, C), for blocks W of shape (d, B)."""
        if self._has_outputs:
            return self._forward_outputs(W)
        dtype = numpy_dtype(self.X, self.signs, W)
        if dtype is None or not isinstance(self.masks, np.ndarray):
            return self._forward_anywhere(W)
        X, blocks = np.asarray(self.X), np.multiply(W.T, self.signs[:, None], order="C", dtype=dtype)
        n, d = X.shape
        f = np.empty(n, dtype=dtype)

        def segment(_: int, chunks: Rows, buffers: Scratch) -> None:
            for rows in chunks:
                chunk, mask = chunk_of(X, rows, dtype, buffers), self._numbers(rows, dtype, buffers)
                sums = np.matmul(mask, blocks, out=buffers.take("sums", (len(chunk), d), dtype))
                np.vecdot(sums, chunk, out=f[rows])

        walk(segment, row_segments(n, len(blocks), 0), n * len(blocks))
        return f

    def adjoint(self, lam: Any) -> Any:
        """Return the blocks ``X^T D_b lam s_b``, shape (d, B), for lam of shape (n,) or (n, C)."""
        if self._has_outputs:
            return self._adjoint_outputs(lam)
        dtype = numpy_dtype(self.X, self.signs, lam)
        if dtype is None or not isinstance(self.masks, np.ndarray):
            return self._adjoint_anywhere(lam)
        X, (n, d), n_blocks = np.asarray(self.X), self.X.shape, self.masks.shape[1]
        segments = row_segments(n, n_blocks, d)
        totals = np.zeros((len(segments), d, n_blocks), dtype=dtype)

        def segment(k: int, chunks: Rows, buffers: Scratch) -> None:
            for rows in chunks:
                chunk, mask = chunk_of(X, rows, dtype, buffers), self._numbers(rows, dtype, buffers)
                add_product(chunk, lam[rows], mask, totals[k], buffers)

        walk(segment, segments, n * n_blocks)
        total = totals.sum(axis=0)
        total *= self.signs
        return total

    def _forward_outputs(self, W: Any) -> Any:
        xp = array_namespace(self.X, W)
        parts = []
        for rows in all_rows(self.X.shape[0], W.shape[1]):
            Z = self.X[rows, :] @ W
            parts.append(xp.where(self.masks[rows, :], Z, xp.zeros_like(Z)) @ self.signs)
        return xp.concat(parts, axis=0)

    def _adjoint_outputs(self, lam: Any) -> Any:
        xp = array_namespace(self.X, lam)
        total = xp.zeros((self.X.shape[1], self.masks.shape[1]), dtype=lam.dtype, device=device(lam))
        for rows in all_rows(self.X.shape[0], self.masks.shape[1]):
            along = lam[rows, :] @ self.signs.T
            total = total + self.X[rows, :].T @ xp.where(self.masks[rows, :], along, xp.zeros_like(along))
        return total

    def _numbers(self, rows: slice, dtype: np.dtype[Any], buffers: Scratch) -> FloatArray:
        masks = self.masks[rows]
        numbers = buffers.take("mask", masks.shape, dtype)
        np.copyto(numbers, masks)
        return numbers

    def _forward_anywhere(self, W: Any) -> Any:
        xp = array_namespace(self.X, W)
        signed = W * self.signs[None, :]
        parts = []
        for rows in all_rows(self.X.shape[0], W.shape[1]):
            Z = self.X[rows, :] @ signed
            parts.append(xp.sum(xp.where(self.masks[rows, :], Z, xp.zeros_like(Z)), axis=1))
        return xp.concat(parts, axis=0)

    def _adjoint_anywhere(self, lam: Any) -> Any:
        xp = array_namespace(self.X, lam)
        total = xp.zeros((self.X.shape[1], self.masks.shape[1]), dtype=lam.dtype, device=device(lam))
        for rows in all_rows(self.X.shape[0], self.masks.shape[1]):
            weighted = xp.astype(self.masks[rows, :], lam.dtype) * lam[rows][:, None]
            total = total + self.X[rows, :].T @ weighted
        return total * self.signs[None, :]
