"""What the inputs of a network are: their names, whether the last is the hidden bias, and data to judge them by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cvxnn.validation import Array, as_finite_array

if TYPE_CHECKING:
    from cvxnn.encoding import PiecewiseLinearEncoder


@runtime_checkable
class TwoLayerNetwork(Protocol):
    """What is read here of a network: its weights and its activation patterns."""

    @property
    def hidden(self) -> Array:
        """Return the hidden weights, shape (d, m)."""

    @property
    def output(self) -> Array:
        """Return the output weights, shape (m,) or (m, C)."""

    @property
    def offset(self) -> Array:
        """Return the output offset, shape (C,)."""

    def patterns(self, X: Any) -> NDArray[np.bool_]:
        """Return the neurons' activation patterns, shape (n, m)."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """The features of a network.

    Parameters
    ----------
    names : tuple of str
        Names of the features, without the hidden bias.
    hidden_bias : bool
        Whether the network has one more input, a column of ones.
    X : ndarray of shape (n, len(names)) or None
        Data, without the column of ones.
    """

    names: tuple[str, ...]
    hidden_bias: bool
    X: Array | None

    @classmethod
    def of(
        cls,
        n_features: int,
        feature_names: Sequence[str] | None = None,
        X: Any = None,
        hidden_bias: bool | None = None,
        encoder: PiecewiseLinearEncoder | None = None,
    ) -> Inputs:
        """Return the inputs of a network of d features from what the user said of them.

        Parameters
        ----------
        n_features : int
            d.
        feature_names : sequence of str, optional
            d names, or d - 1 where the last feature is the hidden bias; by default the columns of `X`, or x0, x1, ...
        X : array_like of shape (n, d) or (n, d - 1), optional
            Data, with or without the column of ones.
        hidden_bias : bool, optional
            Whether the last feature is a column of ones. By default it is where d - 1 names are given or, without
            names, where `X` has d - 1 columns or ends in a column of ones.
        encoder : PiecewiseLinearEncoder, optional
            The map before the network: names and data are then those of its columns, without a column of ones.

        Raises
        ------
        ValueError
            If names, data, encoder and hidden bias do not fit each other and the network.
        """
        columns = getattr(X, "columns", None)
        X = None if X is None else as_finite_array(X, "X", (2,))
        names = None if feature_names is None else _as_names(feature_names, "feature_names")
        if encoder is not None:
            from cvxnn.encoding import require_fitted  # scikit-learn takes long to import

            names, X = _encoded(require_fitted(encoder), names or _names_of(columns), X)
            if len(names) not in (n_features, n_features - 1):
                raise ValueError(
                    f"encoder must make the columns that network takes, {n_features} with the column of ones, where "
                    f"there is one; it makes {len(names)}"
                )
        bias = _has_hidden_bias(n_features, names, X) if hidden_bias is None else bool(hidden_bias)
        width = n_features - bias
        if X is not None:
            X = _without_ones(X, width, bias)
        if names is None:
            names = _default_names(columns, width)
        if len(names) != width:
            raise ValueError(f"feature_names must be {_accepted(n_features, bias)}; got {len(names)} names")
        return cls(names, bias, X)

    @property
    def features(self) -> Array:
        """Return the data as the network takes them, shape (n, d); only where there are data."""
        if self.X is None:
            raise ValueError("X must be given; got None")
        return np.hstack([self.X, np.ones((len(self.X), 1))]) if self.hidden_bias else self.X

    @property
    def scales(self) -> Array:
        """Return the standard deviations of the features in the data; ones without data."""
        return np.ones(len(self.names)) if self.X is None else np.asarray(self.X.std(axis=0))

    def split(self, weights: Array) -> tuple[Array, Array]:
        """Return hidden weights (d, m) as weights of the named features and weights (m,) of the hidden bias."""
        if self.hidden_bias:
            return weights[:-1], weights[-1]
        return weights, np.zeros(weights.shape[1])


def _names_of(columns: Any) -> tuple[str, ...] | None:
    return None if columns is None else _as_names(list(columns), "the columns of X")


def _encoded(
    encoder: PiecewiseLinearEncoder, names: tuple[str, ...] | None, X: Array | None
) -> tuple[tuple[str, ...], Array | None]:
    """Return the names of an encoder's columns, and its columns, from those of raw columns."""
    d = encoder.n_features_in_
    if names is not None and len(names) != d:
        raise ValueError(
            f"feature_names must be {d} names, one for each column of the encoder; got {len(names)}"
        )
    if X is not None and X.shape[1] != d:
        raise ValueError(f"X must have the {d} columns of the encoder; got shape {X.shape}")
    if names is None:
        names = tuple(str(name) for name in getattr(encoder, "feature_names_in_", ())) or _default_names(
            None, d
        )
    return encoder.names_of(names), None if X is None else encoder.ramps_.beside(X)


def target_names_of(target_names: Sequence[str] | None, n_outputs: int) -> tuple[str, ...]:
    """Return names of the outputs: those given, or "output", or "output 0", "output 1", ...

    Raises
    ------
    ValueError
        If there are not as many names as outputs, or two are equal.
    """
    if target_names is None:
        return ("output",) if n_outputs == 1 else tuple(f"output {c}" for c in range(n_outputs))
    names = _as_names(target_names, "target_names")
    if len(names) != n_outputs:
        raise ValueError(f"target_names must be {n_outputs}, one for each output; got {len(names)}")
    return names


def _as_names(names: Sequence[str], argument: str) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ValueError(f"{argument} must be a sequence of names; got one string, {names!r}")
    given = tuple(str(name) for name in names)
    if len(set(given)) < len(given):
        twice = next(name for name in given if given.count(name) > 1)
        raise ValueError(f"{argument} must be distinct; got {twice!r} {given.count(twice)} times")
    return given


def _default_names(columns: Any, width: int) -> tuple[str, ...]:
    if columns is None:
        return tuple(f"x{k}" for k in range(width))
    return _as_names(list(columns)[:width], "the columns of X")


def _has_hidden_bias(n_features: int, names: tuple[str, ...] | None, X: Array | None) -> bool:
    if names is not None:
        return len(names) == n_features - 1
    return X is not None and (X.shape[1] == n_features - 1 or bool(np.all(X[:, -1] == 1.0)))


def _without_ones(X: Array, width: int, hidden_bias: bool) -> Array:
    if X.shape[1] == width:
        return X
    if hidden_bias and X.shape[1] == width + 1 and np.all(X[:, -1] == 1.0):
        return X[:, :-1]
    accepted = f"{width} columns" + (", which a column of ones may follow" if hidden_bias else "")
    raise ValueError(f"X must have {accepted}; got shape {X.shape}")


def _accepted(n_features: int, hidden_bias: bool) -> str:
    if hidden_bias:
        return f"{n_features - 1} names, one for each feature but the hidden bias"
    return f"{n_features} names, or {n_features - 1} where the last feature is the hidden bias"
