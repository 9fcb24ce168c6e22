"""Networks scaled to a smallest margin of one: directions of gradient flow made comparable."""

from __future__ import annotations

import numpy as np

from cvxnn.networks import ReLUNetwork
from cvxnn.theorems import HypothesisError
from cvxnn.validation import Array


def scaled_to_margin_one(X: Array, y: Array, network: ReLUNetwork) -> ReLUNetwork:
    """Return the network times the number that makes the smallest ``y_i f(x_i)`` one.

    Raises
    ------
    HypothesisError
        If that is not positive.
    ValueError
        If the network has another number of features, several outputs or an output offset.
    """
    if network.n_features != X.shape[1] or network.n_outputs != 1 or np.any(network.offset):
        raise ValueError(
            f"network must have {X.shape[1]} features, one output and no output offset; got {network!r} with offset "
            f"{network.offset}"
        )
    network = network.one_output()
    margins = y * network.predict(X)
    worst = int(np.argmin(margins))
    if margins[worst] <= 0:
        raise HypothesisError(
            f"network must separate the data; sample {worst} has the margin {margins[worst] + 0.0:.6g}"
        )
    root = np.sqrt(margins[worst])
    return ReLUNetwork(network.hidden / root, network.output / root)
