"""A network as other libraries hold it: two affine layers, each with its weights and its bias."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.networks import ReLUNetwork

_PRECISIONS = (np.dtype(np.float64), np.dtype(np.float32))


@dataclass(frozen=True, eq=False)
class Layers:
    """The function ``x -> (x^T W + v)_+ A + b``.

    Parameters
    ----------
    hidden : ndarray of shape (d, m)
        W, without the row of the hidden bias.
    hidden_bias : ndarray of shape (m,) or None
        v; None where the first layer has no bias.
    output : ndarray of shape (m, C)
        A.
    offset : ndarray of shape (C,)
        b.
    """

    hidden: NDArray[Any]  # (d, m)
    hidden_bias: NDArray[Any] | None  # (m,)
    output: NDArray[Any]  # (m, C)
    offset: NDArray[Any]  # (C,)

    @classmethod
    def of(cls, network: ReLUNetwork, *, hidden_bias: bool, dtype: Any = np.float64) -> Layers:
        """Return the layers of a network, in arrays of their own.

        Parameters
        ----------
        network : ReLUNetwork
            The network.
        hidden_bias : bool
            Whether the last row of ``network.hidden``, which multiplies a column of ones, is the hidden bias.
        dtype : {"float64", "float32"}
            Precision of the arrays.

        Raises
        ------
        ValueError
            If an argument is of another kind, the network has no feature besides the column of ones, or a weight is
            too large for ``dtype``.
        """
        _require_exportable(network, hidden_bias)
        precision = as_precision(dtype)
        rows = network.n_features - int(hidden_bias)
        return cls(
            hidden=_rounded(network.hidden[:rows], precision, "hidden"),
            hidden_bias=_rounded(network.hidden[-1], precision, "hidden") if hidden_bias else None,
            output=_rounded(network.output.reshape(-1, network.n_outputs), precision, "output"),
            offset=_rounded(network.offset, precision, "offset"),
        )

    def to_network(self) -> ReLUNetwork:
        """Return the network; a hidden bias becomes the last row of ``hidden``, whatever its values.

        One output gives output weights of shape (m,).
        """
        bias = [] if self.hidden_bias is None else [self.hidden_bias]
        output = self.output[:, 0] if self.output.shape[1] == 1 else self.output
        return ReLUNetwork(np.vstack([self.hidden, *bias]), output, self.offset)


def _require_exportable(network: ReLUNetwork, hidden_bias: bool) -> None:
    if not isinstance(network, ReLUNetwork):
        raise ValueError(f"network must be a ReLUNetwork; got {type(network).__name__}")
    if not isinstance(hidden_bias, bool | np.bool_):
        raise ValueError(f"hidden_bias must be True or False; got {hidden_bias!r}")
    if hidden_bias and network.n_features == 1:
        raise ValueError(
            "network must take a feature besides the column of ones with hidden_bias=True; it takes one in all"
        )


def as_precision(dtype: Any) -> np.dtype[Any]:
    """Return float64 or float32 from whatever names one of them; refuse all else."""
    precision: np.dtype[Any] | None = None
    if dtype is not None:  # which NumPy reads as float64
        with suppress(TypeError):
            precision = np.dtype(dtype)
    if precision is None or precision not in _PRECISIONS:
        raise ValueError(f"dtype must be 'float64' or 'float32'; got {dtype!r}")
    return precision


def _rounded(weights: NDArray[Any], precision: np.dtype[Any], name: str) -> NDArray[Any]:
    with np.errstate(over="ignore"):  # refused below
        rounded = weights.astype(precision, order="C")
    if not np.all(np.isfinite(rounded)):
        raise ValueError(
            f"network must have weights that {precision.name} can hold; {name} reaches "
            f"{np.max(np.abs(weights)):.3g}: try network.balance(), or dtype='float64'"
        )
    return rounded
