"""Hidden layers: predictions, and a loss's value and gradients, in one walk over the rows."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from cvxnn.linear_maps.chunks import Rows, Scratch, all_rows, chunk_of, row_segments, walk
from cvxnn.validation import n_columns

FloatArray = NDArray[Any]


def numpy_dtype(*arrays: Any) -> np.dtype[Any] | None:
    """Return the dtype a walk over NumPy arrays runs in, float32 or float64; None for other arrays."""
    if not all(isinstance(array, np.ndarray) for array in arrays):
        return None
    dtype = np.result_type(*arrays)
    return dtype if dtype in (np.float32, np.float64) else None


def relu_forward(X: Any, hidden: Any, output: Any) -> Any:
    """Return ``(X U)_+ A``.

    Parameters
    ----------
    X : array of shape (n, d)
        Data; may be a memory-mapped file.
    hidden : array of shape (d, m)
        Hidden weights U.
    output : array of shape (m,) or (m, C)
        Output weights A.

    Returns
    -------
    array of shape (n,) or (n, C)
        In the dtype that the three promote to.
    """
    dtype = numpy_dtype(X, hidden, output)
    if dtype is None:
        return _forward_anywhere(X, hidden, output)
    X, hidden, output = np.asarray(X), hidden.astype(dtype, copy=False), output.astype(dtype, copy=False)
    n, m = X.shape[0], hidden.shape[1]
    f = np.empty((n, *output.shape[1:]), dtype=dtype)
    # An array of zeros, not the number: NumPy's maximum takes 0.27 ns an entry with one and 0.45 with the other.
    zeros = np.zeros(m, dtype=dtype)

    def segment(_: int, chunks: Rows, buffers: Scratch) -> None:
        for rows in chunks:
            chunk = chunk_of(X, rows, dtype, buffers)
            Z = np.matmul(chunk, hidden, out=buffers.take("Z", (len(chunk), m), dtype))
            np.matmul(np.maximum(Z, zeros, out=Z), output, out=f[rows])

    walk(segment, row_segments(n, m, 0), n * m)
    return f


def _forward_anywhere(X: Any, hidden: Any, output: Any) -> Any:
    xp = array_namespace(X, hidden, output)
    parts = []
    for rows in all_rows(X.shape[0], hidden.shape[1]):
        Z = X[rows, :] @ hidden
        parts.append(xp.where(Z > 0, Z, xp.zeros_like(Z)) @ output)
    return xp.concat(parts, axis=0)


def gated_forward(X: FloatArray, gates: FloatArray, hidden: FloatArray, output: FloatArray) -> FloatArray:
    """Return ``(1[X G >= 0] * (X U)) A``.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data; may be a memory-mapped file.
    gates : ndarray of shape (d, m)
        Gates G.
    hidden : ndarray of shape (d, m)
        Hidden weights U.
    output : ndarray of shape (m,) or (m, C)
        Output weights A.

    Returns
    -------
    ndarray of shape (n,) or (n, C)
    """
    X, dtype = np.asarray(X), np.result_type(X, gates, hidden, output)
    n, m = X.shape[0], hidden.shape[1]
    f = np.empty((n, *output.shape[1:]), dtype=dtype)

    def segment(_: int, chunks: Rows, buffers: Scratch) -> None:
        for rows in chunks:
            chunk = chunk_of(X, rows, dtype, buffers)
            shape = (len(chunk), m)
            Z = np.matmul(chunk, gates, out=buffers.take("Z", shape, dtype))
            # ties are active, as in activation_patterns
            open_gates = np.greater_equal(Z, 0, out=buffers.take("active", shape, np.bool_))
            np.copyto(buffers.take("mask", shape, dtype), open_gates)
            np.matmul(chunk, hidden, out=Z)
            np.multiply(Z, buffers.take("mask", shape, dtype), out=Z)
            np.matmul(Z, output, out=f[rows])

    walk(segment, row_segments(n, m, 0), 2 * n * m)
    return f


def relu_value_and_gradients(
    X: Any, hidden: Any, output: Any, loss_gradient: Callable[[Any, slice], Any]
) -> tuple[Any, Any, Any]:
    """Return ``f = (X U)_+ A`` and the gradients of ``loss(f)`` with respect to U and A, in one walk.

    Parameters
    ----------
    X : array of shape (n, d)
        Data; may be a memory-mapped file.
    hidden : array of shape (d, m)
        Hidden weights U.
    output : array of shape (m,) or (m, C)
        Output weights A.
    loss_gradient : callable
        ``loss_gradient(f_chunk, rows)`` returns the gradient of a loss that is separable over samples on a slice
        of rows, shape of ``f_chunk``, which it must not change. Calls come from several threads, one at a time, for
        slices in any order: a floating-point sum that it adds to is not the same from run to run; take sums over
        samples from ``f`` afterwards.

    Returns
    -------
    f : array of shape (n,) or (n, C)
    hidden_gradient : array of shape (d, m)
    output_gradient : array of shape (m,) or (m, C)

    Notes
    -----
    At a kink the ReLU's derivative is taken as 0.

    With D the active entries, a chunk's part of the gradient for U is ``G = (diag(g) X)^T D``, scaled by a: rows of X
    are scaled, not the wider D. And ``sum_i g_i (x_i^T u_j)_+ = u_j^T G_j``, so the gradient for a takes no pass. With
    several outputs the part is ``X^T (D * g A^T)``, and the gradient for A ``(X U)_+^T g``.
    """
    dtype = numpy_dtype(X, hidden, output)
    if dtype is None:
        return _value_and_gradients_anywhere(X, hidden, output, loss_gradient)
    if n_columns(output.shape) > 1:
        return _several_outputs(X, hidden, output, loss_gradient, dtype)
    shape = output.shape[1:]  # () or (1,): what the caller's arrays of one output look like
    X, hidden, output = (
        np.asarray(X),
        hidden.astype(dtype, copy=False),
        output.reshape(-1).astype(dtype, copy=False),
    )
    n, (d, m) = X.shape[0], hidden.shape
    segments, one_at_a_time = row_segments(n, m, d), Lock()
    f, sums = np.empty(n, dtype=dtype), np.zeros((len(segments), d, m), dtype=dtype)

    def segment(k: int, chunks: Rows, buffers: Scratch) -> None:
        for rows in chunks:
            chunk, part = chunk_of(X, rows, dtype, buffers), f[rows]
            mask = _activate(chunk, hidden, output, part, buffers)
            with one_at_a_time:
                g = loss_gradient(part.reshape(-1, *shape), rows).reshape(-1)
            add_product(chunk, g, mask, sums[k], buffers)

    walk(segment, segments, 2 * n * m)
    total = sums.sum(axis=0)
    output_gradient = np.einsum("dm,dm->m", hidden, total)
    total *= output
    return f.reshape(n, *shape), total, output_gradient.reshape(m, *shape)


def _several_outputs(
    X: Any, hidden: Any, output: Any, loss_gradient: Callable[[Any, slice], Any], dtype: np.dtype[Any]
) -> tuple[Any, Any, Any]:
    X, hidden, output = np.asarray(X), hidden.astype(dtype, copy=False), output.astype(dtype, copy=False)
    n, (d, m), C = X.shape[0], hidden.shape, output.shape[1]
    segments, one_at_a_time, back = row_segments(n, m, d), Lock(), np.ascontiguousarray(output.T)
    f, sums = np.empty((n, C), dtype=dtype), np.zeros((len(segments), d + C, m), dtype=dtype)

    def segment(k: int, chunks: Rows, buffers: Scratch) -> None:
        for rows in chunks:
            chunk, part, shape = chunk_of(X, rows, dtype, buffers), f[rows], (rows.stop - rows.start, m)
            mask = _activate(chunk, hidden, output, part, buffers)
            Z = buffers.take("Z", shape, dtype)  # where `_activate` has left the activations
            with one_at_a_time:
                g = loss_gradient(part, rows)
            sums[k, d:] += np.matmul(g.T, Z, out=buffers.take("outputs", (C, m), dtype))
            np.multiply(np.matmul(g, back, out=Z), mask, out=Z)
            sums[k, :d] += np.matmul(chunk.T, Z, out=buffers.take("product", (d, m), dtype))

    walk(segment, segments, (2 + C) * n * m)
    total = sums.sum(axis=0)
    return f, total[:d], np.ascontiguousarray(total[d:].T)


def _activate(
    chunk: FloatArray, hidden: FloatArray, output: FloatArray, f: FloatArray, buffers: Scratch
) -> FloatArray:
    """Write ``(X U)_+ a`` of a chunk to f; return ``1[X U > 0]`` as numbers."""
    shape, dtype = (len(chunk), hidden.shape[1]), hidden.dtype
    Z = np.matmul(chunk, hidden, out=buffers.take("Z", shape, dtype))
    active = np.greater(Z, 0, out=buffers.take("active", shape, np.bool_))
    # Through a boolean: compared straight into numbers it takes 0.35 ns an entry, np.sign 0.59, this 0.31.
    mask = buffers.take("mask", shape, dtype)
    np.copyto(mask, active)
    np.matmul(np.multiply(Z, mask, out=Z), output, out=f)
    return mask


def add_product(
    chunk: FloatArray, weights: FloatArray, mask: FloatArray, total: FloatArray, buffers: Scratch
) -> None:
    """Add ``(diag(weights) X)^T mask`` of a chunk to ``total``, shape (d, m)."""
    d, dtype = chunk.shape[1], total.dtype
    weighted = np.multiply(chunk.T, weights, out=buffers.take("weighted", (d, len(chunk)), dtype))
    total += np.matmul(weighted, mask, out=buffers.take("product", total.shape, dtype))


def _value_and_gradients_anywhere(
    X: Any, hidden: Any, output: Any, loss_gradient: Callable[[Any, slice], Any]
) -> tuple[Any, Any, Any]:
    xp = array_namespace(X, hidden, output)
    weights = xp.reshape(output, (output.shape[0], n_columns(output.shape)))
    f, hidden_gradient, output_gradient = [], xp.zeros_like(hidden), xp.zeros_like(weights)
    for rows in all_rows(X.shape[0], hidden.shape[1]):
        chunk = X[rows, :]
        Z = chunk @ hidden
        active = xp.astype(Z > 0, Z.dtype)
        Z = Z * active
        f.append(Z @ output)
        g = xp.reshape(loss_gradient(f[-1], rows), (Z.shape[0], weights.shape[1]))
        output_gradient = output_gradient + Z.T @ g
        hidden_gradient = hidden_gradient + chunk.T @ (active * (g @ weights.T))
    return xp.concat(f, axis=0), hidden_gradient, xp.reshape(output_gradient, output.shape)
