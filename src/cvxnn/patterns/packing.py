"""Patterns as bits: one row of bytes a pattern, and the search for repeated ones."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cvxnn.patterns.activation import BoolArray, activation_patterns
from cvxnn.validation import Array

PackedArray = NDArray[np.uint8]

# Booleans unpacked at a time: a few MiB, whatever the numbers of samples and patterns.
_CHUNK_ENTRIES = 1 << 22
# Booleans packed at a time.
_ROW_CHUNK_ENTRIES = 1 << 18


def pack_columns(columns: BoolArray) -> PackedArray:
    """Pack the columns of an (n, P) bool array into P rows of ceil(n / 8) bytes.

    Parameters
    ----------
    columns : ndarray of shape (n, P), bool
        One pattern a column.

    Returns
    -------
    ndarray of shape (P, ceil(n / 8)), uint8
        Padding bits are zero, so equal patterns have equal bytes.

    Examples
    --------
    >>> pack_columns(np.array([[True, False], [True, True]]))
    array([[192],
           [ 64]], dtype=uint8)
    """
    n, width = columns.shape
    if not columns.flags.c_contiguous or columns.size <= _CHUNK_ENTRIES:
        return np.packbits(columns.T, axis=1)
    # Chunk by chunk of rows, turned in cache: a third of the time of packing across rows, which itself is a tenth of
    # that of strides through the whole array.
    packed = np.empty((width, -(-n // 8)), dtype=np.uint8)
    size = max(8, _ROW_CHUNK_ENTRIES // width // 8 * 8)
    for start in range(0, n, size):
        bits = np.packbits(np.ascontiguousarray(columns[start : start + size].T), axis=1)
        packed[:, start // 8 : start // 8 + bits.shape[1]] = bits
    return packed


def unpack_columns(packed: PackedArray, n_samples: int) -> BoolArray:
    """Undo :func:`pack_columns`.

    Parameters
    ----------
    packed : ndarray of shape (P, ceil(n / 8)), uint8
        Packed patterns.
    n_samples : int
        n, which the number of bytes does not tell.

    Returns
    -------
    ndarray of shape (n, P), bool
        One pattern a column, contiguous by column.

    Examples
    --------
    >>> unpack_columns(np.array([[192], [64]], dtype=np.uint8), 2).astype(int)
    array([[1, 0],
           [1, 1]])
    """
    return np.unpackbits(packed, axis=1, count=n_samples).view(np.bool_).T


def first_occurrences(packed: PackedArray) -> NDArray[np.intp]:
    """Index the first occurrence of each distinct row, in the order of the rows.

    Rows are compared byte by byte only where their 64-bit fingerprints agree, so that distinct rows, the
    common case, are neither copied nor sorted.

    Parameters
    ----------
    packed : ndarray of shape (P, b), uint8
        Packed patterns, b >= 1.

    Returns
    -------
    ndarray of shape (at most P,), intp
        Increasing.

    Examples
    --------
    >>> first_occurrences(np.array([[7], [1], [7], [1]], dtype=np.uint8))
    array([0, 1])
    """
    prints = _fingerprints(packed)
    order = np.argsort(prints, kind="stable")
    agrees = prints[order[1:]] == prints[order[:-1]]
    shared = np.zeros(len(packed), dtype=np.bool_)
    shared[order[1:][agrees]] = True
    shared[order[:-1][agrees]] = True
    suspects = np.flatnonzero(shared)
    items = packed[suspects].view(np.dtype((np.void, packed.shape[1]))).ravel()
    kept = suspects[np.unique(items, return_index=True)[1]]
    return np.sort(np.concatenate([np.flatnonzero(~shared), kept]))


def _fingerprints(packed: PackedArray) -> NDArray[np.uint64]:
    """Hash rows to random combinations of their bytes modulo 2^64: different rows agree at odds of 2^-57."""
    weights = np.random.default_rng(64).integers(0, 2**64, size=packed.shape[1], dtype=np.uint64)
    prints = np.empty(len(packed), dtype=np.uint64)
    for chunk in pattern_chunks(packed.shape[1], len(packed)):
        prints[chunk] = packed[chunk].astype(np.uint64) @ weights
    return prints


def pack_gate_patterns(X: Array, gates: Array) -> PackedArray:
    """Evaluate and pack the patterns of many gates without holding them all unpacked.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The data.
    gates : ndarray of shape (d, P)
        One gate a column.

    Returns
    -------
    ndarray of shape (P, ceil(n / 8)), uint8
        Row j packs ``1[X g_j >= 0]``.

    Examples
    --------
    >>> pack_gate_patterns(np.array([[1.0], [-1.0]]), np.array([[2.0, -2.0]]))
    array([[128],
           [ 64]], dtype=uint8)
    """
    packed = np.empty((gates.shape[1], -(-X.shape[0] // 8)), dtype=np.uint8)
    for chunk in pattern_chunks(X.shape[0], gates.shape[1]):
        packed[chunk] = pack_columns(activation_patterns(X, gates[:, chunk]))
    return packed


def pattern_chunks(n_samples: int, n_patterns: int) -> Iterator[slice]:
    """Cut a range of patterns into slices whose unpacked (n, chunk) arrays stay small.

    Parameters
    ----------
    n_samples, n_patterns : int
        n and P.

    Yields
    ------
    slice
        Consecutive, covering 0 to P.

    Examples
    --------
    >>> list(pattern_chunks(1 << 22, 2))
    [slice(0, 1, None), slice(1, 2, None)]
    """
    size = max(1, _CHUNK_ENTRIES // n_samples)
    for start in range(0, n_patterns, size):
        yield slice(start, min(start + size, n_patterns))
