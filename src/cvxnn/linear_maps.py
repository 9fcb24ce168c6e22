"""The maps that walk over the rows of X: hidden layers, masked blocks, and their adjoints.

Rows are taken in chunks so that a chunk's temporaries stay in cache and no array of n x P numbers is made. All
functions run on the namespace of the arrays they are given (Array API standard).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace, device
from threadpoolctl import threadpool_limits

# Entries of X below which BLAS gets one thread: products are over before a second one has started. On 200 rows, with
# the machine's other core busy, two threads took 5 times as long as one.
_SMALL = 1_000_000
# 1 MiB of float64 a temporary: a chunk's product and its mask then fit in a typical L2 cache.
_CHUNK_ENTRIES = 1 << 17


def fitting_blas_threads(X: Any) -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread where X is small, and what it was set to otherwise."""
    return threadpool_limits(limits=1, user_api="blas") if X.size < _SMALL else nullcontext()


def row_chunks(n_rows: int, width: int) -> Iterator[slice]:
    """Yield slices of rows so that a chunk of ``width`` columns has about 2^17 entries."""
    step = max(1, _CHUNK_ENTRIES // max(1, width))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def relu_forward(X: Any, hidden: Any, output: Any) -> Any:
    """Return ``(X U)_+ A``.

    Parameters
    ----------
    X : array of shape (n, d)
        Data.
    hidden : array of shape (d, m)
        Hidden weights U.
    output : array of shape (m,) or (m, C)
        Output weights A.

    Returns
    -------
    array of shape (n,) or (n, C)
    """
    xp = array_namespace(X, hidden, output)
    parts = []
    for rows in row_chunks(X.shape[0], hidden.shape[1]):
        Z = X[rows, :] @ hidden
        parts.append(xp.where(Z > 0, Z, xp.zeros_like(Z)) @ output)
    return xp.concat(parts, axis=0)


def relu_value_and_gradients(X: Any, hidden: Any, output: Any, loss_gradient: Any) -> tuple[Any, Any, Any]:
    """Return ``f = (X U)_+ a`` and the gradients of ``loss(f)`` with respect to U and a, in one walk.

    Parameters
    ----------
    X : array of shape (n, d)
        Data.
    hidden : array of shape (d, m)
        Hidden weights U.
    output : array of shape (m,)
        Output weights a.
    loss_gradient : callable
        ``loss_gradient(f_chunk, rows)`` returns the gradient of a loss that is separable over samples on a slice
        of rows, shape of ``f_chunk``.

    Returns
    -------
    f : array of shape (n,)
    hidden_gradient : array of shape (d, m)
    output_gradient : array of shape (m,)

    Notes
    -----
    At a kink the ReLU's derivative is taken as 0.
    """
    xp = array_namespace(X, hidden, output)
    f, hidden_gradient, output_gradient = [], xp.zeros_like(hidden), xp.zeros_like(output)
    for rows in row_chunks(X.shape[0], hidden.shape[1]):
        chunk = X[rows, :]
        Z = chunk @ hidden
        active = xp.astype(Z > 0, Z.dtype)
        Z = Z * active
        f.append(Z @ output)
        g = loss_gradient(f[-1], rows)
        output_gradient = output_gradient + g @ Z
        hidden_gradient = hidden_gradient + chunk.T @ (active * g[:, None])
    return xp.concat(f, axis=0), hidden_gradient * output[None, :], output_gradient


@dataclass(frozen=True, eq=False)
class MaskedMap:
    """The map ``W -> sum_b s_b D_b X w_b`` from blocks to predictions, and its adjoint.

    Parameters
    ----------
    X : array of shape (n, d)
        Data.
    masks : bool array of shape (n, B)
        Column b is the diagonal of D_b.
    signs : array of shape (B,)
        The signs s_b, +1 or -1.
    """

    X: Any  # (n, d)
    masks: Any  # (n, B) bool
    signs: Any  # (B,)

    def forward(self, W: Any) -> Any:
        """Return ``sum_b s_b D_b X w_b``, shape (n,), for blocks W of shape (d, B)."""
        xp = array_namespace(self.X, W)
        signed = W * self.signs[None, :]
        parts = []
        for rows in row_chunks(self.X.shape[0], W.shape[1]):
            Z = self.X[rows, :] @ signed
            parts.append(xp.sum(xp.where(self.masks[rows, :], Z, xp.zeros_like(Z)), axis=1))
        return xp.concat(parts, axis=0)

    def adjoint(self, lam: Any) -> Any:
        """Return the blocks ``s_b X^T D_b lam``, shape (d, B), for lam of shape (n,)."""
        xp = array_namespace(self.X, lam)
        total = xp.zeros((self.X.shape[1], self.masks.shape[1]), dtype=lam.dtype, device=device(lam))
        for rows in row_chunks(self.X.shape[0], self.masks.shape[1]):
            weighted = xp.astype(self.masks[rows, :], lam.dtype) * lam[rows][:, None]
            total = total + self.X[rows, :].T @ weighted
        return total * self.signs[None, :]
