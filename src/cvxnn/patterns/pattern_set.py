"""The value object of a list of activation patterns."""

from dataclasses import dataclass
from typing import Any, Self, SupportsIndex, final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cvxnn.patterns.activation import BoolArray
from cvxnn.patterns.packing import (
    PackedArray,
    first_occurrences,
    pack_gate_patterns,
    unpack_columns,
)
from cvxnn.validation import Array, as_finite_array


@final
@dataclass(frozen=True, eq=False, repr=False)
class ActivationPatterns:
    """Hold distinct activation patterns of one data set, packed, each with a gate that makes it.

    Laws: the patterns are distinct; column j is ``1[X g_j >= 0]`` for the gate g_j in column j of `gates`;
    permuting the samples permutes the rows. Build it with :meth:`from_gates`, or with ``enumerate_patterns``
    and ``sample_patterns``; `numpy.asarray` turns it into the (n, P) bool array.

    ``patterns[selection]`` keeps some columns and returns :class:`ActivationPatterns`: `selection` is an
    integer (one pattern), a list or array of integers without repetition, a bool mask of length P or a slice.
    The selection is complete only if the list was and every column is kept.

    Parameters
    ----------
    packed : ndarray of shape (P, ceil(n / 8)), uint8
        Row j holds the bits of pattern j, as `numpy.packbits` makes them; padding bits are zero.
    gates : ndarray of shape (d, P)
        Column j makes pattern j.
    n_samples : int
        n.
    complete : bool
        Whether the list holds every open cell of the arrangement of the data's rows.

    Raises
    ------
    ValueError
        If the shapes disagree, or a pattern is repeated.

    Examples
    --------
    >>> patterns = ActivationPatterns.from_gates([[1.0], [-2.0]], [[1.0, -1.0, 3.0]])
    >>> patterns
    ActivationPatterns(2 patterns of 2 samples, gates in R^1, not known to be complete)
    >>> np.asarray(patterns).astype(int)
    array([[1, 0],
           [0, 1]])
    >>> patterns[[1]].gates
    array([[-1.]])
    """

    packed: PackedArray  # (P, ceil(n / 8))
    gates: Array  # (d, P)
    n_samples: int
    complete: bool = False

    def __post_init__(self) -> None:
        _check_shapes(self.packed, self.gates, self.n_samples)
        n_distinct = len(first_occurrences(self.packed))
        if n_distinct != len(self):
            raise ValueError(
                f"packed must hold distinct patterns, found {n_distinct} distinct of {len(self)}"
            )
        object.__setattr__(self, "packed", _read_only(self.packed))
        object.__setattr__(self, "gates", _read_only(self.gates))

    @classmethod
    def from_gates(cls, X: ArrayLike, gates: ArrayLike, *, complete: bool = False) -> Self:
        """Evaluate gates on the data and keep the first gate of each pattern.

        Parameters
        ----------
        X : array_like of shape (n, d)
            The data.
        gates : array_like of shape (d, m)
            One gate a column.
        complete : bool, default False
            The caller's knowledge that these gates reach every open cell.

        Returns
        -------
        ActivationPatterns
            With P <= m patterns, in the order in which the gates first make them.

        Raises
        ------
        ValueError
            If `X` or `gates` is not finite, or their shapes disagree.

        Examples
        --------
        >>> len(ActivationPatterns.from_gates([[1.0, 0.0]], [[1.0, 2.0], [5.0, 7.0]]))
        1
        """
        data = as_finite_array(X, "X", (2,))
        columns = np.asarray(gates, dtype=np.float64)
        if columns.ndim != 2 or columns.shape[0] != data.shape[1]:
            raise ValueError(
                f"gates must have shape (d, m) with d = {data.shape[1]}, the columns of X; "
                f"found {columns.shape}"
            )
        packed = pack_gate_patterns(data, columns)
        first = first_occurrences(packed)
        return cls(packed[first], columns[:, first], data.shape[0], complete)

    def __len__(self) -> int:
        return int(self.packed.shape[0])

    def __getitem__(self, selection: SupportsIndex | slice | ArrayLike) -> Self:
        kept = np.atleast_1d(np.arange(len(self))[_as_index(selection, len(self))])
        if len(np.unique(kept)) != len(kept):
            raise ValueError("selection must not repeat a pattern, found a repeated index")
        whole = self.complete and len(kept) == len(self)
        return type(self)(self.packed[kept], self.gates[:, kept], self.n_samples, whole)

    def columns(self, start: int = 0, stop: int | None = None) -> BoolArray:
        """Unpack the patterns from `start` up to `stop`.

        Parameters
        ----------
        start : int, default 0
            First pattern.
        stop : int or None, default None
            One past the last pattern; None for P.

        Returns
        -------
        ndarray of shape (n, stop - start), bool
            One pattern a column. A fresh array: writing to it leaves the patterns alone.

        Examples
        --------
        >>> patterns = ActivationPatterns.from_gates([[1.0], [-2.0]], [[1.0, -1.0]])
        >>> patterns.columns(1, 2).ravel()
        array([False,  True])
        """
        return unpack_columns(self.packed[start:stop], self.n_samples)

    def union(self, other: Self) -> Self:
        """Append the patterns of `other` that are not here yet.

        Parameters
        ----------
        other : ActivationPatterns
            Patterns of the same data.

        Returns
        -------
        ActivationPatterns
            Complete if either is.

        Raises
        ------
        ValueError
            If the numbers of samples or features differ.

        Examples
        --------
        >>> up = ActivationPatterns.from_gates([[1.0], [-2.0]], [[1.0]])
        >>> down = ActivationPatterns.from_gates([[1.0], [-2.0]], [[-1.0]])
        >>> len(up.union(down)), len(up.union(up))
        (2, 1)
        """
        mine, theirs = (self.n_samples, len(self.gates)), (other.n_samples, len(other.gates))
        if mine != theirs:
            raise ValueError(f"other must have (n, d) = {mine}, found {theirs}")
        packed = np.concatenate([self.packed, other.packed])
        gates = np.concatenate([self.gates, other.gates], axis=1)
        first = first_occurrences(packed)
        return type(self)(packed[first], gates[:, first], self.n_samples, self.complete or other.complete)

    def with_gates(self, gates: Array) -> Self:
        """Return the same patterns with other gates, shape (d, P), of the data in other coordinates."""
        return type(self)(self.packed, gates, self.n_samples, self.complete)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("copy must not be False: packed patterns have to be unpacked into a new array")
        columns = self.columns()
        return columns if dtype is None else columns.astype(dtype, copy=False)

    def __repr__(self) -> str:
        known = "complete" if self.complete else "not known to be complete"
        noun = "pattern" if len(self) == 1 else "patterns"
        return (
            f"ActivationPatterns({len(self):,} {noun} of {self.n_samples:,} samples, "
            f"gates in R^{len(self.gates)}, {known})"
        )


def _check_shapes(packed: PackedArray, gates: Array, n_samples: int) -> None:
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, found {n_samples}")
    n_bytes = -(-n_samples // 8)
    if packed.ndim != 2 or packed.shape[1] != n_bytes or packed.dtype != np.uint8:
        raise ValueError(
            f"packed must be a uint8 array of shape (P, {n_bytes}) for {n_samples} samples, "
            f"found {packed.dtype} of shape {packed.shape}"
        )
    if gates.ndim != 2 or gates.shape[1] != packed.shape[0]:
        raise ValueError(f"gates must have shape (d, P) with P = {packed.shape[0]}, found {gates.shape}")


def _as_index(selection: SupportsIndex | slice | ArrayLike, n_patterns: int) -> Any:
    if isinstance(selection, slice):
        return selection
    index = np.asarray(selection)
    if index.dtype == np.bool_ and index.shape != (n_patterns,):
        raise ValueError(f"a mask must have shape ({n_patterns},), found {index.shape}")
    return index if index.size else index.astype(np.intp)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
