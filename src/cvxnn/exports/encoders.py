"""The fixed map before a network, as other libraries hold it: clipped ramps, or a layer of ReLUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.encoding import PiecewiseLinearEncoder, require_fitted
from cvxnn.exports.layers import Layers, as_precision
from cvxnn.networks import ReLUNetwork


@dataclass(frozen=True, eq=False)
class RampArrays:
    """The map ``x -> (x, clip((x[columns] - starts) / widths, 0, 1))``, in arrays of one precision.

    Parameters
    ----------
    n_columns : int
        d, the columns that come in.
    columns : ndarray of shape (R,), int64
        Which of them each ramp looks at.
    starts, widths : ndarray of shape (R,)
        Where each ramp starts, and the length of its interval, > 0.
    """

    n_columns: int
    columns: NDArray[np.int64]  # (R,)
    starts: NDArray[Any]  # (R,)
    widths: NDArray[Any]  # (R,)

    @classmethod
    def of(cls, encoder: PiecewiseLinearEncoder, *, dtype: Any = np.float64) -> RampArrays:
        """Return the arrays of a fitted encoder.

        Raises
        ------
        ValueError
            If an interval is too long or too short for ``dtype``.
        """
        ramps, precision = encoder.ramps_, as_precision(dtype)
        with np.errstate(over="ignore"):  # refused below
            widths = (ramps.ends - ramps.starts).astype(precision)
            starts = ramps.starts.astype(precision)
            slopes = 1 / widths if np.all(widths > 0) else np.full(1, np.inf)
        if not all(np.all(np.isfinite(array)) for array in (starts, widths, slopes)):
            raise ValueError(
                f"encoder must have intervals whose ends and slopes {precision.name} can hold; they are "
                f"{np.min(ramps.ends - ramps.starts):.3g} to {np.max(ramps.ends - ramps.starts):.3g} long: rescale "
                "the columns, or try dtype='float64'"
            )
        return cls(encoder.n_features_in_, ramps.columns.astype(np.int64), starts, widths)


@dataclass(frozen=True, eq=False)
class ReluLayer:
    """The same map as ``x -> (x^T V + v)_+ M + c``.

    A column with knots t_0 < ... < t_k has the neurons ``(x - t_i)_+`` and ``(t_0 - x)_+``, one without knots ``x_+``
    and ``(-x)_+``: a ramp is the difference of two of them, over the length of its interval.

    Parameters
    ----------
    weights : ndarray of shape (d, p)
        V.
    bias : ndarray of shape (p,)
        v.
    mixing : ndarray of shape (p, d + R)
        M.
    constant : ndarray of shape (d + R,)
        c.
    """

    weights: NDArray[np.float64]  # (d, p)
    bias: NDArray[np.float64]  # (p,)
    mixing: NDArray[np.float64]  # (p, d + R)
    constant: NDArray[np.float64]  # (d + R,)

    @classmethod
    def of(cls, encoder: PiecewiseLinearEncoder) -> ReluLayer:
        """Return the layer of a fitted encoder."""
        d = encoder.n_features_in_
        RampArrays.of(encoder)  # refuses lengths that are no numbers
        kinks = [ends if len(ends) else np.zeros(1) for ends in encoder.knots_]
        p = sum(len(ends) + 1 for ends in kinks)
        weights, bias = np.zeros((d, p)), np.zeros(p)
        mixing, constant = np.zeros((p, d + len(encoder.ramps_))), np.zeros(d + len(encoder.ramps_))
        unit, ramp = 0, d
        for column, ends in enumerate(kinks):
            k = len(ends)
            weights[column, unit : unit + k], bias[unit : unit + k] = 1.0, -ends
            weights[column, unit + k], bias[unit + k] = -1.0, ends[0]
            mixing[unit, column], mixing[unit + k, column], constant[column] = 1.0, -1.0, ends[0]
            for i, width in enumerate(np.diff(ends)):
                mixing[unit + i, ramp], mixing[unit + i + 1, ramp] = 1.0 / width, -1.0 / width
                ramp += 1
            unit += k + 1
        return cls(weights, bias, mixing, constant)

    def before(self, layers: Layers) -> Layers:
        """Return layers that compute of this layer's neurons what the given ones do of the encoded columns."""
        bias = np.zeros(layers.hidden.shape[1]) if layers.hidden_bias is None else layers.hidden_bias
        return Layers(
            self.mixing @ layers.hidden, self.constant @ layers.hidden + bias, layers.output, layers.offset
        )


def require_fitting(encoder: Any, network: ReLUNetwork, hidden_bias: bool) -> PiecewiseLinearEncoder | None:
    """Return the encoder, or None where there is none or it adds no ramp.

    Raises
    ------
    ValueError
        If it is something else, not fitted, or does not make the columns that the network takes.
    """
    if encoder is None:
        return None
    encoder = require_fitted(encoder)
    made, taken = encoder.n_features_in_ + len(encoder.ramps_), network.n_features - int(hidden_bias)
    if made != taken:
        ones = " besides the column of ones" if hidden_bias else ""
        raise ValueError(f"encoder must make the {taken} columns that network takes{ones}; it makes {made}")
    return encoder if len(encoder.ramps_) else None
