"""Networks, their exports and descriptions, losses and activations at extreme scales: right, or refused in words."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import GatedReLUNetwork, ReLUNetwork
from cvxnn.activations import get_activation
from cvxnn.exports import to_mlp_classifier, to_mlp_regressor, to_onnx
from cvxnn.interpretation import active_regions
from cvxnn.losses import LOSSES, get_loss
from cvxnn.validation import PrecisionError


def network(X, y):
    """Rows as neurons, targets as output weights: repeated, opposite and zero neurons of all sizes."""
    return ReLUNetwork(X.T, y)


def targets(name, y):
    if name == "multinomial":
        return np.eye(2)[(y > 0).astype(int)]
    return np.where(y > 0, 1.0, -1.0) if name in ("logistic", "hinge", "squared_hinge") else y


def of_loss(name, X, y):
    loss, y = get_loss(name), targets(name, y)
    f = np.column_stack([X[:, 0], -X[:, 0]]) if name == "multinomial" else X[:, 0]
    gradient = loss.gradient(f, y)
    curvature = loss.newton_weights(f, y) if loss.is_smooth else 0.0  # of a kink it is infinite
    return loss.value(f, y), gradient, loss.conjugate(gradient, y), curvature


CALLS = {
    "predict": lambda X, y: network(X, y).predict(X),
    "merge": lambda X, y: network(X, y).merge(X).predict(np.eye(X.shape[1])),
    "path_norm": lambda X, y: network(X, y).path_norm,
    "describe": lambda X, y: str(network(X, y).describe(X=X)),
    "active_regions": lambda X, y: str(active_regions(network(X, y), X)),
    "gated": lambda X, y: GatedReLUNetwork(X.T, X.T, y).predict(X),
    "gated describe": lambda X, y: str(GatedReLUNetwork(X.T, X.T, y).describe(X=X)),
    "to_mlp_classifier": lambda X, y: to_mlp_classifier(network(X, y), [0, 1]).coefs_,
    "to_onnx": lambda X, y: to_onnx(network(X, y)).ByteSize(),
    "to_onnx float32": lambda X, y: to_onnx(network(X, y), dtype="float32").ByteSize(),
    **{f"loss {name}": lambda X, y, name=name: of_loss(name, X, y) for name in LOSSES},
    **{
        f"activation {name}": lambda X, y, name=name: (
            get_activation(name).value(X),
            get_activation(name).derivative(X),
        )
        for name in ("relu", "step", "squared_relu", "sigmoid", "tanh", "identity")
    },
}


@pytest.mark.parametrize("name", CALLS)
def test_right_or_refused(name, awkward_samples, right_or_refused):
    answered = 0
    for case, (X, y) in awkward_samples.items():
        try:
            answered += right_or_refused(lambda X=X, y=y: CALLS[name](X, y)) is not None
        except Exception as error:
            raise AssertionError(f"{name} on {case}") from error
    assert answered > 10


def test_functions_are_kept_at_any_scale(awkward_samples):
    """Balancing, pruning zeros and the way to scikit-learn change no output, at any scale of the factors."""
    for X, y in awkward_samples.values():
        given, at = network(X, y), np.eye(X.shape[1])
        for same in (given.balance(), given.prune_zeros(), to_mlp_regressor(given)):
            # a sum of few products, each of which balancing rounds a few times
            size = np.maximum(at @ given.hidden, 0.0) @ np.abs(given.output)
            assert np.all(np.abs(same.predict(at) - given.predict(at)) <= 1e-14 * size)


def test_an_output_beyond_float64_is_named():
    for one in (ReLUNetwork([[1e200]], [1.0]), GatedReLUNetwork([[1.0]], [[1e200]], [1.0])):
        np.testing.assert_allclose(one.predict([[1e100]]), [1e300], rtol=1e-15)
        with pytest.raises(PrecisionError, match=r"X must be of a size .*; 1 of 2 outputs overflow"):
            one.predict([[1e100], [1e150]])
