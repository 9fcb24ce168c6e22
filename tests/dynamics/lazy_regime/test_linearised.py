"""The linearised network: first order, its kernel, its flow, and the kernel's limit in width."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from cvxnn import ReLUNetwork
from cvxnn.activations import get_activation
from cvxnn.dynamics.lazy_regime.linearised import infinite_width_kernel, linearise
from cvxnn.dynamics.starts.weights import Weights


def network_of(rng, d=3, m=5):
    return ReLUNetwork(rng.standard_normal((d, m)), rng.standard_normal(m))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", 2])
def test_features_are_the_finite_differences(activation):
    rng = np.random.default_rng(0)
    network, X, h = network_of(rng), rng.standard_normal((4, 3)), 1e-6
    sigma = get_activation(activation)
    theta = np.concatenate([network.hidden.ravel(), network.output])

    def f(weights):
        return sigma.value(X @ weights[:15].reshape(3, 5)) @ weights[15:]

    differences = np.column_stack([(f(theta + h * e) - f(theta - h * e)) / (2 * h) for e in np.eye(20)])
    found = linearise(network, activation=activation).features(X)
    np.testing.assert_allclose(found, differences, atol=1e-7)  # rounding of f over h, and h^2


def test_it_agrees_at_the_start_and_to_second_order_near_it():
    rng = np.random.default_rng(1)
    network, X = network_of(rng), rng.standard_normal((6, 3))
    linear = linearise(network)
    np.testing.assert_allclose(linear.predict(X), network.predict(X), rtol=1e-12)
    step = network_of(rng)
    errors = []
    for h in (1e-3, 1e-4):
        near = ReLUNetwork(network.hidden + h * step.hidden, network.output + h * step.output)
        change = np.concatenate([(near.hidden - network.hidden).ravel(), near.output - network.output])
        by_features = network.predict(X) + linear.features(X) @ change
        np.testing.assert_allclose(linear.predict(X, near), by_features, atol=1e-12)
        errors.append(np.max(np.abs(near.predict(X) - by_features)))
    assert errors[1] == pytest.approx(errors[0] / 100, rel=0.01)


def test_the_kernel_is_the_product_of_features_and_the_sum_of_layers():
    rng = np.random.default_rng(2)
    linear, X, Z = linearise(network_of(rng)), rng.standard_normal((4, 3)), rng.standard_normal((2, 3))
    np.testing.assert_allclose(
        linear.tangent_kernel(X, Z), linear.features(X) @ linear.features(Z).T, atol=1e-12
    )
    parts = [linear.tangent_kernel(X, layer=layer) for layer in ("hidden", "output")]
    np.testing.assert_allclose(linear.tangent_kernel(X), parts[0] + parts[1], atol=1e-12)
    assert linear.n_parameters == 20
    assert linear.least_eigenvalue(X) == pytest.approx(np.linalg.svd(linear.features(X))[1][-1] ** 2)


@pytest.mark.parametrize("layer", ["both", "hidden", "output"])
def test_its_flow_solves_the_differential_equation(layer):
    rng = np.random.default_rng(3)
    linear, X, Z = linearise(network_of(rng)), rng.standard_normal((4, 3)), rng.standard_normal((3, 3))
    y, times = rng.standard_normal(4), [0.0, 0.1, 1.0]
    J, JZ = linear.features(X), linear.features(Z)
    keep = np.ones(20, dtype=bool)
    if layer != "both":
        keep = (np.arange(20) < 15) == (layer == "hidden")
    J, JZ = J * keep, JZ * keep
    path = solve_ivp(
        lambda _, change: -J.T @ (linear.predict(X) + J @ change - y),
        (0, 1),
        np.zeros(20),
        t_eval=times,
        rtol=1e-10,
        atol=1e-12,
    )
    expected = linear.predict(Z) + (JZ @ path.y).T
    np.testing.assert_allclose(linear.flow(X, y, times, Z, layer=layer), expected, atol=1e-7)
    limit = linear.predict(Z) + JZ @ np.linalg.pinv(J) @ (y - linear.predict(X))
    np.testing.assert_allclose(linear.flow(X, y, [np.inf], Z, layer=layer)[0], limit, atol=1e-8)


def test_wide_kernels_tend_to_the_arc_cosine_closed_form():
    rng = np.random.default_rng(4)
    X, m = rng.standard_normal((5, 3)), 200_000
    norms = np.linalg.norm(X, axis=1)
    angle = np.arccos(np.clip(X @ X.T / np.outer(norms, norms), -1, 1))
    by_hand = 0.5 * (X @ X.T) * (np.pi - angle) / (2 * np.pi) + 2.0 * np.outer(norms, norms) * (
        np.sin(angle) + (np.pi - angle) * np.cos(angle)
    ) / (2 * np.pi)
    limit = infinite_width_kernel(X, hidden_variance=2.0, output_variance=0.5)
    np.testing.assert_allclose(limit, by_hand, atol=1e-7)  # arccos near 1 loses half of the digits
    wide = ReLUNetwork(2**0.5 * rng.standard_normal((3, m)), 0.5**0.5 * rng.standard_normal(m))
    found = linearise(wide).tangent_kernel(X) / m
    # five standard deviations of a mean of m terms, whose spread is below 10 max ||x||^2
    np.testing.assert_allclose(found, limit, atol=5 * 10 * norms.max() ** 2 / m**0.5)


def test_batches_and_bad_arguments():
    rng = np.random.default_rng(5)
    batch = Weights(rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 4)))
    np.testing.assert_array_equal(linearise(batch, index=1).hidden, batch.hidden[1])
    linear = linearise(network_of(rng))
    with pytest.raises(ValueError, match="layer"):
        linear.tangent_kernel(np.ones((1, 3)), layer="first")
    with pytest.raises(ValueError, match="X must have 3 columns"):
        linear.features(np.ones((1, 2)))
    with pytest.raises(ValueError, match="network"):
        linear.predict(np.ones((1, 3)), network_of(rng, m=2))
    with pytest.raises(ValueError, match="y must"):
        linear.flow(np.ones((1, 3)), [1.0, 2.0], [0.0])
    for index in (7, -1, 1.0):
        with pytest.raises(ValueError, match="index must be"):
            linearise(ReLUNetwork([[1.0]], [1.0]), index=index)
    with pytest.raises(ValueError, match="network must be a ReLUNetwork or Weights; got int"):
        linearise(3)
    for times in ([-1.0], [np.nan], 1.0, ["soon"]):
        with pytest.raises(ValueError, match="times must be numbers >= 0"):
            linearise(ReLUNetwork([[1.0]], [1.0])).flow([[1.0]], [2.0], times)
